"""Plugins in use: what those that are named give to a client or a wallet, and what it costs when one misbehaves."""

import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import anyio
import httpx
import pytest

from paygent.client import X402Client
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.approval_errors import ApprovalPending
from paygent.core.errors import (
    AdapterError,
    BudgetExceeded,
    ConfigurationError,
    PaygentError,
    PluginError,
    PolicyDenied,
)
from paygent.core.lifecycle import State
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow, Alternative, Deny, Downgrade, Reason, RequireApproval, Verdict
from paygent.engine import own_rules
from paygent.engine.own_rules import OwnRules
from paygent.plugin import PaymentMoved, Proposal, Storage, Tools, hookimpl
from paygent.policy.policy import Policy
from paygent.runtime import plugins as plugins_module
from paygent.runtime import telling
from paygent.runtime.assemble import assemble
from paygent.runtime.contained import ContainedHandler
from paygent.runtime.contained_storage import ContainedStorage, RelayedStorage
from paygent.runtime.fields import PluginChoice
from paygent.runtime.settings import Settings
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import NETWORK, MemoryEngine, memory_engine
from paygent.testing.journal import MemoryJournal
from paygent.testing.venue import TOKEN, MemoryVenue

pytestmark = pytest.mark.anyio
MODULE = "plugged_in_for_the_test"
URL = "http://seller.test/thing"
DENY = Deny(reasons=(Reason(code="far", text="too far away"),))
ASK = RequireApproval(reasons=(Reason(code="new", text="never seen before"),))


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that installs plugins by name."""

    def installing(**plugins: object) -> None:
        module = types.ModuleType(MODULE)
        for name, plugin in plugins.items():
            setattr(module, name, plugin)
        monkeypatch.setitem(sys.modules, MODULE, module)
        points = [EntryPoint(name, f"{MODULE}:{name}", "paygent") for name in plugins]
        monkeypatch.setattr(plugins_module, "entry_points", lambda group: points)

    return installing


def settings(*, storage: str = ":unused:", **given: Any) -> Settings:
    return replace(Settings.load(environ={"HOME": "/nowhere"}, storage=storage), **given)


async def pay(memory: MemoryEngine, *, seller: Any = None, times: int = 1, **wiring: Any) -> Any:
    """Pay a seller through a client that is assembled as everybody's."""
    given: dict[str, Any] = {
        "settings": settings(),
        "signer": memory.signer,
        "journal": memory.journal,
        "chains": {NETWORK: memory.chain},
        "policy": memory.policy,
        "clock": memory.clock,
        "plugins": ["one"],
    } | wiring
    transport = httpx.MockTransport(memory.seller() if seller is None else seller)
    async with X402Client.open(transport=transport, **{k: v for k, v in given.items() if v is not None}) as client:
        for _ in range(times):
            await client.get(URL, new_purchase=True)


# rules ----------------------------------------------------------------------------------------------------------------


class Ruling:
    """A plugin with one rule that says, raises or does what it is given."""

    name = "far"

    def __init__(self, say: object) -> None:
        self.say = say
        self.asked: list[Proposal] = []

    @hookimpl
    def paygent_policy_rules(self, tools: Tools) -> Sequence[Any]:
        return [self]

    def judge(self, proposal: Proposal) -> Verdict:
        self.asked.append(proposal)
        if isinstance(self.say, BaseException):
            raise self.say
        return self.say() if callable(self.say) else self.say  # type: ignore[return-value]  # what plugins do


async def test_payment_that_no_rule_minds_is_made(install: Any) -> None:
    rule, memory = Ruling(Allow()), memory_engine()
    install(one=rule)

    await pay(memory)

    (asked,) = rule.asked
    assert 1 == memory.transfers()
    assert ("x402", memory.payer, "seller.test", usd("0.001")) == (
        asked.purpose,
        asked.payer,
        asked.host,
        asked.dollars,
    )


async def test_rule_that_denies_keeps_the_money_and_is_named(install: Any) -> None:
    memory = memory_engine()
    install(one=Ruling(DENY))

    with pytest.raises(PolicyDenied, match="too far away") as denied:
        await pay(memory)

    assert ["one.far.far"] == [reason.code for reason in denied.value.verdict.reasons]
    assert (0, [State.DENIED]) == (memory.transfers(), [payment.state for payment in await memory.payments()])


