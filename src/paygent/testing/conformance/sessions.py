"""What every `SessionStore` must do. Subclass `SessionStoreContract` and override the fixture `sessions`."""

import pytest
from anyio import create_task_group

from paygent.core.errors import LocalProtocolError, PaygentError
from paygent.core.events import Complete, RunEvent, Thinking, ToolResult
from paygent.core.run_errors import RunNotFound, RunOver, SessionBusy, SessionEnded, SessionNotFound
from paygent.core.session import Lease, Memory, Run, RunId, RunState, Session, SessionId, SessionState
from paygent.ports.session_store import SessionStore

START = 1_800_000_000
A, B = SessionId("ses_a"), SessionId("ses_b")


def a_session(session_id: SessionId = A, *, at: int = START) -> Session:
    return Session(id=session_id, title="shopping", state=SessionState.OPEN, created_at=at)


def a_run(name: str = "run_1", *, session: SessionId = A, at: int = START, text: str = "pay for it") -> Run:
    return Run(
        id=RunId(name),
        session=session,
        text=text,
        mode="command",
        state=RunState.RUNNING,
        version=0,
        created_at=at,
        updated_at=at,
        fingerprints={"policy": "p", "tools": "t"},
        limits={"iterations": 5},
    )


def a_thought(text: str = "first the price", *, step: str = "plan:0", ordinal: int = 0, run: str = "run_1") -> Thinking:
    return Thinking(session=A, run=RunId(run), step=step, ordinal=ordinal, at=START, text=text, todos=[])


def a_memory(text: str, *, run: str = "run_1") -> Memory:
    return Memory(session=A, run=RunId(run), kind="result", at=START, text=text)


async def begun(sessions: SessionStore, run: Run | None = None) -> Lease:
    """Add a session with a lease, and perhaps a run."""
    await sessions.add_session(a_session())
    lease = await sessions.acquire(A, holder="me", now=START, until=START + 30)
    if run is not None:
        await sessions.start_run(run, lease)
    return lease


