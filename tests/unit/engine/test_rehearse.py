"""What another policy would have said of the past is what it would have said then."""

from dataclasses import replace

import pytest

from paygent.core.payment import Payment
from paygent.core.transaction import Plan
from paygent.engine.rehearse import past
from paygent.policy.simulate import simulate_history
from paygent.testing.conformance.payments import awaiting
from tests.unit.policy.rules.test_actions import DOLLAR, GAS, NOW, PAYER, POLICY, codes, swap

TOKENS = {DOLLAR.asset.id: DOLLAR}


def swapped(atomic: int) -> Payment:
    """Return a swap that waits, as a storage remembers it."""
    action = swap(atomic, summary="Swap for what https://venue.example says")
    waiting = awaiting()
    intent = replace(
        waiting.intent,
        purpose="swap",
        network=action.network,
        payer=PAYER,
        payee=action.counterparty,
        amount=action.spend,
        resource=action.summary,
    )
    return replace(waiting, created_at=NOW, intent=intent, plan=Plan.of(action, gas=GAS, first_nonce=0))


@pytest.mark.parametrize("atomic", [40_000_000, 50_000_001])
def test_action_is_judged_again_as_an_action(atomic: int) -> None:
    policy = replace(POLICY, approve_above=None, hosts=frozenset({"api.example.com"}))
    (judged,) = simulate_history([past(swapped(atomic), TOKENS)], policy)

    assert codes(swap(atomic), policy) == [reason.code for reason in judged.verdict.reasons]
