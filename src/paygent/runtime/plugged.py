"""What the plugins that are named give to an engine: rules, ways to ask people, a storage, ears, tokens."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.requirements import Token
from paygent.engine.own_rules import NO_RULES, OwnRules
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.events import PaymentMoved
from paygent.ports.storage import Storage
from paygent.runtime.fields import PluginChoice, near
from paygent.runtime.parts import open_storage
from paygent.runtime.settings import Settings

if TYPE_CHECKING:
    from paygent.runtime.plugins import Plugins

_OURS = ("sqlite", "postgresql", "postgres")
"""Schemes of URLs that no plugin opens."""


def chosen(named: Sequence[str | PluginChoice] | None, settings: Settings) -> Sequence[PluginChoice]:
    """Return the plugins to load; a name alone takes its options from the settings."""
    if named is None:
        return settings.plugins
    options = {choice.name: choice for choice in settings.plugins}
    return [each if isinstance(each, PluginChoice) else options.get(each, PluginChoice(each)) for each in named]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """Loaded plugins as an engine uses them. Without any, nothing of them is even imported."""

    plugins: "Plugins | None"
    chains: Mapping[ChainId, Chain]
    clock: Clock

    @classmethod
    def load(cls, choices: Sequence[PluginChoice], *, chains: Mapping[ChainId, Chain], clock: Clock) -> "Plugged":
        """Load plugins.

        Raises: PluginError: one cannot be used, or brings what the engine does not use.
        """
        if not choices:
            return cls(plugins=None, chains=chains, clock=clock)
        from paygent.runtime.plugins import Plugins

        plugins = Plugins.load(choices)
        plugins.check_schemes(chains=chains, clock=clock)
        return cls(plugins=plugins, chains=chains, clock=clock)

    def rules(self) -> OwnRules:
        """Return the rules that are judged beside the policy's own."""
        found = () if self.plugins is None else self.plugins.policy_rules(chains=self.chains, clock=self.clock)
        return OwnRules(found) if found else NO_RULES

    def tokens(self) -> Sequence[Token]:
        """Return the tokens that connectors trade; none of them counts as a dollar by a plugin's word."""
        if self.plugins is None:
            return ()
        from paygent.runtime.plugins import tokens_of_connectors

        return tokens_of_connectors(self.plugins.connectors(chains=self.chains, clock=self.clock).values())

    def handler(self, name: str | None) -> ApprovalHandler | None:
        """Return the way to ask people of a name that the settings choose; None where they choose none.

        Raises: ConfigurationError: no loaded plugin has one of that name.
        """
        if name is None:
            return None
        given: Mapping[str, ApprovalHandler] = (
            {} if self.plugins is None else self.plugins.approval_handlers(chains=self.chains, clock=self.clock)
        )
        if name not in given:
            known = near(name, given) if given else "no plugin that is loaded brings one"
            raise ConfigurationError(f"approvals names {name!r}, and there is no such way to ask people; {known}")
        return given[name]

    async def open_storage(self, url: str, made: AsyncExitStack) -> Storage:
        """Open the storage of a URL, which `made` closes: a plugin's where its scheme is none of ours.

        Raises: as `parts.open_storage`. PluginError: the plugin's opener broke.
        """
        scheme, separator, _ = url.partition("://")
        if self.plugins is None or not separator or scheme.partition("+")[0] in _OURS:
            return await open_storage(url, made)
        storage = await self.plugins.open_storage(url, chains=self.chains, clock=self.clock)
        made.push_async_callback(storage.aclose)
        return storage

    def told(self, journal: Storage, made: AsyncExitStack) -> Storage:
        """Return the journal, telling the plugins that listen of every move that it has written."""
        listeners: Mapping[str, Callable[[PaymentMoved], None]]
        listeners = {} if self.plugins is None else self.plugins.listeners()
        if not listeners:
            return journal
        from paygent.runtime.telling import Teller, ToldStorage

        teller = Teller(listeners)
        made.push_async_callback(teller.aclose)
        return ToldStorage(journal, teller)
