"""`python -m tests.bench`: measure, and print a table or JSON. Fails only where something cannot be measured."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from rich.console import Console

from tests.bench import (
    balances,
    exchange,
    imports,
    judging,
    looking,
    memory,
    orchestrating,
    sending,
    servers,
    services,
    signing,
    storing,
)
from tests.bench.report import Row, as_json, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to look."""

    signatures: int
    """Rounds of 100."""
    exchanges: int
    """Rounds of 10."""
    in_flight: int
    """Payments at once."""
    imports: int
    """Processes of each kind."""
    services: int
    """Registered in the registry that is searched."""
    searches: int
    """Rounds of 5; of one for balances."""
    judgements: int
    """Rounds of 20."""
    reserves: int
    """Rounds of 20, and a quarter as many of 100 at once."""
    history: int
    """Payments that are looked back over."""
    processes: tuple[int, ...]
    """How many reserve at once on one server."""
    each: int
    """Payments of each such process, three times."""
    transfers: int
    """By two processes, three times; once where they are few."""
    commands: int
    """Of an orchestrator."""
    sessions: int
    """Of an orchestrator, at once."""


FULL = Effort(
    signatures=100,
    exchanges=100,
    in_flight=1_000,
    imports=15,
    services=100_000,
    searches=20,
    commands=60,
    sessions=100,
    judgements=200,
    reserves=100,
    history=1_000_000,
    processes=(1, 2, 4),
    each=500,
    transfers=200,
)
QUICK = Effort(
    signatures=5,
    exchanges=3,
    in_flight=50,
    imports=1,
    services=2_000,
    searches=1,
    commands=2,
    sessions=10,
    judgements=3,
    reserves=2,
    history=2_000,
    processes=(2,),
    each=20,
    transfers=20,
)


def measure(effort: Effort, folder: Path) -> list[Row]:
    """Return every row; `folder` is where the durable journal is made."""

    async def in_a_loop() -> list[Row]:
        return [
            *signing.rows(effort.signatures),
            *await exchange.rows(effort.exchanges, folder),
            *await memory.rows(effort.in_flight),
            *await services.rows(effort.services, effort.searches, folder),
            *await balances.rows(effort.searches),
            *await orchestrating.rows(effort.commands, effort.sessions, folder),
            *await judging.rows(effort.judgements),
            *storing.rows(effort.reserves, folder),
            *await looking.rows(effort.history, effort.searches, folder),
        ]

    in_one = anyio.run(in_a_loop)
    on_servers = servers.rows(effort.processes, effort.each)
    return [*in_one, *on_servers, *sending.rows(effort.transfers, folder), *imports.rows(effort.imports)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="look for some seconds, not for minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="where to make the durable journal; a temporary folder otherwise")
    said = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=said.folder) as folder:
        rows = measure(QUICK if said.quick else FULL, Path(folder))
    if said.json:
        sys.stdout.write(f"{as_json(rows)}\n")
    else:
        show(rows, Console(width=None if sys.stdout.isatty() else 160))


if __name__ == "__main__":
    main()
