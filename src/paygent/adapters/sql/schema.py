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
    UniqueConstraint,
    literal_column,
)

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")
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
    Column("network", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("free", SmallInteger, nullable=False),
    PrimaryKeyConstraint("network", "account", "nonce"),
    sqlite_with_rowid=False,
)
"""Every account nonce that was given to a step of a payment; `free` is 1 where it ended without signing for it."""

meta: Final = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Facts of the installation, such as its secret."""

approvals: Final = Table(
    "approvals",
    metadata,
    Column("seq", _ordinal, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
    Column("decisions", Text, nullable=False),
)
"""One row a request for approval, with everything that was decided about it."""

halts: Final = Table(
    "halts",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("halted_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What is halted now."""

audit: Final = Table(
    "audit",
    metadata,
    Column("number", _ordinal, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""The audit log. A row's `previous` is the hash of the row before it."""

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)
"""The last row of the audit log, in one row that every transaction that writes locks first (see `worker`)."""

totals: Final = Table(
    "totals",
    metadata,
    Column("day", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("payments", BigInteger, nullable=False),
    Column("amount", Text, nullable=False),
    PrimaryKeyConstraint("day", "asset", "service", "state"),
    sqlite_with_rowid=False,
)
"""Counts and sums of each day's payments (days of UTC since 1970), kept while payments move. No service: ''."""

_exact: Final = Text().with_variant(Text(collation="C"), "postgresql")

services: Final = Table(
    "services",
    metadata,
    Column("id", _exact, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("active", SmallInteger, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("category", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("mcp", SmallInteger, nullable=False),
    Column("verified", SmallInteger, nullable=False),
    Column("dollars", BigInteger),
    Column("record", Text, nullable=False),
)
"""One row a registered service: what is searched in columns, the whole in `record`. `dollars` are millionths."""

service_words: Final = Table(
    "service_words",
    metadata,
    Column("word", Text, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("service", _exact, nullable=False),
    Column("active", SmallInteger, nullable=False),
    Column("category", Text, nullable=False),
    Column("mcp", SmallInteger, nullable=False),
    Column("dollars", BigInteger),
    PrimaryKeyConstraint("service", "word"),
    sqlite_with_rowid=False,
)
"""The words that services are found by, with the service's rank and what is often asked for besides: a search reads one
index, the best first."""

service_prices: Final = Table(
    "service_prices",
    metadata,
    Column("seq", _ordinal, primary_key=True),
    Column("service", Text, nullable=False),
    Column("price", Text, nullable=False),
)
"""What services have cost, one row a change."""

sessions: Final = Table(
    "sessions",
    metadata,
    Column("seq", _ordinal, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("holder", Text),
    Column("token", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("memories", BigInteger, nullable=False),
)
"""One row a session, with its lease, and how many events and memories it ever had."""

runs: Final = Table(
    "runs",
    metadata,
    Column("seq", _ordinal, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("session", Text, ForeignKey("sessions.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("record", Text, nullable=False),
)
"""One row a run: what is searched in columns, the whole in `record`."""

run_events: Final = Table(
    "run_events",
    metadata,
    Column("session", Text, ForeignKey("sessions.id"), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("agent", Text, nullable=False),
    Column("facts", Text, nullable=False),
    PrimaryKeyConstraint("session", "sequence"),
    UniqueConstraint("session", "run", "step", "kind", "ordinal", name="run_events_by_name"),
    sqlite_with_rowid=False,
)
"""What was told, once each: a step that is executed again tells the same events."""

memories: Final = Table(
    "memories",
    metadata,
    Column("session", Text, ForeignKey("sessions.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("session", "number"),
    sqlite_with_rowid=False,
)
"""What sessions remember; the oldest are forgotten."""

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
Index("nonces_by_payment", nonces.c.payment_id)
Index("payments_by_request", payments.c.payer, payments.c.request, payments.c.seq)
Index("payments_by_state", payments.c.state, payments.c.seq)
Index("payments_unresolved", payments.c.seq, sqlite_where=is_unresolved, postgresql_where=is_unresolved)
_has_agent, _has_service = payments.c.agent.is_not(None), payments.c.service.is_not(None)
Index("payments_by_time", payments.c.created_at, payments.c.seq)
Index("payments_by_state_and_time", payments.c.state, payments.c.created_at, payments.c.seq)
Index("payments_by_asset", payments.c.asset, payments.c.created_at, payments.c.seq)
Index("payments_by_host", payments.c.host, payments.c.created_at, payments.c.seq)
Index(
    "payments_by_agent",
    payments.c.agent,
    payments.c.created_at,
    payments.c.seq,
    sqlite_where=_has_agent,
    postgresql_where=_has_agent,
)
Index(
    "payments_by_service",
    payments.c.service,
    payments.c.created_at,
    payments.c.seq,
    sqlite_where=_has_service,
    postgresql_where=_has_service,
)
is_pending = approvals.c.state == literal_column("'PENDING'")
Index("approvals_pending", approvals.c.seq, sqlite_where=is_pending, postgresql_where=is_pending)
_is_active = services.c.active == literal_column("1")
for _name in ("category", "network", "asset", "mcp"):
    Index(
        f"services_by_{_name}",
        services.c[_name],
        services.c.rank.desc(),
        services.c.id,
        services.c.dollars,
        sqlite_where=_is_active,
        postgresql_where=_is_active,
    )
Index("services_by_rank", services.c.rank.desc(), services.c.id, services.c.dollars)
Index("runs_by_session", runs.c.session, runs.c.seq)
_asked: Final = ("active", "category", "mcp", "dollars")
Index(
    "service_words_by_rank",
    service_words.c.word,
    service_words.c.rank.desc(),
    service_words.c.service,
    *(service_words.c[_name] for _name in _asked),
)
Index("service_prices_by_service", service_prices.c.service, service_prices.c.seq)
