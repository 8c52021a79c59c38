"""The registry of paid services: what they are found by, and what they have cost."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ORDINAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _add_services()
    op.create_table(
        "service_words",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("service", _EXACT, nullable=False),
        sa.Column("active", sa.SmallInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("mcp", sa.SmallInteger(), nullable=False),
        sa.Column("dollars", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("service", "word"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "service_words_by_rank",
        "service_words",
        ["word", sa.text("rank DESC"), "service", "active", "category", "mcp", "dollars"],
    )
    op.create_table(
        "service_prices",
        sa.Column("seq", _ORDINAL, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("price", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("service_prices_by_service", "service_prices", ["service", "seq"])


def _add_services() -> None:
    op.create_table(
        "services",
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.SmallInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("mcp", sa.SmallInteger(), nullable=False),
        sa.Column("verified", sa.SmallInteger(), nullable=False),
        sa.Column("dollars", sa.BigInteger(), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("category", "network", "asset", "mcp"):
        op.create_index(
            f"services_by_{name}",
            "services",
            [name, sa.text("rank DESC"), "id", "dollars"],
            sqlite_where=sa.text("active = 1"),
            postgresql_where=sa.text("active = 1"),
        )
    op.create_index("services_by_rank", "services", [sa.text("rank DESC"), "id", "dollars"])