async def test_rule_that_wants_a_person_makes_the_payment_wait(install: Any) -> None:
    memory = memory_engine()
    install(one=Ruling(ASK))

    with pytest.raises(ApprovalPending):
        await pay(memory)

    assert 0 == memory.transfers()


class Lie(Allow):
    """Looks like a verdict."""


class LyingDeny(Deny):
    """A denial of a kind of its own, which a search by exact type would pass over."""


class Odd:
    """Breaks whoever looks at it."""

    @property  # type: ignore[misc]  # a property where there is none
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Allow

    def __bool__(self) -> bool:
        raise RuntimeError("do not look")


@pytest.mark.parametrize(
    "say",
    [
        RuntimeError("x"),
        SystemExit(1),
        KeyboardInterrupt(),
        AdapterError("y", retryable=True),
        None,
        True,
        "allow",
        Lie(),
        LyingDeny(reasons=()),
        Odd(),
        Allow,
        Deny(reasons="denied"),  # type: ignore[arg-type]  # what a plugin may do
        Deny(reasons=(Reason(code=7, text="x"),)),  # type: ignore[arg-type]  # what a plugin may do
        RequireApproval(reasons=[Reason(code="a", text="b")]),  # type: ignore[arg-type]  # what a plugin may do
    ],
)
async def test_rule_that_breaks_or_lies_denies_and_is_named(install: Any, say: object) -> None:
    memory = memory_engine()
    install(one=Ruling(lambda: say) if say is Allow else Ruling(say))

    with pytest.raises(PolicyDenied, match=r"one") as denied:
        await pay(memory)

    assert denied.value.verdict.reasons[0].code.startswith("one.far.")
    assert 0 == memory.transfers()


async def test_rule_that_hangs_denies_and_no_second_thread_waits_for_it(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, memory = threading.Event(), memory_engine()
    rule = Ruling(lambda: stuck.wait(30) and Allow())
    install(one=rule)
    monkeypatch.setattr(OwnRules.__init__, "__kwdefaults__", {"seconds": 0.05})

    for _ in range(2):
        with pytest.raises(PolicyDenied, match="did not answer within"):
            await pay(memory)
    async with assemble(**wired(memory)) as engine:
        rules = engine._chooser._weigher._rules  # what the client judges by
        ask = replace_ask(memory)
        first = await rules.judge(Allow(), memory.policy, ask, now=1)
        asked = len(rule.asked)
        second = await rules.judge(Allow(), memory.policy, ask, now=1)
    stuck.set()

    assert isinstance(first, Deny)
    assert isinstance(second, Deny)
    assert asked == len(rule.asked)
    assert 0 == memory.transfers()


def wired(memory: MemoryEngine) -> Any:
    return {
        "settings": settings(),
        "signer": memory.signer,
        "journal": memory.journal,
        "chains": {NETWORK: memory.chain},
        "policy": memory.policy,
        "clock": memory.clock,
        "plugins": ["one"],
    }


def replace_ask(memory: MemoryEngine) -> Any:
    from paygent.policy.ask import Ask

    token = memory.token
    return Ask(
        payer=memory.payer,
        payee=memory.payer,
        network=NETWORK,
        token=token,
        amount=Amount(1, token.asset),
        host="a",
    )


async def test_rule_makes_no_verdict_milder(install: Any) -> None:
    memory = memory_engine(policy=Policy(max_per_payment=usd("0.0001")))
    install(one=Ruling(Allow()))

    with pytest.raises(PolicyDenied, match="above"):
        await pay(memory)


async def test_rule_sends_nobody_elsewhere(install: Any) -> None:
    """A downgrade would make the program ask for what the plugin names; it is a denial."""
    elsewhere = Downgrade(reasons=DENY.reasons, alternative=Alternative(kind="service", value="thief"))
    install(one=Ruling(elsewhere))

    with pytest.raises(PolicyDenied) as denied:
        await pay(memory_engine())

    assert type(denied.value.verdict) is Deny


async def test_rule_cannot_change_what_is_paid(install: Any) -> None:
    memory = memory_engine()
    rule = Ruling(None)

    def change() -> Verdict:
        object.__setattr__(rule.asked[-1].amount, "atomic", 999_999)
        return Allow()

    rule.say = change
    install(one=rule)

    await pay(memory)

    assert 1_000 == memory.moved()


async def test_verdict_of_a_rule_is_not_remembered(install: Any) -> None:
    said = iter([Allow(), DENY])
    memory = memory_engine()
    install(one=Ruling(lambda: next(said)))

    with pytest.raises(PolicyDenied):
        await pay(memory, times=2)

    assert 1 == memory.transfers()


def test_rules_are_given_some_seconds() -> None:
    assert 1 <= own_rules.ANSWER_SECONDS <= 10


# asking people --------------------------------------------------------------------------------------------------------


class Asking:
    """A plugin with one way to ask people."""

    def __init__(self, answer: Callable[[ApprovalRequest], Any]) -> None:
        self.answer = answer
        self.asked: list[ApprovalRequest] = []

    @hookimpl
    def paygent_approval_handlers(self, tools: Tools) -> Mapping[str, Any]:
        return {"pager": self}

    async def ask(self, request: ApprovalRequest) -> Any:
        self.asked.append(request)
        said = self.answer(request)
        if isinstance(said, BaseException):
            raise said
        return await said if hasattr(said, "__await__") else said


def yes(request: ApprovalRequest, **changes: Any) -> ApprovalDecision:
    given: dict[str, Any] = {"approver": "ada", "granted": True, "digest": request.digest, "at": 1}
    return ApprovalDecision(**(given | changes))


STRICT = Policy(approve_above=usd("0.0001"))


async def test_handler_that_the_settings_name_is_asked(install: Any) -> None:
    memory, plugin = memory_engine(policy=STRICT), Asking(yes)
    install(one=plugin)

    await pay(memory, settings=settings(approvals="pager"))

    assert (1, 1) == (len(plugin.asked), memory.transfers())


async def test_handler_that_no_setting_names_is_not_asked(install: Any) -> None:
    memory, plugin = memory_engine(policy=STRICT), Asking(yes)
    install(one=plugin)

    with pytest.raises(ApprovalPending):
        await pay(memory)

    assert [] == plugin.asked


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: RuntimeError("x"),
        lambda request: "yes",
        lambda request: True,
        lambda request: yes(request, granted=1),
        lambda request: yes(request, granted="yes"),
        lambda request: yes(request, approver=""),
        lambda request: yes(request, approver=None),
        lambda request: None,
    ],
)
async def test_handler_that_breaks_or_lies_leaves_the_request_waiting(
    install: Any, answer: Callable[[ApprovalRequest], Any]
) -> None:
    memory = memory_engine(policy=STRICT)
    install(one=Asking(answer))

    with pytest.raises(ApprovalPending):
        await pay(memory, settings=settings(approvals="pager"))

    assert 0 == memory.transfers()


