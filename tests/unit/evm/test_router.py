"""What a wallet's call of the PaymentRouter pays or agrees to is what its bytes say, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.action import CALL_COLLECTOR, Action, Call
from paygent.core.caip import ChainId, erc20
from paygent.core.money import Amount, Asset
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import VENUE, payment_call, wallet_call
from paygent.evm.calls import faults
from paygent.evm.coins import coin
from paygent.evm.contracts import contract
from paygent.evm.router import (
    NOTHING,
    ServicePayment,
    Subscription,
    cancellation,
    cancels,
    pays_service,
    router,
    service_call,
    subscribes,
    subscription_call,
)

CHAIN = ChainId.evm(25)
TOKEN, WALLET, PROVIDER, OTHER = (checksum(f"0x{byte * 20}") for byte in ("11", "22", "33", "44"))
ASSET = Asset(id=erc20(CHAIN, TOKEN), symbol="USDX", decimals=6)
PAYMENT = ServicePayment(provider=PROVIDER, amount=Amount(7, ASSET), request_hash=f"0x{'ab' * 32}", agent=OTHER)
TERMS = Subscription(payee=PROVIDER, amount=Amount(5, ASSET), cap=Amount(60, ASSET), period_seconds=3_600)
PAYING, AGREEING = service_call(WALLET, PAYMENT), subscription_call(WALLET, TERMS)
ENDING = wallet_call(WALLET, "callCollector", router(), cancellation(TERMS))
_INNER = 10 + 3 * 64 + 8
"""Where the words begin that the router is handed: after the call's selector, three words and the inner selector."""


def action(call: Call, **changes: Any) -> Action:
    given: dict[str, Any] = {
        "purpose": "transfer",
        "network": CHAIN,
        "account": WALLET,
        "spend": PAYMENT.amount,
        "counterparty": PROVIDER,
        "calls": (call,),
        "deadline": 1_800_000_000,
        "summary": "Pay for a request",
    }
    return Action(**(given | changes))


def promise(call: Call, **changes: Any) -> Action:
    given: dict[str, Any] = {"purpose": "position", "venue": VENUE, "spend": TERMS.cap}
    return action(call, **(given | changes))


def governing(call: Call) -> Action:
    """Return an action that says it moves no money, as those of settings do."""
    return promise(call, account=None, spend=Amount(0, coin(CHAIN)), counterparty=WALLET)


def changed(call: Call, place: int, value: int) -> Call:
    """Return the call with another word for the router. Args: place: counted from 0."""
    start = _INNER + place * 64
    return replace(call, data=f"{call.data[:start]}{value:064x}{call.data[start + 64 :]}")


def codes(of: Action) -> list[str]:
    return [code for code, _ in faults(of)]


def test_calls_are_the_contracts_own_encoding() -> None:
    words = (TOKEN, PROVIDER, 7, bytes(32), OTHER, bytes(32), 1, bytes.fromhex("ab" * 32))
    inner = contract("PaymentRouter")["payForServiceFromSource"].call(words)

    assert contract("AgentWallet")["callCollector"].call(router(), word.raw(inner)) == PAYING.data
    assert (CALL_COLLECTOR, ("provider", PROVIDER)) == (PAYING.function, PAYING.arguments[1])


def test_payment_and_subscription_and_its_end_have_no_faults() -> None:
    native = replace(PAYMENT, amount=Amount(7, coin(CHAIN)))

    assert [] == codes(action(PAYING))
    assert [] == codes(action(service_call(WALLET, native), spend=native.amount))
    assert [] == codes(promise(AGREEING))
    assert [] == codes(governing(ENDING))


@pytest.mark.parametrize(
    "other",
    [
        action(PAYING, spend=Amount(6, ASSET)),
        action(PAYING, spend=Amount(7, coin(CHAIN))),
        action(PAYING, counterparty=OTHER),
        action(PAYING, account=OTHER),
        action(changed(PAYING, 2, 8)),
        action(changed(PAYING, 1, int(PROVIDER, 16) | 1 << 200)),
        action(replace(PAYING, to=OTHER)),
        action(replace(PAYING, data=PAYING.data + "00" * 32)),
        action(replace(PAYING, data=PAYING.data[:-2] + "01")),
        action(replace(PAYING, data=PAYING.data.replace(router()[2:].lower(), "55" * 20))),
        action(AGREEING),
        action(ENDING),
        action(PAYING, calls=(PAYING, PAYING)),
    ],
)
def test_call_that_pays_something_else_is_refused(other: Action) -> None:
    assert "not_the_transfer" in codes(other)


@pytest.mark.parametrize(
    "other",
    [
        promise(AGREEING, spend=Amount(59, ASSET)),
        promise(AGREEING, counterparty=OTHER),
        promise(AGREEING, account=OTHER),
        promise(changed(AGREEING, 2, 0)),
        promise(changed(AGREEING, 2, 61)),
        promise(changed(AGREEING, 6, 0)),
        promise(PAYING, spend=PAYMENT.amount),
        promise(ENDING),
        promise(AGREEING, calls=(AGREEING, AGREEING)),
        promise(AGREEING, receive=(Amount(1, ASSET),)),
        promise(AGREEING, venue="vvs"),
    ],
)
def test_call_that_agrees_to_something_else_is_refused(other: Action) -> None:
    assert "not_the_subscription" in codes(other)


@pytest.mark.parametrize("call", [PAYING, AGREEING, replace(ENDING, data=ENDING.data + "00" * 32)])
def test_nothing_but_an_end_is_called_where_no_money_is_named(call: Call) -> None:
    assert "gives_away" in codes(governing(call))


def test_coins_go_along_with_no_call_of_the_router() -> None:
    assert not pays_service(replace(PAYING, value=1), action(PAYING))
    assert not subscribes(replace(AGREEING, value=1), promise(AGREEING))
    assert not cancels(replace(ENDING, value=1))
    assert not pays_service(PAYING, action(PAYING, account=None))


def test_requests_of_one_price_are_different_wishes_and_plain_payments_are_one() -> None:
    other = service_call(WALLET, replace(PAYMENT, request_hash=f"0x{'cd' * 32}"))
    plain = [action(payment_call(WALLET, TOKEN, PROVIDER, 7, bytes(31) + bytes((ref,)))) for ref in (1, 2)]

    assert action(PAYING).wish != action(other).wish
    assert plain[0].wish == plain[1].wish


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Amount(0, ASSET)},
        {"amount": Amount(61, ASSET)},
        {"amount": Amount(1, coin(CHAIN))},
        {"period_seconds": 0},
        {"period_seconds": 1 << 40},
        {"start": -1},
    ],
)
def test_terms_that_the_router_would_refuse_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at most its cap|at least a second"):
        replace(TERMS, **wrong)


def test_hashes_are_32_bytes() -> None:
    with pytest.raises(ValueError, match="0x12"):
        service_call(WALLET, replace(PAYMENT, request_hash="0x12"))
    with pytest.raises(ValueError, match="0x12"):
        cancellation(replace(TERMS, salt="0x12"))

    assert (NOTHING, NOTHING, 1) == (PAYMENT.service, PAYMENT.task, PAYMENT.quantity)


def test_swap_has_no_account() -> None:
    with pytest.raises(ValueError, match="not in a swap"):
        promise(AGREEING, purpose="swap")
