"""The errors are one tree, drawn in the module, and each says what happened."""

import inspect

from paygent.core import errors
from paygent.core.errors import (
    BudgetExceeded,
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    NoAcceptableRequirements,
    PaidUndelivered,
    PaygentError,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    PluginError,
    PolicyDenied,
    RemoteProtocolError,
)
from paygent.core.money import usd
from paygent.core.requirements import Refusal
from paygent.core.verdict import Deny, Reason
from paygent.testing.conformance.payments import reserved, settled

ID = reserved().id
CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


def test_every_error_is_a_paygent_error() -> None:
    assert all(issubclass(kind, PaygentError) for kind in CLASSES)


def test_every_error_is_drawn_in_the_tree() -> None:
    drawing = errors.__doc__ or ""

    assert [] == [kind.__name__ for kind in CLASSES if kind.__name__ not in drawing]


def test_every_error_has_a_docstring_of_its_own() -> None:
    assert len(CLASSES) == len({kind.__doc__ for kind in CLASSES})


def test_no_error_means_both_not_attempted_and_unknown() -> None:
    """A caller who retries the one kind must never meet the other in it."""
    groups = (PaymentNotAttempted, PaymentOutcomeUnknown, PaidUndelivered, errors.PaymentCannotSettle)

    assert [] == [kind for kind in CLASSES if sum(issubclass(kind, group) for group in groups) > 1]


def test_budget_exceeded_says_the_figures() -> None:
    figures = {"limit": usd("20"), "committed": usd("15"), "reserved": usd("4"), "asked": usd("2")}
    error = BudgetExceeded("wallet:a", **figures, payment_id=ID)

    assert figures == {name: vars(error)[name] for name in figures}
    assert ("wallet:a", ID) == (error.scope, error.payment_id)
    assert all(str(figure) in str(error) for figure in figures.values())


def test_policy_denied_says_the_reasons() -> None:
    verdict = Deny(reasons=(Reason(code="a", text="over 1 USD"),))

    assert verdict is PolicyDenied(verdict).verdict
    assert "over 1 USD" in str(PolicyDenied(verdict))


def test_no_acceptable_requirements_says_why_for_each() -> None:
    refusals = (Refusal(index=0, code="a", text="unknown asset"), Refusal(index=1, code="b", text="too dear"))
    error = NoAcceptableRequirements(refusals, resource="https://a/")

    assert refusals == error.refusals
    assert "unknown asset" in str(error)
    assert "made no offer" in str(NoAcceptableRequirements((), resource="https://a/"))


def test_errors_about_a_payment_name_it() -> None:
    receipt = settled(reserved()).receipt
    assert receipt is not None
    raised = (
        DuplicatePurchase(ID, state="SIGNED", resource="https://a/"),
        IdempotencyConflict(ID, key="k"),
        PaymentOutcomeUnknown(ID, nonce="0x1", expires_at=5, why="timeout"),
        PaidUndelivered(ID, receipt=receipt, why="connection reset"),
        JournalConflict(ID),
    )

    assert [ID] * 5 == [error.payment_id for error in raised]
    assert all(ID in str(error) for error in raised)


def test_remote_protocol_error_quotes_what_was_said() -> None:
    assert "no price: 'hello'" == str(RemoteProtocolError("no price", excerpt="hello"))
    assert "no price" == str(RemoteProtocolError("no price"))


def test_plugin_error_names_the_plugin() -> None:
    assert "plugin 'vvs': broken" == str(PluginError("broken", plugin="vvs"))


def test_halted_says_what_and_why() -> None:
    error = errors.Halted("agent:a", reason="looks odd", payment_id=ID)

    assert ("agent:a", "looks odd", ID) == (error.scope, error.reason, error.payment_id)
    assert "agent:a is halted (looks odd)" in str(error)
