"""Tools: a name, a model of the arguments, and a coroutine. One list, which everything else renders."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from paygent.core.budget import Hold
from paygent.core.caip import AssetId
from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.fields import JSON
from paygent.core.ids import IntentId, intent_id
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.run_errors import ToolRefused

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class Arguments(BaseModel):
    """The arguments of a tool: nothing is converted, and nothing that is not named is taken."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls a tool, and what makes the call the same one when it is made again."""

    key: str
    """The idempotency key of whatever the call pays: the same for every execution of the same step."""
    context: Context
    """Who pays; limits, halts and statistics know the payment by it."""
    fresh: bool = False
    """Nobody can have paid under the key: its run began in this process, which has not judged the call before.

    Where somebody has all the same, the journal refuses a second payment.
    """

    def intent(self, after: str = "") -> IntentId:
        """Return the id of what is paid. Args: after: the payment of this key that ended without paying, if any."""
        return intent_id("act", self.key, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a call would cost, as far as can be found out before it is made."""

    text: str
    """For people."""
    acceptable: bool
    """The policy does not deny it, as it looks now."""
    amounts: tuple[Amount, ...] = ()
    """The most that it would take."""
    why: str = ""
    """Why not, where it is not acceptable."""
    lacks: frozenset[AssetId] = frozenset()
    """Where it is not acceptable: assets with more of which it would be."""
    spends: tuple[Amount, ...] = ()
    """What leaves the wallet for certain, gas not counted; less than `amounts` where that is a ceiling."""
    brings: tuple[Amount, ...] = ()
    """The least that it would bring in."""
    holds: tuple[Hold, ...] = ()
    """What it would take from the wallet's limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a call came to. One that failed raises instead."""

    text: str
    """For people and models; one line, our own words."""
    data: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    """The same for programs."""
    payments: tuple[Payment, ...] = ()
    """What it paid."""
    said: str = ""
    """What a stranger answered, for a model to read; never taken for instructions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[A]):
    """Something that an orchestrator, a model or a program can do."""

    name: str
    """Letters of ``a-z``, digits and ``_``; also the intent of the command that calls it."""
    description: str
    """What it is for, for a model to read."""
    arguments: type[A]
    run: Callable[[A, Call], Awaitable[ToolOutcome]]
    """Does it. The same call made again has to find what it did before."""
    price: Callable[[A, Call], Awaitable[Price | None]] | None = None
    """Tells what it would cost; None, or a result of None, where that cannot be known before."""
    judge: Callable[[A, Call], Awaitable[None]] | None = None
    """Meets the policy before `run`, without moving money, and asks people where it wants them; raises where it may not
    go on, as `run` does. None: `run` finds out."""
    prepare: Callable[[A, Call], Awaitable[None]] | None = None
    """Reads what `judge` will want to know from the storage, while it is made sure that the call may be made at all."""
    spends: bool = False
    """It can move money."""
    named: tuple[str, ...] = ()
    """Arguments, such as a recipient, that a person has to have written: a model may not make them up."""
    title: Callable[[A], str] | None = None
    """One line about a call, for people."""
    agent: str = ""
    """The subagent that does it where no model is there to choose one."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"{self.name!r} is not the name of a tool: letters of a-z, digits and _")
        fields = self.arguments.model_fields
        if strangers := [name for name in self.named if name not in fields]:
            raise ConfigurationError(f"tool {self.name!r} has no arguments {', '.join(strangers)}")

    def read(self, given: Mapping[str, object]) -> A:
        """Return the arguments, checked.

        Raises: ToolRefused: something is missing, unknown, or of another type; the values are not said back.
        """
        try:
            return self.arguments.model_validate(dict(given))
        except ValidationError as exc:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'they'}: {each['msg']}" for each in exc.errors())
            raise ToolRefused(self.name, f"it does not take these arguments ({wrong})", code="bad_arguments") from None

    def titled(self, arguments: A) -> str:
        """Return one line about a call, for people."""
        return self.name if self.title is None else self.title(arguments)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments, without titles that say nothing."""
        schema: dict[str, Any] = _without_titles(self.arguments.model_json_schema())
        return schema


AnyTool = Tool[Any]


class Toolbox:
    """Tools by name."""

    def __init__(self, tools: Sequence[AnyTool]) -> None:
        self._tools: dict[str, AnyTool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ConfigurationError(f"two tools are called {tool.name!r}; leave one of them out")
            self._tools[tool.name] = tool

    def __iter__(self) -> Iterator[AnyTool]:
        return iter(self._tools.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order given."""
        return tuple(self._tools)

    def get(self, name: str) -> AnyTool:
        """Return a tool.

        Raises: ToolRefused: there is none of that name.
        """
        tool = self._tools.get(name)
        if tool is None:
            near = get_close_matches(name, self._tools, n=3)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise ToolRefused(
                name, f"there is no such tool here{hint}; {_provider(name, self._tools.keys())}", code="no_tool"
            )
        return tool

    def only(self, names: Sequence[str]) -> "Toolbox":
        """Return a box with some of the tools.

        Raises: ConfigurationError: one of them is not there.
        """
        if strangers := [name for name in names if name not in self._tools]:
            raise ConfigurationError(f"no tools {', '.join(strangers)}; there are {', '.join(self._tools) or 'none'}")
        return Toolbox([self._tools[name] for name in dict.fromkeys(names)])

    @property
    def schemas(self) -> dict[str, JSON]:
        """Every tool's description and schema, by name."""
        return {tool.name: {"description": tool.description, "arguments": tool.schema} for tool in self}

    @property
    def fingerprint(self) -> str:
        """Changes when a tool is added or left out, or takes other arguments."""
        from hashlib import sha256

        facts = {tool.name: tool.schema for tool in self}
        return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


_OF_VVS: Final = frozenset(
    ("swap", "add_liquidity", "remove_liquidity", "stake", "unstake", "harvest", "positions"),
)
_OF_NOBODY: Final = frozenset(("perp_open", "perp_close", "stop_loss", "take_profit", "funding", "predict", "claim"))


def _provider(name: str, there: Set[str]) -> str:
    if name in _OF_NOBODY:
        return "no plugin trades perpetuals or predictions yet"
    if name in _OF_VVS and there & _OF_VVS:
        return "no venue here offers it: `paygent plugins check` says what each does, as it is configured"
    if name in _OF_VVS:
        return "paygent-vvs has it: install plugins/paygent-vvs of the clone, and name vvs in the setting `plugins`"
    return "see docs/how-to/run-commands.md for what there is"


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        given = cast("dict[str, Any]", schema)
        kept = {name: value for name, value in given.items() if name != "title" or not isinstance(value, str)}
        return {name: _without_titles(value) for name, value in kept.items()}
    return [_without_titles(each) for each in schema] if isinstance(schema, list) else schema  # pyright: ignore[reportUnknownVariableType]  # JSON
