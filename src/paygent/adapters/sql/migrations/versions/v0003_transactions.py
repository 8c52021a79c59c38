"""Account nonces of own transactions, and limits on what their gas costs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("holds", sa.Column("gas", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_table(
        "nonces",
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("free", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"]),
        sa.PrimaryKeyConstraint("network", "account", "nonce"),
        sqlite_with_rowid=False,
    )
    op.create_index("nonces_by_payment", "nonces", ["payment_id"])
