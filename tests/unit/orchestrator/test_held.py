"""What `judge` found out is held for `act`, for a moment, and never in place of a payment."""

import gzip

import httpx
import pytest

from paygent.orchestrator.held import HOLD, Held, HeldAnswers

pytestmark = pytest.mark.anyio
URL = "https://seller.test/thing"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_value_is_returned_until_it_is_taken() -> None:
    held: Held[int] = Held()
    held.put("a", 1)

    assert (1, 1, 1, None) == (held.get("a"), held.get("a"), held.take("a"), held.get("a"))


def test_value_that_is_too_old_is_not_returned() -> None:
    held: Held[int] = Held(seconds=0)
    held.put("a", 1)

    assert held.take("a") is None


def test_only_so_many_values_are_held() -> None:
    held: Held[int] = Held()
    for number in range(300):
        held.put(number, number)

    assert (None, 299) == (held.get(0), held.get(299))


class Server:
    """Counts what it is asked."""

    def __init__(self, status: int = 402, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = (status, body, headers or {})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        status, body, headers = self._answer
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


async def got(server: Server, *holds: object, url: str = URL) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=HeldAnswers(httpx.MockTransport(server))) as client:
        return [await client.get(url, extensions={} if hold is None else {HOLD: hold}) for hold in holds]


async def test_same_name_gets_the_same_answer_without_a_request() -> None:
    server = Server(body=gzip.compress(b"offer"), headers={"content-encoding": "gzip", "x-offer": "1"})

    first, second = await got(server, "a", "a")

    assert (402, "offer", "1") == (second.status_code, second.text, second.headers["x-offer"])
    assert (first.text, 1) == (second.text, len(server.asked))


async def test_other_name_and_no_name_are_sent() -> None:
    server = Server()
    await got(server, "a", "b", None)

    assert 3 == len(server.asked)


async def test_error_of_a_server_is_not_held() -> None:
    server = Server(status=500)
    await got(server, "a", "a")

    assert 2 == len(server.asked)


async def test_long_answer_is_not_held_and_not_lost() -> None:
    server = Server(status=200, body=b"x" * (1024 * 1024 + 1))

    first, second = await got(server, "a", "a")

    assert (1024 * 1024 + 1, 2) == (len(first.content), len(server.asked))
    assert first.content == second.content


async def test_name_does_not_go_on_with_the_request() -> None:
    server = Server()
    await got(server, "a")

    assert HOLD not in server.asked[0].extensions
