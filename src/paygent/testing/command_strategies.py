"""Hypothesis strategies for commands in plain English."""

from typing import Final

from hypothesis import strategies as st

from paygent.evm.address import checksum
from paygent.orchestrator.commands import (
    AddLiquidity,
    Balance,
    Claim,
    Command,
    Discover,
    Funding,
    Harvest,
    Multi,
    Pay,
    PerpClose,
    PerpOpen,
    Predict,
    Quote,
    RemoveLiquidity,
    Single,
    Stake,
    StopLoss,
    Swap,
    TakeProfit,
    Transfer,
    words,
)

numbers: Final = st.from_regex(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,18})?", fullmatch=True)
"""Decimal strings of 0 or more."""
amounts: Final = numbers.filter(lambda text: bool(text.strip("0.")))
symbols: Final = st.one_of(
    st.sampled_from(sorted(words.SYMBOLS)),
    st.from_regex(r"[A-Z][A-Z0-9]{1,11}", fullmatch=True).filter(
        lambda text: words.symbol_of(text, by_capitals=True) == text
    ),
)
_couples: Final = st.lists(symbols, min_size=2, max_size=2, unique=True)
pools: Final = st.one_of(symbols, _couples.map("-".join))
markets: Final = st.one_of(pools, symbols.map("{}-USD".format))
addresses: Final = st.binary(min_size=20, max_size=20).filter(any).map(lambda raw: checksum(f"0x{raw.hex()}"))
urls: Final = st.from_regex(
    r"https?://[a-z0-9]{1,12}(\.[a-z]{2,6})?(:[1-9][0-9]{1,3})?(/[A-Za-z0-9_~%-]{1,9}){0,3}", fullmatch=True
)
names: Final = st.lists(
    st.sampled_from("weather Market data API gpt-4 and for 24h R&D all BTC 100000 news? Bob's to half (v2) #1".split()),
    min_size=1,
    max_size=8,
).map(" ".join)
"""Names that can stand in quotes; no verb, no negation."""
_venues: Final = st.from_regex(r"[a-z][a-z0-9]{0,31}", fullmatch=True).filter(lambda name: name not in words.RESERVED)


def _maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), strategy)


@st.composite
def _pays(draw: st.DrawFn) -> Pay:
    asset = draw(_maybe(symbols))
    known = asset is None or asset in words.SYMBOLS
    amount = draw(_maybe(amounts) if known else amounts) if asset is not None else None
    url = draw(_maybe(urls))
    return Pay(amount=amount, asset=asset, url=url, service=draw(names) if url is None else None)


@st.composite
def _swaps(draw: st.DrawFn) -> Swap:
    given, received = draw(_couples)
    return Swap(
        amount=draw(amounts),
        asset_in=given,
        asset_out=received,
        exact=draw(st.sampled_from(["in", "out"])),
        venue=draw(_maybe(_venues)),
        slippage_bps=draw(st.one_of(st.none(), st.integers(0, 5_000))),
    )


@st.composite
def _liquidity(draw: st.DrawFn) -> AddLiquidity | RemoveLiquidity:
    one, other = draw(_couples)
    if draw(st.booleans()):
        return AddLiquidity(amount_a=draw(amounts), asset_a=one, amount_b=draw(_maybe(amounts)), asset_b=other)
    return RemoveLiquidity(asset_a=one, asset_b=other, percent=draw(st.sampled_from(["0.01", "12.5", "50", "100"])))


@st.composite
def _positions(draw: st.DrawFn) -> PerpOpen:
    symbol = draw(markets)
    return PerpOpen(
        side=draw(st.sampled_from(["long", "short"])),
        collateral=draw(amounts),
        asset=draw(symbols.filter(lambda asset: asset != symbol)),
        symbol=symbol,
        leverage=draw(st.one_of(st.none(), st.integers(1, 1_000))),
    )


singles: Final[st.SearchStrategy[Single]] = st.one_of(
    _pays(),
    st.builds(Quote, url=urls),
    st.builds(Balance, assets=st.lists(symbols, max_size=4, unique=True).map(tuple)),
    st.builds(Transfer, amount=amounts, asset=symbols, to=addresses),
    _swaps(),
    _liquidity(),
    st.builds(Stake, amount=amounts, pool=pools),
    st.builds(Harvest, pool=pools),
    st.builds(
        Discover,
        category=_maybe(names.map(str.lower)),
        max_price=_maybe(amounts),
        min_reputation=_maybe(numbers),
        mcp=st.booleans(),
    ),
    _positions(),
    st.builds(PerpClose, symbol=markets),
    st.builds(StopLoss, symbol=markets, price=amounts),
    st.builds(TakeProfit, symbol=markets, price=amounts),
    st.builds(Funding, symbol=markets),
    st.builds(Predict, market=names, outcome=st.sampled_from(sorted(words.OUTCOMES)), amount=amounts, asset=symbols),
    st.builds(Claim, market=_maybe(names)),
)
"""Commands of one step."""
commands: Final[st.SearchStrategy[Command]] = st.one_of(
    singles, st.lists(singles, min_size=2, max_size=4).map(lambda steps: Multi(steps=tuple(steps)))
)
"""Every command that has a canonical text."""
