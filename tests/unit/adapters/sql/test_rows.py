"""Rows that somebody, or a disk, has changed: read as what they are, or refused with a typed error."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.sql.approvals import Approvals
from paygent.adapters.sql.rows import payment_row, read_payment
from paygent.adapters.sql.sqlite import statements
from paygent.core.approval import ApprovalRequest
from paygent.core.errors import AdapterError
from paygent.core.ids import ApprovalId
from paygent.core.payment import Payment
from paygent.core.record import to_record
from paygent.testing.conformance.journal_nonces import acting, mined, sent_with
from paygent.testing.conformance.payments import paid, reserved, settled

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
RECORDS: list[Any] = [
    to_record(payment) for payment in (paid(), settled(reserved()), mined(sent_with(acting(2), 3), fee=7))
]


def read(text: object) -> Payment | None:
    """Return the payment of a row, or None where it is refused as it should be."""
    try:
        return read_payment((7, text, None, None))
    except AdapterError as error:
        refused = error
    assert not refused.retryable
    assert str(refused).startswith("row 7 of the payments cannot be read")
    return None


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything inside a record."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in inner for place in places(below, (*path, key)))]


PLACES = [(record, place) for record in range(len(RECORDS)) for place in places(RECORDS[record]) if place]


@given(st.text(st.characters() | st.sampled_from('"\\\ud800\u2028')))
def test_row_of_a_payment_holds_any_words(words: str) -> None:
    payment = replace(reserved(), alarm=words)

    assert payment == read(payment_row(payment)["record"])


@given(st.text() | st.text('{}[]":,0123456789eE+-.truefalsn '))
def test_row_of_any_text_is_refused(text: str) -> None:
    assert read(text) is None


@given(st.sampled_from(PLACES), JSON_VALUES)
def test_row_with_anything_in_any_place_is_a_payment_or_refused(where: tuple[int, tuple[Any, ...]], said: Any) -> None:
    number, (*inner, last) = where
    record = deepcopy(RECORDS[number])
    holder = record
    for key in inner:
        holder = holder[key]
    holder[last] = said

    found = read(json.dumps(record))

    assert found is None or json.loads(json.dumps(to_record(found))) == json.loads(json.dumps(to_record(found)))


@given(st.sampled_from(RECORDS), st.data())
def test_row_that_was_cut_off_is_refused(record: Any, data: st.DataObject) -> None:
    text = json.dumps(record)

    assert read(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@pytest.mark.parametrize(("levels", "taken"), [(99, True), (100, False), (150, False)])
def test_row_is_refused_when_something_unknown_in_it_is_nested_too_deep(levels: int, taken: bool) -> None:
    text = json.dumps(RECORDS[0])

    assert taken is (read(f'{text[:-1]},"more":{"[" * levels}{"]" * levels}}}') is not None)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format":' * 50_000, "9" * 10_000, None, b"\xff"])
def test_row_that_no_reader_should_take_is_refused(text: object) -> None:
    assert read(text) is None


class OneRow:
    """A cursor that finds this row, whatever is asked."""

    rowcount = 1

    def __init__(self, row: tuple[Any, ...]) -> None:
        self._row = row

    def execute(self, *_: Any) -> None:
        return

    def executemany(self, *_: Any) -> None:
        return

    def fetchone(self) -> tuple[Any, ...]:
        return self._row

    def fetchmany(self, _: int) -> list[Any]:
        return [self._row]

    def fetchall(self) -> list[Any]:
        return [self._row]


EDIT = {"atomic_units": "1", "quantity": None}
DECISIONS: list[Any] = [["ann", True, "0" * 64, "5", ""], ["bob", False, "0" * 64, "5", "no", EDIT]]
APPROVAL = (3, "apr_1", "pay_1", "PENDING", 1, 5, 600, json.dumps({"payee": "0x22"}), json.dumps(DECISIONS[:1]))


def approval(row: tuple[Any, ...]) -> ApprovalRequest | None:
    """Return the request of a row, or None where it is refused as it should be."""
    try:
        found = Approvals(OneRow(row), statements().decisions).get(ApprovalId("apr_1"))
    except AdapterError as error:
        refused = error
    else:
        return found
    assert not refused.retryable
    assert str(refused).startswith("row 3 of the approvals cannot be read")
    return None


def test_row_of_an_approval_is_read() -> None:
    assert approval(APPROVAL) is not None


@given(st.integers(3, 8), JSON_VALUES | st.text())
def test_row_of_an_approval_with_anything_in_any_column_is_shown_or_refused(column: int, said: Any) -> None:
    stored = said if isinstance(said, str) else json.dumps(said)
    found = approval((*APPROVAL[:column], stored, *APPROVAL[column + 1 :]))

    assert found is None or (found.text and found.digest)


@given(st.lists(st.sampled_from(DECISIONS) | st.lists(JSON_VALUES, max_size=6), max_size=3))
def test_row_of_an_approval_with_any_decisions_is_shown_or_refused(decisions: list[Any]) -> None:
    found = approval((*APPROVAL[:8], json.dumps(decisions)))

    assert found is None or len(found.decisions) == len(decisions)
