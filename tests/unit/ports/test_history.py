"""A page of payments is told a line each."""

from paygent.ports.history import PaymentPage
from paygent.testing.conformance.payments import reserved


def test_page_is_told_a_line_for_each_payment() -> None:
    payment = reserved()

    assert f"{payment}\nand more" == str(PaymentPage(payments=(payment,), next="1"))
    assert "no payments" == str(PaymentPage(payments=(), next=None))
