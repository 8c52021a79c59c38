"""Who pays, and for what: the names by which limits, halts and statistics know a payment."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from paygent.core.money import Amount

_LONGEST: Final = 200
"""Characters of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A sum that payments share: those of a run, or of a subagent in it. It is never refilled."""

    name: str
    """Unlike any other budget's of the storage; ``budget:`` and this name is what a halt stops."""
    limit: Amount
    """The most that all its payments take together."""

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > _LONGEST or not self.name.isprintable():
            raise ValueError(f"{self.name!r} is not the name of a budget: 1 to {_LONGEST} printable characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Names given by the program that pays, never by a seller or a model. None where there is none."""

    treasury: str = "default"
    """The pool of money everything is paid from."""
    project: str | None = None
    agent: str | None = None
    session: str | None = None
    run: str | None = None
    tool: str | None = None
    """Narrower and narrower: each inside the one before."""
    service: str | None = None
    """The registered service that is bought, where one is known."""
    budgets: tuple[Budget, ...] = ()
    """What the payment counts in besides the policy's limits: its own budget and those of all its ancestors.

    The transaction that reserves the payment checks them all, so children never spend more than their parent together.
    """

    def __post_init__(self) -> None:
        if self.budgets:
            self._check_budgets()
        names = _names(self)
        said = "".join(filter(None, names))
        if "" in names or len(said) > _LONGEST or not said.isprintable():  # all together, because each takes its time
            self._check_names()

    def _check_budgets(self) -> None:
        names = [budget.name for budget in self.budgets]
        if len(set(names)) != len(names):
            raise ValueError(f"a payment counts in each budget once, not in {', '.join(names)}")

    def _check_names(self) -> None:
        for part, name in zip(_PARTS, _names(self), strict=True):
            if name is not None and (not name or len(name) > _LONGEST or not name.isprintable()):
                raise ValueError(f"{part} {name!r} is not a name: 1 to {_LONGEST} printable characters")


_PARTS: Final = tuple(part.name for part in fields(Context) if part.name != "budgets")
_names: Final[Callable[[Context], tuple[str | None, ...]]] = attrgetter(*_PARTS)
NOBODY = Context()
"""A payment of which nothing is known but its wallet."""
