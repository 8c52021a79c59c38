"""Deny overrides approval, approval overrides allow, and reasons keep their order."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from paygent.core.verdict import Allow, Deny, Reason, RequireApproval, Verdict, combine

REASONS = st.lists(st.text(max_size=3).map(lambda text: Reason(code=text, text=text)), max_size=2).map(tuple)
VERDICTS = st.lists(
    st.builds(Allow, reasons=REASONS) | st.builds(RequireApproval, reasons=REASONS) | st.builds(Deny, reasons=REASONS),
    max_size=4,
)
STRICTEST = (Deny, RequireApproval, Allow)


def kind(verdicts: list[Verdict]) -> type[Verdict]:
    return next((kind for kind in STRICTEST if any(isinstance(verdict, kind) for verdict in verdicts)), Allow)


@given(VERDICTS)
def test_combine_is_the_strictest_in_any_order(verdicts: list[Verdict]) -> None:
    assert {kind(verdicts)} == {type(combine(order)) for order in permutations(verdicts)}


@given(VERDICTS)
def test_combine_has_the_reasons_of_the_strictest_rules_in_order(verdicts: list[Verdict]) -> None:
    said = [reason for verdict in verdicts if type(verdict) is kind(verdicts) for reason in verdict.reasons]

    assert tuple(said) == combine(verdicts).reasons


def test_combine_of_nothing_allows() -> None:
    assert Allow() == combine([])


def test_combine_of_a_silent_denial_denies() -> None:
    assert isinstance(combine([Allow(reasons=(Reason(code="a", text="a"),)), Deny(reasons=())]), Deny)


def test_explain_joins_the_reasons() -> None:
    reasons = (Reason(code="a", text="too much"), Reason(code="b", text="too soon"))

    assert {"too much; too soon"} == {kind(reasons=reasons).explain() for kind in STRICTEST}
    assert "allowed" == Allow().explain()
