"""Reading perpetual trades and predictions."""

from typing import Final, Literal

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.discovery import price_of
from paygent.orchestrator.commands.names import take_name
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.tokens import Kind
from paygent.orchestrator.commands.values import (
    Claim,
    Funding,
    PerpClose,
    PerpOpen,
    Predict,
    StopLoss,
    TakeProfit,
)

_POSITION: Final = frozenset("long short position trade perp perpetual on in of for with at using".split())
_OPENING: Final = _POSITION | frozenset("open go leverage leveraged collateral margin as worth exactly and".split())
_EXIT: Final = (
    words.SET
    | words.ADD
    | frozenset("stop loss stop-loss sl take profit take-profit tp at to of on for is long short position".split())
)
_FUNDING: Final = words.ASK | frozenset("rate rates current funding of for on is get me perp perpetual".split())
_AT_MARKET: Final = frozenset("on in for of that with will market from go goes be".split())
_WINNINGS: Final = frozenset("winnings payout prediction predictions".split())


def perp_open(step: Step) -> PerpOpen:
    """Read a side, a collateral, a symbol and a leverage."""
    step.drop_venue("moonlander")
    leverage = step.at_most_one(Kind.LEVERAGE, "leverage", before=["at", "with"])
    money = step.take(Kind.MONEY)
    step.refuse_bare_amounts()
    if len(money) != 1:
        raise CommandRefused("ambiguous", f"a position has one collateral, such as 100 USDC, and not {len(money)}")
    side, symbol = _side(step), _symbol(step)
    step.finish(_OPENING)
    return PerpOpen(
        side=side,
        collateral=money[0].value,
        asset=money[0].asset,
        symbol=symbol,
        leverage=None if leverage is None else _times(leverage.value),
    )


def _side(step: Step) -> Literal["long", "short"]:
    said = {token.value for token in step.tokens if token.kind is Kind.WORD}
    long, short = "long" in said, "short" in said
    if long == short:
        raise CommandRefused("ambiguous", "a position is long or short, and one of them")
    return "long" if long else "short"


def _times(text: str) -> int:
    if "." in text:
        raise CommandRefused("malformed", f"leverage is a whole number, and not {text}")
    return int(text)


def _symbol(step: Step) -> str:
    found = step.take(Kind.SYMBOL) + step.take(Kind.PAIR)
    if len(found) != 1:
        raise CommandRefused("ambiguous", f"one market such as BTC, and not {len(found)}")
    return found[0].value


def perp_close(step: Step) -> PerpClose:
    """Read which position."""
    step.drop_venue("moonlander")
    step.refuse_bare_amounts()
    symbol = _symbol(step)
    step.finish(_POSITION - {"with", "using"})
    return PerpClose(symbol=symbol)


def stop_loss(step: Step) -> StopLoss:
    """Read a symbol and a price."""
    symbol, price = _exit(step)
    return StopLoss(symbol=symbol, price=price)


def take_profit(step: Step) -> TakeProfit:
    """Read a symbol and a price."""
    symbol, price = _exit(step)
    return TakeProfit(symbol=symbol, price=price)


def _exit(step: Step) -> tuple[str, str]:
    step.drop_venue("moonlander")
    found = step.all(Kind.NUMBER, Kind.DOLLARS, Kind.MONEY)
    if len(found) != 1:
        raise CommandRefused("ambiguous", f"one price, such as at 60000, and not {len(found)}")
    price = price_of(step, found[0])
    step.use(found)
    symbol = _symbol(step)
    step.finish(_EXIT)
    return symbol, price


def funding(step: Step) -> Funding:
    """Read a symbol."""
    step.drop_venue("moonlander")
    symbol = _symbol(step)
    step.finish(_FUNDING)
    return Funding(symbol=symbol)


def predict(step: Step) -> Predict:
    """Read an outcome, an amount and a market."""
    step.drop_venue("delphi")
    money = step.take(Kind.MONEY, before=["with", "for", "exactly"])
    number = _market_number(step)
    step.refuse_bare_amounts()
    if len(money) != 1:
        raise CommandRefused("ambiguous", f"a prediction has one amount with its asset, and not {len(money)}")
    outcomes = [at for at in step.left if step.word(at) in words.OUTCOMES]
    if len(outcomes) != 1:
        raise CommandRefused("ambiguous", f"one outcome, such as yes or no, and not {len(outcomes)}")
    step.use(outcomes)
    market = _market(step, number, _AT_MARKET | {"bet"})
    if market is None:
        raise CommandRefused("ambiguous", "which market? Name it, in quotes where its name is long")
    return Predict(market=market, outcome=step.word(outcomes[0]), amount=money[0].value, asset=money[0].asset)


def claim(step: Step) -> Claim:
    """Read a market, if one is named."""
    step.drop_venue("delphi")
    _refuse_other_claims(step)
    return Claim(market=_market(step, _market_number(step), _AT_MARKET | _WINNINGS))


def _refuse_other_claims(step: Step) -> None:
    """Refuse what is claimed where it is no winnings: an airdrop is no market."""
    claimed = next((at for at in step.left if step.word(at) not in _WINNINGS), -1)
    led = step.word(claimed) in words.PREPOSITIONS or step.word(claimed) == "market"
    if claimed >= 0 and not led and step.tokens[claimed].kind is not Kind.QUOTED:
        raise CommandRefused("unknown", f"{step.tokens[claimed].text[:60]!r} is not understood here")


def _market_number(step: Step) -> str | None:
    """Use a market that is named by its number: market 42."""
    for at in step.all(Kind.NUMBER):
        before = step.before(at)
        if step.word(before) == "market" and "." not in step.tokens[at].value:
            step.use([before, at])
            return step.tokens[at].value
    return None


def _market(step: Step, number: str | None, at_ends: frozenset[str]) -> str | None:
    name = take_name(step, what="market", at_ends=at_ends, beside_quotes=frozenset())
    if number is not None and name is not None:
        raise CommandRefused("ambiguous", f"which market is meant, {number} or {name!r}?")
    return number if name is None else name
