"""The venue as it was after one block. Everything of one quote is read at the same height."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import anyio
import anyio.abc

from paygent.plugin import AdapterError, Asset, Block, Chain, Clock, ConfigurationError, checksum
from paygent_vvs.formulas import Hop
from paygent_vvs.networks import Venue, abi

_NOBODY = f"0x{'0' * 40}"
_T = TypeVar("_T")


async def together(works: Sequence[Callable[[], Awaitable[_T]]]) -> list[_T]:
    """Await all of them at once and return what they gave, in order.

    Raises: AdapterError: the first that one of them raised; the others are cancelled.
    """
    given: dict[int, _T] = {}
    errors: list[AdapterError] = []

    async def do(place: int, group: anyio.abc.TaskGroup) -> None:
        try:
            given[place] = await works[place]()
        except AdapterError as error:
            errors.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for place in range(len(works)):
            group.start_soon(do, place, group)
    if errors:
        raise errors[0]
    return [given[place] for place in range(len(works))]


@dataclass(frozen=True, slots=True)
class Reserves:
    """What a pool has of two tokens."""

    first: int
    second: int

    @property
    def empty(self) -> bool:
        """There is nothing to trade with."""
        return self.first == 0 or self.second == 0


class Market:
    """Reads one venue at one block."""

    def __init__(self, venue: Venue, chain: Chain, block: Block) -> None:
        self.venue = venue
        self.chain = chain
        self.block = block

    @classmethod
    async def now(cls, venue: Venue, chain: Chain, clock: Clock) -> "Market":
        """Return the venue after the newest block.

        Raises: AdapterError: the chain does not answer, or its newest block is too old to trade by.
        """
        block = await chain.block("latest")
        age = clock.now() - block.timestamp
        if venue.max_block_age_seconds is not None and age > venue.max_block_age_seconds:
            raise AdapterError(
                f"the newest block that the endpoint of {venue.network} knows is {age} seconds old; prices from it "
                f"are not traded by above {venue.max_block_age_seconds}",
                retryable=True,
            )
        return cls(venue, chain, block)

    async def reserves(self, first: Asset, second: Asset) -> Reserves | None:
        """Return what the pool of two tokens has, or None where there is no pool."""
        pair = self.venue.pair(first, second)
        answer = await self.chain.call(pair, abi("pair").function("getReserves").encode(()), at=self.block.number)
        if answer == "0x":
            return None
        low, high, _ = abi("pair").function("getReserves").decode(answer)
        if not isinstance(low, int) or not isinstance(high, int):
            raise AdapterError(f"the pool {pair} answered no reserves", retryable=False)
        in_order = int(first.id.address, 16) < int(second.id.address, 16)
        return Reserves(low, high) if in_order else Reserves(high, low)

    async def hops(self, path: Sequence[Asset]) -> tuple[Hop, ...] | None:
        """Return the pools along a path, or None where one is missing or empty."""
        pools = await together([partial(self.reserves, first, second) for first, second in pairwise(path)])
        if any(pool is None or pool.empty for pool in pools):
            return None
        return tuple(Hop(pool.first, pool.second) for pool in pools if pool is not None)

    async def number(self, name: str, to: str, function: str, *arguments: object) -> int:
        """Return an integer that a contract answers at this block."""
        return await abi(name).number(self.chain, to, function, *arguments, at=self.block.number)

    async def values(self, name: str, to: str, function: str, *arguments: object) -> tuple[object, ...]:
        """Return all that a contract answers at this block."""
        return await abi(name).read(self.chain, to, function, *arguments, at=self.block.number)


async def verify(venue: Venue, chain: Chain) -> None:
    """Make sure that the contracts are the ones the configuration means, by a pool that exists.

    Raises: ConfigurationError: they are not, or no pool exists to tell by. AdapterError: the chain does not answer.
    """
    for what, address in (("router", venue.router), ("factory", venue.factory)):
        if await chain.code(address) == "0x":
            raise ConfigurationError(f"vvs: {venue.network} has no contract at the {what} {address}")
    told = await abi("router").address(chain, venue.router, "factory")
    wrapped = await abi("router").address(chain, venue.router, "WETH")
    if told != venue.factory or wrapped != checksum(venue.wrapped.id.address):
        raise ConfigurationError(
            f"vvs: the router {venue.router} of {venue.network} works with factory {told} and wrapped coin {wrapped}, "
            "not with the configured ones"
        )
    for first, second in venue.pairs():
        stands = await abi("factory").address(chain, venue.factory, "getPair", first.id.address, second.id.address)
        if stands == _NOBODY:
            continue
        if stands != venue.pair(first, second):
            raise ConfigurationError(
                f"vvs: the factory of {venue.network} has the pool of {first.symbol} and {second.symbol} at {stands}, "
                f"the init code hash says {venue.pair(first, second)}: one of them is wrong"
            )
        return
    raise ConfigurationError(
        f"vvs: no pool of the known tokens exists on {venue.network}, so nothing proves its factory and init code hash"
    )
