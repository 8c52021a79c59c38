"""A connector's answers are looked at: nothing outside its manifest, and no error without the plugin's name."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.context import NOBODY
from paygent.core.errors import AdapterError, PluginError, TradeRefused
from paygent.core.money import Amount, Asset
from paygent.core.verdict import Allow, Deny, Reason, Verdict
from paygent.plugin import ChainId, Harvest, Proposal, Swap, erc20, native
from paygent.runtime.contained import ContainedConnector, ContainedRule
from paygent.testing.venue import CHAIN, COIN, COUNTER, TOKEN, MemoryVenue, VenueStage

OWNER = VenueStage().owner
WISH = VenueStage().wishes[0]
BACK = VenueStage().wishes[1]
pytestmark = pytest.mark.anyio


class Spoilt(MemoryVenue):
    """Returns or raises what the test wants in the place of an answer."""

    def __init__(self, method: str, made: object) -> None:
        super().__init__()
        self._spoil = method, made

    def _answer(self, method: str, answer: Any) -> Any:
        name, made = self._spoil
        if name != method:
            return answer
        if isinstance(made, BaseException):
            raise made
        return made(answer) if callable(made) else made

    async def quote(self, wish: Any, *, owner: str) -> Any:
        return self._answer("quote", await super().quote(wish, owner=owner))

    async def build(self, quote: Any) -> Any:
        return self._answer("build", await super().build(quote))

    async def positions(self, owner: str) -> Any:
        return self._answer("positions", ())

    def refusal(self, revert: str) -> Any:
        return self._answer("refusal", None)


def contained(method: str = "", made: object = None) -> ContainedConnector:
    return ContainedConnector("bad", Spoilt(method, made))


async def everything(connector: ContainedConnector, wish: Any = WISH) -> None:
    await connector.build(await connector.quote(wish, owner=OWNER))
    await connector.positions(OWNER)
    connector.refusal("x")


async def test_whole_connector_passes() -> None:
    connector = contained()
    await everything(connector)
    await everything(connector, BACK)

    assert "memory" == connector.manifest.name


@pytest.mark.parametrize("method", ["quote", "build", "positions", "refusal"])
async def test_exception_has_the_plugins_name(method: str) -> None:
    with pytest.raises(PluginError, match=f"{method} raised KeyError") as raised:
        await everything(contained(method, KeyError("pair")))
    assert "bad" == raised.value.plugin
    assert isinstance(raised.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [TradeRefused("slippage", "no"), AdapterError("gone", retryable=True)])
async def test_errors_of_the_port_pass(error: Exception) -> None:
    with pytest.raises(type(error)):
        await everything(contained("quote", error))


@pytest.mark.parametrize(
    ("method", "made", "said"),
    [
        ("quote", "cheap", "not TradeQuote"),
        ("quote", lambda quote: replace(quote, venue="other"), "another wish"),
        ("quote", lambda quote: replace(quote, owner=COUNTER), "another wish"),
        ("build", (), "built nothing"),
        ("build", ("sign this",), "not Action"),
        ("build", lambda made: [replace(made[0], venue="other")], "an action is for 'other'"),
        ("build", lambda made: [replace(made[0], purpose="position", slippage_bps=None)], "a position is no swap"),
        ("build", lambda made: [made[0], made[0]], "spend more"),
        ("build", lambda made: [replace(made[0], receive=())], "do not bring back"),
        (
            "build",
            lambda made: [replace(made[0], receive=(Amount(1, stranger()),))],
            "manifest does not name",
        ),
        ("build", lambda made: [_call(made[0], to=f"0x{'66' * 20}")], "not among its manifest's calls"),
        ("build", lambda made: [_call(made[0], function="harmless(uint256)")], "as it claims"),
        ("build", lambda made: [_call(made[0], data="0x", function="")], "as it claims"),
        ("positions", ("mine",), "not Position"),
    ],
)
async def test_answer_outside_of_the_manifest_is_not_passed_on(method: str, made: object, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        await everything(contained(method, made))


def _call(action: Any, **changes: object) -> Any:
    return replace(action, calls=(replace(action.calls[0], **changes),))


def stranger() -> Asset:
    return Asset(id=erc20(CHAIN, f"0x{'99' * 20}"), symbol="X", decimals=1)


async def test_approval_of_a_stranger_is_not_passed_on() -> None:
    def approving(made: Any) -> Any:
        first, last = made[0].calls
        data = first.data.replace(COUNTER[2:].lower(), "66" * 20)
        return [replace(made[0], calls=(replace(first, data=data), last))]

    with pytest.raises(PluginError, match="for 0x66"):
        await everything(contained("build", approving), BACK)


async def test_wish_outside_of_the_manifest_is_refused_before_it_is_asked() -> None:
    elsewhere = ChainId.evm(5)
    give = replace(COIN, id=native(elsewhere))
    away = Swap(give=give, get=replace(TOKEN, id=erc20(elsewhere, f"0x{'11' * 20}")), amount=Amount(1, give))
    connector = contained("quote", KeyError("asked all the same"))

    for wish, code in ((Harvest(network=CHAIN, pool="1"), "not_offered"), (away, "unknown_network")):
        with pytest.raises(TradeRefused) as refused:
            await connector.quote(wish, owner=OWNER)
        assert code == refused.value.code


# rules ---------------------------------------------------------------------------------------------------------------


class Rule:
    name = "thrift"

    def __init__(self, made: object) -> None:
        self._made = made

    def judge(self, proposal: Proposal) -> Verdict:
        if isinstance(self._made, BaseException):
            raise self._made
        return self._made  # type: ignore[return-value]


PROPOSAL = Proposal(
    purpose="x402", payer=OWNER, payee=COUNTER, network=CHAIN, amount=Amount(1, TOKEN), dollars=None, host="",
    context=NOBODY, now=1,
)  # fmt: skip


def test_rule_says_what_it_says() -> None:
    deny = Deny(reasons=(Reason(code="a", text="b"),))

    said = Deny(reasons=(Reason(code="p.thrift.a", text="b"),))
    assert said == ContainedRule("p", Rule(deny)).judge(PROPOSAL)
    assert Allow() == ContainedRule("p", Rule(Allow())).judge(PROPOSAL)
    assert "p.thrift" == ContainedRule("p", Rule(deny)).name


@pytest.mark.parametrize("made", [ValueError("x"), AdapterError("y", retryable=True), None, True])
def test_rule_that_breaks_denies(made: object) -> None:
    verdict = ContainedRule("p", Rule(made)).judge(PROPOSAL)

    assert isinstance(verdict, Deny)
    assert "p.thrift.broken" == verdict.reasons[0].code
