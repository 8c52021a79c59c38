"""The tables. Sums of money are decimal text, because they can pass 64 bits and must never be floating point."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    literal_column,
)

REVISIONS: Final = ("0001",)
"""Every revision of the schema, oldest first; tests compare them with the migrations."""
REVISION_TABLE: Final = "paygent_revision"
"""Where Alembic notes the revision."""

metadata: Final = MetaData()
_ordinal = BigInteger().with_variant(Integer, "sqlite")

payments: Final = Table(
    "payments",
    metadata,
    Column("seq", _ordinal, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("payer", Text, nullable=False),
    Column("payee", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("delivered", SmallInteger, nullable=False),
    Column("unresolved", SmallInteger, nullable=False),
    Column("record", Text, nullable=False),
    Column("payload_header", Text),
    Column("payload_value", Text),
)
"""One row a payment: what is searched in columns, the whole in `record`, the signed bytes apart."""

moves: Final = Table(
    "moves",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", Text),
    Column("state", Text, nullable=False),
    Column("at", BigInteger),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("payment_id", "version"),
    sqlite_with_rowid=False,
)
"""Append-only; who appends a version that is there is late. No event and no time: something was only learned."""

budgets: Final = Table(
    "budgets",
    metadata,
    Column("scope", Text, nullable=False),
    Column("span", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("reserved", Text, nullable=False),
    Column("committed", Text, nullable=False),
    PrimaryKeyConstraint("scope", "span", "asset"),
    sqlite_with_rowid=False,
)
"""The two sums of every window, kept while holds change, so that a check reads one row. `span` is the hold's window."""

holds: Final = Table(
    "holds",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("span", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("reserved", Text, nullable=False),
    Column("committed", Text, nullable=False),
    PrimaryKeyConstraint("payment_id", "position"),
    sqlite_with_rowid=False,
)
"""What each payment takes from each window: asked once, and counted now as reserved and committed."""

meta: Final = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Facts of the installation, such as its secret."""

is_unresolved = payments.c.unresolved == literal_column("1")
_has_key = payments.c.idempotency_key.is_not(None)
Index(
    "payments_by_key",
    payments.c.payer,
    payments.c.idempotency_key,
    payments.c.seq,
    sqlite_where=_has_key,
    postgresql_where=_has_key,
)
Index("payments_by_request", payments.c.payer, payments.c.request, payments.c.seq)
Index("payments_by_state", payments.c.state, payments.c.seq)
Index("payments_unresolved", payments.c.seq, sqlite_where=is_unresolved, postgresql_where=is_unresolved)
