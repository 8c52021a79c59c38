"""The table of the lifecycle, walked to its last corner."""

from collections.abc import Iterator

import pytest

from paygent.core.budget import HoldState, hold_state
from paygent.core.errors import LocalProtocolError
from paygent.core.lifecycle import FREED, HOLDING, OUT, TRANSITIONS, Event, State, advance

PROVEN = {State.EXPIRED, State.CANCELLED, State.REVERTED}
Walked = tuple[State, int]
"""A state, and how many signatures were made on the way."""


def steps(seen: Walked) -> Iterator[tuple[Event, Walked]]:
    state, signatures = seen
    for event, after in TRANSITIONS[state].items():
        yield event, (after, signatures + (event is Event.SIGNATURE_MADE))


def walk() -> set[Walked]:
    """Return everything that can be reached; a third signature would be found, so the walk ends."""
    reached, todo = {(State.PROPOSED, 0)}, [(State.PROPOSED, 0)]
    while todo:
        for _, after in steps(todo.pop()):
            if after not in reached and after[1] < 3:
                reached.add(after)
                todo.append(after)
    return reached


def test_no_path_signs_a_second_authorization() -> None:
    assert {0, 1} == {signatures for _, signatures in walk()}


def test_once_signed_money_is_freed_only_by_proof() -> None:
    freeing = {
        after
        for seen in walk()
        if seen[1] and hold_state(seen[0]) is not HoldState.RELEASED
        for _, (after, _) in steps(seen)
        if hold_state(after) is HoldState.RELEASED
    }

    assert PROVEN == freeing


def test_before_signing_reserved_money_is_freed_only_by_voiding() -> None:
    freeing = {after for _, (after, _) in steps((State.RESERVED, 0)) if hold_state(after) is HoldState.RELEASED}

    assert {State.VOIDED} == freeing


def test_money_is_never_held_again_once_freed() -> None:
    freed = {(state, signatures) for state, signatures in walk() if state in FREED}

    assert [] == [after for seen in freed for _, after in steps(seen)]


def test_every_out_or_settled_path_has_one_signature() -> None:
    assert {1} == {signatures for state, signatures in walk() if state in OUT | PROVEN | {State.SETTLED}}


def test_every_state_can_be_reached() -> None:
    assert set(State) == {state for state, _ in walk()}


def test_every_state_is_in_the_table() -> None:
    assert set(State) == set(TRANSITIONS)


def test_every_event_moves_something() -> None:
    assert set(Event) == {event for moves in TRANSITIONS.values() for event in moves}


@pytest.mark.parametrize("state", State)
def test_every_state_counts_as_one_thing(state: State) -> None:
    """Before RESERVED nothing is held; then it is held, committed or freed."""
    early = {State.PROPOSED, State.AWAITING_APPROVAL, State.APPROVED}

    assert 1 == sum(state in kind for kind in (early, HOLDING, {State.SETTLED}, FREED))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_advance_follows_the_table_or_refuses(state: State, event: Event) -> None:
    if event in TRANSITIONS[state]:
        assert TRANSITIONS[state][event] is advance(state, event)
        return

    with pytest.raises(LocalProtocolError, match=f"a payment that is {state} cannot be") as refusal:
        advance(state, event)
    assert all(allowed.value in str(refusal.value) for allowed in TRANSITIONS[state])


def test_every_out_state_can_be_proven_each_way() -> None:
    for state in OUT:
        assert {State.SETTLED, *PROVEN} <= set(TRANSITIONS[state].values())
