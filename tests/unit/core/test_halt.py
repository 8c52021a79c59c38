"""A halt stops what is in its scope, and nothing else."""

import pytest

from paygent.core.context import Context
from paygent.core.halt import Halt, normal_scope, scopes_of_payment, stopped
from paygent.testing.conformance.payments import PAYER, START, lost, reserved, sent, signed, submitted, voided

WHO = Context(agent="a", session="s")


def test_scopes_of_a_payment_are_all_it_belongs_to() -> None:
    assert ("everything", f"wallet:{PAYER}", "agent:a", "session:s") == scopes_of_payment(reserved(context=WHO))
    assert ("everything", f"wallet:{PAYER}") == scopes_of_payment(reserved())


@pytest.mark.parametrize("wrong", ["", "nothing", "agent:", "agent", "tool:x", "Everything"])
def test_normal_scope_refuses_what_is_none(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a scope"):
        normal_scope(wrong)


def test_halt_keeps_addresses_in_lower_case() -> None:
    assert "wallet:0xab" == Halt(scope="wallet:0xAB", by="ann", reason="odd", at=START).scope


def test_stopped_names_scope_and_reason() -> None:
    halts = {"agent:a": Halt(scope="agent:a", by="ann", reason="odd", at=START)}
    error = stopped(reserved(context=WHO), halts)

    assert error is not None
    assert ("agent:a", "odd", reserved().id) == (error.scope, error.reason, error.payment_id)
    assert stopped(reserved(), halts) is None
    assert stopped(reserved(), {}) is None


def test_halt_meets_moves_into_signing_and_sending_only() -> None:
    first = reserved()

    assert [True, True, True] == [
        first.meets_halt(signed(first)),
        first.meets_halt(sent(first)),
        signed(first).meets_halt(sent(first)),
    ]
    assert lost(first).meets_halt(submitted(lost(first)))
    assert not first.meets_halt(voided(first))
    assert not sent(first).meets_halt(sent(first).learn(delivered=True))
