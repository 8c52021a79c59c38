"""A planned fault happens where it was planned, in the way it was planned, and nowhere else."""

import anyio
import pytest

from paygent.core.errors import AdapterError
from paygent.testing.engine import memory_engine
from paygent.testing.faults import Crash, FaultKind, FaultPlan

pytestmark = pytest.mark.anyio


class Counted:
    """A call that can be counted."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        return self.calls


@pytest.mark.parametrize(
    ("kind", "effects", "ends"),
    [
        (FaultKind.RAISE_BEFORE, 0, "raised"),
        (FaultKind.RAISE_AFTER, 1, "raised"),
        (FaultKind.CANCEL_BEFORE, 0, "cancelled"),
        (FaultKind.CANCEL_AFTER, 1, "cancelled"),
        (FaultKind.HANG_BEFORE, 0, "cancelled"),
        (FaultKind.HANG_AFTER, 1, "cancelled"),
        (FaultKind.DELAY, 1, "returned"),
        (FaultKind.DUPLICATE, 2, "returned"),
        (FaultKind.CRASH_BEFORE, 0, "crashed"),
        (FaultKind.CRASH_AFTER, 1, "crashed"),
    ],
)
async def test_fault_has_the_effect_it_is_named_after(kind: FaultKind, effects: int, ends: str) -> None:
    """The call before it goes well; what it did, and how it ended, is as its name says."""
    call, ended = Counted(), "cancelled"
    scope = anyio.CancelScope()
    plan = FaultPlan(kind=kind, at=1, scope=scope)
    with scope:
        await plan.around("first", Counted(), RuntimeError)
        try:
            await plan.around("second", call, RuntimeError)
            ended = "returned"
        except RuntimeError:
            ended = "raised"
        except Crash:
            ended = "crashed"

    assert (effects, ends) == (call.calls, ended)
    assert (["first", "second"], True) == (plan.calls, plan.fired)


async def test_cancelling_fault_waits_behind_a_shield() -> None:
    """What is shielded is not cut off; the cancellation comes after it."""
    call, after = Counted(), False
    with anyio.CancelScope() as scope:
        plan = FaultPlan(kind=FaultKind.CANCEL_BEFORE, at=0, scope=scope)
        with anyio.CancelScope(shield=True):
            await plan.around("shielded", call, RuntimeError)
        await anyio.lowlevel.checkpoint()
        after = True

    assert (1, False) == (call.calls, after)


async def test_dead_process_does_nothing_any_more() -> None:
    """After a crash every port of the plan is dead, and a new process over the same journal is not."""
    memory = memory_engine(plan=FaultPlan(kind=FaultKind.CRASH_BEFORE, at=0))
    with pytest.raises(Crash):
        await memory.engine.journal.page()
    with pytest.raises(Crash):
        await memory.engine.reconciler.run()

    assert ([], []) == await memory.restarted().engine.reconciler.run()


async def test_plan_raises_the_error_it_was_given() -> None:
    """Instead of the one that the port would raise."""
    plan = FaultPlan(at=0, error=lambda said: AdapterError(said, retryable=False))

    with pytest.raises(AdapterError, match="raise before at here"):
        await plan.around("here", Counted(), RuntimeError)
