"""An answer that was paid for and whose coding cannot be read: the error says what became of the money."""

import anyio.to_thread
import httpx
import pytest

from paygent.adapters.httpx import unreadable
from paygent.client import SyncX402Client, X402Client
from paygent.core.errors import AdapterError, PaidUndelivered, PaygentError, PaymentOutcomeUnknown
from paygent.engine.portal import Portal
from paygent.testing.engine import memory_engine
from paygent.testing.seller import Reply

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings(
        "ignore:Async generator 'httpx:ResourceWarning"
    ),  # httpx leaves them to trio when it stops
]
URL = "http://seller.test/thing"
NO_GZIP = (("content-encoding", "gzip"),)


@pytest.mark.parametrize(("settle", "error"), [(True, PaidUndelivered), (False, PaymentOutcomeUnknown)])
async def test_paid_answer_that_is_no_gzip_is_told_with_its_payment(settle: bool, error: type[PaygentError]) -> None:
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(headers=NO_GZIP, body=b"no gzip", settle=settle))
    async with X402Client(memory.engine, transport=httpx.MockTransport(seller)) as client:
        with pytest.raises(error) as told:
            await client.get(URL)
        found = await client.payment_of("GET", URL)

    assert isinstance(told.value.__cause__, httpx.DecodingError)
    assert found is not None
    assert found.id == told.value.payment_id


async def test_synchronous_client_tells_it_too() -> None:
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(headers=NO_GZIP, body=b"no gzip"))

    def buy() -> None:
        wire = httpx.MockTransport(seller)
        with Portal() as portal, SyncX402Client(memory.engine, portal=portal, transport=wire) as client:
            try:
                client.get(URL)
            except PaygentError as error:
                told.append(type(error))

    told: list[type[PaygentError]] = []

    await anyio.to_thread.run_sync(buy)

    assert [PaidUndelivered] == told


async def test_free_answer_that_is_no_gzip_is_an_error_of_httpx() -> None:
    memory = memory_engine()

    def free(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=NO_GZIP, stream=httpx.ByteStream(b"no gzip"))

    async with X402Client(memory.engine, transport=httpx.MockTransport(free)) as client:
        with pytest.raises(httpx.DecodingError):
            await client.get(URL)


async def test_journal_that_is_silent_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = memory_engine()
    request = httpx.Request("GET", URL, extensions={"paygent.purchase": {"paid": "pay_1"}})

    async def silent(_: object) -> None:
        raise AdapterError("out of reach", retryable=True)

    monkeypatch.setattr(memory.journal, "get", silent)
    told = await unreadable(memory.engine, httpx.DecodingError("broken", request=request))

    assert isinstance(told, PaymentOutcomeUnknown)
    assert "pay_1" == told.payment_id
