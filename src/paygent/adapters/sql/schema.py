"""The tables. Sums of money are decimal text, because they can pass 64 bits and must never be floating point."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision of the schema, oldest first; tests compare them with the migrations."""
REVISION_TABLE: Final = "paygent_revision"
"""Where Alembic notes the revision."""

metadata: Final = MetaData()
_ordinal = BigInteger().with_variant(Integer, "sqlite")


def _row() -> Column[int]:
    """Return the ordinal of a row: later ones are greater."""
    return Column("seq", _ordinal, primary_key=True)


def _row_and_id() -> tuple[Column[int], Column[str]]:
    return _row(), Column("id", Text, nullable=False, unique=True)


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    """Return columns of 64 bits."""
    return [Column(name, BigInteger, nullable=False) for name in names]


def _counts(*names: str) -> list[Column[int]]:
    """Return columns of 32 bits."""
    return [Column(name, Integer, nullable=False) for name in names]


def _flags(*names: str) -> list[Column[int]]:
    """Return columns of 0 or 1."""
    return [Column(name, SmallInteger, nullable=False) for name in names]


def _some(name: str, *columns: ColumnElement[Any], where: ColumnElement[bool]) -> Index:
    """Return an index of the rows for which `where` is true."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


payments: Final = Table(
    "payments",
    metadata,
    *_row_and_id(),
    *_texts("payer", "payee", "network", "asset", "amount", "host", "request"),
    Column("idempotency_key", Text),
    *_texts("state"),
    *_counts("version"),
    *_numbers("created_at", "lease_until"),
    *_flags("delivered", "unresolved"),
    *_texts("record"),
    Column("payload_header", Text),
    Column("payload_value", Text),
    Column("agent", Text),
    Column("session", Text),
    Column("service", Text),
    Column("counted", Text, nullable=False, server_default="0"),
)
"""One row a payment: what is searched in columns, the whole in `record`, the signed bytes apart.

`counted` is what statistics count: what was charged where that is known, the ceiling otherwise.
"""

moves: Final = Table(
    "moves",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    *_counts("version"),
    Column("event", Text),
    *_texts("state"),
    Column("at", BigInteger),
    *_texts("note"),
    PrimaryKeyConstraint("payment_id", "version"),
    sqlite_with_rowid=False,
)
"""Append-only; who appends a version that is there is late. No event and no time: something was only learned."""

budgets: Final = Table(
    "budgets",
    metadata,
    *_texts("scope", "span", "asset", "reserved", "committed"),
    PrimaryKeyConstraint("scope", "span", "asset"),
    sqlite_with_rowid=False,
)
"""The two sums of every window, kept while holds change, so that a check reads one row. `span` is the hold's window."""

holds: Final = Table(
    "holds",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    *_counts("position"),
    *_texts("scope", "span", "asset", "amount", "reserved", "committed"),
    Column("gas", SmallInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("payment_id", "position"),
    sqlite_with_rowid=False,
)
"""What each payment takes from each window: asked once, and counted now as reserved and committed.

`gas` is 1 where it is about what own transactions burn.
"""

nonces: Final = Table(
    "nonces",
    metadata,
    *_texts("network", "account"),
    *_numbers("nonce"),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    *_counts("step"),
    *_flags("free"),
    PrimaryKeyConstraint("network", "account", "nonce"),
    sqlite_with_rowid=False,
)
"""Every account nonce that was given to a step of a payment; `free` is 1 where it ended without signing for it."""

meta: Final = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    *_texts("value"),
    sqlite_with_rowid=False,
)
"""Facts of the installation, such as its secret."""

approvals: Final = Table(
    "approvals",
    metadata,
    *_row_and_id(),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    *_texts("state"),
    *_counts("needed"),
    *_numbers("created_at", "expires_at"),
    *_texts("facts", "decisions"),
)
"""One row a request for approval, with everything that was decided about it."""

halts: Final = Table(
    "halts",
    metadata,
    Column("scope", Text, primary_key=True),
    *_texts("halted_by", "reason"),
    *_numbers("at"),
    sqlite_with_rowid=False,
)
"""What is halted now."""

audit: Final = Table(
    "audit",
    metadata,
    Column("number", _ordinal, primary_key=True, autoincrement=False),
    *_numbers("at"),
    *_texts("kind", "facts", "hash"),
)
"""The audit log. A row's `previous` is the hash of the row before it."""

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    *_numbers("number"),
    *_texts("hash"),
)
"""The last row of the audit log, in one row that every transaction that writes locks first (see `worker`)."""

totals: Final = Table(
    "totals",
    metadata,
    *_numbers("day"),
    *_texts("asset", "service", "state"),
    *_numbers("payments"),
    *_texts("amount"),
    PrimaryKeyConstraint("day", "asset", "service", "state"),
    sqlite_with_rowid=False,
)
"""Counts and sums of each day's payments (days of UTC since 1970), kept while payments move. No service: ''."""

