"""Who pays, approvals, halts, the audit log, and what makes looking back fast."""

import json
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ORDINAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _widen_payments()
    _add_approvals_and_halts()
    _add_audit()
    _add_totals()
    _add_indexes()


def _widen_payments() -> None:
    for name in ("agent", "session", "service"):
        op.add_column("payments", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("counted", sa.Text(), nullable=False, server_default="0"))


def _add_approvals_and_halts() -> None:
    op.create_table(
        "approvals",
        sa.Column("seq", _ORDINAL, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"]),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("payment_id"),
    )
    op.create_table(
        "halts",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("halted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
        sqlite_with_rowid=False,
    )


def _add_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", _ORDINAL, nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": "0" * 64}])


def _add_totals() -> None:
    """Count the payments that are there; none of them names a service yet."""
    totals = op.create_table(
        "totals",
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payments", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "asset", "service", "state"),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    counts: defaultdict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    rows = connection.execute(sa.text("SELECT seq, created_at, asset, state, amount, record FROM payments")).all()
    for seq, created_at, asset, state, amount, record in rows:
        counted = _counted(state, amount, record)
        connection.execute(
            sa.text("UPDATE payments SET counted = :counted WHERE seq = :seq"), {"counted": counted, "seq": seq}
        )
        total = counts[created_at // 86_400, asset, state]
        total[0] += 1
        total[1] += int(counted)
    op.bulk_insert(
        totals,
        [
            {"day": day, "asset": asset, "service": "", "state": state, "payments": payments, "amount": str(amount)}
            for (day, asset, state), (payments, amount) in sorted(counts.items())
        ],
    )


def _counted(state: str, amount: str, record: str) -> str:
    receipt = json.loads(record)["receipt"] if state == "SETTLED" else None
    return amount if receipt is None else str(receipt["amount"][0])


def _add_indexes() -> None:
    op.create_index("payments_by_time", "payments", ["created_at", "seq"])
    for name, column in (("state_and_time", "state"), ("asset", "asset"), ("host", "host")):
        op.create_index(f"payments_by_{name}", "payments", [column, "created_at", "seq"])
    for column in ("agent", "service"):
        op.create_index(
            f"payments_by_{column}",
            "payments",
            [column, "created_at", "seq"],
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "approvals_pending",
        "approvals",
        ["seq"],
        sqlite_where=sa.text("state = 'PENDING'"),
        postgresql_where=sa.text("state = 'PENDING'"),
    )