async def test_handler_that_agrees_to_another_text_grants_nothing(install: Any) -> None:
    memory = memory_engine(policy=STRICT)
    install(one=Asking(lambda request: yes(request, digest="0" * 64)))

    with pytest.raises(PaygentError):
        await pay(memory, settings=settings(approvals="pager"))

    assert 0 == memory.transfers()


async def test_handler_that_never_answers_is_left_when_the_request_ends(install: Any) -> None:
    request = ApprovalRequest(id="a", payment_id="p", facts={}, needed=1, created_at=1, expires_at=VirtualClock().now())  # type: ignore[arg-type]  # ids
    asking = Asking(lambda _: anyio.sleep_forever())
    handler = ContainedHandler("one", "pager", asking, VirtualClock())

    with anyio.fail_after(5):
        assert await handler.ask(request) is None


async def test_name_that_nobody_brings_is_refused(install: Any) -> None:
    install(one=Asking(yes))

    with pytest.raises(ConfigurationError, match="did you mean pager"):
        await pay(memory_engine(), settings=settings(approvals="pagr"))
    with pytest.raises(ConfigurationError, match="no plugin that is loaded brings one"):
        await pay(memory_engine(), settings=settings(approvals="pager"), plugins=[])


async def test_handler_that_cannot_be_asked_is_refused_when_it_is_loaded(install: Any) -> None:
    class Nothing:
        @hookimpl
        def paygent_approval_handlers(self) -> Mapping[str, Any]:
            return {"pager": object()}

    install(one=Nothing())

    with pytest.raises(PluginError, match="without `ask`"):
        await pay(memory_engine(), settings=settings(approvals="pager"))


def test_two_ways_to_be_asked_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="keep one"):
        Settings.load(
            environ={},
            approvals="pager",
            approval_webhook="https://h.example/",
            approval_webhook_secret="sixteen bytes or more",
        )


# storages -------------------------------------------------------------------------------------------------------------


