"""What waited for people is found by when it went on."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    granted = sa.text("event = 'granted'")
    op.create_index("moves_granted", "moves", ["at"], sqlite_where=granted, postgresql_where=granted)
