"""A run that another process stops between two of its steps."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from paygent.cli.outcome import NOT_ATTEMPTED
from paygent.core.events import RunEvent
from paygent.core.session import RunId
from paygent.devnet import Devnet
from paygent.orchestrator import Orchestrator, RunResult
from tests.integration.orchestrator.town import policy_of, settings_of, storage_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


def elsewhere(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run the command line in a process of its own; return its exit code and what it said."""
    command = [sys.executable, "-c", "import sys; from paygent.cli import main; sys.exit(main())", *arguments, "--json"]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return finished.returncode, finished.stdout + finished.stderr


async def interrupted(net: Devnet, folder: Path, *command: str, code: int = 0) -> tuple[RunResult, int]:
    """Return what became of a run of two steps, and what it paid; `command` is given elsewhere after the first.

    Args: code: the exit code of the command.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PAYGENT_")},
        "PAYGENT_PRIVATE_KEY": net.payer.private_key,
        "PAYGENT_RPC": net.rpc_url,
        "PAYGENT_STORAGE": storage_in(folder),
    }

    def stop(events: Sequence[RunEvent]) -> None:
        for event in events:
            if event.kind == "tool_result" and not told:
                told.append(event.run)
                ended = elsewhere(environment, *(event.run if word == "RUN" else word for word in command))
                assert code == ended[0], ended[1]
                said.append(ended[1])

    told: list[RunId] = []
    said: list[str] = []
    before = net.balance(net.payer.address)
    async with (
        Orchestrator.open(settings=settings_of(net, storage_in(folder)), policy=policy_of(net)) as agent,
        agent.listening(stop),
    ):
        result = await agent.run(f"check my balance of dUSD then pay {net.seller.url('/premium')}")
    assert told[0] == result.run.id
    assert 1 == len(said)
    return result, before - net.balance(net.payer.address)


async def test_run_that_is_cancelled_by_another_process_pays_nothing_more(net: Devnet, tmp_path: Path) -> None:
    result, paid = await interrupted(net, tmp_path, "run", "--cancel", "RUN")

    assert ("CANCELLED", "RunCancelled", 0) == (result.run.state, type(result.error).__name__, paid)
    assert "done" == result.steps[0].status


async def test_halt_of_another_process_stops_a_run_before_its_next_step(net: Devnet, tmp_path: Path) -> None:
    result, paid = await interrupted(net, tmp_path, "halt", "everything", "--by", "ann", "--reason", "drill")

    assert ("FAILED", "Halted", 0) == (result.run.state, type(result.error).__name__, paid)


async def test_lease_keeps_another_process_from_resuming_a_run_that_is_worked_on(net: Devnet, tmp_path: Path) -> None:
    result, paid = await interrupted(net, tmp_path, "run", "--resume", "RUN", code=NOT_ATTEMPTED)

    assert ("COMPLETED", 100_000) == (result.run.state, paid)
