"""The plugins: found by entry point, loaded when the settings name them, and asked through a typed relay."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Self, TypeGuard, TypeVar, cast

import pluggy

from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError, PluginError
from paygent.core.requirements import Token
from paygent.plugin.hooks import PROJECT, Hooks, StorageOpener
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.connector import Connector, Tools
from paygent.ports.events import PaymentMoved
from paygent.ports.policy_rule import PolicyRule
from paygent.ports.scheme import Scheme
from paygent.ports.storage import Storage
from paygent.runtime.contained import ContainedConnector, ContainedHandler, ContainedRule, contained
from paygent.runtime.contained_storage import ContainedStorage
from paygent.runtime.fields import PluginChoice, near

__all__ = ["Announced", "Plugins", "announced", "tokens_of_connectors"]

_PREFIX = "paygent_"
_HOOKS = frozenset(name for name in vars(Hooks) if name.startswith(_PREFIX))
_STORAGE = frozenset(name for name in dir(Storage) if not name.startswith("_"))
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A plugin that is installed; it has not been imported."""

    name: str
    entry_point: EntryPoint

    @property
    def distribution(self) -> str:
        """The package that announces it, with its version."""
        dist = self.entry_point.dist
        return "unknown" if dist is None else f"{dist.name} {dist.version}"


def announced() -> Sequence[Announced]:
    """Return all installed plugins, by name, without importing any."""
    found = (Announced(name=one.name, entry_point=one) for one in entry_points(group=PROJECT))
    return sorted(found, key=lambda one: (one.name, one.entry_point.value))


