"""A batch of an AgentWallet is judged by everybody whom it pays, and counted as one payment."""

from dataclasses import replace

import pytest

from paygent.core.action import Action
from paygent.core.money import usd
from paygent.core.window import DAY, Window
from paygent.evm.address import checksum
from paygent.evm.batch import Share, batch_call
from paygent.policy.limits import Limit
from paygent.policy.policy import Denied
from paygent.policy.scope import Scope
from tests.unit.policy.rules.test_actions import CHAIN, NOW, POLICY, TOKEN, codes, dollars

WALLET, ONE, TWO = (checksum(f"0x{byte * 20}") for byte in ("aa", "bb", "cc"))


def batch(*amounts: int) -> Action:
    shares = [Share(payee, amount) for payee, amount in zip((ONE, TWO), amounts, strict=True)]
    return Action(
        purpose="transfer",
        network=CHAIN,
        account=WALLET,
        spend=dollars(sum(amounts)),
        counterparty=WALLET,
        calls=(batch_call(WALLET, TOKEN, shares, bytes(32)),),
        deadline=NOW + 600,
        summary="Pay two",
    )


def test_batch_within_the_limits_is_allowed() -> None:
    assert [] == codes(batch(400_000, 100_000))


def test_batch_counts_its_sum() -> None:
    assert ["over_max_per_payment"] == codes(batch(600_000, 400_001))


def test_batch_is_allowed_where_every_payee_is_listed() -> None:
    assert [] == codes(batch(1, 2), replace(POLICY, payees=frozenset({ONE, TWO})))


@pytest.mark.parametrize("listed", [{ONE}, {TWO}, {WALLET}, {ONE, WALLET}, set[str]()])
def test_batch_is_refused_where_one_payee_is_not_listed(listed: set[str]) -> None:
    assert {"payee_not_allowed"} == set(codes(batch(1, 2), replace(POLICY, payees=frozenset(listed))))


@pytest.mark.parametrize("denied", [ONE, TWO])
def test_batch_is_refused_where_one_payee_is_denied(denied: str) -> None:
    assert ["payee_denied"] == codes(batch(1, 2), replace(POLICY, deny=Denied(payees=frozenset({denied}))))


@pytest.mark.parametrize(("scope", "window"), [("recipient", None), (f"agent & recipient:{ONE}", DAY)])
def test_batch_is_refused_where_a_limit_counts_recipients(scope: str, window: Window | None) -> None:
    limit = Limit(amount=usd("1"), scope=Scope.parse(scope), window=window)

    assert ["batch_by_recipient"] == codes(batch(1, 2), replace(POLICY, limits=(limit,)))
