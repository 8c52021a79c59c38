"""Payments, approvals, halts and the audit log in a SQL database: SQLite or PostgreSQL, durable by default."""

from paygent.adapters.sql.journal import SqlJournal, open_journal
from paygent.adapters.sql.revision import upgrade
from paygent.adapters.sql.sessions import SqlSessions

__all__ = ["SqlJournal", "SqlSessions", "open_journal", "upgrade"]
