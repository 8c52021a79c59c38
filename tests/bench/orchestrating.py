"""What the Orchestrator adds to a bare LangGraph graph, how soon its events arrive, and many sessions at once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypedDict

import httpx
from langgraph.graph import END, START, StateGraph

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.sql import SqlSessions, open_journal
from paygent.core.money import usd
from paygent.core.typed_data import TypedData
from paygent.orchestrator import Orchestrator
from paygent.orchestrator.checkpoints import open_checkpoints
from paygent.orchestrator.graph import NODES
from paygent.policy.policy import Policy
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import FUNDS, NETWORK, TOKEN
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller
from tests.bench.report import Row

URL = "https://seller.test/thing"
BARE = "bare graph of the same nodes, until it acts"
MOST_ADDED_MS = 5.0


class _Signer:
    """Signs, and notes when it was first asked to."""

    def __init__(self, inner: LocalSigner) -> None:
        self._inner = inner
        self.asked: float | None = None

    @property
    def address(self) -> str:
        return self._inner.address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        if self.asked is None:
            self.asked = perf_counter()
        return await self._inner.sign_typed_data(data)


@asynccontextmanager
async def _opened(folder: Path) -> AsyncGenerator[tuple[Orchestrator, _Signer, Any]]:
    clock = VirtualClock()
    chain = MemoryChain(chain=NETWORK, tokens=[TOKEN], clock=clock)
    payer, payee = dev_accounts()[:2]
    chain.mint(TOKEN, payer.address, FUNDS)
    seller = MemorySeller(chain=chain, token=TOKEN, payee=payee.address, price=10)
    signer = _Signer(LocalSigner(payer.private_key))
    storage = str(folder / "orchestrator.db")
    async with AsyncExitStack() as made:
        journal = await made.enter_async_context(open_journal(storage))
        saver = await made.enter_async_context(open_checkpoints(storage))
        agent = await made.enter_async_context(
            Orchestrator.open(
                policy=Policy(per_day=usd("100"), risk=None),
                signer=signer,
                journal=journal,
                sessions=SqlSessions(journal),
                checkpoints=saver,
                chains={NETWORK: chain},
                clock=clock,
                transport=httpx.MockTransport(seller),
                proof_seconds=0.001,
            )
        )
        yield agent, signer, saver


class _State(TypedDict):
    text: str


def _bare(saver: Any, acts: list[float]) -> Any:
    """Return a graph of the same nodes that do nothing, but that `act` notes when it begins.

    Plain edges: conditional ones, which copy the state and hop into another thread, would flatter what it is beside.
    """

    async def nothing(state: _State) -> dict[str, str]:
        return {"text": state["text"]}

    async def act(state: _State) -> dict[str, str]:
        acts.append(perf_counter())
        return await nothing(state)

    graph: Any = StateGraph(_State)
    for name in NODES:
        graph.add_node(name, act if name == "act" else nothing)
    for before, after in pairwise((START, "plan", "price", "judge", "act", "report", END)):
        graph.add_edge(before, after)
    graph.add_edge("approve", "act")  # people are not needed here
    return graph.compile(checkpointer=saver)


async def rows(rounds: int, sessions: int, folder: Path) -> list[Row]:
    """Return the rows. Args: rounds: commands. sessions: how many at once."""
    async with _opened(folder) as (agent, signer, saver):
        acts: list[float] = []
        ours, theirs, arrived = await _alternating(agent, signer, (_bare(saver, acts), acts), rounds)
        together = await _together(agent, sessions)
        apart = median(ours)
    return [
        Row(
            name="a command, from the call to the first signature",
            unit="ms",
            paygent=apart,
            peer_name=BARE,
            peer=median(theirs),
            target=median(theirs) + MOST_ADDED_MS,
            target_is="value",
        ),
        Row(
            name="an event, from its record to the listener",
            unit="ms",
            paygent=median(arrived),
            peer_name="5 ms",
            peer=5.0,
            target=5.0,
            target_is="value",
        ),
        Row(
            name=f"one of {sessions} sessions at once, a paid command each",
            unit="ms",
            paygent=together,
            peer_name="a command alone, to its first signature",
            peer=apart,
        ),
    ]


async def _alternating(
    agent: Orchestrator, signer: _Signer, bare: tuple[Any, list[float]], rounds: int
) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
    """Return milliseconds of our commands, of the bare graph, and between an event's record and its arrival."""
    ours: list[float] = []
    theirs: list[float] = []
    arrived: list[float] = []
    session = await agent.create_session("bench")
    for number in range(rounds + 1):
        signer.asked, begun = None, perf_counter()
        stored: list[float] = []
        async with agent.listening(lambda _, stored=stored: stored.append(perf_counter())):  # type: ignore[misc]
            told = agent.stream(f"pay {URL}?n={number}", session=session.id)
            arrived += [(perf_counter() - stored[-1]) * 1000 async for _ in told]
        assert signer.asked is not None
        ours.append((signer.asked - begun) * 1000)
        begun = perf_counter()
        config = {"configurable": {"thread_id": f"bare {number}"}}
        graph, acts = bare
        await graph.ainvoke({"text": "x"}, config, durability="sync")
        theirs.append((acts[-1] - begun) * 1000)
    return ours[1:], theirs[1:], arrived


async def _together(agent: Orchestrator, sessions: int) -> float:
    made = [await agent.create_session() for _ in range(sessions)]
    begun = perf_counter()
    done = await asyncio.gather(
        *(agent.run(f"pay {URL}?together={number}", session=each.id) for number, each in enumerate(made))
    )
    assert all(result.ok for result in done), [result.text for result in done if not result.ok][:3]
    return (perf_counter() - begun) * 1000 / sessions
