"""The program starts fast, and a table of payments fits a terminal."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from paygent.cli.screen import listing_of, table_of
from paygent.testing.conformance.payments import denied, reserved, settled

HEAVY = {"httpx", "pydantic", "rich", "sqlalchemy", "anyio", "coincurve", "web3", "eth_account", "typer"}


@pytest.mark.parametrize("command", ["main(['--version'])", "main(['--help'])", "main(['pay'])"])
def test_program_loads_nothing_heavy_before_it_knows_what_to_do(command: str) -> None:
    program = f"import sys\nfrom paygent.cli import main\n{command}\nprint(*{{n.split('.')[0] for n in sys.modules}})"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set() == HEAVY & set(finished.stdout.split())


def test_program_can_be_started_by_its_name() -> None:
    started = subprocess.run(
        [sys.executable, "-m", "paygent.cli", "--version"], capture_output=True, text=True, check=True
    )

    assert started.stdout.startswith("paygent ")


@pytest.mark.parametrize("width", [60, 200])
def test_table_shows_every_digit_whatever_the_width_of_the_terminal(width: int) -> None:
    payments = [denied("another"), settled(reserved())]
    screen = io.StringIO()
    table = table_of(listing_of(payments))
    Console(file=screen, width=width).print(table)

    cells = [str(column.header) for column in table.columns]
    cells += [str(cell) for column in table.columns for cell in column.cells]
    assert sorted("".join(cells).replace(" ", "")) == sorted("".join(screen.getvalue().split()))
    assert all(payment.id in cells for payment in payments)
