"""A transfer pays what can be paid."""

from collections.abc import Callable

import pytest

from paygent.core.action import Action
from paygent.core.errors import LocalProtocolError
from paygent.core.money import usd
from paygent.wallet.wallet import approve_action, transfer_action
from tests.unit.policy.cases import PAYEE


@pytest.mark.parametrize("make", [transfer_action, approve_action])
@pytest.mark.parametrize("given", ["1 USDC", 1, usd("1")])
def test_what_is_no_amount_of_a_token_is_refused(make: Callable[..., Action], given: object) -> None:
    """Dollars are what limits are written in; they cannot be sent."""
    with pytest.raises(LocalProtocolError, match="is no amount of a token or coin"):
        make(given, PAYEE, deadline=1)
