"""A venue in memory: one coin, one token, one price that tests move. It keeps the promises of a connector."""

from collections import Counter
from collections.abc import Sequence

from paygent.core.action import Action, Call
from paygent.core.caip import AssetId, ChainId, erc20, native
from paygent.core.errors import TradeRefused
from paygent.core.money import Amount, Asset
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.calls import approve_call
from paygent.ports.connector import APPROVE, MOST_BPS, Manifest, PermittedCall, Position, Swap, TradeQuote, Wish

CHAIN = ChainId.evm(31337)
COIN = Asset(id=native(CHAIN), symbol="DEV", decimals=18)
TOKEN = Asset(id=erc20(CHAIN, f"0x{'7c' * 20}"), symbol="TOK", decimals=6)
COUNTER = checksum(f"0x{'5e' * 20}")
"""The contract that trades."""
TRADE = "trade(uint256,uint256,address,uint256)"
"""Amount in, least out, recipient, deadline; the coin comes as value."""
_SLIPPAGE_BPS = 50
_QUOTE_SECONDS = 60


class MemoryVenue:
    """Gives `price` millionths of a token for each 10**18 of the coin, and the other way round.

    `now` is the time by block; `balances` is what everybody has, by owner and asset.
    """

    def __init__(self, *, name: str = "memory", price: int = 2_000_000, now: int = 1_800_000_000) -> None:
        self.price = price
        self.now = now
        self.balances: Counter[tuple[str, AssetId]] = Counter()
        self._allowed: Counter[tuple[str, str]] = Counter()
        self._manifest = Manifest(
            name=name,
            title="A venue in memory",
            version="1",
            networks=frozenset({CHAIN}),
            assets=(COIN, TOKEN),
            wishes=frozenset({"swap"}),
            calls=frozenset(
                {
                    PermittedCall(network=CHAIN, to=COUNTER, function=TRADE),
                    PermittedCall(network=CHAIN, to=_token(), function=APPROVE, spender=COUNTER),
                }
            ),
        )

    @property
    def manifest(self) -> Manifest:
        """What it may do."""
        return self._manifest

    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        """Return what a swap of an exact input brings.

        Raises: TradeRefused: it trades nothing else.
        """
        if not isinstance(wish, Swap) or {wish.give, wish.get} != {COIN, TOKEN} or wish.exact != "in":
            raise TradeRefused("unknown_asset", "the venue in memory swaps exact amounts of DEV and TOK")
        brought = self._worth(wish.amount)
        slippage = _SLIPPAGE_BPS if wish.slippage_bps is None else wish.slippage_bps
        least = -(-brought.atomic * (MOST_BPS - slippage) // MOST_BPS)
        return TradeQuote(
            wish=wish,
            venue=self._manifest.name,
            owner=checksum(owner),
            spend=(wish.amount,),
            expected=(brought,),
            at_least=(Amount(least, wish.get),),
            route=(wish.give, wish.get),
            price_impact_bps=0,
            block_number=1,
            valid_until=self.now + _QUOTE_SECONDS,
        )

    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        """Return the swap.

        Raises: TradeRefused: the price has moved beyond the slippage, or the quote is too old.
        """
        wish, spend, least = quote.wish, quote.spend[0], quote.at_least[0]
        if self.now > quote.valid_until or self._worth(spend) < least:
            raise TradeRefused("stale_quote", "the price has moved, or the quote is too old; quote again")
        deadline = self.now + 20 * 60
        coin = spend.asset == COIN
        words = (0 if coin else spend.atomic, least.atomic)
        trade = Call(
            to=COUNTER,
            data=word.calldata(TRADE, *map(word.uint256, words), word.address(quote.owner), word.uint256(deadline)),
            value=spend.atomic if coin else 0,
            function=TRADE,
            arguments=(("in", str(spend)), ("least", str(least)), ("to", quote.owner), ("deadline", str(deadline))),
        )
        action = Action(
            purpose="swap",
            network=wish.network,
            venue=quote.venue,
            spend=spend,
            receive=(least,),
            counterparty=COUNTER,
            calls=(trade,) if coin else (approve_call(_token(), COUNTER, spend.atomic), trade),
            deadline=deadline,
            summary=f"Swap {spend} for at least {least} in memory",
            slippage_bps=_SLIPPAGE_BPS,
        )
        return (action,)

    async def positions(self, owner: str) -> Sequence[Position]:
        """Return nothing: nothing is kept here."""
        return ()

    def refusal(self, revert: str) -> TradeRefused | None:
        """Return what `make` means by its texts."""
        return TradeRefused("slippage", revert) if revert.endswith("TOO_LITTLE") else None

    # the chain

    def make(self, owner: str, action: Action) -> None:
        """Do what the calls of an action say, as a chain would.

        Raises: ValueError: a call reverts.
        """
        for call in action.calls:
            arguments = [int(call.data[place : place + 64], 16) for place in range(10, len(call.data), 64)]
            if call.function == APPROVE:
                self._allowed[owner, checksum(f"0x{arguments[0]:040x}")] = arguments[1]
            elif call.to == COUNTER and call.selector == word.calldata(TRADE):
                self._trade(owner, call.value, arguments)

    def _trade(self, owner: str, value: int, arguments: list[int]) -> None:
        taken, least, recipient, deadline = arguments
        paid = Amount(value, COIN) if value else Amount(taken, TOKEN)
        brought = self._worth(paid)
        if self.now > deadline or brought.atomic < least:
            raise ValueError("memory: TOO_LITTLE")
        if not value and self._allowed[owner, COUNTER] < taken:
            raise ValueError("memory: NOT_APPROVED")
        self.balances[owner, paid.asset.id] -= paid.atomic
        self.balances[checksum(f"0x{recipient:040x}"), brought.asset.id] += brought.atomic

    def _worth(self, amount: Amount) -> Amount:
        if amount.asset == COIN:
            return Amount(amount.atomic * self.price // 10**18, TOKEN)
        return Amount(amount.atomic * 10**18 // self.price, COIN)


class VenueStage:
    """A `ConnectorStage` on a venue in memory."""

    def __init__(self, venue: "MemoryVenue | None" = None) -> None:
        self.venue = MemoryVenue() if venue is None else venue
        self.owner = checksum(f"0x{'0a' * 20}")
        for asset in (COIN, TOKEN):
            self.venue.balances[self.owner, asset.id] = 10**24

    @property
    def connector(self) -> "MemoryVenue":
        """The venue."""
        return self.venue

    @property
    def wishes(self) -> Sequence[Wish]:
        """Both directions."""
        return (
            Swap(give=COIN, get=TOKEN, amount=Amount(10**18, COIN)),
            Swap(give=TOKEN, get=COIN, amount=Amount(10**6, TOKEN)),
        )

    async def now(self) -> int:
        """Return the venue's time."""
        return self.venue.now

    async def has(self, asset: Asset) -> int:
        """Return what the owner has."""
        return self.venue.balances[self.owner, asset.id]

    async def make(self, action: Action) -> None:
        """Do what the calls say."""
        self.venue.make(self.owner, action)

    async def worsen(self, wish: Wish) -> None:
        """Move the price by a tenth against the wish."""
        falls = isinstance(wish, Swap) and wish.give == COIN
        self.venue.price = self.venue.price * (9 if falls else 11) // 10


def _token() -> str:
    return checksum(TOKEN.id.address)
