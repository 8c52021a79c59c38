"""PaymentRouter and ServiceRegistry as they ship, on a real EVM: what a program does with their interface alone."""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest

from paygent.evm.contracts import ContractName, contract, own_errors
from paygent.evm.reverts import custom_error
from tests.interop.peers.anvil import RpcError
from tests.interop.peers.chain import TokenChain, call_data

STAKE, PRICE = 1_000, 100
DAY = 86_400
NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A payer, a provider and an arbiter with money, and accounts that nobody else uses."""

    chain: TokenChain
    payer: str
    provider: str
    arbiter: str
    payees: tuple[str, str] = field(default_factory=lambda: (_account(), _account()))

    def send(self, who: str, name: ContractName, function: str, *values: object) -> None:
        self.chain.anvil.send(who, contract(name).address, contract(name)[function].call(*values))

    def ask(self, name: ContractName, function: str, *values: object, who: str | None = None, time: int = 0) -> Any:
        """Return what a call answers. Args: time: of the block that it is asked in, unix seconds; 0: now."""
        known = contract(name)
        message = {"from": who or self.payer, "to": known.address, "data": known[function].call(*values)}
        later: list[Any] = [{}, {"time": hex(time)}] if time else []
        said = self.chain.anvil.call("eth_call", message, "latest", *later)
        return known[function].answers(said)[0] if known[function].outputs else None

    def refusal(self, name: ContractName, function: str, *values: object, who: str | None = None) -> str:
        """Return the name of the error that a call ends with."""
        with pytest.raises(RpcError) as raised:
            self.ask(name, function, *values, who=who)
        found = re.search(r"'data': '(0x[0-9a-f]+)'", str(raised.value))
        return "" if found is None else custom_error(found[1], own_errors())[0]

    def approve(self, who: str, name: ContractName, amount: int) -> None:
        spender = contract(name).address
        self.chain.anvil.send(who, self.chain.token, call_data("approve(address,uint256)", spender, amount))

    def received(self) -> tuple[int, ...]:
        return tuple(self.chain.balance_of(each) for each in (*self.payees, contract("PaymentRouter").address))

    def payment(self, service: bytes, amount: int = PRICE) -> tuple[object, ...]:
        token, request = self.chain.token, secrets.token_bytes(32)
        return (token, self.payees[0], amount, service, self.payer, NO_HASH, 1, request)

    def register(self) -> bytes:
        """Register a service with its stake, and return its id."""
        self.approve(self.provider, "ServiceRegistry", STAKE)
        salt, payee = secrets.token_bytes(32), self.payees[0]
        self.send(
            self.provider,
            "ServiceRegistry",
            "register",
            (salt, payee, self.chain.token, PRICE, STAKE, self.arbiter, "ipfs://weather"),
        )
        service: bytes = self.ask("ServiceRegistry", "serviceId", self.provider, salt)
        return service


@pytest.fixture
def market(contracts: TokenChain) -> Market:
    payer, provider, arbiter = (contracts.new_payer().address for _ in range(3))
    return Market(chain=contracts, payer=payer, provider=provider, arbiter=arbiter)


def _account() -> str:
    return f"0x{secrets.token_hex(20)}"


def test_router_pays_a_batch_and_keeps_nothing(market: Market) -> None:
    market.approve(market.payer, "PaymentRouter", 12)
    shares = [(market.payees[0], 5), (market.payees[1], 7)]

    market.send(market.payer, "PaymentRouter", "batchPay", (market.chain.token, NO_HASH, False, shares))

    assert (5, 7, 0) == market.received()


def test_router_splits_to_the_last_unit(market: Market) -> None:
    market.approve(market.payer, "PaymentRouter", 100)
    weights = [(market.payees[0], 1), (market.payees[1], 2)]

    market.send(market.payer, "PaymentRouter", "splitPay", (market.chain.token, 100, NO_HASH, weights))

    assert (33, 67, 0) == market.received()


def test_router_refuses_the_same_request_twice(market: Market) -> None:
    market.approve(market.payer, "PaymentRouter", 2 * PRICE)
    payment = market.payment(NO_HASH)

    market.send(market.payer, "PaymentRouter", "payForService", payment)

    assert market.ask("PaymentRouter", "paidAt", market.payer, payment) > 0
    assert "AlreadyPaid" == market.refusal("PaymentRouter", "payForService", payment)
    assert (PRICE, 0, 0) == market.received()


def test_subscription_is_charged_once_a_period_until_it_is_cancelled(market: Market) -> None:
    market.approve(market.payer, "PaymentRouter", 10 * PRICE)
    start = market.chain.anvil.timestamp()
    terms = (market.chain.token, market.payees[0], PRICE, 10 * PRICE, start, DAY, False, NO_HASH)

    market.send(market.payer, "PaymentRouter", "subscribe", terms)
    market.send(market.provider, "PaymentRouter", "charge", market.payer, terms)

    assert (PRICE, 0, 0) == market.received()
    assert "NotDue" == market.refusal("PaymentRouter", "charge", market.payer, terms)
    assert market.ask("PaymentRouter", "charge", market.payer, terms, time=start + DAY + 60)
    market.send(market.payer, "PaymentRouter", "cancel", terms)
    assert "NotSubscribed" == market.refusal("PaymentRouter", "charge", market.payer, terms)


def test_provider_registers_changes_and_takes_its_stake_back_after_the_delay(market: Market) -> None:
    service = market.register()
    assert market.ask("ServiceRegistry", "isActive", service)
    market.send(market.provider, "ServiceRegistry", "update", service, PRICE // 2, "ipfs://rain")
    market.send(market.provider, "ServiceRegistry", "setListed", service, False)
    asked = market.chain.anvil.timestamp()
    market.send(market.provider, "ServiceRegistry", "requestWithdrawal", service, STAKE)

    delay, to = market.ask("ServiceRegistry", "WITHDRAWAL_DELAY"), market.provider
    later = asked + delay + 60

    assert not market.ask("ServiceRegistry", "isActive", service)
    assert "TooEarly" == market.refusal("ServiceRegistry", "withdraw", service, to, who=to)
    assert STAKE == market.ask("ServiceRegistry", "withdraw", service, to, who=to, time=later)
    assert "NotTheProvider" == market.refusal("ServiceRegistry", "withdraw", service, to)


def test_only_who_has_paid_rates_and_disputes_and_the_ruling_pays_it(market: Market) -> None:
    service = market.register()
    payment = market.payment(service)
    assert "NotPaid" == market.refusal("ServiceRegistry", "rate", market.payer, payment, 5)
    market.approve(market.payer, "PaymentRouter", PRICE)
    market.send(market.payer, "PaymentRouter", "payForService", payment)
    market.send(market.payer, "ServiceRegistry", "rate", market.payer, payment, 1)
    bond = market.ask("ServiceRegistry", "bondFor", PRICE)
    market.approve(market.payer, "ServiceRegistry", bond)
    market.send(market.payer, "ServiceRegistry", "openDispute", market.payer, payment, NO_HASH)
    request = market.ask("PaymentRouter", "requestId", market.payer, payment)

    assert "NotTheArbiter" == market.refusal("ServiceRegistry", "rule", request, PRICE)
    market.send(market.arbiter, "ServiceRegistry", "rule", request, 2 * PRICE)

    token = market.chain.token
    ratings, score, volume = market.ask("ServiceRegistry", "reputationOf", service)
    assert (1, 1, PRICE) == (ratings, score, volume)
    assert 2 * PRICE + bond == market.ask("ServiceRegistry", "claimable", token, market.payer)
    assert 0 == market.ask("ServiceRegistry", "claimable", token, market.arbiter)
    assert STAKE - 2 * PRICE == market.ask("ServiceRegistry", "freeStake", service)
    before = market.chain.balance_of(market.payer)
    market.send(market.payer, "ServiceRegistry", "claim", token, market.payer, market.payer)
    assert before + 2 * PRICE + bond == market.chain.balance_of(market.payer)
