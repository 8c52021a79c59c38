"""Reading swaps, liquidity and farms."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import check, words
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.tokens import Kind, Token
from paygent.orchestrator.commands.values import AddLiquidity, Harvest, RemoveLiquidity, Stake, Swap

Side = Literal["in", "out"]
_BY: Final = frozenset("on via at using through with".split())
_BASIS_POINTS: Final = frozenset("bps bp".split())
_SWAP: Final[dict[str, Side]] = {
    "for": "out",
    "to": "out",
    "into": "out",
    "->": "out",
    "get": "out",
    "from": "in",
    "of": "in",
}
_BUY: Final[dict[str, Side]] = dict.fromkeys("with using for from".split(), "in")
_SPEND: Final[dict[str, Side]] = dict.fromkeys("on to buy".split(), "out")
_OF_POOL: Final = frozenset(
    "liquidity lp pool pools tokens token to in into on as of with using for from and plus + - / ,".split()
)
_OF_FARM: Final = frozenset("lp tokens token in into to on from of farm pool reward rewards".split())


def swap(step: Step) -> Swap:
    """Read swap, exchange, convert, trade and sell: what stands alone is given."""
    return _swap(step, _SWAP, alone="in", spending=False)


def buy(step: Step) -> Swap:
    """Read buy and get of an asset: what stands alone is received."""
    return _swap(step, _BUY, alone="out", spending=False)


def spend(step: Step) -> Swap:
    """Read spend and use: what stands alone is given, what is bought with it comes after on or buy."""
    return _swap(step, _SPEND, alone="in", spending=True)


def _swap(step: Step, roles: dict[str, Side], *, alone: Side, spending: bool) -> Swap:
    slippage = take_slippage(step)
    venue = _venue(step, spending=spending)
    given, received = _sides(step, roles, alone=alone)
    step.refuse_bare_amounts()
    amounts = [token for token in (*given, *received) if token.kind is Kind.MONEY]
    if len(given) == len(received) == 1:
        check.different(_asset(given[0]), _asset(received[0]))
    if len(given) != 1 or len(received) != 1:
        raise CommandRefused(
            "ambiguous", f"a swap gives one asset for another, and not {len(given)} for {len(received)}"
        )
    if len(amounts) != 1:
        raise CommandRefused(
            "ambiguous", f"a swap has one amount, of what is given or of what is received, not {len(amounts)}"
        )
    step.finish(["me"])
    return Swap(
        amount=amounts[0].value,
        asset_in=_asset(given[0]),
        asset_out=_asset(received[0]),
        exact="in" if amounts[0] is given[0] else "out",
        venue=venue,
        slippage_bps=slippage,
    )


def _sides(step: Step, roles: dict[str, Side], *, alone: Side) -> tuple[list[Token], list[Token]]:
    """Use the assets and the words that say which way each of them goes."""
    sides: dict[Side, list[Token]] = {"in": [], "out": []}
    role: Side | None = None
    pending: list[int] = []
    for at in step.left:
        token, word = step.tokens[at], step.word(at)
        if token.kind in (Kind.MONEY, Kind.SYMBOL):
            if word_of := _worth(step, at, alone):
                step.use(word_of)
                sides["in"].append(token)
            else:
                sides[role or alone].append(token)
            step.use([*pending, at])
            role, pending = None, []
        elif word in roles:
            role, pending = roles[word], [*pending, at]
        elif word == "exactly":
            step.use([at])
        elif not step.used(at):
            role, pending = None, []
    return sides["in"], sides["out"]


def _worth(step: Step, at: int, alone: Side) -> list[int]:
    """Return the places of "of" or "worth of" behind an amount that is spent: buy 100 USDC worth of CRO."""
    if alone != "out" or step.tokens[at].kind is not Kind.MONEY:
        return []
    first, second = step.after(at), step.after(at, 2)
    if step.word(first) == "of":
        return [first]
    return [first, second] if (step.word(first), step.word(second)) == ("worth", "of") else []


def _asset(token: Token) -> str:
    return token.asset if token.kind is Kind.MONEY else token.value


def _venue(step: Step, *, spending: bool) -> str | None:
    found: list[str] = []
    several = len(step.all(Kind.MONEY, Kind.SYMBOL)) > 2
    for at in step.all(Kind.WORD, Kind.SYMBOL):
        if _is_venue(step, at, spending=spending, several=several):
            before, behind = step.before(at), step.after(at)
            step.use([before, at, *([behind] if step.word(behind) in ("finance", "exchange", "dex") else [])])
            found.append(step.tokens[at].value.lower())
    if len(found) > 1:
        raise CommandRefused("ambiguous", f"one venue, and not {len(found)}: {', '.join(found[:3])}")
    return found[0] if found else None


def _is_venue(step: Step, at: int, *, spending: bool, several: bool) -> bool:
    """VVS is a token too, and a venue only where two other assets are named."""
    token, preposition = step.tokens[at], step.word(step.before(at))
    if token.value.lower() == "vvs":
        return several and preposition in _BY
    if token.value.lower() in words.RESERVED or token.value in words.SYMBOLS:
        return False
    if spending and token.kind is Kind.SYMBOL:
        return False
    return preposition in ("on", "via", "through")


def take_slippage(step: Step) -> int | None:
    """Use the slippage and return it in basis points.

    Raises: CommandRefused: it has no unit, stands there twice, or is no whole number of basis points.
    """
    found = [at for at in step.left if step.word(at) == "slippage"]
    if not found:
        return None
    if len(found) > 1:
        raise CommandRefused("ambiguous", "slippage is said twice")
    values = _before_slippage(step, found[0]) or _after_slippage(step, found[0])
    if not values:
        raise CommandRefused("ambiguous", "slippage has a number and a unit, such as 0.5% slippage or 50 bps slippage")
    step.use([found[0], *values])
    number = next(step.tokens[at] for at in values if step.tokens[at].kind in (Kind.PERCENT, Kind.NUMBER))
    exact = Decimal(number.value) * (100 if number.kind is Kind.PERCENT else 1)
    if exact > 5_000 or exact != int(exact):
        raise CommandRefused(
            "malformed", f"slippage is a whole number of basis points, 50% at most, and not {number.text}"
        )
    return int(exact)


def _before_slippage(step: Step, at: int) -> list[int]:
    places: list[int] = []
    before = step.before(at)
    if step.word(before) in ("max", "maximum"):
        places, before = [before], step.before(before)
    unit = before
    if step.word(unit) in _BASIS_POINTS:
        places, before = [*places, unit], step.before(unit)
        kind = Kind.NUMBER
    else:
        kind = Kind.PERCENT
    if before >= 0 and step.tokens[before].kind is kind:
        behind = step.after(at)
        return [*places, before, *_leading(step, before), *([behind] if step.word(behind) == "tolerance" else [])]
    return []


def _after_slippage(step: Step, at: int) -> list[int]:
    places = _leading(step, at)
    behind = step.after(at)
    while step.word(behind) in ("tolerance", "of", "at", "to"):
        places, behind = [*places, behind], step.after(behind)
    if behind >= 0 and step.tokens[behind].kind is Kind.PERCENT:
        return [*places, behind]
    if behind >= 0 and step.tokens[behind].kind is Kind.NUMBER and step.word(step.after(behind)) in _BASIS_POINTS:
        return [*places, behind, step.after(behind)]
    return []


def _leading(step: Step, at: int) -> list[int]:
    """Return the places of with, at, max and the like right before a place."""
    places: list[int] = []
    before = step.before(at)
    while step.word(before) in ("with", "and", "at", "most", "max", "maximum"):
        places.append(before)
        before = step.before(before)
    return places


def add_liquidity(step: Step) -> AddLiquidity:
    """Read two assets, one or both with an amount, and perhaps their pool."""
    step.drop_venue("vvs")
    amounts = step.take(Kind.MONEY, before=["exactly"])
    named = [token.value for token in step.take(Kind.SYMBOL)] + _halves(step.take(Kind.PAIR))
    step.refuse_bare_amounts()
    if not amounts or len(amounts) > 2:
        raise CommandRefused("ambiguous", f"liquidity has one or two amounts with their assets, and not {len(amounts)}")
    assets = list(dict.fromkeys([token.asset for token in amounts] + named))
    step.finish(_OF_POOL)
    if len(amounts) == 2 and amounts[0].asset == amounts[1].asset:
        raise CommandRefused("malformed", f"{amounts[0].asset} stands on both sides")
    if len(assets) != 2:
        raise CommandRefused("ambiguous", f"a pool has two assets, and not {len(assets)}: {', '.join(assets[:4])}")
    return AddLiquidity(
        amount_a=amounts[0].value,
        asset_a=assets[0],
        amount_b=amounts[1].value if len(amounts) == 2 else None,
        asset_b=assets[1],
    )


def remove_liquidity(step: Step) -> RemoveLiquidity:
    """Read a share and a pool."""
    step.drop_venue("vvs")
    percent = step.one(Kind.PERCENT, "share of the liquidity, such as 50%")
    named = [token.value for token in step.take(Kind.SYMBOL)] + _halves(step.take(Kind.PAIR))
    if len(named) != 2:
        raise CommandRefused("ambiguous", f"a pool has two assets, such as CRO-USDC, and not {len(named)}")
    step.finish(_OF_POOL)
    return RemoveLiquidity(asset_a=named[0], asset_b=named[1], percent=percent.value)


def _halves(pairs: Iterable[Token]) -> list[str]:
    return [half for pair in dict.fromkeys(pair.value for pair in pairs) for half in pair.split("-")]


def stake(step: Step) -> Stake:
    """Read an amount of LP tokens, or of the one token of a farm, and the farm."""
    step.drop_venue("vvs")
    of_lp = step.has(["lp"])
    found = step.take(Kind.MONEY) + step.take(Kind.NUMBER)
    if len(found) != 1:
        raise CommandRefused("ambiguous", f"a stake has one amount, and not {len(found)}")
    pool = _pool(step)
    step.finish(_OF_FARM - {"reward", "rewards"})
    pair, asset = "-" in pool, found[0].asset
    if (asset and (of_lp or asset != pool)) or (of_lp and not pair):
        raise CommandRefused("ambiguous", f"the farm {pool} does not take {found[0].text!r}")
    return Stake(amount=found[0].value, pool=pool)


def harvest(step: Step) -> Harvest:
    """Read a farm."""
    step.drop_venue("vvs")
    symbols = step.all(Kind.SYMBOL)
    if step.all(Kind.PAIR) or len(symbols) > 1:
        step.use([at for at in symbols if step.word(step.after(at)) in words.REWARDS])
    pool = _pool(step)
    step.finish(_OF_FARM)
    return Harvest(pool=pool)


def _pool(step: Step) -> str:
    pairs = list(dict.fromkeys(token.value for token in step.take(Kind.PAIR)))
    symbols = list(dict.fromkeys(token.value for token in step.take(Kind.SYMBOL)))
    if len(symbols) == 2 and not pairs:
        step.drop(["and"])
        return "-".join(symbols)
    if len(pairs) + len(symbols) != 1:
        raise CommandRefused("ambiguous", "which farm? Name one, such as the CRO-USDC farm")
    return (pairs + symbols)[0]