class Plugins:
    """Loaded plugins. Whatever one of them does wrong ends as a `PluginError` that names it."""

    def __init__(self, loaded: pluggy.PluginManager, options: Mapping[str, Mapping[str, object]]) -> None:
        self._loaded = loaded
        self._options = options

    @classmethod
    def load(cls, choices: Iterable[PluginChoice], *, installed: Sequence[Announced] | None = None) -> Self:
        """Load the named plugins, and no other.

        Args: installed: instead of what `announced` finds.

        Raises: PluginError: one is unknown, named or announced twice, cannot be imported, or has hooks that are none.
        """
        there = announced() if installed is None else installed
        loaded = pluggy.PluginManager(PROJECT)
        loaded.add_hookspecs(Hooks)
        options: dict[str, Mapping[str, object]] = {}
        for choice in choices:
            if choice.name in options:
                raise PluginError("the settings name it twice; keep one", plugin=choice.name)
            options[choice.name] = choice.options
            _register(loaded, choice.name, _import(_one(choice.name, there)))
        return cls(loaded, options)

    @property
    def names(self) -> Sequence[str]:
        """What is loaded, in the order of the settings."""
        return tuple(self._options)

    def hooks(self, name: str) -> Sequence[str]:
        """Return the hooks that a loaded plugin implements."""
        plugin = self._loaded.get_plugin(name)
        callers = self._loaded.get_hookcallers(plugin) if plugin is not None else None
        return sorted(caller.name for caller in callers or ())

    # what plugins contribute ------------------------------------------------------------------------------------------

    def connectors(self, *, chains: Mapping[ChainId, Chain], clock: Clock) -> Mapping[str, Connector]:
        """Return every connector by its manifest's name.

        Raises: PluginError: one is no connector, or two have the same name.
        """
        found: dict[str, Connector] = {}
        for plugin, made in self._ask("paygent_connectors", chains, clock):
            for one in _listed(plugin, made, "paygent_connectors", _is_connector):
                connector = ContainedConnector(plugin, one)
                name = connector.manifest.name
                if name in found:
                    raise PluginError(f"there is a connector {name!r} already; load one of the two", plugin=plugin)
                found[name] = connector
        return found

    def policy_rules(self, *, chains: Mapping[ChainId, Chain], clock: Clock) -> Sequence[PolicyRule]:
        """Return every rule, in order."""
        asked = self._ask("paygent_policy_rules", chains, clock)
        return tuple(
            ContainedRule(plugin, rule)
            for plugin, made in asked
            for rule in _listed(plugin, made, "paygent_policy_rules", _is_rule)
        )

    def schemes(self, *, chains: Mapping[ChainId, Chain], clock: Clock) -> Sequence[Scheme]:
        """Return every x402 scheme."""
        asked = self._ask("paygent_schemes", chains, clock)
        return tuple(
            scheme for plugin, made in asked for scheme in _listed(plugin, made, "paygent_schemes", _is_scheme)
        )

    def check_schemes(self, *, chains: Mapping[ChainId, Chain], clock: Clock) -> None:
        """Return if no plugin brings an x402 scheme.

        Raises: PluginError: one does. The signing firewall and the proof on chain know `exact` and `upto` alone, and a
        scheme that is never used must not look as if it were.
        """
        for plugin, made in self._ask("paygent_schemes", chains, clock):
            names = [scheme.name for scheme in _listed(plugin, made, "paygent_schemes", _is_scheme)]
            if names:
                raise PluginError(
                    f"it brings the x402 scheme {names[0]!r}, and the engine signs and proves exact and upto alone; "
                    "take the plugin out of the settings, or the hook out of the plugin",
                    plugin=plugin,
                )

    def approval_handlers(self, *, chains: Mapping[ChainId, Chain], clock: Clock) -> Mapping[str, ApprovalHandler]:
        """Return every way to ask people, by name; a name of two plugins is an error."""
        found: dict[str, ApprovalHandler] = {}
        for plugin, made in self._ask("paygent_approval_handlers", chains, clock):
            for name, one in _merged([(plugin, made)], "paygent_approval_handlers").items():
                if name in found:
                    raise PluginError(f"there is an approval handler {name!r} already", plugin=plugin)
                if not _is_handler(one):
                    said = f"the approval handler {name!r} is a {type(one).__name__} without `ask`"
                    raise PluginError(said, plugin=plugin)
                found[name] = ContainedHandler(plugin, name, one, clock)
        return found

    def listeners(self) -> Mapping[str, Callable[[PaymentMoved], None]]:
        """Return who is told of payments, by plugin; what it raises is a PluginError that names it."""
        return {name: _listener(name, call) for name, call in self._calls("paygent_payment_moved")}

    async def open_storage(self, url: str, *, chains: Mapping[ChainId, Chain], clock: Clock) -> Storage:
        """Open a storage by the opener of its URL's scheme.

        Raises: ConfigurationError: no loaded plugin has one. PluginError: the opener broke, or opened no storage.
        """
        asked = list(self._ask("paygent_storages", chains, clock))
        openers = cast("Mapping[str, StorageOpener]", _merged(asked, "paygent_storages"))
        scheme = url.partition("://")[0]
        if scheme not in openers:
            raise ConfigurationError(
                f"no loaded plugin opens storages of {scheme}://; name the one that does in plugins"
            )
        owner = next(plugin for plugin, made in asked if scheme in cast("Mapping[str, object]", made))
        with contained(owner, f"opening the storage of {scheme}://"):
            opened = cast("object", await openers[scheme](url))
        if lacking := sorted(name for name in _STORAGE if not callable(getattr(opened, name, None))):
            said = f"what it opened for {scheme}:// is a {type(opened).__name__} without {', '.join(lacking)}"
            raise PluginError(said, plugin=owner)
        return ContainedStorage(owner, cast("Storage", opened))

    def moved(self, event: PaymentMoved) -> Sequence[PluginError]:
        """Tell every plugin; return what broke, which changes nothing about the payment."""
        broken: list[PluginError] = []
        for name, call in self._calls("paygent_payment_moved"):
            try:
                with contained(name, "paygent_payment_moved"):
                    call(event=event)
            except PluginError as error:
                broken.append(error)
        return tuple(broken)

    # asking -----------------------------------------------------------------------------------------------------------

    def _ask(self, hook: str, chains: Mapping[ChainId, Chain], clock: Clock) -> Iterable[tuple[str, object]]:
        for name, call in self._calls(hook):
            tools = Tools(chains=chains, clock=clock, options=self._options[name])
            with contained(name, hook):
                made = call(tools=tools)
            yield name, made

    def _calls(self, hook: str) -> Iterable[tuple[str, "Callable[..., object]"]]:
        """Yield one caller for each plugin that implements a hook, so that it is known who breaks."""
        everybody = dict(self._loaded.list_name_plugin())
        for name in self._options:
            if hook in self.hooks(name):
                others = [plugin for other, plugin in everybody.items() if other != name]
                yield name, _single(self._loaded.subset_hook_caller(hook, others))