class Storing:
    """A plugin that opens storages."""

    def __init__(self, made: object) -> None:
        self.made = made
        self.urls: list[str] = []

    @hookimpl
    def paygent_storages(self) -> Mapping[str, Any]:
        return {"shelf": self.open, "sqlite": self.open}

    async def open(self, url: str) -> Any:
        self.urls.append(url)
        if isinstance(self.made, BaseException):
            raise self.made
        return self.made


async def test_storage_is_opened_by_the_plugin_of_its_scheme(install: Any) -> None:
    memory = memory_engine()
    plugin = Storing(memory.journal)
    install(one=plugin)

    await pay(memory, journal=None, settings=settings(storage="shelf://top"))

    assert (["shelf://top"], 1) == (plugin.urls, memory.transfers())


async def test_plugin_does_not_open_our_own_storages(install: Any, tmp_path: Any) -> None:
    plugin = Storing(MemoryJournal())
    install(one=plugin)

    await pay(memory_engine(), journal=None, settings=settings(storage=f"sqlite:///{tmp_path}/pay.db"))

    assert [] == plugin.urls


async def test_scheme_that_nobody_opens_is_refused(install: Any) -> None:
    install(one=Storing(MemoryJournal()))

    with pytest.raises(ConfigurationError, match="no loaded plugin opens storages of drawer://"):
        await pay(memory_engine(), journal=None, settings=settings(storage="drawer://top"))


@pytest.mark.parametrize(("made", "said"), [(RuntimeError("x"), "raised RuntimeError"), (object(), "without aclose")])
async def test_storage_that_is_none_is_refused_and_named(install: Any, made: object, said: str) -> None:
    install(one=Storing(made))

    with pytest.raises(PluginError, match="one") as refused:
        await pay(memory_engine(), journal=None, settings=settings(storage="shelf://top"))

    assert said in str(refused.value)


class Broken(MemoryJournal):
    """A storage that does not keep to its port."""

    def __init__(self, **says: object) -> None:
        super().__init__()
        self.says = says

    async def open(self, *given: Any, **more: Any) -> None:
        if "open" in self.says:
            raise RuntimeError("a bug of the plugin")
        await super().open(*given, **more)

    async def secret(self) -> Any:
        return self.says.get("secret", await super().secret())


@pytest.mark.parametrize("says", [{"open": True}, {"secret": "text"}])
async def test_storage_that_breaks_or_lies_pays_nothing(install: Any, says: Mapping[str, object]) -> None:
    memory = memory_engine()
    install(one=Storing(Broken(**says)))

    with pytest.raises(PaygentError, match="one"):
        await pay(memory, journal=None, settings=settings(storage="shelf://top"))

    assert 0 == memory.transfers()


def test_relay_hands_on_everything_that_a_storage_has() -> None:
    wanted = {name for name in dir(Storage) if not name.startswith("_")}

    assert wanted == {name for name in dir(RelayedStorage) if not name.startswith("_")}
    assert wanted == {name for name in dir(ContainedStorage) if not name.startswith("_")}


# schemes --------------------------------------------------------------------------------------------------------------


class Scheming:
    """A plugin with a scheme."""

    name = "barter"

    @hookimpl
    def paygent_schemes(self) -> Sequence[Any]:
        return [self]

    def serves(self, network: object) -> bool:
        return True

    read = typed_data = payload = serves


async def test_scheme_is_refused_because_nothing_would_use_it(install: Any) -> None:
    install(one=Scheming())

    with pytest.raises(PluginError, match="signs and proves exact and upto alone") as refused:
        await pay(memory_engine())

    assert "one" == refused.value.plugin


# events ---------------------------------------------------------------------------------------------------------------


class Listening:
    """A plugin that is told of payments."""

    def __init__(self, hear: Callable[[PaymentMoved], object] = lambda event: None) -> None:
        self.hear = hear
        self.heard: list[PaymentMoved] = []

    @hookimpl
    def paygent_payment_moved(self, event: PaymentMoved) -> None:
        self.heard.append(event)
        self.hear(event)


async def test_every_move_is_told_in_order_once_the_journal_has_it(install: Any) -> None:
    memory, plugin = memory_engine(), Listening()
    install(one=plugin)

    await pay(memory)

    (payment,) = await memory.payments()
    assert [(move.event, move.state, move.at) for move in payment.history] == [
        (event.event, event.state, event.at) for event in plugin.heard
    ]
    assert {payment.id} == {event.payment for event in plugin.heard}
    assert State.SUBMITTED in [event.state for event in plugin.heard]


