"""Services that were registered before are found by their host as well."""

import json

import sqlalchemy as sa
from alembic import op

from paygent.adapters.sql.services import host_word

revision = "0006"
down_revision = "0005"

_FOUND = "SELECT rank, id, active, category, mcp, dollars, record FROM services"
_ADD = """
    INSERT INTO service_words (word, rank, service, active, category, mcp, dollars)
    VALUES (:word, :rank, :service, :active, :category, :mcp, :dollars)
"""


def upgrade() -> None:
    database = op.get_bind()
    for rank, service, active, category, mcp, dollars, record in database.execute(sa.text(_FOUND)).all():
        word = host_word(json.loads(record)["service"]["url"])
        values = {"rank": rank, "service": service, "active": active, "category": category, "mcp": mcp}
        database.execute(sa.text(_ADD), {"word": word, "dollars": dollars, **values})
