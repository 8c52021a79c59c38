"""A record holds everything about a payment but its payload, and nothing malformed becomes a payment."""

import json
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.context import NOBODY, Budget, Context
from paygent.core.intent import PaymentIntent
from paygent.core.money import usd
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.record import FORMAT, JSON, from_record, to_record
from paygent.core.requirements import Authorization, Settlement
from paygent.testing.conformance.payments import paid, reserved, settled
from paygent.testing.strategies import payments

AMOUNT = ("atomic", "asset", "symbol", "decimals")

FULL = replace(
    settled(reserved(key="k")),
    claim=Settlement(success=True, transaction=None, network=None, payer=None, amount=7, error=None),
    from_block=9,
    context=Context(
        treasury="t",
        project="p",
        agent="a",
        session="s",
        run="r",
        tool="o",
        service="v",
        budgets=(Budget(name="b", limit=usd("2")),),
    ),
    quantity=4,
)


def full() -> Any:
    return deepcopy(to_record(FULL))


def names(record: JSON) -> set[str]:
    assert isinstance(record, dict)
    return set(record)


def leaves(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [leaf for inner in value for leaf in leaves(inner)] if isinstance(value, list) else [value]


def places(value: JSON, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below: list[tuple[str | int, JSON]] = []
    if isinstance(value, dict):
        below = list(value.items())
    if isinstance(value, list):
        below = list(enumerate(value))
    return [path, *(place for key, inner in below for place in places(inner, (*path, key)))]


def record_again(record: Any) -> JSON:
    try:
        return to_record(from_record(record))
    except ValueError:
        return None


@given(payments())
def test_record_gives_the_payment_again(payment: Payment) -> None:
    record = json.loads(json.dumps(to_record(payment)))

    assert payment == from_record(record, payment.payload)


@given(payments())
def test_record_leaves_the_payload_out(payment: Payment) -> None:
    assert replace(payment, payload=None) == from_record(to_record(payment))


@given(payments())
def test_record_has_no_json_numbers_but_its_format(payment: Payment) -> None:
    numbers = [leaf for leaf in leaves(to_record(payment)) if isinstance(leaf, int) and not isinstance(leaf, bool)]

    assert [FORMAT] == numbers


@pytest.mark.parametrize(
    ("kind", "place", "apart"),
    [
        (Payment, None, {"payload"}),
        (PaymentIntent, "intent", set()),
        (Context, "context", set()),
        (Authorization, "authorization", set()),
        (Settlement, "claim", set()),
        (Receipt, "receipt", {"payment_id"}),
    ],
)
def test_record_has_every_field(kind: type, place: str | None, apart: set[str]) -> None:
    """A field added to a value and forgotten here would be lost at the next start."""
    written = names(full()) - {"format"} if place is None else names(full()[place])

    assert {field.name for field in fields(kind)} - apart == written


def test_record_from_before_contexts_is_of_nobody() -> None:
    old = full()
    del old["context"], old["quantity"]

    assert replace(FULL, payload=None, context=NOBODY, quantity=1) == from_record({**old, "format": 1})


def test_record_from_before_quantities_is_of_one_unit() -> None:
    old = full()
    del old["quantity"]

    before = replace(FULL.context, budgets=())
    assert replace(FULL, payload=None, quantity=1, context=before) == from_record({**old, "format": 2})


def test_record_has_no_signed_bytes() -> None:
    assert FULL.payload is not None
    assert FULL.payload.value not in json.dumps(to_record(FULL))
    assert FULL.payload.value not in repr(FULL)


@pytest.mark.parametrize("version", [None, 0, FORMAT + 1, "1", True, 1.5, []])
def test_record_of_another_format_is_refused(version: Any) -> None:
    with pytest.raises(ValueError, match="format"):
        from_record({**full(), "format": version})


@pytest.mark.parametrize("wrong", [1.5, 12, True, [], {}, "", "01", "\u0661", "no such word"])
@pytest.mark.parametrize("place", [place for place in places(to_record(FULL)) if len(place) == 1])
def test_record_with_a_wrong_value_is_refused_or_read_as_it_is(place: tuple[Any, ...], wrong: Any) -> None:
    """No value is guessed: what is read writes the same record again."""
    for below in places(full()[place[0]], place):
        record = full()
        *inner, last = below
        holder = record
        for key in inner:
            holder = holder[key]
        holder[last] = wrong

        assert record_again(record) in (None, record)


@pytest.mark.parametrize("place", [place for place in places(to_record(FULL)) if place and isinstance(place[-1], str)])
def test_record_without_a_field_is_refused(place: tuple[Any, ...]) -> None:
    record = full()
    *inner, last = place
    holder = record
    for key in inner:
        holder = holder[key]
    del holder[last]

    with pytest.raises(ValueError, match=r"format|has no|read"):
        from_record(record)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_record_that_is_anything_is_refused(anything: Any) -> None:
    with pytest.raises(ValueError, match=r"payment"):
        from_record({"format": 1, "id": anything, "intent": anything})


@pytest.mark.parametrize("wrong", [1, True, None, [], {}])
@pytest.mark.parametrize(("part", "name"), list(enumerate(AMOUNT)))
def test_record_with_a_wrong_amount_says_which_part(part: int, name: str, wrong: Any) -> None:
    record: Any = to_record(FULL)
    record["intent"]["amount"][part] = wrong

    with pytest.raises(ValueError, match=rf"payment\.intent\.amount\.{name} is not "):
        from_record(record)


@pytest.mark.parametrize("wrong", ["", "01", "-0", "+1", " 1", "1_0", "\u0661", "1.0", "9" * 92, "9" * 5_000])
@pytest.mark.parametrize("part", [0, 3])
def test_record_with_an_amount_written_in_another_way_is_refused_without_a_quote(part: int, wrong: str) -> None:
    record: Any = to_record(FULL)
    record["intent"]["amount"][part] = wrong

    with pytest.raises(ValueError, match=r"payment\.intent\.amount is not an amount: it is not a decimal integer$"):
        from_record(record)


@pytest.mark.parametrize(
    "amount", [["1", "eip155:25", "T", "6"], ["1", "a/b", "T", "6"], [str(2**256), None, "T", "78"]]
)
def test_record_with_an_amount_that_cannot_be_is_refused_with_its_name(amount: Any) -> None:
    record: Any = to_record(FULL)
    record["receipt"]["amount"] = [part or record["receipt"]["amount"][1] for part in amount]

    with pytest.raises(ValueError, match=r"payment\.receipt\.amount is not an amount: "):
        from_record(record)


@pytest.mark.parametrize(
    "line",
    [
        None,
        {},
        [],
        ["signed", "SIGNED", "1"],
        ["signed", "SIGNED", "1", "", ""],
        {"signed": 1, "SIGNED": 1, "1": 1, "": 1},
        ["signs", "SIGNED", "1", ""],
        ["signed", "SIGNS", "1", ""],
        ["signed", "SIGNED", "01", ""],
        ["signed", "SIGNED", 1, ""],
        ["signed", "SIGNED", "1", None],
        [["signed"], "SIGNED", "1", ""],
    ],
)
def test_record_with_a_line_of_history_that_is_none_is_refused(line: Any) -> None:
    record: Any = to_record(FULL)
    record["history"] = [line]

    with pytest.raises(ValueError, match=r"payment\.history has a line"):
        from_record(record)


def test_record_refusal_does_not_quote_the_record() -> None:
    record = full()
    record["authorization"]["nonce"] = ["0xsecret"]

    with pytest.raises(ValueError, match=r"payment\.authorization\.nonce is not text") as refusal:
        from_record(record)

    assert "secret" not in str(refusal.value)


def test_paid_payment_is_not_settled_by_a_claim_alone() -> None:
    assert from_record(to_record(paid())).receipt is None
