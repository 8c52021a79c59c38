"""Transfers of an account as the chain has them, also those that no journal knows of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, LocalProtocolError
from paygent.core.money import Amount, Asset
from paygent.evm import erc20, word
from paygent.evm.address import checksum
from paygent.ports.chain import Chain, Log

_MOST_WINDOWS: Final = 25
"""How many ranges of blocks one page looks through, so that an account without transfers is not searched for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Tokens that moved from or to the account."""

    amount: Amount
    payer: str
    payee: str
    direction: Literal["in", "out", "self"]
    block_number: int
    transaction: str
    """0x hash."""

    def __str__(self) -> str:
        return f"{self.amount} from {self.payer} to {self.payee} in block {self.block_number}, {self.transaction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPage:
    """Some transfers, newest block first."""

    transfers: tuple[Transfer, ...]
    looked_from: int
    """The lowest block that was looked at; what is older is not in this page."""
    next: str | None
    """Pass it as `after` to go on; None where the first block was reached."""


class TransferHistory:
    """Reads ERC-20 Transfer events of one chain. The chain's coin leaves no events, so its transfers are not here."""

    def __init__(self, chain: Chain, network: ChainId) -> None:
        self._chain = chain
        self._network = network

    async def page(
        self, owner: str, assets: Sequence[Asset], *, after: str | None = None, limit: int = 50, from_block: int = 0
    ) -> TransferPage:
        """Return the newest transfers of tokens from or to `owner`, `limit` where there are so many.

        A page holds whole blocks, so its last block may bring some more; it may have fewer and still a `next`, where it
        looked through as many blocks as one page does.

        Args: from_block: the lowest block that is looked at.

        Raises:
            ValueError: an asset is of another chain, or a coin; the owner is no address.
            LocalProtocolError: no such cursor, or not even one transfer a page.
            AdapterError: the chain could not answer.
        """
        tokens = self._tokens(assets)
        word.address(owner)
        if limit < 1:
            raise LocalProtocolError(f"a page has at least one transfer, not {limit}")
        top = (await self._chain.block("latest")).number if after is None else _place(after)
        found: list[Transfer] = []
        for _ in range(_MOST_WINDOWS):
            if top < from_block or len(found) >= limit:
                break
            bottom = max(from_block, top - self._chain.max_log_range + 1)
            window = [made for asset in tokens for made in await self._window(owner, asset, bottom, top)]
            found += sorted(window, key=lambda made: (-made.block_number, made.transaction))
            top = bottom - 1
        if len(found) > limit:
            lowest = found[limit - 1].block_number
            found, top = [made for made in found if made.block_number >= lowest], lowest - 1
        return TransferPage(transfers=tuple(found), looked_from=top + 1, next=str(top) if top >= from_block else None)

    def _tokens(self, assets: Sequence[Asset]) -> tuple[Asset, ...]:
        for asset in assets:
            if asset.id.native or asset.id.chain != self._network:
                raise ValueError(f"{asset.id} is no token of {self._network}: only tokens write events")
        return tuple(dict.fromkeys(assets))

    async def _window(self, owner: str, asset: Asset, bottom: int, top: int) -> list[Transfer]:
        mine = erc20.topic_address(owner)
        sent = await self._logs(asset, (erc20.TRANSFER, mine), bottom, top)
        came = await self._logs(asset, (erc20.TRANSFER, None, mine), bottom, top)
        both = [*sent, *(log for log in came if log.topics[1:2] != (mine,))]
        return [_transfer(log, asset, owner) for log in both]

    async def _logs(self, asset: Asset, topics: Sequence[str | None], bottom: int, top: int) -> Sequence[Log]:
        return await self._chain.logs(address=asset.id.address, topics=topics, from_block=bottom, to_block=top)


def _transfer(log: Log, asset: Asset, owner: str) -> Transfer:
    try:
        _, payer_word, payee_word = log.topics
        payer, payee = (checksum(f"0x{topic[-40:]}") for topic in (payer_word, payee_word))
        amount = Amount(erc20.uint(log.data), asset)
    except ValueError as wrong:
        raise AdapterError(f"{asset.id} writes Transfer events of another shape: {wrong}", retryable=False) from wrong
    mine = checksum(owner)
    direction: Literal["in", "out", "self"] = "self" if payer == payee else "out" if payer == mine else "in"
    return Transfer(
        amount=amount,
        payer=payer,
        payee=payee,
        direction=direction,
        block_number=log.block_number,
        transaction=log.transaction,
    )


def _place(after: str) -> int:
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of transfers; pass the `next` of a page")
    return int(after)
