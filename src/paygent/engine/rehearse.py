"""What another policy would have said of the payments that a storage remembers. Signs, reserves and asks nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from paygent.core.caip import AssetId, ChainId
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, counted
from paygent.core.lifecycle import State
from paygent.core.money import MAX_ATOMIC, USD, Amount
from paygent.core.payment import Payment
from paygent.core.requirements import Token
from paygent.engine.facts import failed
from paygent.engine.tokens import read_uint
from paygent.evm import erc20
from paygent.policy.ask import Ask
from paygent.policy.case import dollars
from paygent.policy.policy import Policy
from paygent.policy.simulate import Past, Simulated, simulate_history
from paygent.ports.chain import Chain
from paygent.ports.history import PaymentHistory

_PAGE = 200
BOUNDLESS: Final = Amount(MAX_ATOMIC, USD)
"""A treasury that is never short: the reserve of higher agents then speaks against nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A payment of the past, and what the policy says of it."""

    payment: Payment
    simulated: Simulated


async def rehearse(
    history: PaymentHistory,
    policy: Policy,
    *,
    tokens: Mapping[AssetId, Token],
    wanted: PaymentFilter = EVERY_PAYMENT,
    limit: int = 100,
    treasury: Amount = BOUNDLESS,
) -> tuple[Rehearsed, ...]:
    """Judge the newest `limit` payments under a policy, oldest first, as if it had held all along.

    Args: treasury: USD that could be spent before the first of them, for the reserve of higher agents.

    What a request said besides (its own ceiling) is not remembered. Sums begin with the first payment that is looked
    at, so limits over windows are judged from there on.

    Raises: AdapterError: the storage could not answer.
    """
    found = await _oldest_first(history, wanted, limit)
    said = simulate_history([past(payment, tokens) for payment in found], policy, treasury=treasury)
    return tuple(
        Rehearsed(payment=payment, simulated=simulated) for payment, simulated in zip(found, said, strict=True)
    )


async def treasury_before(
    history: PaymentHistory,
    policy: Policy,
    *,
    tokens: Mapping[AssetId, Token],
    chains: Mapping[ChainId, Chain],
    limit: int,
) -> Amount:
    """Return the USD that the payers of the newest `limit` payments had before these, by what the chains say now.

    It is their balances of the tokens paid in, with what has settled of these payments since; what they were given or
    spent otherwise is not known. A token without a price is worth nothing.

    Raises: AdapterError: a chain or the storage could not answer.
    """
    worth = 0
    by_purse: dict[tuple[str, AssetId], list[Payment]] = {}
    for payment in await _oldest_first(history, EVERY_PAYMENT, limit):
        by_purse.setdefault((payment.intent.payer, payment.intent.amount.asset.id), []).append(payment)
    for (payer, asset), paid in by_purse.items():
        if asset.chain not in chains or asset.native:
            continue
        left = await read_uint(chains[asset.chain], asset.address, erc20.balance_of(payer))
        left += sum(counted(payment) for payment in paid if payment.state is State.SETTLED)
        ask = past(paid[0], tokens).ask
        had = dollars(policy, replace(ask, amount=Amount(left, ask.amount.asset)), paid[0].created_at)
        worth += 0 if had is None else had.atomic
    return Amount(worth, USD)


async def _oldest_first(history: PaymentHistory, wanted: PaymentFilter, limit: int) -> Sequence[Payment]:
    """Return the newest payments in the order in which they were made; of one second too."""
    found: list[Payment] = []
    after: str | None = None
    while len(found) < limit:
        page = await history.history(wanted, after=after, limit=min(_PAGE, limit - len(found)))
        found += page.payments
        if page.next is None:
            break
        after = page.next
    return found[::-1]


def past(payment: Payment, tokens: Mapping[AssetId, Token]) -> Past:
    """Return a payment as the policy looks at it; a token that is not known any more is worth nothing."""
    intent = payment.intent
    asset = intent.amount.asset
    action = None if payment.plan is None else payment.plan.action
    ask = Ask(
        payer=intent.payer,
        payee=intent.payee,
        network=intent.network,
        token=tokens.get(asset.id) or Token(asset=asset, name=asset.symbol, versions=("1",)),
        amount=intent.amount,
        host=intent.host if action is None else "",
        action=action,
        context=payment.context,
        quantity=payment.quantity,
    )
    return Past(ask=ask, at=payment.created_at, failed=failed(payment))