@pytest.mark.anyio
class SessionStoreContract:
    """Sessions, leases, runs, events and memory. Override `sessions`."""

    @pytest.fixture
    def sessions(self) -> SessionStore:
        raise NotImplementedError("override the fixture `sessions`")

    # --- sessions ---------------------------------------------------------------------------------------------------

    async def test_session_is_found_again_and_listed_newest_first(self, sessions: SessionStore) -> None:
        await sessions.add_session(a_session())
        await sessions.add_session(a_session(B))

        assert a_session() == await sessions.session(A)
        assert (a_session(B), a_session()) == (await sessions.sessions()).sessions

    async def test_sessions_come_in_pages(self, sessions: SessionStore) -> None:
        names = [SessionId(f"ses_{number}") for number in range(5)]
        for name in names:
            await sessions.add_session(a_session(name))
        found: list[SessionId] = []
        after: str | None = None
        while True:
            page = await sessions.sessions(after=after, limit=2)
            found += [each.id for each in page.sessions]
            after = page.next
            if after is None:
                break

        assert names[::-1] == found

    async def test_unknown_session_is_said_to_be_unknown(self, sessions: SessionStore) -> None:
        with pytest.raises(SessionNotFound):
            await sessions.session(A)
        with pytest.raises(SessionNotFound):
            await sessions.acquire(A, holder="me", now=START, until=START + 1)
        with pytest.raises(SessionNotFound):
            await sessions.end_session(A, at=START)

    async def test_session_id_is_taken_once(self, sessions: SessionStore) -> None:
        await sessions.add_session(a_session())
        with pytest.raises(LocalProtocolError, match="there already"):
            await sessions.add_session(a_session())

    async def test_ended_session_takes_no_lease(self, sessions: SessionStore) -> None:
        await sessions.add_session(a_session())
        ended = await sessions.end_session(A, at=START + 5)

        assert (SessionState.ENDED, START + 5) == (ended.state, ended.ended_at)
        assert ended == await sessions.end_session(A, at=START + 9)
        with pytest.raises(SessionEnded):
            await sessions.acquire(A, holder="me", now=START + 6, until=START + 9)
        assert (ended,) == (await sessions.sessions(states=[SessionState.ENDED])).sessions

    async def test_session_that_is_worked_on_is_not_ended(self, sessions: SessionStore) -> None:
        lease = await begun(sessions)
        with pytest.raises(SessionBusy):
            await sessions.end_session(A, at=START + 29)
        await sessions.release(lease)

        assert SessionState.ENDED is (await sessions.end_session(A, at=START + 29)).state

    async def test_session_whose_run_waits_for_people_is_not_ended(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        waiting = a_run().moved(RunState.WAITING, at=START + 1)
        await sessions.put_run(a_run(), waiting, lease)
        await sessions.release(lease)
        with pytest.raises(RunOver, match="cancel it"):
            await sessions.end_session(A, at=START + 2)
        lease = await sessions.acquire(A, holder="me", now=START + 2, until=START + 9)
        await sessions.put_run(waiting, waiting.moved(RunState.CANCELLED, at=START + 3), lease)
        await sessions.release(lease)

        assert SessionState.ENDED is (await sessions.end_session(A, at=START + 4)).state

    # --- leases -----------------------------------------------------------------------------------------------------

    async def test_lease_is_held_by_one_until_it_ends(self, sessions: SessionStore) -> None:
        await begun(sessions)
        with pytest.raises(SessionBusy) as busy:
            await sessions.acquire(A, holder="you", now=START + 29, until=START + 60)

        assert START + 30 == busy.value.until
        assert "you" == (await sessions.acquire(A, holder="you", now=START + 30, until=START + 60)).holder

    async def test_lease_that_was_given_back_is_free(self, sessions: SessionStore) -> None:
        lease = await begun(sessions)
        await sessions.release(lease)
        later = await sessions.acquire(A, holder="you", now=START, until=START + 60)

        assert later.token > lease.token

    async def test_renewed_lease_lasts_longer(self, sessions: SessionStore) -> None:
        lease = await sessions.renew(await begun(sessions), until=START + 90)
        with pytest.raises(SessionBusy) as busy:
            await sessions.acquire(A, holder="you", now=START + 60, until=START + 99)

        assert (START + 90, START + 90) == (lease.until, busy.value.until)

    async def test_earlier_holder_can_write_nothing_more(self, sessions: SessionStore) -> None:
        old = await begun(sessions, a_run())
        await sessions.acquire(A, holder="you", now=START + 40, until=START + 60)
        run = await sessions.run(RunId("run_1"))
        with pytest.raises(SessionBusy):
            await sessions.renew(old, until=START + 90)
        with pytest.raises(SessionBusy):
            await sessions.put_run(run, run.moved(RunState.COMPLETED, at=START), old)
        with pytest.raises(SessionBusy):
            await sessions.record([a_thought()], old)
        with pytest.raises(SessionBusy):
            await sessions.remember([a_memory("x")], old)
        with pytest.raises(SessionBusy):
            await sessions.start_run(a_run("run_2"), old)
        await sessions.release(old)

        assert run == await sessions.run(RunId("run_1"))
        assert () == tuple(await sessions.events(A))
        with pytest.raises(SessionBusy):
            await sessions.acquire(A, holder="me", now=START + 41, until=START + 60)

    async def test_one_of_many_gets_the_lease(self, sessions: SessionStore) -> None:
        await sessions.add_session(a_session())
        said: list[str] = []

        async def ask(holder: str) -> None:
            try:
                await sessions.acquire(A, holder=holder, now=START, until=START + 30)
                said.append("got it")
            except PaygentError as refused:
                said.append(type(refused).__name__)

        async with create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(ask, f"holder {number}")

        assert ["SessionBusy"] * 7 + ["got it"] == sorted(said)

    # --- runs -------------------------------------------------------------------------------------------------------

    async def test_run_is_found_again_with_everything(self, sessions: SessionStore) -> None:
        await begun(sessions, a_run())

        assert a_run() == await sessions.run(RunId("run_1"))
        assert (a_run(),) == tuple(await sessions.runs(A))
        with pytest.raises(RunNotFound):
            await sessions.run(RunId("run_2"))

    async def test_session_has_one_active_run(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        with pytest.raises(RunOver) as over:
            await sessions.start_run(a_run("run_2"), lease)

        assert "run_1" == over.value.run
        with pytest.raises(RunNotFound):
            await sessions.run(RunId("run_2"))

    async def test_lease_and_run_are_begun_together_or_not_at_all(self, sessions: SessionStore) -> None:
        await sessions.add_session(a_session())
        lease = await sessions.begin_run(a_run(), holder="me", now=START, until=START + 30)
        with pytest.raises(SessionBusy):
            await sessions.begin_run(a_run("run_2"), holder="you", now=START, until=START + 30)
        await sessions.release(lease)
        with pytest.raises(RunOver):
            await sessions.begin_run(a_run("run_2"), holder="you", now=START, until=START + 30)

        assert "us" == (await sessions.acquire(A, holder="us", now=START, until=START + 30)).holder
        assert ["run_1"] == [run.id for run in await sessions.runs(A)]
        assert ["pay for it"] == [memory.text for memory in await sessions.recall(A)]

    async def test_run_follows_one_that_has_ended(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        done = a_run().moved(RunState.COMPLETED, at=START + 1, result={"text": "done"})
        await sessions.put_run(a_run(), done, lease)
        await sessions.start_run(a_run("run_2"), lease)

        assert (a_run("run_2"), done) == tuple(await sessions.runs(A))
        assert (done,) == tuple(await sessions.runs(A, states=[RunState.COMPLETED]))

    async def test_run_is_changed_from_the_version_that_was_read(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        waiting = a_run().moved(RunState.WAITING, at=START + 1)
        await sessions.put_run(a_run(), waiting, lease)
        with pytest.raises(RunOver):
            await sessions.put_run(a_run(), a_run().moved(RunState.FAILED, at=START + 2), lease)

        assert waiting == await sessions.run(RunId("run_1"))

    async def test_anybody_can_mark_a_run_for_cancelling(self, sessions: SessionStore) -> None:
        await begun(sessions, a_run())
        marked = await sessions.cancel_run(RunId("run_1"), at=START + 3)

        assert (True, RunState.RUNNING, 1) == (marked.cancelling, marked.state, marked.version)
        assert marked == await sessions.run(RunId("run_1"))
        assert marked == await sessions.cancel_run(RunId("run_1"), at=START + 4)

    # --- events -----------------------------------------------------------------------------------------------------

    async def test_events_are_numbered_in_order_and_found_after_a_cursor(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        first, second = a_thought(), a_thought("then pay", ordinal=1)
        stored = await sessions.record([first, second], lease)

        assert [1, 2] == [each.sequence for each in stored]
        assert ["first the price", "then pay"] == [each.facts["text"] for each in stored]
        assert tuple(stored) == tuple(await sessions.events(A))
        assert (stored[1],) == tuple(await sessions.events(A, after=1))
        assert (stored[0],) == tuple(await sessions.events(A, limit=1))

    async def test_event_that_is_told_again_is_kept_as_it_was(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        (stored,) = await sessions.record([a_thought()], lease)
        again = await sessions.record([a_thought("in other words"), a_thought(step="plan:1")], lease)

        assert [stored, 2] == [again[0], again[1].sequence]
        assert 2 == len(await sessions.events(A))

    async def test_events_of_one_run_are_told_apart(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        await sessions.record([a_thought(), a_thought(run="run_2")], lease)

        assert ["run_2"] == [each.run for each in await sessions.events(A, run=RunId("run_2"))]

    async def test_event_of_every_type_keeps_what_it_says(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run())
        where = {"session": A, "run": RunId("run_1"), "at": START, "agent": "trader"}
        told: list[RunEvent] = [
            ToolResult(
                **where,  # type: ignore[arg-type]
                step="act:0",
                tool="pay",
                call=0,
                ok=True,
                text="paid 0.10 dUSD",
                data={"status": 200, "nested": {"list": ["é", None, True]}},
                payments=["pay_1"],
                cost=[{"symbol": "dUSD", "atomic": str(2**255)}],
                milliseconds=12,
            ),
            Complete(**where, step="report:0", text="done", data={}),  # type: ignore[arg-type]
        ]
        await sessions.record(told, lease)

        assert [each.facts for each in told] == [each.facts for each in await sessions.events(A)]
        assert ["trader", "trader"] == [each.agent for each in await sessions.events(A)]

    # --- memory -----------------------------------------------------------------------------------------------------

    async def test_command_is_remembered_with_its_run(self, sessions: SessionStore) -> None:
        await begun(sessions, a_run(text="pay for the weather"))

        assert [("command", "pay for the weather", 1)] == [
            (each.kind, each.text, each.number) for each in await sessions.recall(A)
        ]

    async def test_memory_is_searched_by_words_and_kind_newest_first(self, sessions: SessionStore) -> None:
        lease = await begun(sessions, a_run(text="pay for the weather"))
        await sessions.remember([a_memory("Weather bought for 0.10 dUSD"), a_memory("50% off _today_")], lease)

        assert ["Weather bought for 0.10 dUSD", "pay for the weather"] == [
            each.text for each in await sessions.recall(A, words="WEATHER for")
        ]
        assert ["50% off _today_"] == [each.text for each in await sessions.recall(A, words="% _")]
        assert ["pay for the weather"] == [each.text for each in await sessions.recall(A, kinds=["command"])]
        assert 1 == len(await sessions.recall(A, limit=1))

    async def test_oldest_memories_are_forgotten(self, sessions: SessionStore) -> None:
        lease = await begun(sessions)
        for number in range(5):
            await sessions.remember([a_memory(f"memory {number}")], lease, keep=3)

        assert [(5, "memory 4"), (4, "memory 3"), (3, "memory 2")] == [
            (each.number, each.text) for each in await sessions.recall(A)
        ]
