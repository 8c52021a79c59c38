"""A request for approval: what it shows is what is agreed to, once per approver, in time."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState, approvers_fact
from paygent.core.approval_errors import ApprovalLapsed, ApprovalPending, ApprovalRefused, NotAnApprover
from paygent.core.edit import Edit
from paygent.core.errors import LocalProtocolError, PaygentError
from paygent.core.ids import ApprovalId, PaymentId

FACTS = {"payee": "0xabc", "amount": "12 USDC", "budget_left": "88 USD", "intent": "ab" * 32}
REQUEST = ApprovalRequest(
    id=ApprovalId("apr_1"), payment_id=PaymentId("pay_1"), facts=FACTS, needed=1, created_at=100, expires_at=200
)


def said(
    request: ApprovalRequest = REQUEST,
    *,
    by: str = "ada",
    granted: bool = True,
    at: int = 150,
    digest: str | None = None,
) -> ApprovalDecision:
    digest = request.digest if digest is None else digest
    return ApprovalDecision(approver=by, granted=granted, digest=digest, at=at)


def test_text_shows_every_fact_and_the_bindings_a_line_each() -> None:
    assert REQUEST.text.split("\n") == [
        "amount: 12 USDC",
        "approval: apr_1",
        "budget left: 88 USD",
        "expires at: 200, 1970-01-01 00:03:20 UTC",
        "intent: " + "ab" * 32,
        "payee: 0xabc",
        "payment: pay_1",
    ]


def test_digest_is_of_the_bytes_that_the_text_is_made_of() -> None:
    assert hashlib.sha256(REQUEST.canonical).hexdigest() == REQUEST.digest


@pytest.mark.parametrize(
    "other",
    [
        {"facts": FACTS | {"amount": "13 USDC"}},
        {"facts": FACTS | {"more": "x"}},
        {"id": ApprovalId("apr_2")},
        {"payment_id": PaymentId("pay_2")},
        {"expires_at": 201},
    ],
    ids=str,
)
def test_digest_changes_when_anything_shown_changes(other: dict[str, object]) -> None:
    assert REQUEST.digest != replace(REQUEST, **other).digest  # type: ignore[arg-type]  # fields by name


def test_facts_cannot_say_another_payment_than_the_request_is_about() -> None:
    assert "payment: pay_1" in replace(REQUEST, facts={"payment": "pay_9"}).text.split("\n")


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=30), max_size=4))
def test_text_has_one_printable_line_per_fact_whatever_strangers_write(facts: dict[str, str]) -> None:
    shown = replace(REQUEST, facts=facts).text.split("\n")

    assert all(line.isprintable() for line in shown)
    assert len({*facts, "approval", "payment", "expires_at"}) == len(shown)


def test_text_writes_out_what_could_forge_a_line() -> None:
    text = replace(REQUEST, facts={"resource": "https://a.example/\namount: 1 \x1b[2J\u202e"}).text

    assert "resource: https://a.example/\\u000aamount: 1 \\u001b[2J\\u202e" in text.split("\n")


def test_request_refuses_when_nobody_has_to_agree() -> None:
    with pytest.raises(ValueError, match="at least one approver has to agree, not 0"):
        replace(REQUEST, needed=0)


def test_one_grant_is_enough_when_one_is_needed() -> None:
    decided = REQUEST.decided(said())

    assert ApprovalState.GRANTED is decided.state
    assert (said(),) == decided.decisions


@given(st.integers(1, 6))
def test_quorum_is_reached_by_exactly_k_distinct_approvers(needed: int) -> None:
    request = replace(REQUEST, needed=needed)
    states: list[ApprovalState] = []
    for number in range(needed):
        request = request.decided(said(request, by=f"approver {number}"))
        states.append(request.state)

    assert [ApprovalState.PENDING] * (needed - 1) + [ApprovalState.GRANTED] == states


def test_an_approver_counts_once() -> None:
    once = replace(REQUEST, needed=2).decided(said())

    with pytest.raises(ApprovalRefused, match="'ada' has decided about approval apr_1 already") as caught:
        once.decided(said(at=160))

    assert caught.value.payment_id == "pay_1"


@pytest.mark.parametrize("spelling", ["Ada", "ada ", " ada", "\uff21\uff24\uff21", "ada\t"])
def test_another_spelling_is_no_other_approver(spelling: str) -> None:
    once = replace(REQUEST, needed=2).decided(said(by="ada"))

    with pytest.raises(ApprovalRefused):
        once.decided(said(by=spelling, at=160))


NAMED = replace(REQUEST, facts=FACTS | {"approvers": "ada, Ben, \uff23em"}, needed=2)


@pytest.mark.parametrize("spelling", ["ben", " BEN", "Cem", "\uff21da"])
def test_who_is_named_may_decide_in_any_spelling(spelling: str) -> None:
    decided = NAMED.decided(said(NAMED, by=spelling))

    assert (("ada", "Ben", "\uff23em"), ApprovalState.PENDING) == (decided.approvers, decided.state)
    assert 1 == len(decided.decisions)


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("other", ["dan", "ada, Ben", "ben cem", "b en"])
def test_nobody_else_may_decide(other: str, granted: bool) -> None:
    with pytest.raises(NotAnApprover, match="may not decide about approval apr_1, and was not counted") as caught:
        NAMED.decided(said(NAMED, by=other, granted=granted))

    assert (other, NAMED.approvers, "pay_1") == (caught.value.approver, caught.value.allowed, caught.value.payment_id)


def test_nobody_else_may_edit() -> None:
    request = replace(NAMED, facts={**NAMED.facts, "atomic_units": "10"})

    with pytest.raises(NotAnApprover):
        request.decided(replace(said(request, by="dan", granted=False), edit=Edit(atomic_units=1)))


def test_who_may_decide_is_shown_and_bound_by_the_digest() -> None:
    assert "approvers: ada, Ben, \uff23em" in NAMED.text.split("\n")
    assert NAMED.digest != replace(NAMED, facts=FACTS | {"approvers": "ada, Ben"}).digest


@pytest.mark.parametrize(
    ("names", "needed", "why"),
    [
        (("ada", "ben"), 3, "3 distinct approvers have to agree, and 2 may"),
        (("ada", "Ada ", "\uff21da"), 2, "2 distinct approvers have to agree, and 1 may"),
        ((), 1, "and 0 may"),
        (("ada", " "), 1, "is no approver's name"),
        (("ada, ben",), 1, "no comma"),
        (("a\nda",), 1, "printable"),
        (("a" * 201,), 1, "1 to 200"),
    ],
)
def test_names_that_cannot_agree_are_refused(names: tuple[str, ...], needed: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        approvers_fact(names, needed=needed)


@pytest.mark.parametrize("stored", ["", "ada", "ada, , ben", "ada,ben"])
def test_request_with_names_that_were_damaged_is_refused(stored: str) -> None:
    with pytest.raises(ValueError, match=r"approver"):
        replace(NAMED, facts=FACTS | {"approvers": stored})


@pytest.mark.parametrize("nobody", ["", " ", "\t"])
def test_decision_of_nobody_is_refused(nobody: str) -> None:
    with pytest.raises(LocalProtocolError, match="names who decides"):
        said(by=nobody)


def test_one_refusal_refuses_whoever_granted_before() -> None:
    once = replace(REQUEST, needed=3).decided(said())

    assert ApprovalState.REFUSED is once.decided(said(by="bob", granted=False)).state


@pytest.mark.parametrize("state", sorted(set(ApprovalState) - {ApprovalState.PENDING}))
def test_decided_refuses_when_the_request_waits_no_more(state: ApprovalState) -> None:
    with pytest.raises(LocalProtocolError, match=f"is {state} and takes no decision any more"):
        replace(REQUEST, state=state).decided(said())


def test_decided_refuses_a_decision_about_another_text() -> None:
    with pytest.raises(LocalProtocolError, match="not about what approval apr_1 shows"):
        REQUEST.decided(said(digest="0" * 64))


@pytest.mark.parametrize("at", [200, 201])
def test_decided_refuses_from_the_end_on(at: int) -> None:
    with pytest.raises(ApprovalLapsed, match="ended at 1970-01-01 00:03:20 UTC"):
        REQUEST.decided(said(at=at))


def test_decided_takes_a_decision_in_the_last_second() -> None:
    assert ApprovalState.GRANTED is REQUEST.decided(said(at=199)).state


@pytest.mark.parametrize("state", ApprovalState)
@pytest.mark.parametrize("now", [199, 200])
def test_at_lets_lapse_what_waits_or_was_granted_and_not_used(state: ApprovalState, now: int) -> None:
    lapses = now == 200 and state in {ApprovalState.PENDING, ApprovalState.GRANTED}

    assert (ApprovalState.LAPSED if lapses else state) is replace(REQUEST, state=state).at(now).state


def test_used_spends_a_grant_once() -> None:
    spent = REQUEST.decided(said()).used(REQUEST.payment_id, now=199)

    assert ApprovalState.USED is spent.state
    with pytest.raises(LocalProtocolError, match="is USED; it cannot be used for a payment"):
        spent.used(REQUEST.payment_id, now=199)


@pytest.mark.parametrize(
    ("state", "now", "error"),
    [
        (ApprovalState.PENDING, 199, ApprovalPending),
        (ApprovalState.PENDING, 200, ApprovalLapsed),
        (ApprovalState.GRANTED, 200, ApprovalLapsed),
        (ApprovalState.REFUSED, 199, ApprovalRefused),
        (ApprovalState.LAPSED, 199, ApprovalLapsed),
        (ApprovalState.VOID, 199, LocalProtocolError),
    ],
)
def test_used_refuses_when_it_is_not_granted(state: ApprovalState, now: int, error: type[PaygentError]) -> None:
    with pytest.raises(error, match="approval apr_1"):
        replace(REQUEST, state=state).used(REQUEST.payment_id, now=now)


def test_used_refuses_for_another_payment() -> None:
    with pytest.raises(LocalProtocolError, match="is about payment pay_1, not pay_2"):
        REQUEST.decided(said()).used(PaymentId("pay_2"), now=150)


@pytest.mark.parametrize("state", ApprovalState)
def test_voided_ends_what_is_open_and_keeps_what_is_decided(state: ApprovalState) -> None:
    open_still = state in {ApprovalState.PENDING, ApprovalState.GRANTED}

    assert (ApprovalState.VOID if open_still else state) is replace(REQUEST, state=state).voided().state


# --- edits ----------------------------------------------------------------------------------------------------------

LARGE = replace(REQUEST, facts=FACTS | {"atomic_units": "12000000", "decimals": "6", "quantity": "10"}, needed=2)


def edited(edit: Edit, *, by: str = "ada") -> ApprovalDecision:
    return replace(said(LARGE, by=by, granted=False), edit=edit)


def test_one_edit_makes_the_request_void_and_is_kept() -> None:
    edit = LARGE.editing(amount="2.5")
    decided = LARGE.decided(said(LARGE, by="bob")).decided(edited(edit))

    assert (ApprovalState.VOID, edited(edit)) == (decided.state, decided.edited)
    with pytest.raises(LocalProtocolError, match="VOID"):
        decided.used(LARGE.payment_id, now=150)


@pytest.mark.parametrize(
    ("edit", "ceiling"),
    [
        (Edit(atomic_units=2_500_000), 2_500_000),
        (Edit(quantity=3), 3_600_000),
        (Edit(quantity=3, atomic_units=5_000_000), 3_600_000),
        (Edit(quantity=9, atomic_units=5_000_000), 5_000_000),
    ],
    ids=str,
)
def test_ceiling_follows_the_amount_and_the_quantity(edit: Edit, ceiling: int) -> None:
    assert ceiling == LARGE.ceiling(edit)


@pytest.mark.parametrize("edit", [Edit(atomic_units=12_000_000), Edit(quantity=10), Edit(atomic_units=1, quantity=11)])
def test_edit_that_is_not_less_is_refused(edit: Edit) -> None:
    with pytest.raises(LocalProtocolError, match="is not less"):
        LARGE.decided(edited(edit))


@pytest.mark.parametrize("amount", ["12", "12.000000", "0", "-1", "1.0000001", "1e3", "", ".5", "1.", "٣", "9" * 80])
def test_edit_to_no_smaller_amount_is_refused(amount: str) -> None:
    with pytest.raises(LocalProtocolError):
        LARGE.editing(amount=amount)


def test_edit_of_a_request_that_does_not_say_its_amount_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="cannot be edited; reject it instead"):
        REQUEST.editing(amount="1")


def test_edit_of_nothing_and_a_granted_edit_are_refused() -> None:
    with pytest.raises(LocalProtocolError, match="lowers the amount, the quantity, or both"):
        Edit()
    with pytest.raises(LocalProtocolError, match="granted has to be false"):
        replace(said(LARGE), edit=Edit(quantity=1))


@given(st.integers(1, 11_999_999))
def test_edit_never_raises_what_may_be_paid(atomic: int) -> None:
    assert LARGE.ceiling(LARGE.editing(amount=f"{atomic // 10**6}.{atomic % 10**6:06}")) == atomic


@pytest.mark.parametrize("words", ["a\x1b[2J", "two\nlines", "\ud800"])
def test_decision_in_words_that_cannot_be_shown_is_not_taken(words: str) -> None:
    for decision in (said(by=words), replace(said(), reason=words)):
        with pytest.raises(LocalProtocolError, match="printable characters"):
            REQUEST.decided(decision)
