"""What tools take and refuse, before anything is asked or paid."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from paygent.core.caip import ChainId, erc20
from paygent.core.errors import ConfigurationError, LocalProtocolError, TradeRefused
from paygent.core.money import Asset
from paygent.core.run_errors import ToolRefused
from paygent.integrations.langchain import specifications
from paygent.orchestrator import Arguments, Call, SyncOrchestrator, Tool, Toolbox, ToolOutcome
from paygent.orchestrator.assets import AssetBook, amount_of
from paygent.orchestrator.payments import checked_url
from paygent.ports.connector import Manifest, WishKind
from paygent.registry import ServiceRegistry
from paygent.testing.chain import MemoryChain
from paygent.testing.engine import NETWORK, TOKEN
from paygent.testing.venue import CHAIN, MemoryVenue
from tests.unit.orchestrator.world import URL, World

pytestmark = pytest.mark.anyio
SCHEMAS = Path(__file__).with_name("tools.json")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Greeting(Arguments):
    name: str


async def greet(asked: Greeting, call: Call) -> ToolOutcome:
    return ToolOutcome(text=f"hello {asked.name}")


HELLO = Tool(name="hello", description="greets", arguments=Greeting, run=greet)


@pytest.mark.parametrize("given", [{}, {"name": 5}, {"name": "x", "limit": 1}, {"name": None}])
def test_arguments_that_a_tool_does_not_take_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ToolRefused) as refused:
        HELLO.read(given)

    assert "bad_arguments" == refused.value.code


def test_tools_have_names_of_their_own() -> None:
    with pytest.raises(ConfigurationError, match="two tools"):
        Toolbox([HELLO, HELLO])
    with pytest.raises(ConfigurationError, match="not the name"):
        Tool(name="Hello!", description="", arguments=Greeting, run=greet)
    with pytest.raises(ConfigurationError, match="no arguments whom"):
        Tool(name="hello", description="", arguments=Greeting, run=greet, named=("whom",))


def test_tools_change_their_fingerprint_with_their_arguments() -> None:
    other = Tool(name="other", description="greets", arguments=Greeting, run=greet)

    assert Toolbox([HELLO]).fingerprint == Toolbox([HELLO]).fingerprint
    assert Toolbox([HELLO]).fingerprint != Toolbox([HELLO, other]).fingerprint


def test_symbol_of_several_assets_is_ambiguous() -> None:
    one, two = (Asset(id=erc20(ChainId.evm(n), "0x" + "11" * 20), symbol="USDC", decimals=6) for n in (1, 25))
    book = AssetBook([one, two])
    with pytest.raises(ToolRefused, match="ambiguous"):
        book.one("transfer", "usdc")
    with pytest.raises(ToolRefused, match="known are: USDC"):
        book.one("transfer", "CRO")

    assert one == book.on([ChainId.evm(1)]).one("transfer", "usdc")


@pytest.mark.parametrize("text", ["0", "0.0000001", "1,5"])
def test_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ToolRefused):
        amount_of("transfer", text, TOKEN.asset)


async def test_tool_of_a_program_is_called_by_a_model_beside_the_others() -> None:
    from paygent.testing.models import ScriptedModel, calls, says

    model = ScriptedModel(calls(("hello", {"name": "you"})), says("greeted"))
    async with World().open(tools=[HELLO], model=model) as agent:
        result = await agent.run("greet me")

    assert "hello you" == result.steps[0].text
    with pytest.raises(ConfigurationError, match="two tools"):
        async with World().open(tools=[HELLO, HELLO]):
            pass


def test_portal_thread_cannot_wait_for_itself() -> None:
    world, heard = World(), list[str]()

    async def inside(asked: Greeting, call: Call) -> ToolOutcome:
        try:
            agent.run(f"pay {URL}")
        except LocalProtocolError as refused:
            heard.append(str(refused))
        return ToolOutcome(text="tried")

    from paygent.testing.models import ScriptedModel, calls, says

    model = ScriptedModel(calls(("inside", {"name": "x"})), says("done"))
    tool = Tool(name="inside", description="calls back", arguments=Greeting, run=inside)
    with SyncOrchestrator.open(**world.conduct(tools=[tool], model=model)) as agent:
        assert agent.run("call back").ok
    assert ["the portal's own thread cannot wait for itself: await the asynchronous twin there"] == heard
    assert 0 == world.spent


class EveryWish(MemoryVenue):
    """A venue that says it serves every wish."""

    @property
    def manifest(self) -> Manifest:
        return replace(super().manifest, wishes=frozenset(get_args(WishKind)))


async def test_schemas_of_all_tools_are_the_ones_that_were_agreed() -> None:
    """What models and other programs rely on; `python -m tests.unit.orchestrator.test_tools` writes it anew."""
    assert json.loads(SCHEMAS.read_text(encoding="utf-8")) == await schemas()


async def schemas() -> list[Any]:
    world = World()
    registry = ServiceRegistry(storage=world.journal, clock=world.clock)
    async with world.open(registry=registry, connectors=[EveryWish()]) as agent:
        return sorted(specifications(agent), key=lambda each: each["function"]["name"])


class ContractChain(MemoryChain):
    """A chain on which every address has code."""

    async def code(self, address: str) -> str:
        return "0x6080"


async def test_trade_of_a_contract_wallet_is_refused_before_it_is_quoted() -> None:
    world, venue = World(), MemoryVenue()
    venue.quote = never  # type: ignore[method-assign]
    chains = {NETWORK: world.chain, CHAIN: ContractChain(chain=CHAIN, tokens=[], clock=world.clock)}
    async with world.open(connectors=[venue], chains=chains) as agent:
        result = await agent.run("swap 1 DEV for TOK")
        payments = await agent.payments(result.run.session)

    assert isinstance(result.error, TradeRefused)
    assert ("contract_wallet", (), 0) == (result.error.code, tuple(payments), world.spent)


async def never(wish: Any, *, owner: str) -> Any:
    raise AssertionError("a venue was asked for a trade that cannot be made")


if __name__ == "__main__":
    SCHEMAS.write_text(json.dumps(asyncio.run(schemas()), indent=2) + "\n", encoding="utf-8")


def test_symbol_is_spelled_as_its_asset_spells_it() -> None:
    written = replace(TOKEN.asset, symbol="dUSD")
    book = AssetBook([written])

    assert ("dUSD", "XYZ") == (book.spelled("DUSD"), book.spelled("XYZ"))


async def test_titles_write_symbols_as_assets_do() -> None:
    token = replace(TOKEN, asset=replace(TOKEN.asset, symbol="dUSD"))
    async with World().open(tokens=[token]) as agent:
        pay, transfer, balance = (agent.tools.get(name) for name in ("pay", "transfer", "balance"))
        to = "0x" + "11" * 20
        titles = [
            pay.titled(pay.read({"url": URL, "amount": "1", "asset": "DUSD"})),
            transfer.titled(transfer.read({"amount": "1", "asset": "DUSD", "to": to})),
            balance.titled(balance.read({"assets": ["DUSD"]})),
        ]

    assert [f"Pay for {URL}, at most 1 dUSD", f"Transfer 1 dUSD to {to}", "Look up the balance of dUSD"] == titles


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (("balance",), "paygent-vvs has it: install plugins/paygent-vvs"),
        (("balance", "swap"), "no venue here offers it"),
    ],
)
def test_tool_that_is_missing_says_who_could_have_it(there: tuple[str, ...], said: str) -> None:
    box = Toolbox([Tool(name=name, description="", arguments=Greeting, run=greet) for name in there])

    with pytest.raises(ToolRefused, match=said):
        box.get("harvest")


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "https://", "https://xn--zzzzzzz---.example/", "https://\u2603.example/", "https://[::1"],
)
def test_url_that_cannot_be_requested_is_refused_before_anybody_is_asked(url: str) -> None:
    with pytest.raises(ValueError, match="not a URL such as"):
        checked_url(url)
