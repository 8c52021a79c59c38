"""What a resource costs, before anything is signed."""

from dataclasses import dataclass
from html import escape
from typing import Self

from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.money import Amount
from paygent.core.requirements import Refusal
from paygent.engine.choose import Considered


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedOffer:
    """One readable offer of the seller."""

    index: int
    """Its place in the seller's list."""
    amount: Amount
    """The price; for `upto` the most that may be charged."""
    network: ChainId
    payee: str
    kind: str
    """Scheme and transfer method, for example `exact/eip3009`."""
    acceptable: bool
    """The policy does not deny it, and the wallet can pay it as far as is known."""
    why: str
    """For people: the policy's reasons, or why the wallet cannot pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of a resource: every offer, which one would be taken, and why the others would not."""

    url: str
    offers: tuple[QuotedOffer, ...] = ()
    """The offers that could be read."""
    refusals: tuple[Refusal, ...] = ()
    """Why each offer that is not taken is not."""
    taken: QuotedOffer | None = None
    """The offer that `get` would pay now; None where nothing would be paid."""
    free: bool = False
    """The seller answered without asking for money."""
    status: int = 402
    """The HTTP status of the unpaid answer."""
    holds: tuple[Hold, ...] = ()
    """What the offer that is taken would take from the wallet's limits; of `upto`, at the most. Where all that speaks
    against an offer is the wallet's balance, what that one would take."""

    @classmethod
    def of(cls, url: str, considered: Considered) -> Self:
        """Return what was considered, as a quote."""
        why = {refusal.index: refusal.text for refusal in considered.refusals}
        offers = tuple(
            QuotedOffer(
                index=judged.offer.requirements.index,
                amount=judged.offer.amount,
                network=judged.offer.requirements.network,
                payee=judged.offer.payee,
                kind=judged.offer.kind,
                acceptable=judged.acceptable and judged.offer.requirements.index not in why,
                why=why.get(judged.offer.requirements.index, judged.reason),
            )
            for judged in considered.judged
        )
        index = None if considered.choice is None else considered.choice.offer.requirements.index
        taken = next((offer for offer in offers if offer.index == index), None)
        return cls(url=url, offers=offers, refusals=considered.refusals, taken=taken, holds=considered.holds)

    def __str__(self) -> str:
        if self.free:
            return f"{self.url} is free"
        if self.status != 402:
            return f"{self.url} answered {self.status} without asking for money"
        lines = [f"{self.url} costs {self.taken.amount}" if self.taken else f"{self.url} would not be paid"]
        for offer in self.offers:
            mark = "taken" if offer == self.taken else offer.why
            what = f"{offer.amount} on {offer.network} to {offer.payee} by {offer.kind}"
            lines.append(f"  [{offer.index}] {what}: {mark}")
        readable = {offer.index for offer in self.offers}
        lines += [f"  [{refusal.index}] {refusal}" for refusal in self.refusals if refusal.index not in readable]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"
