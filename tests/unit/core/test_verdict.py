"""Deny overrides a downgrade, that an approval, that an allow; reasons keep their order."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.verdict import Allow, Alternative, Deny, Downgrade, Reason, RequireApproval, Verdict, combine

REASONS = st.lists(st.text(max_size=3).map(lambda text: Reason(code=text, text=text)), max_size=2).map(tuple)
SUMMARY = Alternative(kind="mode", value="summary")
VERDICTS = st.lists(
    st.builds(Allow, reasons=REASONS)
    | st.builds(RequireApproval, reasons=REASONS)
    | st.builds(Downgrade, reasons=REASONS, alternative=st.just(SUMMARY))
    | st.builds(Deny, reasons=REASONS),
    max_size=4,
)
STRICTEST = (Deny, Downgrade, RequireApproval, Allow)
PLAIN = (Deny, RequireApproval, Allow)


def kind(verdicts: list[Verdict]) -> type[Verdict]:
    return next((kind for kind in STRICTEST if any(type(verdict) is kind for verdict in verdicts)), Allow)


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

    assert {"too much; too soon"} == {kind(reasons=reasons).explain() for kind in PLAIN}
    assert "allowed" == Allow().explain()


def test_downgrade_says_what_to_take_instead() -> None:
    verdict = Downgrade(reasons=(Reason(code="a", text="too much"),), alternative=SUMMARY)

    assert "too much; take mode summary instead" == verdict.explain()


def test_downgrade_is_a_denial_to_whoever_knows_only_denials() -> None:
    assert isinstance(Downgrade(reasons=(), alternative=SUMMARY), Deny)


def test_combine_takes_the_alternative_of_the_first_downgrade() -> None:
    other = Alternative(kind="quantity", value="1")
    verdicts = [Downgrade(reasons=(), alternative=SUMMARY), Downgrade(reasons=(), alternative=other)]

    assert Downgrade(reasons=(), alternative=SUMMARY) == combine(verdicts)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("mode", ""), ("quantity", "0"), ("quantity", "-1"), ("quantity", "1.5"), ("quantity", "9" * 19), ("price", "1")],
)
def test_alternative_refuses_what_names_nothing(kind: Any, value: str) -> None:
    with pytest.raises(ValueError, match=r"alternative|is no"):
        Alternative(kind=kind, value=value)
