"""`paygent plugins`: what is installed, what is loaded, and whether a plugin keeps to its hooks."""

from typing import TYPE_CHECKING

from paygent.cli.options import Commands, add_actions, add_json
from paygent.core.errors import ConfigurationError

if TYPE_CHECKING:
    from paygent.cli.arguments import Arguments
    from paygent.cli.outcome import Outcome
    from paygent.core.record import JSON
    from paygent.ports.connector import Manifest
    from paygent.runtime.settings import Settings


_FORMS = {
    "list": "list the plugins that are installed",
    "check NAME": "import one (this runs its code), and say what it may do",
}


def add_plugins(commands: Commands) -> None:
    """Add the parser of the command."""
    command = add_actions(commands, "plugins", "list what is installed, or check one plugin", _FORMS, default="list")
    command.add_argument("plugin", nargs="?", metavar="NAME", help="as its entry point is called")
    add_json(command)


async def plugins(arguments: "Arguments", settings: "Settings") -> "Outcome":
    """List what is installed, without importing it; or load one plugin and say what it is.

    Raises: ConfigurationError: no name to check. PluginError: the plugin does not keep to its hooks.
    """
    if (arguments.action == "check") != bool(arguments.plugin):
        wants = "the NAME of one; `paygent plugins` lists them" if arguments.action == "check" else "no NAME"
        raise ConfigurationError(f"plugins {arguments.action} takes {wants}")
    return _checked(arguments.plugin, settings) if arguments.plugin else _listed(settings)


def _listed(settings: "Settings") -> "Outcome":
    from paygent.cli.outcome import OK, Listing, Outcome
    from paygent.runtime.plugins import announced

    named = {choice.name for choice in settings.plugins}
    found = [(one.name, one.distribution, one.name in named) for one in announced()]
    missing = sorted(named - {name for name, _, _ in found})
    rows = [(name, package, "loaded" if loaded else "not named in the settings") for name, package, loaded in found]
    rows += [(name, "-", "named in the settings, and not installed") for name in missing]
    said: list[JSON] = [{"name": name, "package": package, "loaded": loaded} for name, package, loaded in found]
    listing = Listing(columns=("name", "package", "state"), rows=tuple(rows), nothing="no plugin is installed")
    return Outcome(exit_code=OK, listing=listing, said={"plugins": said, "missing": [*missing]})


def _checked(name: str, settings: "Settings") -> "Outcome":
    from paygent.adapters.system import SystemClock
    from paygent.cli.outcome import OK, Outcome
    from paygent.runtime.fields import PluginChoice
    from paygent.runtime.plugins import Plugins

    choice = next((one for one in settings.plugins if one.name == name), PluginChoice(name))
    loaded = Plugins.load([choice])
    connectors = loaded.connectors(chains={}, clock=SystemClock())
    rules = loaded.policy_rules(chains={}, clock=SystemClock())
    loaded.check_schemes(chains={}, clock=SystemClock())
    loaded.approval_handlers(chains={}, clock=SystemClock())
    manifests = [connector.manifest for connector in connectors.values()]
    hooks = list(loaded.hooks(name))
    told = [f"{name} keeps to its hooks: {', '.join(hooks)}", *(f"policy rule {rule.name}" for rule in rules)]
    told += [line for manifest in manifests for line in _told(manifest)]
    said: dict[str, JSON] = {
        "plugin": name,
        "hooks": [*hooks],
        "connectors": [_said(manifest) for manifest in manifests],
    }
    return Outcome(exit_code=OK, told="\n".join(told), said=said)


def _told(manifest: "Manifest") -> list[str]:
    calls = sorted({call.function.partition("(")[0] for call in manifest.calls})
    return [
        f"connector {manifest.name}: {manifest.title} {manifest.version}",
        f"  networks  {', '.join(sorted(map(str, manifest.networks)))}",
        f"  offers    {', '.join(sorted(manifest.wishes))}",
        f"  assets    {len(manifest.assets)}, {len(manifest.pools)} farms",
        f"  calls     {', '.join(calls)}; {len(manifest.calls)} pairs of contract and function",
    ]


def _said(manifest: "Manifest") -> "JSON":
    return {
        "name": manifest.name,
        "title": manifest.title,
        "version": manifest.version,
        "networks": [*sorted(map(str, manifest.networks))],
        "wishes": [*sorted(manifest.wishes)],
        "assets": [str(asset.id) for asset in manifest.assets],
        "pools": [pool.id for pool in manifest.pools],
        "calls": [*sorted(f"{call.to} {call.function}" for call in manifest.calls)],
    }
