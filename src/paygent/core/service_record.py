"""A registered service as JSON for stores, and back."""

from typing import Any, Final

from paygent.core.caip import AssetId
from paygent.core.money import USD, Amount, Asset
from paygent.core.service import Listing, PricePoint, Pricing, Reputation, Service

FORMAT: Final = 1
_PLAIN: Final = "id name url category description payee method mcp verified active metadata_uri".split()


def to_record(listing: Listing) -> dict[str, Any]:
    """Return plain JSON values; `from_record` gives an equal listing."""
    service, pricing = listing.service, listing.service.pricing
    return {
        "format": FORMAT,
        "service": {name: getattr(service, name) for name in _PLAIN} | {"tags": list(service.tags)},
        "pricing": {
            "model": pricing.model,
            "price": _amount(pricing.price),
            "unit": pricing.unit,
            "period_seconds": pricing.period_seconds,
        },
        "price": price_record(listing.price),
        "dollars": None if listing.dollars is None else str(listing.dollars.atomic),
        "reputation": [listing.reputation.settled, listing.reputation.failed],
        "version": listing.version,
        "registered_at": listing.registered_at,
        "updated_at": listing.updated_at,
    }


def from_record(record: Any) -> Listing:
    """Return the listing of a record.

    Raises: ValueError: it is not a record of this format.
    """
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"a service of format {record['format']!r}; this version reads {FORMAT}")
        pricing, service, (settled, failed) = record["pricing"], record["service"], record["reputation"]
        return Listing(
            service=Service(
                **{name: service[name] for name in _PLAIN},
                tags=tuple(service["tags"]),
                pricing=Pricing(
                    model=pricing["model"],
                    price=_read_amount(pricing["price"]),
                    unit=pricing["unit"],
                    period_seconds=pricing["period_seconds"],
                ),
            ),
            price=read_price(record["price"]),
            dollars=None if record["dollars"] is None else Amount(int(record["dollars"]), USD),
            reputation=Reputation(settled=settled, failed=failed),
            version=record["version"],
            registered_at=record["registered_at"],
            updated_at=record["updated_at"],
        )
    except (KeyError, TypeError, IndexError) as wrong:
        raise ValueError(f"not the record of a service: {wrong}") from wrong


def price_record(price: PricePoint) -> dict[str, Any]:
    """Return plain JSON values; `read_price` gives an equal price."""
    return {"amount": _amount(price.amount), "at": price.at, "source": price.source}


def read_price(record: Any) -> PricePoint:
    """Return the price of a record.

    Raises: KeyError, TypeError, ValueError: it is none.
    """
    return PricePoint(amount=_read_amount(record["amount"]), at=record["at"], source=record["source"])


def _amount(amount: Amount) -> list[Any]:
    asset = amount.asset
    return [str(amount.atomic), str(asset.id), asset.symbol, asset.decimals]


def _read_amount(record: Any) -> Amount:
    atomic, asset, symbol, decimals = record
    return Amount(int(atomic), Asset(id=AssetId.parse(asset), symbol=symbol, decimals=decimals))
