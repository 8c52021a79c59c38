"""A change, a gap or a swap anywhere in the audit log is found."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paygent.core.audit import GENESIS, AuditEntry, canonical, first_break, seal

FACTS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])), max_size=4
)


def chain(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number in range(length):
        head = entries[-1] if entries else None
        entries.append(AuditEntry.after(head, at=number, kind="payment", facts={"n": str(number)}))
    return entries


@given(st.integers(), FACTS)
@example(1, {"\U0001f600": "comes first", "\uffee": "in UTF-16"})
def test_seal_is_of_the_canonical_json_of_the_row(at: int, facts: dict[str, str]) -> None:
    """The bytes that are hashed are those of the whole row, sorted as RFC 8785 says and without blanks."""
    ordered = dict(sorted(facts.items(), key=lambda fact: fact[0].encode("utf-16-be")))
    row = {"at": str(at), "facts": ordered, "kind": "payment", "number": "7", "previous": GENESIS}
    text = json.dumps(row, separators=(",", ":"), ensure_ascii=False)

    assert json.loads(canonical(facts)) == facts
    assert replace(AuditEntry.after(None, at=at, kind="payment", facts=facts), number=7).facts == facts
    assert seal(7, at, "payment", facts, GENESIS) == hashlib.sha256(text.encode()).hexdigest()


def test_first_break_finds_nothing_in_a_whole_chain() -> None:
    entries = chain(4)

    assert first_break(entries) is None
    assert first_break(entries[2:], after=entries[1]) is None


@pytest.mark.parametrize("place", range(4))
def test_first_break_finds_a_change_of_any_field(place: int) -> None:
    entries = chain(4)
    changed = (
        replace(entries[place], at=99),
        replace(entries[place], kind="halt"),
        replace(entries[place], facts={"n": "99"}),
        replace(entries[place], hash="f" * 64),
    )
    for wrong in changed:
        assert f"row {place + 1} was changed" == first_break([*entries[:place], wrong, *entries[place + 1 :]])


def test_first_break_finds_missing_swapped_and_foreign_rows() -> None:
    entries = chain(4)

    assert "row 2 is missing: row 3 stands in its place" == first_break([entries[0], *entries[2:]])
    assert "row 2 is missing: row 3 stands in its place" == first_break([entries[0], entries[2], entries[1]])
    assert "row 2 does not follow the row before it" == first_break(
        [entries[0], replace(entries[1], previous="0" * 64)]
    )


def test_record_of_a_row_has_everything_as_text() -> None:
    (entry,) = chain(1)

    assert {
        "number": "1",
        "at": "0",
        "kind": "payment",
        "facts": {"n": "0"},
        "previous": GENESIS,
        "hash": entry.hash,
    } == entry.record()
