import inspect
import subprocess
import sys

import pytest

from paygent import SyncX402Client, X402Client
from paygent.adapters.httpx import PAID_TIMEOUT_SECONDS


@pytest.mark.parametrize("client", [X402Client, SyncX402Client])
def test_client_waits_for_a_paid_answer_as_long_as_the_transport(client: type[X402Client | SyncX402Client]) -> None:
    defaults = [inspect.signature(make).parameters["paid_timeout_seconds"].default for make in (client, client.open)]

    assert [PAID_TIMEOUT_SECONDS] * 2 == defaults


def test_importing_a_client_loads_nothing_that_pays() -> None:
    program = "import sys, paygent; paygent.X402Client; print(*(m for m in sys.modules if m.startswith('paygent.')))"

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert {"paygent.client"} == {".".join(name.split(".")[:2]) for name in finished.stdout.split()}
