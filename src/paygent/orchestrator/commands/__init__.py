"""Commands without a model: a fixed grammar from plain English to typed values.

Nothing is guessed: what is not certain is refused. docs/reference/commands.md has the whole grammar.
"""

from paygent.orchestrator.commands.parser import parse
from paygent.orchestrator.commands.render import render
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
    Single,
    Stake,
    StopLoss,
    Swap,
    TakeProfit,
    Transfer,
    as_json,
)

__all__ = [
    "AddLiquidity",
    "Balance",
    "Claim",
    "Command",
    "Discover",
    "Funding",
    "Harvest",
    "Multi",
    "Pay",
    "PerpClose",
    "PerpOpen",
    "Predict",
    "Quote",
    "RemoveLiquidity",
    "Single",
    "Stake",
    "StopLoss",
    "Swap",
    "TakeProfit",
    "Transfer",
    "as_json",
    "parse",
    "render",
]
