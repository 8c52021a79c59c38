"""Plugins held to their word: what they return is checked, and what they raise has their name on it."""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TypeVar, cast

from paygent.core.action import Action, Call
from paygent.core.caip import AssetId
from paygent.core.errors import AdapterError, ConfigurationError, PluginError, TradeRefused
from paygent.core.money import Amount
from paygent.core.verdict import Allow, Deny, Reason, RequireApproval, Verdict
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.ports.connector import APPROVE, Connector, Manifest, PermittedCall, Position, Swap, TradeQuote, Wish
from paygent.ports.policy_rule import PolicyRule, Proposal
from paygent.runtime.promised import departure

_EXCERPT = 300
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
        if not _sums(action.spend for action in actions) <= _sums(quote.spend):
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
        for amount in (action.spend, *action.receive):
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
            self._name = str(rule.name)

    @property
    def name(self) -> str:
        """The plugin's name and the rule's."""
        return f"{self._plugin}.{self._name}"

    def judge(self, proposal: Proposal) -> Verdict:
        """Return what the rule says; a rule that raises, or says nothing, denies."""
        try:
            with contained(self._plugin, f"rule {self._name}"):
                verdict = cast("object", self._rule.judge(proposal))
        except (PluginError, TradeRefused, AdapterError, ConfigurationError) as broken:
            return Deny(reasons=(Reason(code=f"{self.name}.broken", text=str(broken)),))
        if not isinstance(verdict, Allow | RequireApproval | Deny):
            said = f"rule {self.name} returned {type(verdict).__name__}, which is no verdict"
            return Deny(reasons=(Reason(code=f"{self.name}.broken", text=said),))
        return verdict


def _sums(amounts: Iterable[Amount]) -> Counter[AssetId]:
    """Return atomic units by asset; one Counter is below another where each of its sums is."""
    sums: Counter[AssetId] = Counter()
    for amount in amounts:
        sums[amount.asset.id] += amount.atomic
    return sums


def _spender(call: Call) -> str | None:
    """Return whom an approval lets spend: the first word of its arguments."""
    return checksum(f"0x{call.data[34:74]}") if call.function == APPROVE and len(call.data) >= 74 else None
