"""Why a mined transaction reverted is asked for once, before its block and after it, and of nobody who forgot."""

from dataclasses import replace

import pytest

from paygent.core.errors import AdapterError
from paygent.core.transaction import Mined, Plan
from paygent.engine.revert import reverted, reverts
from paygent.ports.chain import BlockTag
from paygent.ports.transactions import Simulation, TransactionReceipt
from paygent.testing.conformance.journal_nonces import acting, sent_with

pytestmark = pytest.mark.anyio
PAYER = f"0x{'11' * 20}"
BLOCK = f"0x{8:064x}"


class Node:
    """A node at which a call reverts at some heights."""

    def __init__(self, reverting: dict[int, str], broken: AdapterError | None = None) -> None:
        self._reverting = reverting
        self._broken = broken
        self.asked: list[BlockTag] = []

    async def simulate(self, sender: str, to: str, data: str, *, value: int = 0, at: BlockTag = "latest") -> Simulation:
        self.asked.append(at)
        if self._broken is not None:
            raise self._broken
        assert isinstance(at, int)
        return Simulation(succeeded=at not in self._reverting, data=self._reverting.get(at, "0x"))


def sent() -> Plan:
    plan = sent_with(acting(1), 0).plan
    assert plan is not None
    return plan


def receipt(plan: Plan, *, succeeded: bool = False) -> dict[str, TransactionReceipt]:
    name = plan.attempts[0].hash
    found = TransactionReceipt(
        transaction=name, succeeded=succeeded, block_number=8, block_hash=BLOCK, gas_used=1, gas_price=1
    )
    return {name: found}


@pytest.mark.parametrize(
    ("reverting", "said", "asked"),
    [
        ({7: "0xaa", 8: "0xbb"}, "0xaa", [7]),
        ({8: "0xbb"}, "0xbb", [7, 8]),
        ({}, None, [7, 8]),
        ({7: "0x" + "ab" * 2_000}, "0x" + "ab" * 1_024, [7]),
    ],
)
async def test_call_is_made_again_around_its_block(
    reverting: dict[int, str], said: str | None, asked: list[int]
) -> None:
    plan, node = sent(), Node(reverting)

    found = await reverts(node, PAYER, plan, receipt(plan))  # type: ignore[arg-type]  # nothing else is asked

    assert said == found.get(plan.attempts[0].hash)
    assert asked == node.asked


async def test_what_succeeded_or_is_known_is_not_asked_for() -> None:
    plan, node = sent(), Node({7: "0xaa"})
    mined = Mined(
        transaction=plan.attempts[0].hash, block_number=8, block_hash=BLOCK, succeeded=False, fee=1, revert="0xcc"
    )
    known = plan.with_step(0, replace(plan.steps[0], mined=mined))

    assert {} == await reverts(node, PAYER, plan, receipt(plan, succeeded=True))  # type: ignore[arg-type]
    assert {mined.transaction: "0xcc"} == await reverts(node, PAYER, known, receipt(plan))  # type: ignore[arg-type]
    assert [] == node.asked


async def test_node_that_forgot_the_block_says_nothing() -> None:
    plan, node = sent(), Node({}, AdapterError("missing trie node", retryable=False))

    assert {} == await reverts(node, PAYER, plan, receipt(plan))  # type: ignore[arg-type]


async def test_node_out_of_reach_is_told() -> None:
    plan, node = sent(), Node({}, AdapterError("timeout", retryable=True))

    with pytest.raises(AdapterError, match="timeout"):
        await reverts(node, PAYER, plan, receipt(plan))  # type: ignore[arg-type]


def test_error_without_data_says_what_is_known() -> None:
    error = reverted("it reverted", sent(), (), payment_id=acting(1).id)

    assert ("it reverted", "", "", ()) == (str(error), error.reason, error.error, error.arguments)
