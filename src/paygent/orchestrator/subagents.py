"""Subagents: some of the tools, a conversation of their own, and a budget inside the run's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount
from paygent.orchestrator.tools import Toolbox

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subagent:
    """Somebody whom a task can be given to."""

    name: str
    """Letters of ``a-z``, digits and ``_``; the agent's name that its payments carry, unless the run has one."""
    description: str
    """What it is good at, for a model that chooses one."""
    tools: tuple[str, ...]
    """The only tools that it has."""
    instructions: str = ""
    """What its model is told besides the task."""
    budget: Amount | None = None
    """The most that it spends in a run; it counts in the run's budget too, in one transaction. None: the run's."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"{self.name!r} is not the name of a subagent: letters of a-z, digits and _")
        if not self.tools:
            raise ConfigurationError(f"subagent {self.name!r} has no tools; name some")


class Crew:
    """Subagents by name."""

    def __init__(self, subagents: Sequence[Subagent], toolbox: Toolbox) -> None:
        self._all = {each.name: each for each in subagents}
        if len(self._all) != len(subagents):
            raise ConfigurationError("two subagents have the same name; leave one of them out")
        self._boxes = {each.name: toolbox.only(each.tools) for each in subagents}

    def __bool__(self) -> bool:
        return bool(self._all)

    def __contains__(self, name: object) -> bool:
        return name in self._all

    @property
    def members(self) -> tuple[Subagent, ...]:
        """All of them."""
        return tuple(self._all.values())

    def get(self, name: str) -> Subagent | None:
        """Return a subagent, or None."""
        return self._all.get(name)

    def tools(self, name: str) -> Toolbox:
        """Return the tools of a subagent."""
        return self._boxes[name]


TRADER_TOOLS: Final = (
    "swap",
    "add_liquidity",
    "remove_liquidity",
    "stake",
    "unstake",
    "harvest",
    "positions",
    "balance",
)
RESEARCHER_TOOLS: Final = ("discover", "quote", "pay")


def default_crew(toolbox: Toolbox, *, venues: Sequence[str] = ()) -> tuple[Subagent, ...]:
    """Return the subagents that come along, as far as their tools are there. Args: venues: where is traded."""
    trader = tuple(name for name in TRADER_TOOLS if name in toolbox)
    researcher = tuple(name for name in RESEARCHER_TOOLS if name in toolbox)
    where = f" on {', '.join(venues)}" if venues else ""
    found: list[Subagent] = []
    if "swap" in trader:
        found.append(
            Subagent(
                name="trader",
                description=f"Trades{where}: swaps, liquidity and farms.",
                tools=trader,
                instructions="Trade only what the task says. Report amounts as the tools told them.",
            )
        )
    if "pay" in researcher:
        found.append(
            Subagent(
                name="market_researcher",
                description="Finds paid data services, compares their prices, and buys what the task needs.",
                tools=researcher,
                instructions="Ask for a price before buying. Buy each thing once. Say where every figure is from.",
            )
        )
    return tuple(found)