async def test_what_reconciling_finds_is_told(install: Any) -> None:
    memory, plugin = memory_engine(), Listening()
    await memory.sent()
    memory.clock.advance(100_000)
    for _ in range(memory.chain.confirmations + 1):
        memory.chain.mine()
    install(one=plugin)

    async with assemble(**wired(memory)) as engine:
        await engine.reconciler.run()

    assert [payment.state for payment in await memory.payments()] == [event.state for event in plugin.heard]


async def test_denied_and_waiting_payments_are_told(install: Any) -> None:
    plugin = Listening()
    install(one=plugin)

    memory = memory_engine(policy=STRICT)
    for _ in range(2):
        with pytest.raises(ApprovalPending):
            await pay(memory)
    waited = [event.state for event in plugin.heard]
    plugin.heard.clear()
    with pytest.raises(BudgetExceeded):
        await pay(memory_engine(policy=Policy(per_day=usd("0.0005"), max_per_payment=usd("1"))))

    assert State.AWAITING_APPROVAL == waited[-1]
    assert State.DENIED == plugin.heard[-1].state


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    monkeypatch.setattr(telling, "LAST_SECONDS", 0.05)
    stuck = threading.Event()
    yield stuck
    stuck.set()


async def test_listener_that_hangs_holds_up_no_payment_and_no_other_listener(
    install: Any, impatient: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    memory, other = memory_engine(), Listening()
    install(one=Listening(lambda event: impatient.wait(30)), two=other)

    started = time.monotonic()
    await pay(memory, plugins=["one", "two"])

    assert time.monotonic() - started < 10
    assert 1 == memory.transfers()
    assert State.SUBMITTED in [event.state for event in other.heard]
    assert "'one' did not listen to the end" in caplog.text


@pytest.mark.parametrize("broken", [RuntimeError("deaf"), SystemExit(1), KeyboardInterrupt()])
async def test_listener_that_raises_changes_nothing(
    install: Any, broken: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def raising(event: PaymentMoved) -> None:
        raise broken

    memory, plugin = memory_engine(), Listening(raising)
    install(one=plugin)

    await pay(memory)

    (payment,) = await memory.payments()
    assert (1, len(payment.history)) == (memory.transfers(), len(plugin.heard))
    assert "'one'" in caplog.text


async def test_listener_cannot_change_what_is_paid(install: Any) -> None:
    memory = memory_engine()
    install(one=Listening(lambda event: object.__setattr__(event.amount, "atomic", 1)))

    await pay(memory)

    (payment,) = await memory.payments()
    assert (1_000, 1_000) == (payment.intent.amount.atomic, memory.moved())


async def test_listener_that_is_too_slow_is_not_told_everything_and_the_log_says_so(
    install: Any, impatient: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telling, "MOST_WAITING", 2)
    memory = memory_engine()
    install(one=Listening(lambda event: impatient.wait(30)))

    await pay(memory)

    assert 1 == memory.transfers()
    assert "too slow to be told" in caplog.text


# what is named --------------------------------------------------------------------------------------------------------


async def test_plugins_of_the_settings_are_loaded_and_arguments_go_before_them(install: Any) -> None:
    memory = memory_engine()
    install(one=Ruling(DENY), two=Listening())
    both = settings(plugins=(PluginChoice("one"),))

    with pytest.raises(PolicyDenied):
        await pay(memory, settings=both, plugins=None)
    await pay(memory, settings=both, plugins=["two"])

    assert 1 == memory.transfers()


async def test_plugin_that_is_not_installed_is_refused(install: Any) -> None:
    install(one=Listening())

    with pytest.raises(PluginError, match="did you mean one"):
        await pay(memory_engine(), plugins=["on"])


async def test_tokens_of_connectors_are_known_to_the_engine_and_are_no_dollars(install: Any) -> None:
    class Trading:
        @hookimpl
        def paygent_connectors(self) -> Sequence[Any]:
            return [MemoryVenue()]

    memory = memory_engine()
    install(one=Trading())
    async with assemble(**wired(memory)) as engine:
        known = engine._chooser._weigher._tokens.tokens  # what the engine knows

    assert not known[TOKEN.id].usd
    assert known[memory.token.asset.id].usd


def test_nothing_of_plugins_is_imported_where_none_is_named() -> None:
    program = "import sys, paygent.runtime.assemble\nassert 'pluggy' not in sys.modules, 'pluggy'"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert 0 == finished.returncode, finished.stderr
