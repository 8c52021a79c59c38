"""Which offer is taken: the user's order first, then the price."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paygent.core.caip import AssetId, ChainId
from paygent.core.requirements import Refusal, Scheme, TransferMethod
from paygent.core.verdict import Deny, Verdict
from paygent.x402.offers import Offer

_SCALE = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The user's order, best first. What is not listed comes after what is; an empty list has no opinion."""

    assets: tuple[AssetId, ...] = ()
    networks: tuple[ChainId, ...] = ()
    schemes: tuple[Scheme, ...] = ()
    methods: tuple[TransferMethod, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An offer and what the policy says of it."""

    offer: Offer
    verdict: Verdict

    @property
    def acceptable(self) -> bool:
        """The policy allows it, or asks a person first."""
        return not isinstance(self.verdict, Deny)

    @property
    def reason(self) -> str:
        """One line for people."""
        return self.verdict.explain()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is taken, and what became of every other offer."""

    chosen: Offer | None
    """The first of `ranked`, or None where no offer is acceptable."""
    ranked: tuple[Offer, ...]
    """The acceptable offers, best first."""
    refusals: tuple[Refusal, ...]
    """The denied offers, in the seller's order; the code is the verdict's first reason's."""
    judged: tuple[Judged, ...]
    """Every offer with its verdict: the acceptable ones as ranked, then the denied ones."""


def usd_price(offer: Offer) -> int | None:
    """Return the price in 10**-18 US dollars, rounded up; None where the token does not count as dollars."""
    if not offer.token.usd:
        return None
    surplus = offer.amount.asset.decimals - _SCALE
    scale: int = 10 ** abs(surplus)
    return offer.amount.atomic * scale if surplus <= 0 else -(-offer.amount.atomic // scale)


def select(
    offers: Sequence[Offer], judged: Callable[[Offer], Verdict], preferences: Preferences | None = None
) -> Selection:
    """Judge each offer once and rank those that are not denied.

    Settling after the answer goes before settling upfront; then the user's order of assets, networks, schemes and
    methods; then the price; then `exact` before `upto` and EIP-3009 before Permit2; then the seller's order. Prices of
    dollar tokens are compared in dollars and go before others; others compare only within their own token.
    """
    wishes = Preferences() if preferences is None else preferences
    verdicts = [Judged(offer=offer, verdict=judged(offer)) for offer in offers]
    accepted = [each for each in verdicts if each.acceptable]
    if len(accepted) > 1:
        places = _first_places(offers)
        accepted.sort(key=lambda each: _wished(each.offer, wishes) + _priced(each.offer, places))
    denied = [each for each in verdicts if not each.acceptable]
    ranked = tuple(each.offer for each in accepted)
    return Selection(
        chosen=ranked[0] if ranked else None,
        ranked=ranked,
        refusals=tuple(map(_refusal, denied)),
        judged=(*accepted, *denied),
    )


def _wished(offer: Offer, wishes: Preferences) -> tuple[int, ...]:
    return (
        int(offer.requirements.payment_flow != "authorization"),
        _place(wishes.assets, offer.amount.asset.id),
        _place(wishes.networks, offer.requirements.network),
        _place(wishes.schemes, offer.scheme),
        _place(wishes.methods, offer.method),
    )


def _priced(offer: Offer, places: dict[AssetId, int]) -> tuple[int, ...]:
    dollars = usd_price(offer)
    price = (1, places[offer.amount.asset.id], offer.amount.atomic) if dollars is None else (0, 0, dollars)
    return (*price, int(offer.scheme != "exact"), int(offer.method != "eip3009"), offer.requirements.index)


def _place(order: Sequence[object], wanted: object) -> int:
    return order.index(wanted) if wanted in order else len(order)


def _first_places(offers: Sequence[Offer]) -> dict[AssetId, int]:
    places: dict[AssetId, int] = {}
    for offer in offers:
        asset, index = offer.amount.asset.id, offer.requirements.index
        places[asset] = min(index, places.get(asset, index))
    return places


def _refusal(judged: Judged) -> Refusal:
    reasons = judged.verdict.reasons
    code = reasons[0].code if reasons else "denied"
    return Refusal(index=judged.offer.requirements.index, code=code, text=judged.reason or "the policy denies it")
