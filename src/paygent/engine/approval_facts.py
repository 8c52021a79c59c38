"""What people are shown about a payment that waits for them. The digest they agree to is made of the same facts."""

from paygent.core.budget import Hold
from paygent.core.money import USD
from paygent.core.payment import Payment
from paygent.core.verdict import RequireApproval
from paygent.engine.choose import Choice


def approval_facts(waiting: Payment, choice: Choice, verdict: RequireApproval, now: int) -> dict[str, str]:
    """Return the facts by name, for people: whom, what, how much, out of which limits, and why they are asked."""
    intent = waiting.intent
    facts = {
        "amount": str(intent.amount),
        "atomic_units": str(intent.amount.atomic),
        "asset": str(intent.amount.asset.id),
        "payee": intent.payee,
        "resource": f"{intent.method} {intent.resource}",
        "network": str(intent.network),
        "scheme": intent.scheme,
        "payer": intent.payer,
        "reasons": verdict.explain(),
        "intent": intent.digest.hex(),
    }
    for hold in choice.holds(now):
        facts[f"limit {hold.scope} {hold.window}"] = f"{hold.amount} of {hold.limit}"
    facts["amount_usd"] = next((str(hold.amount) for hold in choice.holds(now) if _in_dollars(hold)), "no price")
    names = waiting.context
    said = {"project": names.project, "agent": names.agent, "session": names.session, "tool": names.tool}
    return facts | {name: value for name, value in said.items() if value is not None}


def _in_dollars(hold: Hold) -> bool:
    return hold.amount.asset == USD
