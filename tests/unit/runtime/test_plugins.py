"""Plugins: only those that are named, and whatever one of them does wrong ends as an error with its name on it."""

import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from paygent.core.errors import ConfigurationError, PluginError
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.money import Amount
from paygent.plugin import Connector, Hooks, PaymentMoved, Tools, hookimpl
from paygent.runtime.fields import PluginChoice
from paygent.runtime.plugins import Announced, Plugins, announced, tokens_of_connectors
from paygent.runtime.settings import Settings
from paygent.testing.clock import VirtualClock
from paygent.testing.journal import MemoryJournal
from paygent.testing.venue import COIN, TOKEN, MemoryVenue

MODULE = "plugged_for_the_test"
WIRING: Any = {"chains": {}, "clock": VirtualClock()}
MOVED = PaymentMoved(
    payment=PaymentId("p"), state=State.SIGNED, event=Event.SIGNATURE_MADE, at=1, amount=Amount(1, COIN), payee="0x"
)


class Good:
    def __init__(self) -> None:
        self.tools: list[Tools] = []
        self.heard: list[PaymentMoved] = []

    @hookimpl
    def paygent_connectors(self, tools: Tools) -> Sequence[Connector]:
        self.tools.append(tools)
        return [MemoryVenue()]

    @hookimpl
    def paygent_payment_moved(self, event: PaymentMoved) -> None:
        self.heard.append(event)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that installs plugins, and gives what would be announced."""

    def installing(**plugins: object) -> list[Announced]:
        module = types.ModuleType(MODULE)
        for name, plugin in plugins.items():
            setattr(module, name, plugin)
        monkeypatch.setitem(sys.modules, MODULE, module)
        return [point(name) for name in plugins]

    return installing


def point(name: str, value: str | None = None) -> Announced:
    return Announced(name=name, entry_point=EntryPoint(name, value or f"{MODULE}:{name}", "paygent"))


def load(installed: Sequence[Announced], *names: str, **options: Mapping[str, object]) -> Plugins:
    choices = [PluginChoice(name, options.get(name, {})) for name in names]
    return Plugins.load(choices, installed=installed)


def complaint(installed: Sequence[Announced], *names: str) -> str:
    with pytest.raises(PluginError) as raised:
        load(installed, *names)
    assert raised.value.plugin in names
    return str(raised.value)


# who is loaded -------------------------------------------------------------------------------------------------------


def test_named_plugin_is_loaded_and_gets_its_options(install: Any) -> None:
    good = Good()
    plugins = load(install(good=good), "good", good={"slippage_bps": 5})

    assert {"memory"} == set(plugins.connectors(**WIRING))
    assert {"slippage_bps": 5} == good.tools[0].options
    assert ("good",) == plugins.names
    assert ["paygent_connectors", "paygent_payment_moved"] == plugins.hooks("good")


def test_plugin_that_is_not_named_is_not_imported(install: Any) -> None:
    installed = [*install(good=Good()), point("other", "no_such_module_at_all:plugin")]

    assert ("good",) == load(installed, "good").names
    assert "no_such_module_at_all" not in sys.modules


def test_real_plugin_is_not_imported_by_looking_at_what_is_installed() -> None:
    program = "import sys; from paygent.runtime.plugins import announced\nprint([one.name for one in announced()])\n"
    program += "assert 'paygent_vvs' not in sys.modules"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stderr
    assert "vvs" in finished.stdout


def test_vvs_is_announced_and_can_be_loaded() -> None:
    assert "vvs" in [one.name for one in announced()]
    assert {"vvs"} == set(Plugins.load([PluginChoice("vvs")]).connectors(**WIRING))


def test_unknown_name_is_refused_with_near_ones(install: Any) -> None:
    assert "did you mean good?" in complaint(install(good=Good()), "goood")
    assert "none is" in complaint([], "good")


def test_name_that_is_given_twice_is_refused(install: Any) -> None:
    assert "twice" in complaint(install(good=Good()), "good", "good")


def test_name_that_two_packages_announce_is_refused(install: Any) -> None:
    assert "both announce it" in complaint([*install(good=Good()), point("good")], "good")


def test_same_plugin_under_two_names_is_refused(install: Any) -> None:
    good = Good()

    assert "loaded the same plugin already" in complaint(install(one=good, two=good), "one", "two")


@pytest.mark.parametrize("value", ["no_such_module_at_all:plugin", f"{MODULE}:nothing"])
def test_plugin_that_cannot_be_imported_is_named(install: Any, value: str) -> None:
    install(good=Good())

    assert "importing" in complaint([point("bad", value)], "bad")


# hooks ---------------------------------------------------------------------------------------------------------------


class Misspelt:
    @hookimpl
    def paygent_conectors(self, tools: Tools) -> list[Connector]:
        return []


class Unmarked:
    def paygent_connectors(self, tools: Tools) -> list[Connector]:
        return []


class WrongArgument:
    @hookimpl
    def paygent_connectors(self, key: str) -> list[Connector]:
        return []


class Empty:
    pass


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (Misspelt(), "paygent_conectors, which is no hook; did you mean paygent_connectors"),
        (Unmarked(), "paygent_connectors is not marked"),
        (WrongArgument(), "does not fit"),
        (Empty(), "implements no hook"),
    ],
)
def test_hook_that_is_none_is_refused(install: Any, plugin: object, said: str) -> None:
    assert said in complaint(install(bad=plugin), "bad")


# what they return ----------------------------------------------------------------------------------------------------


def returning(made: object) -> object:
    class Returning:
        @hookimpl
        def paygent_connectors(self) -> Any:
            if isinstance(made, BaseException):
                raise made
            return made

    return Returning()


class NoManifest(MemoryVenue):
    @property
    def manifest(self) -> Any:
        return "vvs"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "not a list"),
        ("memory", "not a list"),
        ([object()], "lacks parts of its port"),
        ([NoManifest()], "it returned str, not Manifest"),
        (RuntimeError("boom"), "raised RuntimeError: boom"),
        (SystemExit(1), "raised SystemExit"),
        ([MemoryVenue(), MemoryVenue()], "there is a connector 'memory' already"),
    ],
)
def test_connectors_that_are_none_are_refused_by_the_plugins_name(install: Any, made: object, said: str) -> None:
    plugins = load(install(bad=returning(made)), "bad")

    with pytest.raises(PluginError) as raised:
        plugins.connectors(**WIRING)
    assert "bad" == raised.value.plugin
    assert said in str(raised.value)


def test_two_plugins_do_not_share_a_name(install: Any) -> None:
    plugins = load(install(one=returning([MemoryVenue()]), two=returning([MemoryVenue()])), "one", "two")

    with pytest.raises(PluginError) as raised:
        plugins.connectors(**WIRING)
    assert "two" == raised.value.plugin


def test_configuration_error_of_a_plugin_is_its_own_to_say(install: Any) -> None:
    plugins = load(install(bad=returning(ConfigurationError("set slippage_bps"))), "bad")

    with pytest.raises(ConfigurationError, match="set slippage_bps"):
        plugins.connectors(**WIRING)


class Handlers:
    def __init__(self, made: object) -> None:
        self.made = made

    @hookimpl
    def paygent_approval_handlers(self) -> Any:
        return self.made

    @hookimpl
    def paygent_schemes(self) -> Any:
        return []


def test_approval_handlers_come_by_name_and_once(install: Any) -> None:
    pager = types.SimpleNamespace(ask=None)
    pager.ask = lambda request: None
    installed = install(one=Handlers({"pager": pager}), two=Handlers({"pager": pager}), three=Handlers([pager]))

    assert {"pager"} == set(load(installed, "one").approval_handlers(**WIRING))
    assert () == load(installed, "one").schemes(**WIRING)
    with pytest.raises(PluginError, match="'pager' already"):
        load(installed, "one", "two").approval_handlers(**WIRING)
    with pytest.raises(PluginError, match="not a table by name"):
        load(installed, "three").approval_handlers(**WIRING)


class Stores:
    @hookimpl
    def paygent_storages(self) -> Any:
        return {"tape": self.open}

    async def open(self, url: str) -> Any:
        if url.endswith("broken"):
            raise OSError("no tape")
        return MemoryJournal() if url.endswith("a") else url


@pytest.mark.anyio
async def test_storage_is_opened_by_its_scheme(install: Any) -> None:
    plugins = load(install(stores=Stores()), "stores")

    assert 32 == len(await (await plugins.open_storage("tape://a", **WIRING)).secret())
    with pytest.raises(PluginError, match="is a str without"):
        await plugins.open_storage("tape://b", **WIRING)
    with pytest.raises(ConfigurationError, match="ftp://"):
        await plugins.open_storage("ftp://a", **WIRING)
    with pytest.raises(PluginError, match="no tape") as raised:
        await plugins.open_storage("tape://broken", **WIRING)
    assert "stores" == raised.value.plugin


# events --------------------------------------------------------------------------------------------------------------


class Deaf:
    @hookimpl
    def paygent_payment_moved(self) -> None:
        raise ValueError("I do not listen")


def test_every_listener_is_told_and_a_broken_one_changes_nothing(install: Any) -> None:
    good = Good()
    plugins = load(install(deaf=Deaf(), good=good), "deaf", "good")

    broken = plugins.moved(MOVED)

    assert ["deaf"] == [error.plugin for error in broken]
    assert [MOVED] == good.heard


# settings ------------------------------------------------------------------------------------------------------------


def settings(tmp_path: Any, text: str = "", **environ: str) -> Settings:
    file = tmp_path / "paygent.toml"
    file.write_text(text)
    return Settings.load(environ={"HOME": "/somebody", **environ}, file=file)


def test_settings_name_plugins_in_every_way(tmp_path: Any) -> None:
    table = settings(tmp_path, "[plugins.vvs]\nslippage_bps = 30\n[plugins.other]\n").plugins

    assert () == settings(tmp_path).plugins
    assert ["vvs", "other"] == [one.name for one in settings(tmp_path, 'plugins = ["vvs", "other"]').plugins]
    assert ["vvs", "other"] == [one.name for one in settings(tmp_path, PAYGENT_PLUGINS="vvs, other").plugins]
    assert [("vvs", {"slippage_bps": 30}), ("other", {})] == [(one.name, dict(one.options)) for one in table]


@pytest.mark.parametrize("text", ["plugins = [1]", 'plugins = ["V V S"]', "[plugins]\nvvs = 1", "plugins = 5"])
def test_settings_refuse_what_names_no_plugin(tmp_path: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match="plugins"):
        settings(tmp_path, text)


@pytest.mark.parametrize("hook", [name for name in vars(Hooks) if name.startswith("paygent_")])
def test_hook_is_a_specification_and_does_nothing(hook: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(Hooks(), hook)(None)


def test_rules_and_schemes_are_listed_in_order(install: Any) -> None:
    class Rules:
        @hookimpl
        def paygent_policy_rules(self) -> Any:
            return [Frugal(), Frugal()]

    rules = load(install(rules=Rules()), "rules").policy_rules(**WIRING)

    assert ["rules.frugal", "rules.frugal"] == [rule.name for rule in rules]


class Frugal:
    name = "frugal"

    def judge(self, proposal: object) -> Any:
        return None


def test_tokens_of_connectors_are_known_without_a_price_or_a_domain() -> None:
    [token] = tokens_of_connectors([MemoryVenue()])

    assert (TOKEN, False, False, ()) == (token.asset, token.usd, token.eip3009, token.versions)
