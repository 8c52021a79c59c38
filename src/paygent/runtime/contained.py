"""Plugins held to their word: what they return is checked, and what they raise has their name on it."""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import TypeVar, cast

import anyio

from paygent.core.action import Action, Call
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.caip import AssetId
from paygent.core.edit import Edit
from paygent.core.errors import AdapterError, ConfigurationError, PluginError, TradeRefused
from paygent.core.money import Amount
from paygent.core.verdict import Allow, Deny, Downgrade, Reason, RequireApproval, Verdict
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.clock import Clock
from paygent.ports.connector import APPROVE, Connector, Manifest, PermittedCall, Position, Swap, TradeQuote, Wish
from paygent.ports.policy_rule import PolicyRule, Proposal
from paygent.runtime.promised import departure

_EXCERPT = 300
_MOST_REASONS = 20
_T = TypeVar("_T")


@contextmanager
def contained(plugin: str, what: str) -> Generator[None]:
    """Turn whatever a plugin raises, but for what its port allows, into a PluginError that names it."""
    try:
        yield
    except (TradeRefused, AdapterError, ConfigurationError):
        raise
    except (Exception, SystemExit) as broken:
        said = f"{type(broken).__name__}: {broken}"[:_EXCERPT]
        raise PluginError(f"{what} raised {said}", plugin=plugin) from broken


class ContainedConnector:
    """A connector whose answers are looked at: nothing outside its manifest is passed on."""

    def __init__(self, plugin: str, connector: Connector) -> None:
        self._plugin = plugin
        self._connector = connector
        with contained(plugin, "manifest"):
            self._manifest = self._checked(connector.manifest, Manifest, "manifest")

    @property
    def manifest(self) -> Manifest:
        """As it was when the plugin was loaded."""
        return self._manifest

    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        """Return the connector's quote, if it is one of this wish.

        Raises: PluginError: it is not. Others: as `Connector`.
        """
        self._check_served(wish)
        with contained(self._plugin, "quote"):
            quote = self._checked(await self._connector.quote(wish, owner=owner), TradeQuote, "quote")
        if (quote.wish, quote.venue, quote.owner) != (wish, self._manifest.name, checksum(owner)):
            raise self._wrong("quote", "it quotes another wish, venue or owner")
        with contained(self._plugin, "quote"):
            why = departure(quote)
        if why is not None:
            raise self._wrong("quote", why)
        return quote

    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        """Return the connector's actions, if they are within the quote and the manifest.

        Raises: PluginError: they are not. Others: as `Connector`.
        """
        with contained(self._plugin, "build"):
            actions = tuple(await self._connector.build(quote))
        if not actions:
            raise self._wrong("build", "it built nothing")
        for action in actions:
            self._check_action(self._checked(action, Action, "build"), quote)
        if not _sums(amount for action in actions for amount in _leaving(action)) <= _sums(quote.spend):
            raise self._wrong("build", "the actions spend more than was quoted, or something else")
        if not _sums(quote.at_least) <= _sums(amount for action in actions for amount in action.receive):
            raise self._wrong("build", "the actions do not bring back what was quoted at least")
        return actions

    async def positions(self, owner: str) -> Sequence[Position]:
        """Return the connector's positions."""
        with contained(self._plugin, "positions"):
            found = tuple(await self._connector.positions(owner))
        return tuple(self._checked(one, Position, "positions") for one in found)

    def refusal(self, revert: str) -> TradeRefused | None:
        """Return the connector's word on a revert."""
        with contained(self._plugin, "refusal"):
            return self._connector.refusal(revert)

    # checks -----------------------------------------------------------------------------------------------------------

    def _check_served(self, wish: Wish) -> None:
        manifest = self._manifest
        if wish.kind not in manifest.wishes:
            served = ", ".join(sorted(manifest.wishes))
            raise TradeRefused("not_offered", f"{manifest.title} does not offer {wish.kind}; it offers {served}")
        if wish.network not in manifest.networks:
            where = ", ".join(sorted(map(str, manifest.networks)))
            raise TradeRefused("unknown_network", f"{manifest.title} is not on {wish.network}; it is on {where}")

    def _check_action(self, action: Action, quote: TradeQuote) -> None:
        if (action.venue, action.network) != (self._manifest.name, quote.wish.network):
            raise self._wrong("build", f"an action is for {action.venue!r} on {action.network}")
        if action.purpose != ("swap" if isinstance(quote.wish, Swap) else "position"):
            raise self._wrong("build", f"a {action.purpose} is no {quote.wish.kind}")
        assets = {asset.id for asset in self._manifest.assets}
        for amount in (*_leaving(action), *action.receive):
            if amount.asset.id not in assets:
                raise self._wrong("build", f"an action moves {amount.asset.id}, which its manifest does not name")
        for call in action.calls:
            self._check_call(action, call)

    def _check_call(self, action: Action, call: Call) -> None:
        if not call.function or call.selector != word.calldata(call.function):
            raise self._wrong("build", f"the calldata at {call.to} is not of {call.function!r}, as it claims")
        spender = _spender(call)
        permitted = PermittedCall(network=action.network, to=call.to, function=call.function, spender=spender)
        if permitted not in self._manifest.calls:
            for_whom = "" if spender is None else f" for {spender}"
            raise self._wrong("build", f"{call.function} at {call.to}{for_whom} is not among its manifest's calls")

    def _checked(self, made: object, kind: type[_T], what: str) -> _T:
        if not isinstance(made, kind):
            raise self._wrong(what, f"it returned {type(made).__name__}, not {kind.__name__}")
        return made

    def _wrong(self, what: str, why: str) -> PluginError:
        return PluginError(f"{what}: {why}", plugin=self._plugin)