def tokens_of_connectors(connectors: Iterable[Connector]) -> tuple[Token, ...]:
    """Return the tokens that connectors name, as the engine wants to know them; shares of pools are among them.

    None of them counts as a dollar, or has a signature domain: what is known of a token elsewhere goes before this.
    """
    assets = {asset.id: asset for one in connectors for asset in one.manifest.assets if not asset.id.native}
    return tuple(Token(asset=asset, name=asset.symbol, versions=(), eip3009=False) for asset in assets.values())


def _single(caller: pluggy.HookCaller) -> "Callable[..., object]":
    def call(**arguments: object) -> object:
        answers: list[object] = caller(**arguments)
        return answers[0] if answers else None

    return call


def _one(name: str, installed: Sequence[Announced]) -> Announced:
    found = [one for one in installed if one.name == name]
    if not found:
        known = {one.name for one in installed}
        hint = near(name, known) if known else "none is"
        raise PluginError(f"no installed package announces it; {hint}", plugin=name)
    if len(found) > 1:
        by = " and ".join(one.distribution for one in found)
        raise PluginError(f"{by} both announce it; uninstall one", plugin=name)
    return found[0]


def _import(one: Announced) -> object:
    with contained(one.name, f"importing {one.entry_point.value}"):
        plugin: object = one.entry_point.load()
    return plugin


def _register(loaded: pluggy.PluginManager, name: str, plugin: object) -> None:
    written = {each for each in dir(plugin) if each.startswith(_PREFIX) and callable(getattr(plugin, each))}
    for unknown in sorted(written - _HOOKS):
        raise PluginError(f"it has {unknown}, which is no hook; {near(unknown, _HOOKS)}", plugin=name)
    try:
        loaded.register(plugin, name=name)
        loaded.check_pending()
    except pluggy.PluginValidationError as invalid:
        raise PluginError(f"a hook does not fit: {str(invalid).splitlines()[-1]}", plugin=name) from invalid
    except ValueError as twice:
        raise PluginError("another name has loaded the same plugin already", plugin=name) from twice
    marked = {caller.name for caller in loaded.get_hookcallers(plugin) or ()}
    for unmarked in sorted(written - marked):
        raise PluginError(f"{unmarked} is not marked with paygent.plugin.hookimpl", plugin=name)
    if not marked:
        raise PluginError(f"it implements no hook; {near('', _HOOKS)}", plugin=name)


def _listed(plugin: str, made: object, hook: str, fits: Callable[[object], TypeGuard[_T]]) -> Sequence[_T]:
    if isinstance(made, str | bytes) or not isinstance(made, Sequence):
        raise PluginError(f"{hook} returned {type(made).__name__}, not a list", plugin=plugin)
    found: list[_T] = []
    for one in cast("Sequence[object]", made):
        if not fits(one):
            raise PluginError(f"{hook} returned {type(one).__name__}, which lacks parts of its port", plugin=plugin)
        found.append(one)
    return found


def _merged(asked: Iterable[tuple[str, object]], hook: str) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for plugin, made in asked:
        if not isinstance(made, Mapping):
            raise PluginError(f"{hook} returned {type(made).__name__}, not a table by name", plugin=plugin)
        for name, one in cast("Mapping[str, object]", made).items():
            if name in found:
                raise PluginError(f"{hook} gives {name!r}, which another plugin gives too", plugin=plugin)
            found[name] = one
    return found


def _is_connector(one: object) -> TypeGuard[Connector]:
    return isinstance(one, Connector)


def _is_handler(one: object) -> TypeGuard[ApprovalHandler]:
    return isinstance(one, ApprovalHandler)


def _listener(plugin: str, call: Callable[..., object]) -> Callable[[PaymentMoved], None]:
    def tell(event: PaymentMoved) -> None:
        with contained(plugin, "paygent_payment_moved"):
            call(event=event)

    return tell


def _is_rule(one: object) -> TypeGuard[PolicyRule]:
    return isinstance(one, PolicyRule)


def _is_scheme(one: object) -> TypeGuard[Scheme]:
    return isinstance(one, Scheme)
