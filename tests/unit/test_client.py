import inspect
import subprocess
import sys

import httpx
import pytest

from paygent import SyncX402Client, X402Client
from paygent.adapters.httpx import PAID_TIMEOUT_SECONDS
from paygent.client import ClientOptions
from paygent.core.errors import ConfigurationError
from paygent.engine.portal import Portal
from paygent.testing.engine import memory_engine


@pytest.mark.parametrize("client", [X402Client, SyncX402Client])
def test_client_waits_for_a_paid_answer_as_long_as_the_transport(client: type[X402Client | SyncX402Client]) -> None:
    defaults = [inspect.signature(make).parameters["paid_timeout_seconds"].default for make in (client, client.open)]

    assert [PAID_TIMEOUT_SECONDS] * 2 == defaults


@pytest.mark.parametrize("option", [{"proxy": "http://proxy.test"}, {"verify": False}, {"limits": httpx.Limits()}])
def test_client_refuses_how_to_connect_beside_a_transport_that_connects(option: ClientOptions) -> None:
    """What would be left out in silence could be the proxy that everything has to go through."""
    engine, wire = memory_engine().engine, httpx.MockTransport(lambda _: httpx.Response(200))

    with pytest.raises(ConfigurationError, match=f"{next(iter(option))} would not be used beside transport="):
        X402Client(engine, transport=wire, **option)
    with Portal() as portal, pytest.raises(ConfigurationError, match="would not be used"):
        SyncX402Client(engine, portal=portal, transport=wire, **option)


def test_client_takes_how_to_connect_beside_mounts() -> None:
    engine, wire = memory_engine().engine, httpx.MockTransport(lambda _: httpx.Response(200))

    assert X402Client(engine, mounts={"http://seller.test": wire}, proxy="http://proxy.test").engine is engine
    assert X402Client(engine, transport=wire, proxy=None, timeout=5).engine is engine


def test_importing_a_client_loads_nothing_that_pays() -> None:
    program = "import sys, paygent; paygent.X402Client; print(*(m for m in sys.modules if m.startswith('paygent.')))"

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert {"paygent.client"} == {".".join(name.split(".")[:2]) for name in finished.stdout.split()}
