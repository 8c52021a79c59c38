"""The parts that settings are made of."""

from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anyio.to_thread
import httpx
import pytest

from paygent.adapters.httpx import NEW_PURCHASE, AsyncPaymentTransport
from paygent.core.approval_errors import ApprovalPending
from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.core.payment import Payment
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.pay import Engine
from paygent.evm.tokens import TOKENS
from paygent.policy.canonical import digest
from paygent.policy.policy import Policy
from paygent.runtime.assemble import assemble
from paygent.runtime.parts import open_chains, policy_of
from paygent.runtime.settings import Secret, Settings
from paygent.testing.engine import NETWORK, MemoryEngine, memory_engine

CRONOS, BASE = ChainId.evm(25), ChainId.evm(8453)


def policy_now(folder: Path, networks: frozenset[ChainId] | None = None) -> Policy:
    source = policy_of(Settings(storage="", policy=(folder / "policy.yaml",), networks=networks), TOKENS)
    assert not isinstance(source, Policy)
    (folder / "policy.yaml").write_text((folder / "policy.yaml").read_text().replace("1.00", "2.50"))
    return source.current()


def write(folder: Path, networks: str) -> None:
    (folder / "policy.yaml").write_text(f'max_per_payment: "1.00"\n{networks}')


def test_policy_is_the_limits_where_no_file_is_named() -> None:
    settings = Settings(storage="", per_day=usd("3"))

    assert settings.limits == policy_of(settings, TOKENS)


def test_policy_follows_its_files(tmp_path: Path) -> None:
    write(tmp_path, "")

    assert usd("2.50") == policy_now(tmp_path).max_per_payment


@pytest.mark.anyio
@pytest.mark.parametrize("given", ["policy.yaml", Path("policy.yaml"), {"per_day": "5"}, {}])
async def test_policy_that_is_a_name_or_a_mapping_is_refused_when_it_is_opened(given: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PolicyFile"):
        async with assemble(policy=given, private_key=f"0x{'11' * 32}", storage=str(tmp_path / "pay.db")):
            pass


@pytest.mark.anyio
async def test_every_endpoint_is_told_how_far_its_nodes_may_be_behind() -> None:
    settings = Settings(
        storage="", rpc={"eip155:25": "http://a.example", "eip155:8453": "http://b.example"}, node_lag=40
    )
    async with AsyncExitStack() as made:
        chains = await open_chains(settings, made)

    assert {CRONOS: 40, BASE: 40} == {network: chain.node_lag for network, chain in chains.items()}


def test_networks_of_the_settings_narrow_the_files_and_never_widen_them(tmp_path: Path) -> None:
    write(tmp_path, "allow: {networks: [eip155:25]}")
    both, none = frozenset({CRONOS, BASE}), frozenset({BASE})

    assert usd("2.50") == policy_now(tmp_path, networks=both).max_per_payment
    assert frozenset({CRONOS}) == policy_now(tmp_path, networks=both).networks
    assert frozenset() == policy_now(tmp_path, networks=none).networks
    write(tmp_path, "")
    assert none == policy_now(tmp_path, networks=none).networks


@pytest.mark.anyio
async def test_engine_decides_open_payments_in_the_background() -> None:
    memory = memory_engine()
    _, authorization = await memory.sent()
    memory.chain.settle(authorization)
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {NETWORK: memory.chain}}

    settled, append = anyio.Event(), memory.journal.append

    async def told(before: Payment, after: Payment) -> None:
        await append(before, after)
        if after.state is State.SETTLED:
            settled.set()

    memory.journal.append = told  # type: ignore[method-assign]
    async with assemble(settings=Settings(storage=""), clock=memory.clock, reconcile_every_seconds=0.01, **parts):
        with anyio.move_on_after(5):
            await settled.wait()

    assert settled.is_set()


async def judged(engine: Engine, memory: MemoryEngine) -> None:
    transport = AsyncPaymentTransport(engine, inner=httpx.MockTransport(memory.seller()))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("http://seller.test/paid", extensions={NEW_PURCHASE: True})


@pytest.mark.anyio
async def test_log_says_which_policy_was_loaded_reloaded_and_refused(tmp_path: Path) -> None:
    memory, file = memory_engine(), tmp_path / "policy.yaml"
    file.write_text('max_per_payment: "1.00"')
    settings = Settings(storage="", policy=(file,), networks=frozenset({NETWORK}))
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {}, "clock": memory.clock}
    async with assemble(settings=settings, **parts) as engine:
        for text in ('max_per_payment: "1.00"', 'max_per_payment: "2.00"', "max_per_payment: [", "per_day: x"):
            file.write_text(text)
            await judged(engine, memory)
            await judged(engine, memory)

    rows = [row.facts for row in await memory.journal.entries() if row.kind == "policy"]
    first, second = (
        digest(Policy(max_per_payment=usd(most), networks=frozenset({NETWORK}))) for most in ("1.00", "2.00")
    )
    assert [("loaded", first), ("reloaded", second), ("refused", second), ("refused", second)] == [
        (row["event"], row["digest"]) for row in rows
    ]
    assert {f"{file}, on {NETWORK}"} == {row["source"] for row in rows}
    assert f"{file}:1:10: expected" in rows[3]["why"]