_exact: Final = Text().with_variant(Text(collation="C"), "postgresql")

services: Final = Table(
    "services",
    metadata,
    Column("id", _exact, primary_key=True),
    *_counts("version"),
    *_flags("active"),
    *_numbers("rank"),
    *_texts("category", "network", "asset", "model"),
    *_flags("mcp", "verified"),
    Column("dollars", BigInteger),
    *_texts("record"),
)
"""One row a registered service: what is searched in columns, the whole in `record`. `dollars` are millionths."""

service_words: Final = Table(
    "service_words",
    metadata,
    *_texts("word"),
    *_numbers("rank"),
    Column("service", _exact, nullable=False),
    *_flags("active"),
    *_texts("category"),
    *_flags("mcp"),
    Column("dollars", BigInteger),
    PrimaryKeyConstraint("service", "word"),
    sqlite_with_rowid=False,
)
"""The words that services are found by, with the service's rank and what is often asked for besides: a search reads one
index, the best first."""

service_prices: Final = Table(
    "service_prices",
    metadata,
    _row(),
    *_texts("service", "price"),
)
"""What services have cost, one row a change."""

sessions: Final = Table(
    "sessions",
    metadata,
    *_row_and_id(),
    *_texts("title", "state"),
    *_numbers("created_at"),
    Column("ended_at", BigInteger),
    Column("holder", Text),
    *_numbers("token", "lease_until", "events", "memories"),
)
"""One row a session, with its lease, and how many events and memories it ever had."""

runs: Final = Table(
    "runs",
    metadata,
    *_row_and_id(),
    Column("session", Text, ForeignKey("sessions.id"), nullable=False),
    *_texts("state"),
    *_counts("version"),
    *_texts("record"),
)
"""One row a run: what is searched in columns, the whole in `record`."""

run_events: Final = Table(
    "run_events",
    metadata,
    Column("session", Text, ForeignKey("sessions.id"), nullable=False),
    *_numbers("sequence"),
    *_texts("run", "step", "kind"),
    *_counts("ordinal"),
    *_numbers("at"),
    *_texts("agent", "facts"),
    PrimaryKeyConstraint("session", "sequence"),
    UniqueConstraint("session", "run", "step", "kind", "ordinal", name="run_events_by_name"),
    sqlite_with_rowid=False,
)
"""What was told, once each: a step that is executed again tells the same events."""

memories: Final = Table(
    "memories",
    metadata,
    Column("session", Text, ForeignKey("sessions.id"), nullable=False),
    *_numbers("number"),
    *_texts("run", "kind"),
    *_numbers("at"),
    *_texts("text"),
    PrimaryKeyConstraint("session", "number"),
    sqlite_with_rowid=False,
)
"""What sessions remember; the oldest are forgotten."""

is_unresolved = payments.c.unresolved == literal_column("1")
is_grant = moves.c.event == literal_column("'granted'")
is_pending = approvals.c.state == literal_column("'PENDING'")

_P: Final = payments.c
_some("payments_by_key", _P.payer, _P.idempotency_key, _P.seq, where=_P.idempotency_key.is_not(None))
Index("payments_by_request", _P.payer, _P.request, _P.seq)
Index("payments_by_state", _P.state, _P.seq)
_some("payments_unresolved", _P.seq, where=is_unresolved)
Index("payments_by_time", _P.created_at, _P.seq)
Index("payments_by_state_and_time", _P.state, _P.created_at, _P.seq)
for _name in ("asset", "host"):
    Index(f"payments_by_{_name}", _P[_name], _P.created_at, _P.seq)
for _name in ("agent", "service"):
    _some(f"payments_by_{_name}", _P[_name], _P.created_at, _P.seq, where=_P[_name].is_not(None))
_some("moves_granted", moves.c.at, where=is_grant)
Index("nonces_by_payment", nonces.c.payment_id)
_some("approvals_pending", approvals.c.seq, where=is_pending)
_S: Final = services.c
_best_first: Final = (_S.rank.desc(), _S.id, _S.dollars)
for _name in ("category", "network", "asset", "mcp"):
    _some(f"services_by_{_name}", _S[_name], *_best_first, where=_S.active == literal_column("1"))
Index("services_by_rank", *_best_first)
Index("runs_by_session", runs.c.session, runs.c.seq)
_W: Final = service_words.c
Index("service_words_by_rank", _W.word, _W.rank.desc(), _W.service, _W.active, _W.category, _W.mcp, _W.dollars)
Index("service_prices_by_service", service_prices.c.service, service_prices.c.seq)
