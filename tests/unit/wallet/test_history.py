"""The history of transfers holds each one once, whichever way it is paged."""

import pytest

from paygent.core.caip import ChainId, native
from paygent.core.errors import AdapterError, LocalProtocolError
from paygent.core.money import Amount, Asset
from paygent.ports.chain import Log
from paygent.testing.chain import MemoryChain
from paygent.testing.engine import TOKEN
from paygent.wallet.history import Transfer, TransferHistory

pytestmark = pytest.mark.anyio
CHAIN = TOKEN.asset.id.chain
ME, SHOP = "0x" + "11" * 20, "0x" + "22" * 20


def chain_with(count: int, *, max_log_range: int = 3) -> MemoryChain:
    chain = MemoryChain(chain=CHAIN, tokens=(TOKEN,), max_log_range=max_log_range)
    for number in range(count):
        chain.mint(TOKEN, ME, number + 1)
        chain.mint(TOKEN, SHOP, 1000)
    return chain


async def all_of(history: TransferHistory, *, limit: int) -> list[Transfer]:
    page = await history.page(ME, [TOKEN.asset], limit=limit)
    found = list(page.transfers)
    while page.next is not None:
        page = await history.page(ME, [TOKEN.asset], after=page.next, limit=limit)
        found += page.transfers
    return found


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_every_transfer_comes_once_newest_first(limit: int) -> None:
    history = TransferHistory(chain_with(10), CHAIN)
    found = await all_of(history, limit=limit)

    assert list(range(10, 0, -1)) == [made.amount.atomic for made in found]
    assert {"in"} == {made.direction for made in found}


async def test_page_ends_with_the_block_that_fills_it() -> None:
    history = TransferHistory(chain_with(10, max_log_range=1_000), CHAIN)
    page = await history.page(ME, [TOKEN.asset], limit=3)

    assert [10, 9, 8] == [made.amount.atomic for made in page.transfers]
    assert str(page.transfers[-1].block_number - 1) == page.next
    assert page.looked_from == page.transfers[-1].block_number


async def test_page_has_every_transfer_of_its_last_block() -> None:
    chain = Told(chain=CHAIN, tokens=(TOKEN,))
    chain.told = (log(SHOP, ME), log(ME, SHOP), log(ME, ME))
    page = await TransferHistory(chain, CHAIN).page(ME, [TOKEN.asset], limit=1)

    assert (True, "0") == (len(page.transfers) > 1, page.next)


async def test_page_stops_where_it_has_looked_long_enough_and_says_how_far() -> None:
    chain = chain_with(1, max_log_range=1)
    for _ in range(40):
        chain.mint(TOKEN, SHOP, 1)
    history = TransferHistory(chain, CHAIN)
    first = await history.page(ME, [TOKEN.asset])

    assert ((), True) == (first.transfers, first.next is not None)
    assert str(first.looked_from - 1) == first.next
    assert [1] == [made.amount.atomic for made in await all_of(history, limit=5)]


async def test_nothing_below_the_first_block_is_looked_at() -> None:
    chain = chain_with(5)
    head = (await chain.block("latest")).number
    page = await TransferHistory(chain, CHAIN).page(ME, [TOKEN.asset], from_block=head - 3)

    assert ([5, 4], head - 3, None) == ([made.amount.atomic for made in page.transfers], page.looked_from, page.next)


class Told(MemoryChain):
    """Has the given logs."""

    told: tuple[Log, ...] = ()

    async def logs(self, *, address: str, topics: object, from_block: int, to_block: int) -> tuple[Log, ...]:
        del address, topics, from_block, to_block
        return self.told


def log(*addresses: str, data: str = f"0x{5:064x}") -> Log:
    topics = ("0xddf2", *(f"0x{address[2:]:0>64}" for address in addresses))
    return Log(address="0x", topics=topics, data=data, block_number=1, block_hash="0x", transaction="0xaa")


async def test_transfer_to_oneself_comes_once() -> None:
    chain = Told(chain=CHAIN, tokens=(TOKEN,))
    chain.told = (log(ME, ME),)
    (made,) = (await TransferHistory(chain, CHAIN).page(ME, [TOKEN.asset])).transfers

    assert ("self", Amount(5, TOKEN.asset)) == (made.direction, made.amount)
    assert str(made).endswith("in block 1, 0xaa")


async def test_transfer_away_is_told_as_out() -> None:
    chain = Told(chain=CHAIN, tokens=(TOKEN,))
    chain.told = (log(ME, SHOP),)

    assert ["out"] == [
        made.direction for made in (await TransferHistory(chain, CHAIN).page(ME, [TOKEN.asset])).transfers
    ]


@pytest.mark.parametrize("wrong", [log(ME), log(ME, SHOP, SHOP), log(ME, SHOP, data="0x")])
async def test_event_of_another_shape_is_an_error(wrong: Log) -> None:
    chain = Told(chain=CHAIN, tokens=(TOKEN,))
    chain.told = (wrong,)
    with pytest.raises(AdapterError, match="another shape"):
        await TransferHistory(chain, CHAIN).page(ME, [TOKEN.asset])


async def test_history_refuses_coins_other_chains_and_what_is_no_cursor() -> None:
    history = TransferHistory(chain_with(1), CHAIN)
    coin = Asset(id=native(CHAIN), symbol="DEV", decimals=18)
    elsewhere = Asset(id=native(ChainId.evm(25)), symbol="CRO", decimals=18)
    for asset in (coin, elsewhere):
        with pytest.raises(ValueError, match="no token of"):
            await history.page(ME, [asset])
    for after, limit in (("x", 1), ("-1", 1), (None, 0)):
        with pytest.raises(LocalProtocolError):
            await history.page(ME, [TOKEN.asset], after=after, limit=limit)
