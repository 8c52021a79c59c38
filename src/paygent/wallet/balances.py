"""What an account has of many tokens, in one call where the chain has Multicall3."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Protocol

import anyio

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import AdapterError, TokenUnusable
from paygent.core.money import Amount, Asset
from paygent.evm import erc20, multicall, word
from paygent.evm.deployments import MULTICALL3
from paygent.evm.multicall import Read
from paygent.ports.chain import BlockTag, Chain

_MOST_READS: Final = 400
"""Reads in one call: nodes bound the gas and the size of what they answer."""
_AT_ONCE: Final = 10
"""Calls at once where there is no Multicall3."""


class Account(Chain, Protocol):
    """**Protocol:** a chain that also tells what an account has of its coin, such as `RpcChain`."""

    async def balance(self, address: str, *, at: BlockTag = "latest") -> int:
        """Return what an account has of the chain's coin, in wei."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account has of one asset, or why nobody can say."""

    asset: Asset
    amount: Amount | None
    problem: str = ""
    """Why there is no amount; empty where there is one."""

    def __str__(self) -> str:
        return f"{self.asset.symbol}: {self.problem}" if self.amount is None else str(self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What an account had at one block."""

    owner: str
    network: ChainId
    block: int
    """The height it was read at."""
    rows: tuple[Balance, ...]
    """In the order that was asked for."""

    def __getitem__(self, asset: Asset | AssetId) -> Amount:
        """Return what there is of an asset.

        Raises: KeyError: nobody asked for it. TokenUnusable: the token does not answer as a token does.
        """
        wanted = asset.id if isinstance(asset, Asset) else asset
        for row in self.rows:
            if row.asset.id == wanted:
                if row.amount is None:
                    raise TokenUnusable(str(wanted), row.problem)
                return row.amount
        raise KeyError(wanted)

    def __str__(self) -> str:
        lines = "\n".join(f"  {row}" for row in self.rows)
        return f"{self.owner} on {self.network} at block {self.block}\n{lines}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(row.asset.symbol)}</td><td>{escape(str(row.amount or row.problem))}</td></tr>"
            for row in self.rows
        )
        return f"<table><caption>{escape(self.owner)} on {self.network}, block {self.block}</caption>{rows}</table>"


class BalanceReader:
    """Reads balances on one chain; what a token says of its decimal places is asked once and remembered."""

    def __init__(self, chain: Account, network: ChainId, *, multicall_address: str | None = MULTICALL3) -> None:
        self._chain = chain
        self._network = network
        self._multicall = multicall_address
        self._has_multicall: bool | None = None if multicall_address else False
        self._decimals: dict[AssetId, int] = {}

    async def read(self, owner: str, assets: Sequence[Asset]) -> Balances:
        """Return what `owner` has of each asset, all at one block.

        A token that has no `decimals()`, other decimal places than its asset says, or no code is a row with a problem.

        Raises:
            ValueError: an asset is on another chain, or the owner is no address.
            AdapterError: the chain could not answer.
        """
        word.address(owner)
        if strangers := [str(asset.id) for asset in assets if asset.id.chain != self._network]:
            raise ValueError(f"{', '.join(strangers)} is not on {self._network}")
        block = (await self._chain.block("latest")).number
        reads = [self._read(owner, asset) for asset in assets]
        unknown = [asset for asset in assets if not asset.id.native and asset.id not in self._decimals]
        asked = [*reads, *(Read(to=asset.id.address, data=erc20.decimals()) for asset in unknown)]
        said = await self._all(owner, asked, block)
        for asset, answer in zip(unknown, said[len(reads) :], strict=True):
            if (places := _number(answer)) is not None:
                self._decimals[asset.id] = places
        rows = tuple(self._row(asset, answer) for asset, answer in zip(assets, said, strict=False))
        return Balances(owner=owner, network=self._network, block=block, rows=rows)

    def _read(self, owner: str, asset: Asset) -> Read:
        if asset.id.native:
            return Read(to=self._multicall or MULTICALL3, data=multicall.coin_balance(owner))
        return Read(to=asset.id.address, data=erc20.balance_of(owner))

    def _row(self, asset: Asset, answer: str | None) -> Balance:
        atomic, places = _number(answer), self._decimals.get(asset.id)
        problem = erc20.oddity(asset, balance=atomic, places=asset.decimals if asset.id.native else places)
        if problem or atomic is None:
            return Balance(asset=asset, amount=None, problem=problem)
        return Balance(asset=asset, amount=Amount(atomic, asset))

    async def _all(self, owner: str, reads: Sequence[Read], block: int) -> list[str | None]:
        if await self._can_multicall():
            found: list[str | None] = []
            for first in range(0, len(reads), _MOST_READS):
                found += await self._together(reads[first : first + _MOST_READS], block)
        else:
            found = await self._one_by_one(owner, reads, block)
        coins = [place for place, read in enumerate(reads) if read.data == multicall.coin_balance(owner)]
        for place in coins:
            if found[place] is None:  # a Multicall3 without getEthBalance
                found[place] = await self._coin(owner, block)
        return found

    async def _can_multicall(self) -> bool:
        if self._has_multicall is None and self._multicall is not None:
            self._has_multicall = await self._chain.code(self._multicall) != "0x"
        return bool(self._has_multicall)

    async def _together(self, reads: Sequence[Read], block: int) -> list[str | None]:
        said = await self._chain.call(self._multicall or MULTICALL3, multicall.aggregate(reads), at=block)
        try:
            return multicall.answers(said, len(reads))
        except ValueError as wrong:
            raise AdapterError(f"Multicall3 on {self._network} answered nonsense: {wrong}", retryable=False) from wrong

    async def _one_by_one(self, owner: str, reads: Sequence[Read], block: int) -> list[str | None]:
        found: list[str | None] = [None] * len(reads)

        async def ask(place: int) -> None:
            read = reads[place]
            if read.data == multicall.coin_balance(owner):
                return
            try:
                found[place] = await self._chain.call(read.to, read.data, at=block)
            except AdapterError as error:
                if error.retryable:
                    raise
                return  # it reverted: no token

        for first in range(0, len(reads), _AT_ONCE):
            await _gather([_bind(ask, place) for place in range(first, min(first + _AT_ONCE, len(reads)))])
        return found

    async def _coin(self, owner: str, block: int) -> str:
        return f"0x{word.uint256(await self._chain.balance(owner, at=block)).hex()}"


def _bind(ask: Callable[[int], Coroutine[Any, Any, None]], place: int) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: ask(place)


async def _gather(works: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Do everything at once; the first error is raised as it is."""
    try:
        async with anyio.create_task_group() as group:
            for work in works:
                group.start_soon(work)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


def _number(answer: str | None) -> int | None:
    try:
        return None if answer is None else erc20.uint(answer)
    except ValueError:
        return None
