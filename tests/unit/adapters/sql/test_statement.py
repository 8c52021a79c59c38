"""Statements that add many rows at once."""

import sqlite3

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects import postgresql, sqlite

from paygent.adapters.sql.statement import ROWS_AT_ONCE, Insertion

TABLE = Table("things", MetaData(), Column("name", Text, primary_key=True), Column("number", Integer))
MORE = "(name) DO UPDATE SET number = excluded.number"


@pytest.mark.parametrize("rows", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
def test_insertion_adds_every_row(rows: int) -> None:
    cursor = sqlite3.connect(":memory:").cursor()
    cursor.execute("CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER)")
    wanted = [(f"thing {number:03}", number) for number in range(rows)]
    Insertion(TABLE, sqlite.dialect()).run(cursor, wanted)

    found = cursor.execute("SELECT * FROM things ORDER BY name").fetchall()
    cursor.connection.close()

    assert wanted == found


def test_insertion_changes_a_row_that_is_there_when_told_how() -> None:
    cursor = sqlite3.connect(":memory:").cursor()
    cursor.execute("CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER)")
    insertion = Insertion(TABLE, sqlite.dialect(), on_conflict=MORE)
    insertion.run(cursor, [("old", 1)])
    insertion.run(cursor, [("new", 2), ("old", 3)])

    found = cursor.execute("SELECT * FROM things ORDER BY name").fetchall()
    cursor.connection.close()

    assert [("new", 2), ("old", 3)] == found


def test_insertion_compiles_for_postgresql() -> None:
    insertion = Insertion(TABLE, postgresql.dialect(paramstyle="format"), on_conflict=MORE)

    text = insertion._texts[2]

    assert 4 == text.count("%s")
    assert text.endswith(f" ON CONFLICT {MORE}")