class ContainedRule:
    """A rule that denies where it breaks: an exception never lets a payment pass."""

    def __init__(self, plugin: str, rule: PolicyRule) -> None:
        self._plugin = plugin
        self._rule = rule
        with contained(plugin, "name of a policy rule"):
            self._name = _line(rule.name, most=60)

    @property
    def name(self) -> str:
        """The plugin's name and the rule's."""
        return f"{self._plugin}.{self._name}"

    def judge(self, proposal: Proposal) -> Verdict:
        """Return what the rule says in values of ours; a rule that raises, or says something else, denies."""
        try:
            with contained(self._plugin, f"rule {self._name}"):
                verdict = cast("object", self._rule.judge(proposal))
        except PluginError as broken:
            return self._denied(str(broken))
        except (TradeRefused, AdapterError, ConfigurationError) as broken:
            return self._denied(f"plugin {self._plugin!r}: rule {self._name} raised {type(broken).__name__}: {broken}")
        try:
            return self._verdict(verdict)
        except Exception as broken:  # noqa: BLE001  a verdict of the plugin's own kind may do anything when it is read
            return self._denied(f"rule {self.name} returned {type(verdict).__name__}, which is no verdict: {broken}")

    def _denied(self, why: str) -> Deny:
        return Deny(reasons=(Reason(code=f"{self.name}.broken", text=_line(why)),))

    def _verdict(self, said: object) -> Verdict:
        """Return the same verdict made anew; a rule proposes nothing cheaper, so its downgrade is a denial.

        Raises: TypeError: it is none. A subclass is none either: what is stricter is found by the exact type.
        """
        if type(said) is Allow:
            return Allow()
        if type(said) is RequireApproval:
            return RequireApproval(reasons=self._reasons(said.reasons))
        if type(said) in (Deny, Downgrade):
            return Deny(reasons=self._reasons(cast("Deny", said).reasons))
        raise TypeError("not exactly Allow, RequireApproval or Deny")

    def _reasons(self, given: object) -> tuple[Reason, ...]:
        if type(given) is not tuple or not all(type(one) is Reason for one in cast("tuple[object, ...]", given)):
            raise TypeError("its reasons are no tuple of Reason")
        reasons = cast("tuple[Reason, ...]", given)[:_MOST_REASONS]
        made = [Reason(code=f"{self.name}.{_line(one.code, most=60)}", text=_line(one.text)) for one in reasons]
        return tuple(made) or (Reason(code=f"{self.name}.no_reason", text=f"rule {self.name} gave no reason"),)


class ContainedHandler:
    """A way to ask people that decides nothing where it breaks or stays silent: the request waits in the storage."""

    def __init__(self, plugin: str, name: str, handler: ApprovalHandler, clock: Clock) -> None:
        self._plugin = plugin
        self._name = name
        self._handler = handler
        self._clock = clock

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return what one approver said, in a value of ours; None where the request ends before anybody answers.

        Raises: AdapterError: the plugin broke, or answered something else.
        """
        said: object = None
        try:
            with anyio.move_on_after(max(0, request.expires_at - self._clock.now())):
                said = cast("object", await self._handler.ask(deepcopy(request)))
        except (AdapterError, ConfigurationError):
            raise
        except Exception as broken:
            raise self._broken(f"raised {type(broken).__name__}") from broken
        if said is None:
            return None
        if type(said) is not ApprovalDecision or not _is_decision(said):
            raise self._broken(f"answered {type(said).__name__}, which is no decision")
        return replace(said, approver=_line(said.approver, most=200), reason=_line(said.reason))

    def _broken(self, what: str) -> AdapterError:
        return AdapterError(f"plugin {self._plugin!r}: the approval handler {self._name} {what}", retryable=False)


def _is_decision(said: ApprovalDecision) -> bool:
    """Tell whether its fields are of their types: a handler that answers 1, or a text, has not said yes."""
    texts = all(type(each) is str for each in (said.approver, said.digest, said.reason))
    edit = said.edit is None or (type(said.edit) is Edit and _whole(said.edit.atomic_units, said.edit.quantity))
    return texts and bool(said.approver) and type(said.granted) is bool and type(said.at) is int and edit


def _whole(*numbers: int | None) -> bool:
    return all(number is None or type(number) is int for number in numbers)


def _line(text: object, *, most: int = _EXCERPT) -> str:
    """Return a plugin's text for people and logs: one line, bounded, without characters that move a cursor.

    Raises: TypeError: it is no text.
    """
    if type(text) is not str:
        raise TypeError(f"{type(text).__name__} is no text")
    return "".join(one if one.isprintable() else " " for one in text[:most])


def _sums(amounts: Iterable[Amount]) -> Counter[AssetId]:
    """Return atomic units by asset; one Counter is below another where each of its sums is."""
    sums: Counter[AssetId] = Counter()
    for amount in amounts:
        sums[amount.asset.id] += amount.atomic
    return sums


def _leaving(action: Action) -> tuple[Amount, ...]:
    return (action.spend,) if action.fee is None else (action.spend, action.fee)


def _spender(call: Call) -> str | None:
    """Return whom an approval lets spend: the first word of its arguments."""
    return checksum(f"0x{call.data[34:74]}") if call.function == APPROVE and len(call.data) >= 74 else None
