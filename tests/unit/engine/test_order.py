"""What an order cannot ask for: it would be paid, and could not be read again."""

from typing import Any

import httpx
import pytest

from paygent.client import X402Client
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import intent_id
from paygent.engine.order import ActionOrder
from paygent.testing.engine import memory_engine
from tests.unit.core.test_action import ACTION

pytestmark = pytest.mark.anyio
URL = "http://seller.test/thing"
NO_KEYS: list[Any] = [5, True, 1.5, b"order 7", "", "   ", "a\0b", "\ud800", "line\nbreak", "x" * 501]
KEYS = ["order 7", "ünïcode", "x" * 500]


async def buys(**wishes: Any) -> int:
    """Ask for a purchase; return how many there are then."""
    memory = memory_engine()
    async with X402Client(memory.engine, transport=httpx.MockTransport(memory.seller())) as client:
        try:
            await client.get(URL, **wishes)
        except LocalProtocolError:
            assert () == await memory.payments()
    return memory.transfers()


@pytest.mark.parametrize("key", NO_KEYS, ids=lambda key: repr(key)[:12])
async def test_key_that_cannot_be_written_down_buys_nothing(key: object) -> None:
    assert 0 == await buys(idempotency_key=key)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:12])
async def test_key_that_people_can_read_buys(key: str) -> None:
    assert 1 == await buys(idempotency_key=key)


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, "2", None], ids=repr)
async def test_quantity_that_is_no_number_of_units_buys_nothing(quantity: Any) -> None:
    memory = memory_engine()
    async with X402Client(memory.engine, transport=httpx.MockTransport(memory.seller())) as client:
        with pytest.raises(LocalProtocolError, match="whole ones"):
            await client.request("GET", URL, extensions={"paygent.quantity": quantity})

    assert (0, ()) == (memory.transfers(), await memory.payments())


@pytest.mark.parametrize("key", NO_KEYS, ids=lambda key: repr(key)[:12])
def test_key_that_cannot_be_written_down_orders_no_action(key: Any) -> None:
    with pytest.raises(LocalProtocolError, match="500 printable characters"):
        ActionOrder(intent_id=intent_id("one"), action=ACTION, idempotency_key=key)
