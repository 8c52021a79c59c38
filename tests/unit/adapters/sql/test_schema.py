"""The migrations make the tables that the code knows, and SQLite uses the indexes meant for it."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

from paygent.adapters.sql.revision import MIGRATIONS
from paygent.adapters.sql.schema import REVISION_TABLE, REVISIONS, metadata
from paygent.adapters.sql.sqlite import statements
from paygent.adapters.sql.statements import Statements


def test_migrations_make_the_schema(file: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE, "compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert [] == differences


def test_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]

    assert list(REVISIONS) == walked[::-1]


def test_money_is_text_in_every_table() -> None:
    money = {"amount", "reserved", "committed"}
    kinds = {type(column.type) for table in metadata.tables.values() for column in table.c if column.name in money}

    assert {sa.Text} == kinds


def test_statements_are_portable() -> None:
    """The same statements compile for PostgreSQL, and lock the one row there that every write begins with."""
    for_postgresql = Statements(postgresql.dialect(paramstyle="format"))

    assert "FOR UPDATE" in for_postgresql.decisions.head._sql
    assert "FOR UPDATE" not in for_postgresql.decisions.read_head._sql


@pytest.mark.parametrize(
    ("names", "index"),
    [
        ("", "payments_by_time"),
        ("state", "payments_by_state_and_time"),
        ("service", "payments_by_service"),
        ("agent", "payments_by_agent"),
        ("asset", "payments_by_asset"),
        ("host", "payments_by_host"),
        ("session", "payments_by_time"),
        ("host state", "payments_by_"),
        ("asset service state", "payments_by_"),
    ],
)
def test_history_is_answered_by_its_index_without_sorting(file: Path, names: str, index: str) -> None:
    statement = statements().history.page(frozenset(names.split()))
    connection = sqlite3.connect(file)
    parameters = ["1"] * statement._sql.count("?")
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement._sql}", parameters))
    connection.close()

    assert index in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(("names", "index"), [("", "payments_by_time"), ("agent", "payments_by_agent")])
def test_payments_made_of_late_are_answered_by_their_indexes(file: Path, names: str, index: str) -> None:
    statement = statements().history.reserved(frozenset(names.split()))
    connection = sqlite3.connect(file)
    parameters = ["1"] * statement._sql.count("?")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement._sql}", parameters)]
    connection.close()

    searches = [line.partition(" (")[0] for line in plan if line.startswith(("SEARCH", "SCAN"))]
    assert [
        f"SEARCH payments USING INDEX {index}",
        "SEARCH moves USING INDEX moves_granted",
        "SEARCH payments USING INDEX sqlite_autoindex_payments_1",
    ] == searches


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("approval", "sqlite_autoindex_approvals_1"),
        ("approval_of", "sqlite_autoindex_approvals_2"),
        ("pending", "approvals_pending"),
        ("audit_rows", "INTEGER PRIMARY KEY"),
        ("head", "sqlite_autoindex_audit_head_1"),
    ],
)
def test_decision_is_answered_by_its_index_without_sorting(file: Path, name: str, index: str) -> None:
    statement = getattr(statements().decisions, name)
    connection = sqlite3.connect(file)
    parameters = ["1"] * statement._sql.count("?")
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement._sql}", parameters))
    connection.close()

    assert index in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("is_there", "sqlite_autoindex_payments_1"),
        ("by_id", "sqlite_autoindex_payments_1"),
        ("key_blocker", "payments_by_key"),
        ("by_key", "payments_by_key"),
        ("repeat_blocker", "payments_by_request"),
        ("by_request", "payments_by_request"),
        ("any_state", "INTEGER PRIMARY KEY"),
        ("one_state", "payments_by_state"),
        ("unresolved", "payments_unresolved"),
        ("holds", "PRIMARY KEY"),
    ],
)
def test_statement_is_answered_by_its_index_without_sorting(file: Path, name: str, index: str) -> None:
    statement = getattr(statements(), name)
    connection = sqlite3.connect(file)
    parameters = ["1"] * statement._sql.count("?")
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement._sql}", parameters))
    connection.close()

    assert index in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("windows", [1, 2, 16])
def test_sums_of_windows_are_found_by_their_key(file: Path, windows: int) -> None:
    statement = statements().sums(windows)
    connection = sqlite3.connect(file)
    parameters = ["1"] * statement._sql.count("?")
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement._sql}", parameters))
    connection.close()

    assert windows == plan.count("SEARCH budgets USING PRIMARY KEY")
    assert "SCAN budgets" not in plan