@pytest.mark.anyio
@pytest.mark.parametrize(("given", "source"), [({}, "settings"), ({"policy": Policy()}, "program")])
async def test_log_says_where_the_policy_came_from_once(given: Any, source: str) -> None:
    memory = memory_engine()
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {}, "clock": memory.clock}
    async with (
        assemble(settings=Settings(storage=""), **parts, **given) as engine,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(3):
            tasks.start_soon(judged, engine, memory)

    rows = await memory.journal.entries()
    assert [("policy", source)] == [(row.kind, row.facts["source"]) for row in rows if row.kind == "policy"]
    assert "policy" == rows[0].kind


@pytest.mark.anyio
async def test_engine_of_settings_posts_requests_to_their_webhook_and_wants_their_number_of_people() -> None:
    """The real webhook over a loopback socket: what arrives is the stored request, and one approver is not enough."""
    posted: list[bytes] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its own name
            return

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    memory = memory_engine()
    settings = Settings(
        storage="",
        approve_above=usd("0.0001"),
        approvers=2,
        approver_names=("ada", "ben"),
        approval_webhook=f"http://127.0.0.1:{server.server_port}/",
        approval_webhook_secret=Secret("sixteen bytes or more"),
    )
    try:
        async with assemble(
            settings=settings, signer=memory.signer, journal=memory.journal, chains={}, clock=memory.clock
        ) as engine:
            transport = AsyncPaymentTransport(engine, inner=httpx.MockTransport(memory.seller()))
            async with httpx.AsyncClient(transport=transport) as client:
                with pytest.raises(ApprovalPending):
                    await client.get("http://seller.test/paid")
    finally:
        await anyio.to_thread.run_sync(server.shutdown)
        thread.join()
        server.server_close()

    (request,) = (await memory.journal.pending(now=memory.clock.now())).requests
    assert ([request.canonical], 2, ("ada", "ben")) == (posted, request.needed, request.approvers)


@pytest.mark.anyio
async def test_settings_ask_about_bursts_and_large_first_payments_and_about_nothing_ordinary() -> None:
    memory = memory_engine()
    settings = Settings(storage="", max_per_payment=usd("8"), per_day=usd("100"))
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {}, "clock": memory.clock}
    async with assemble(settings=settings, **parts) as engine:

        async def buy(price: int) -> None:
            transport = AsyncPaymentTransport(engine, inner=httpx.MockTransport(memory.seller(price=price)))
            async with httpx.AsyncClient(transport=transport) as client:
                await client.get("http://seller.test/paid", extensions={NEW_PURCHASE: True})

        with pytest.raises(ApprovalPending):
            await buy(5_000_001)
        for _ in range(5):
            await buy(2_000_000)
        with pytest.raises(ApprovalPending):
            await buy(1)
        memory.clock.advance(61)
        await buy(5_000_001)

    assert 15_000_001 == memory.moved()
    desk = ApprovalDesk(store=memory.journal, clock=memory.clock)
    first, burst = [said.facts["reasons"] async for said in desk.all_pending()]
    assert "is the first payment of agent None and above 5.00 USD" in first
    assert "6 payments of 10.000001 USD in 60 seconds" in burst


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("given", "names"), [({}, ("ada",)), ({"approver_names": ["ben"]}, ("ben",)), ({"approver_names": None}, None)]
)
async def test_arguments_say_who_may_decide_in_place_of_the_settings(given: Any, names: tuple[str, ...] | None) -> None:
    memory = memory_engine()
    settings = Settings(storage="", approve_above=usd("0.0001"), approver_names=("ada",))
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {}, "clock": memory.clock, **given}
    async with assemble(settings=settings, **parts) as engine:
        transport = AsyncPaymentTransport(engine, inner=httpx.MockTransport(memory.seller()))
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(ApprovalPending):
                await client.get("http://seller.test/paid")

    (request,) = (await memory.journal.pending(now=memory.clock.now())).requests
    assert names == request.approvers


@pytest.mark.anyio
@pytest.mark.parametrize("names", ["ada", ["ada", "ADA"], []])
async def test_arguments_name_as_many_people_as_have_to_agree(names: Any) -> None:
    memory = memory_engine()
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {}, "clock": memory.clock}

    with pytest.raises(ConfigurationError, match="2 distinct approvers have to agree"):
        async with assemble(settings=Settings(storage=""), **parts, approvers=2, approver_names=names):
            raise AssertionError("opened")


@pytest.mark.anyio
@pytest.mark.parametrize("number", [0, -1, 101, True, "two"])
async def test_arguments_say_a_number_of_people_that_have_to_agree(number: Any) -> None:
    memory = memory_engine()
    parts: Any = {"signer": memory.signer, "journal": memory.journal, "chains": {}, "clock": memory.clock}

    with pytest.raises(ConfigurationError, match="is not a number of people from 1 to 100"):
        async with assemble(settings=Settings(storage=""), **parts, approvers=number):
            raise AssertionError("opened")
