"""The benchmark runs, and prints every row; how fast anything is does not matter here."""

import io
import json

import pytest
from rich.console import Console

from tests.bench.__main__ import main
from tests.bench.report import Row, show

ROWS = [
    ("build and sign one exact payload", "official scheme"),
    ("build and sign one exact payload", "bare libsecp256k1 signature"),
    ("choose an offer, build, sign, write the header", "official SDK"),
    ("exchange until the answer, journal in memory", "official SDK, no journal, no proof"),
    ("exchange, proven on chain, journal in memory", "official SDK, no journal, no proof"),
    ("exchange, proven on chain, journal in memory", "two bare httpx GETs"),
    ("exchange, proven on chain, durable journal", "official SDK, no journal, no proof"),
    ("what the durable journal adds to an exchange", "4 bare durable commits"),
    ("one of 100 exchanges at once, journal in memory", "official SDK, no journal, no proof"),
    ("one of 100 exchanges at once, durable journal", "official SDK, no journal, no proof"),
    ("one of 100 exchanges at once, durable journal", "4 bare durable commits"),
    ("memory of 1,000 payments in flight", "official SDK, no journal, no proof"),
    ("memory of 1,000 payments in flight", "bare httpx GETs in flight"),
    ("a page of 2,000 services: category, price, reputation", "20 rows by the same index"),
    ("a page of 2,000 services: word, category, MCP", "20 rows by the same index"),
    ("a page of 2,000 services: two words, dearest few", "20 rows by the same index"),
    ("a page of 2,000 services: from the cache", "20 rows by the same index"),
    ("50 token balances in one call", "50 calls, ten at once"),
    ("a command, from the call to the first signature", "bare graph of the same nodes, until it acts"),
    ("an event, from its record to the listener", "5 ms"),
    ("one of 10 sessions at once, a paid command each", "a command alone, to its first signature"),
    ("judge a payment: 30 rules, 10 scopes", "what it holds, found again"),
    ("reserve on SQLite, 10 scopes", "bare durable commit of the same rows"),
    ("reserve on SQLite, 10 scopes", "the same commit, awaited from a thread"),
    ("one of 100 reserves at once, 10 scopes", "bare group commit of the same rows"),
    ("history of 2,000 payments: first page", "50 rows by their key"),
    ("history of 2,000 payments: first page of an agent's settled ones", "50 rows by their key"),
    ("history of 2,000 payments: sums of 10 windows", "50 rows by their key"),
    ("one of 50 reserves at once on PostgreSQL, 2 processes", "bare transactions of as many rows, 2 processes"),
    ("one of 20 transfers by 2 processes, one durable store", "signed bytes sent, until mined"),
    ("import paygent", "official EVM client"),
    ("from paygent import X402Client", "official EVM client"),
    ("everything until a client can pay", "official EVM client"),
]


def test_quick_run_measures_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--json"])

    rows = json.loads(capsys.readouterr().out)["rows"]
    assert ROWS == [(row["name"], row["peer_name"]) for row in rows]
    assert [] == [row for row in rows if row["peer"] <= 0 or row["ratio"] is None]


def test_table_shows_every_row() -> None:
    said = io.StringIO()
    rows = [Row(name=name, unit="µs", paygent=3, peer_name=peer, peer=4, target=0.5) for name, peer in ROWS]

    show(rows, Console(file=said, width=200))

    assert len(ROWS) == said.getvalue().count("0.750")
    assert len(ROWS) == said.getvalue().count("missed")
