"""The canonical text of a command: reading it gives the command again."""

from functools import singledispatch

from paygent.orchestrator.commands.values import (
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
    Stake,
    StopLoss,
    Swap,
    TakeProfit,
    Transfer,
)


def render(command: Command) -> str:
    """Return the text; names stand in quotes."""
    return _said(command)


@singledispatch
def _said(command: object) -> str:
    raise TypeError(f"{command!r} is not a command")


@_said.register
def _(command: Multi) -> str:
    return "; ".join(map(render, command.steps))


@_said.register
def _(command: Pay) -> str:
    paid = "" if command.asset is None else f" {command.amount} {command.asset}"
    if command.amount is None and command.asset is not None:
        paid = f" in {command.asset}"
    return f"pay{paid} for " + (f'"{command.service}"' if command.url is None else command.url)


@_said.register
def _(command: Quote) -> str:
    return f"quote {command.url}"


@_said.register
def _(command: Balance) -> str:
    return " ".join(["balance", *([f"of {' and '.join(command.assets)}"] if command.assets else [])])


@_said.register
def _(command: Transfer) -> str:
    return f"transfer {command.amount} {command.asset} to {command.to}"


@_said.register
def _(command: Swap) -> str:
    given, received = command.asset_in, command.asset_out
    if command.exact == "in":
        given = f"{command.amount} {given}"
    else:
        received = f"{command.amount} {received}"
    venue = "" if command.venue is None else f" on {command.venue}"
    slippage = "" if command.slippage_bps is None else f" with {command.slippage_bps} bps slippage"
    return f"swap {given} to {received}{venue}{slippage}"


@_said.register
def _(command: AddLiquidity) -> str:
    other = command.asset_b if command.amount_b is None else f"{command.amount_b} {command.asset_b}"
    return f"add liquidity {command.amount_a} {command.asset_a} and {other}"


@_said.register
def _(command: RemoveLiquidity) -> str:
    return f"remove {command.percent}% liquidity from {command.asset_a}-{command.asset_b}"


@_said.register
def _(command: Stake) -> str:
    return f"stake {command.amount} in the {command.pool} farm"


@_said.register
def _(command: Harvest) -> str:
    return f"harvest the {command.pool} farm"


@_said.register
def _(command: Discover) -> str:
    parts = (
        "mcp services" if command.mcp else "services",
        "" if command.category is None else f'for "{command.category}"',
        "" if command.max_price is None else f"under {command.max_price}",
        "" if command.min_reputation is None else f"with reputation at least {command.min_reputation}",
    )
    return " ".join(["discover", *filter(None, parts)])


@_said.register
def _(command: PerpOpen) -> str:
    leverage = "" if command.leverage is None else f" with {command.leverage}x leverage"
    return f"{command.side} {command.symbol} with {command.collateral} {command.asset} collateral{leverage}"


@_said.register
def _(command: PerpClose) -> str:
    return f"close {command.symbol}"


@_said.register
def _(command: StopLoss) -> str:
    return f"stop loss for {command.symbol} at {command.price}"


@_said.register
def _(command: TakeProfit) -> str:
    return f"take profit for {command.symbol} at {command.price}"


@_said.register
def _(command: Funding) -> str:
    return f"funding rate of {command.symbol}"


@_said.register
def _(command: Predict) -> str:
    return f'predict {command.outcome} on "{command.market}" with {command.amount} {command.asset}'


@_said.register
def _(command: Claim) -> str:
    return "claim" if command.market is None else f'claim from "{command.market}"'
