"""What the judge of actions looks up where budgets of higher agents are kept."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from paygent.core.action import Action, Call
from paygent.core.context import Context
from paygent.core.errors import AdapterError
from paygent.core.ids import intent_id
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow, Verdict
from paygent.engine.actions import ActionJudge
from paygent.engine.facts import FactFinder
from paygent.engine.order import ActionOrder
from paygent.engine.tokens import TokenBook
from paygent.evm.agent_wallet import VENUE
from paygent.evm.router import Subscription, subscription_call
from paygent.policy.policy import Policy
from paygent.policy.terms import AgentTerms, Priority
from paygent.policy.valuation import FixedRate, Valuation
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import VirtualClock
from paygent.testing.journal import MemoryJournal
from paygent.testing.prices import MemoryPrices
from tests.unit.policy.rules.test_actions import CHAIN, COIN, DOLLAR, GAS, OTHER, PAYER, ROUTER, dollars, swap, transfer

pytestmark = pytest.mark.anyio
LIMITS = (usd("10"), Amount.parse("10", COIN))
TERMS = (
    AgentTerms(id="boss", priority=Priority.HIGH, daily_budget=usd("1"), max_per_payment=usd("10")),
    AgentTerms(id="helper", priority=Priority.LOW, daily_budget=usd("10"), max_per_payment=usd("10")),
)
RANKED = Policy(
    max_per_payment=LIMITS,
    per_day=LIMITS,
    approve_above=None,
    gas_per_transaction=GAS,
    gas_per_day=GAS,
    agent_terms=TERMS,
    valuation=Valuation(fixed=(FixedRate(asset=COIN.id, usd=Decimal("0.5")),)),
)
"""A dollar of what there is, is kept for the boss; a coin is half a dollar."""


LITTLE = 2 * 10**12
"""Coins for the smallest part of a dollar that is counted."""


@dataclass
class Node:
    """The coins of one account, on a chain where nothing was sent."""

    coins: int = 0
    owner: str = PAYER

    async def balance(self, address: str) -> int:
        return self.coins if address == self.owner else 0

    async def next_nonce(self, address: str) -> int:
        return 0


def chain_with(atomic: int, owner: str = PAYER) -> MemoryChain:
    chain = MemoryChain(chain=CHAIN, tokens=[DOLLAR], clock=VirtualClock())
    chain.mint(DOLLAR, owner, atomic)
    return chain


async def verdict(
    action: Action,
    chain: MemoryChain | None,
    node: Node | None = None,
    *,
    policy: Policy = RANKED,
    oracle: MemoryPrices | None = None,
) -> Verdict:
    """Return what is said of an action of the agent of low priority."""
    writers: Any = {CHAIN: Node() if node is None else node}
    judge = ActionJudge(
        payer=PAYER,
        policy=policy,
        tokens=TokenBook({DOLLAR.asset.id: DOLLAR}, {}),
        writers=writers,
        clock=VirtualClock(),
        finder=FactFinder(
            history=MemoryJournal(), chains={} if chain is None else {CHAIN: chain}, coins=writers, oracle=oracle
        ),
    )
    order = ActionOrder(intent_id=intent_id(b"one"), action=action, context=Context(agent="helper"))
    return (await judge.judge(order)).verdict


def codes(verdict: Verdict) -> list[str]:
    return [] if isinstance(verdict, Allow) else [reason.code for reason in verdict.reasons]


@pytest.mark.parametrize("act", [transfer, swap])
@pytest.mark.parametrize(("balance", "said"), [(3_000_000, []), (2_999_999, ["reserved"])])
async def test_token_is_spent_down_to_what_is_kept_for_higher_agents(act: Any, balance: int, said: list[str]) -> None:
    assert said == codes(await verdict(act(2_000_000), chain_with(balance)))


@pytest.mark.parametrize(("coins", "said"), [(4 * 10**18, []), (4 * 10**18 - LITTLE, ["reserved"])])
async def test_coin_is_spent_down_to_what_is_kept_for_higher_agents(coins: int, said: list[str]) -> None:
    action = transfer(spend=Amount.parse("2", COIN), calls=(Call(to=ROUTER, value=2 * 10**18),))

    assert said == codes(await verdict(action, None, Node(coins)))


@pytest.mark.parametrize(("coins", "said"), [("4.02", []), ("4.01", ["reserved"])])
async def test_haircut_makes_a_payment_dearer_and_the_treasury_no_richer(coins: str, said: list[str]) -> None:
    policy = replace(RANKED, valuation=Valuation(haircut_bps=100))
    oracle = MemoryPrices({COIN.id: Decimal("0.5")}, as_of=VirtualClock().now())
    action = transfer(spend=Amount.parse("2", COIN), calls=(Call(to=ROUTER, value=2 * 10**18),))
    node = Node(Amount.parse(coins, COIN).atomic)

    assert said == codes(await verdict(action, None, node, policy=policy, oracle=oracle))


@pytest.mark.parametrize(("coins", "said"), [(3 * 10**18, []), (3 * 10**18 - LITTLE, ["reserved"])])
async def test_fee_is_spent_down_to_what_is_kept_for_higher_agents(coins: int, said: list[str]) -> None:
    trade = swap(2_000_000)
    action = replace(trade, fee=Amount.parse("1", COIN), calls=(trade.calls[0], replace(trade.calls[1], value=10**18)))

    assert said == codes(await verdict(action, chain_with(3_000_000), Node(coins)))


@pytest.mark.parametrize(("owner", "said"), [(OTHER, []), (PAYER, ["reserved"])])
async def test_balance_is_that_of_the_account_whose_money_moves(owner: str, said: list[str]) -> None:
    terms = Subscription(payee=ROUTER, amount=dollars(1_000_000), cap=dollars(2_000_000), period_seconds=1)
    promise = (subscription_call(OTHER, terms),)
    action = swap(2_000_000, purpose="position", venue=VENUE, account=OTHER, receive=(), calls=promise)

    assert said == codes(await verdict(action, chain_with(3_000_000, owner)))


async def test_treasury_is_unknown_without_an_endpoint() -> None:
    assert ["treasury_unknown"] == codes(await verdict(transfer(), None))


async def test_chain_that_is_out_of_reach_is_no_verdict() -> None:
    chain = chain_with(3_000_000)
    chain.fail_next(1)

    with pytest.raises(AdapterError):
        await verdict(transfer(), chain)


async def test_chain_is_not_asked_where_nothing_is_kept() -> None:
    chain = chain_with(0)

    assert [] == codes(await verdict(transfer(), chain, policy=Policy(gas_per_transaction=GAS, gas_per_day=GAS)))
    assert 0 == chain.reads
