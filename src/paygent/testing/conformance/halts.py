"""What every `HaltStore`, and the journal with it, must do."""

import pytest

from paygent.core.approval import ApprovalState
from paygent.core.context import Budget, Context
from paygent.core.errors import Halted
from paygent.core.halt import Halt
from paygent.core.lifecycle import Event, State
from paygent.core.money import usd
from paygent.ports.storage import Storage
from paygent.testing.conformance.approvals import asked, granted, state_of
from paygent.testing.conformance.payments import (
    OTHER_PAYER,
    PAYER,
    START,
    awaiting,
    confirmed,
    daily,
    lost,
    released,
    reserved,
    sent,
    signed,
    submitted,
    voided,
)
from paygent.testing.conformance.steps import has_room, put, walk

WHO = Context(agent="a", session="s")
SCOPES = ("everything", f"wallet:{PAYER}", "agent:a", "session:s")


def stop(scope: str = "everything", *, at: int = START + 1) -> Halt:
    return Halt(scope=scope, by="ann", reason="looks odd", at=at)


@pytest.mark.anyio
class HaltStoreContract:
    """Nothing that is halted is reserved, signed or sent. Override `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("override the fixture `storage`")

    async def test_halts_are_listed_oldest_first_until_lifted(self, storage: Storage) -> None:
        await storage.halt(stop("agent:a", at=START + 2))
        await storage.halt(stop("wallet:0xAB", at=START + 3))
        await storage.halt(Halt(scope="agent:a", by="ben", reason="again", at=START + 4))

        assert [stop("agent:a", at=START + 2), stop("wallet:0xab", at=START + 3)] == list(await storage.halts())
        lifted = await storage.lift("wallet:0xAb", by="ben", reason="fine", at=START + 5)

        assert stop("wallet:0xab", at=START + 3) == lifted
        assert await storage.lift("wallet:0xAb", by="ben", reason="fine", at=START + 5) is None
        assert [stop("agent:a", at=START + 2)] == list(await storage.halts())

    @pytest.mark.parametrize("scope", SCOPES)
    async def test_halt_of_any_scope_stops_a_payment_in_it(self, storage: Storage, scope: str) -> None:
        await storage.halt(stop(scope))
        with pytest.raises(Halted) as halted:
            await put(storage, reserved(context=WHO), daily(1, limit=1))
        stored = await storage.get(reserved().id)

        assert (scope.lower(), "looks odd", reserved().id) == (
            halted.value.scope,
            halted.value.reason,
            halted.value.payment_id,
        )
        assert reserved(context=WHO).out_of_budget(at=START, note=str(halted.value)) == stored
        assert await has_room_after_lift(storage, scope)

    @pytest.mark.parametrize("scope", [f"wallet:{OTHER_PAYER}", "agent:b", "session:t"])
    async def test_halt_of_others_stops_nothing(self, storage: Storage, scope: str) -> None:
        await storage.halt(stop(scope))
        first = await put(storage, reserved(context=WHO))
        last = await walk(storage, first, signed(first), sent(first))

        assert last == await storage.get(first.id)

    async def test_halt_of_a_budget_stops_its_children_and_not_its_parent(self, storage: Storage) -> None:
        run, child = Budget(name="run", limit=usd("1")), Budget(name="run/a", limit=usd("1"))
        other = Budget(name="run/b", limit=usd("1"))
        first, second = reserved(1, context=Context(budgets=(run, child))), reserved(2, context=Context(budgets=(run,)))
        third = reserved(3, context=Context(budgets=(run, other)))
        await put(storage, first)
        await storage.halt(stop("budget:run/a"))
        with pytest.raises(Halted):
            await storage.append(first, signed(first))
        await put(storage, second)
        await put(storage, third)
        await storage.halt(stop("budget:run"))
        for each in (first, second, third):
            with pytest.raises(Halted):
                await storage.append(each, signed(each))

            assert each == await storage.get(each.id)
        with pytest.raises(Halted) as halted:
            await put(storage, reserved(4, context=Context(budgets=(run, other))), daily(1, limit=1))

        assert "budget:run" == halted.value.scope

    async def test_halt_stops_signing_and_sending_and_writes_nothing(self, storage: Storage) -> None:
        first, second, third = [await put(storage, reserved(name)) for name in range(3)]
        await storage.append(second, signed(second))
        await storage.append(third, lost(third))
        await storage.halt(stop())
        moves = [
            (first, signed(first)),
            (first, sent(first)),
            (signed(second), sent(second)),
            (lost(third), submitted(lost(third))),
        ]
        for before, after in moves:
            with pytest.raises(Halted):
                await storage.append(before, after)

            assert before == await storage.get(before.id)

    async def test_halt_lets_pass_what_frees_or_proves(self, storage: Storage) -> None:
        first, second = await put(storage, reserved(1)), await put(storage, reserved(2))
        await storage.append(second, sent(second))
        await storage.halt(stop())
        await storage.append(first, voided(first))
        learned = sent(second).learn(delivered=True)
        await walk(storage, sent(second), learned, confirmed(learned))

        assert voided(first) == await storage.get(first.id)
        assert confirmed(learned) == await storage.get(second.id)

    async def test_halt_denies_what_waits_in_its_scope(self, storage: Storage) -> None:
        inside, granted_one, outside = awaiting(1, context=WHO), awaiting(2, context=WHO), awaiting(3)
        await asked(storage, inside)
        await granted(storage, granted_one)
        await asked(storage, outside)
        denied = await storage.halt(stop("agent:a"))

        assert [inside.id, granted_one.id] == list(denied)
        assert (State.DENIED, ApprovalState.VOID) == await state_of(storage, inside)
        assert (State.DENIED, ApprovalState.VOID) == await state_of(storage, granted_one)
        assert (State.AWAITING_APPROVAL, ApprovalState.PENDING) == await state_of(storage, outside)

    async def test_halted_payment_is_not_asked_for(self, storage: Storage) -> None:
        await storage.halt(stop())
        with pytest.raises(Halted):
            await asked(storage, awaiting())

        assert await storage.get(awaiting().id) is None

    async def test_lift_lets_payments_pass_again(self, storage: Storage) -> None:
        first = await put(storage, reserved(1))
        await storage.halt(stop())
        await storage.lift("everything", by="ben", reason="fine", at=START + 5)
        await storage.append(first, signed(first))
        second = awaiting(2)
        request = await granted(storage, second)
        await storage.reserve(second, released(second), [], approval=request.id, now=START + 6)

        assert released(second) == await storage.get(second.id)
        assert Event.SIGNATURE_MADE is signed(first).history[-1].event


async def has_room_after_lift(storage: Storage, scope: str) -> bool:
    await storage.lift(scope, by="ben", reason="fine", at=START + 5)
    return await has_room(storage, 1, limit=1)
