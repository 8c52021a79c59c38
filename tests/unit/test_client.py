import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


class Greeter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def greeter() -> Iterator[str]:
    """The URL of a server that sells nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Greeter) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


NOBODY = "http://127.0.0.1:1"


@pytest.mark.anyio
async def test_place_that_is_mounted_without_a_proxy_is_asked_directly(greeter: str) -> None:
    """As with httpx."""
    async with X402Client(memory_engine().engine, proxy=NOBODY, mounts={"all://127.0.0.1": None}) as client:
        assert "hello" == (await client.get(greeter)).text
    async with X402Client(memory_engine().engine, proxy=NOBODY, mounts={"all://elsewhere.test": None}) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(greeter)


def test_place_that_is_mounted_without_a_proxy_is_asked_directly_in_synchronous_code(greeter: str) -> None:
    engine, direct = memory_engine().engine, {"all://127.0.0.1": None}
    with Portal() as portal, SyncX402Client(engine, portal=portal, proxy=NOBODY, mounts=direct) as client:
        assert "hello" == client.get(greeter).text
    with (
        Portal() as portal,
        SyncX402Client(engine, portal=portal, proxy=NOBODY) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get(greeter)


def test_importing_a_client_loads_nothing_that_pays() -> None:
    program = "import sys, paygent; paygent.X402Client; print(*(m for m in sys.modules if m.startswith('paygent.')))"

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert {"paygent.client"} == {".".join(name.split(".")[:2]) for name in finished.stdout.split()}
