"""What a PostgreSQL server has of a journal: emptied before a test, and whole after it."""

import psycopg

from paygent.adapters.sql import SqlJournal
from paygent.adapters.sql.schema import metadata
from paygent.core.audit import first_break
from paygent.testing.conformance.steps import used


def emptied(url: str) -> str:
    """Return the URL of a database with tables, after emptying them."""
    names = ", ".join(metadata.tables.keys() - {"audit_head"})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
        connection.execute("UPDATE audit_head SET number = 0, hash = repeat('0', 64)")
    return url


async def check(journal: SqlJournal, *, payments: int, moves: int = 0) -> None:
    """So many are there, each opened with a hold of one, and moved so often; with their rows, whose chain is whole."""
    stored = (await journal.page(limit=100)).payments
    rows = await journal.entries()
    assert payments == len(stored)
    assert payments + moves == len(rows)
    assert first_break(rows) is None
    assert (payments, 0) == await used(journal)
