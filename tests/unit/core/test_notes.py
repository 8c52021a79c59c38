"""The audit log's wording: what happened, to what, by whom; never a secret."""

from dataclasses import replace

import pytest

from paygent.core import notes
from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.halt import Halt
from paygent.core.lifecycle import Event
from paygent.core.requirements import Settlement
from paygent.core.verdict import Reason, RequireApproval
from paygent.engine.approval_facts import approval_facts
from paygent.testing.conformance.payments import (
    SIGNED_BYTES,
    START,
    awaiting,
    decision_on,
    lost,
    proposed,
    request_for,
    reserved,
    sent,
    settled,
    signed,
    submitted,
)

WHY = Reason(code="above_approval_threshold", text="too much")
CLAIM = Settlement(success=True, transaction=None, network=None, payer=None, amount=None, error=None)


def test_opened_says_what_and_for_whom() -> None:
    (row,) = notes.opened(reserved(context=Context(agent="a", service="v"), key="k"))

    assert ("payment", START, "a", "v", "default", "allowed, budget reserved") == (
        row.kind,
        row.at,
        row.facts["agent"],
        row.facts["service"],
        row.facts["treasury"],
        row.facts["events"],
    )
    assert "session" not in row.facts
    assert all(isinstance(said, str) for said in row.facts.values())


def test_opened_without_moves_has_the_time_of_its_making() -> None:
    (row,) = notes.opened(proposed(at=START - 5))

    assert START - 5 == row.at


def test_moved_says_each_move_with_its_notes() -> None:
    first = signed(reserved())
    (row,) = notes.moved(first, submitted(first).move(Event.OUTCOME_LOST, at=START + 9, note="reset"))

    assert ("send begins, outcome lost", "reset", START + 9) == (row.facts["events"], row.facts["note"], row.at)


def test_moved_says_what_was_learned() -> None:
    first = sent(reserved())
    (learned,) = notes.moved(first, first.learn(delivered=True, claim=CLAIM))
    (proven,) = notes.moved(lost(reserved()), settled(reserved(), charged=3))
    unnamed = settled(reserved())
    assert unnamed.receipt is not None
    (claimed,) = notes.moved(first, replace(unnamed, receipt=replace(unnamed.receipt, transaction=None)))

    assert {"events": "learned", "delivered": "true", "claimed": "true"}.items() <= learned.facts.items()
    assert {"charged": "3", "final": "true", "transaction": f"0x{'aa' * 32}"}.items() <= proven.facts.items()
    assert "transaction" not in claimed.facts


def test_moved_gives_an_alarm_a_row_of_its_own_once() -> None:
    first = sent(reserved())
    odd = first.learn(alarm="paid another")
    rows = notes.moved(first, odd)

    assert ["payment", "alarm"] == [row.kind for row in rows]
    assert {"payment": first.id, "alarm": "paid another"} == rows[1].facts
    assert 1 == len(notes.moved(odd, odd.learn(delivered=True)))


def test_rows_of_people_name_them() -> None:
    request = request_for(awaiting())
    halt = Halt(scope="everything", by="ann", reason="odd", at=START)
    rows = [
        *notes.asked(request),
        *notes.decided(request, decision_on(request, reason="fine")),
        *notes.turned(request.voided(), at=START + 8),
        *notes.halted(halt),
        *notes.lifted(halt, by="ben", reason="fine", at=START + 9),
    ]

    assert ["approval", "approval", "approval", "halt", "lift"] == [row.kind for row in rows]
    assert request.facts["payee"] == rows[0].facts["shown payee"]
    assert ("ann", "fine", "true") == (rows[1].facts["approver"], rows[1].facts["reason"], rows[1].facts["granted"])
    assert ("VOID", START + 8) == (rows[2].facts["state"], rows[2].at)
    assert {"by": "ben", "halted_by": "ann", "scope": "everything"}.items() <= rows[4].facts.items()


def test_rows_have_no_signed_bytes_no_key_and_no_query() -> None:
    first = reserved(key="secret key", resource="https://a.example/x?token=hidden")
    shown = replace(request_for(first), facts=approval_facts(first, (), {}, RequireApproval(reasons=(WHY,))))
    text = str([*notes.opened(first), *notes.moved(first, signed(first)), *notes.asked(shown)])

    assert not [word for word in (SIGNED_BYTES, "secret key", "hidden") if word in text]
    assert "https://a.example/x?…" in text


@pytest.mark.parametrize("kind", ["", "two words", "nul\0", "\u00fc"])
def test_note_refuses_an_odd_kind(kind: str) -> None:
    with pytest.raises(LocalProtocolError, match="not a kind"):
        notes.Note(START, kind, {})
