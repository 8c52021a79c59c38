"""What another policy would have said of the payments that a storage remembers. Signs, reserves and asks nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from paygent.core.caip import AssetId
from paygent.core.history import EVERY_PAYMENT, PaymentFilter
from paygent.core.payment import Payment
from paygent.core.requirements import Token
from paygent.engine.facts import failed
from paygent.policy.ask import Ask
from paygent.policy.policy import Policy
from paygent.policy.simulate import Past, Simulated, simulate_history
from paygent.ports.history import PaymentHistory

_PAGE = 200


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
) -> tuple[Rehearsed, ...]:
    """Judge the newest `limit` payments under a policy, oldest first, as if it had held all along.

    What a request said besides (its own ceiling) is not remembered. Sums begin with the first payment that is looked
    at, so limits over windows are judged from there on.

    Raises: AdapterError: the storage could not answer.
    """
    found: list[Payment] = []
    after: str | None = None
    while len(found) < limit:
        page = await history.history(wanted, after=after, limit=min(_PAGE, limit - len(found)))
        found += page.payments
        if page.next is None:
            break
        after = page.next
    found.sort(key=lambda payment: payment.created_at)
    said = simulate_history([past(payment, tokens) for payment in found], policy)
    return tuple(
        Rehearsed(payment=payment, simulated=simulated) for payment, simulated in zip(found, said, strict=True)
    )


def past(payment: Payment, tokens: Mapping[AssetId, Token]) -> Past:
    """Return a payment as the policy looks at it; a token that is not known any more is worth nothing."""
    intent = payment.intent
    asset = intent.amount.asset
    ask = Ask(
        payer=intent.payer,
        payee=intent.payee,
        network=intent.network,
        token=tokens.get(asset.id) or Token(asset=asset, name=asset.symbol, versions=("1",)),
        amount=intent.amount,
        host=intent.host,
        context=payment.context,
        quantity=payment.quantity,
    )
    return Past(ask=ask, at=payment.created_at, failed=failed(payment))
