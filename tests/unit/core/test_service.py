"""What a service may be, and what a query takes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.errors import LocalProtocolError
from paygent.core.money import USD, Amount
from paygent.core.service import Listing, PricePoint, Pricing, Reputation, Service, ServiceQuery
from paygent.core.service_errors import InvalidService
from paygent.core.service_record import from_record, to_record
from paygent.testing.conformance.services import COIN, SHOPS, listing

SHOP = SHOPS[1]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("id", ""),
        ("id", "Upper"),
        ("id", "-x"),
        ("id", "a" * 101),
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "n" * 201),
        ("category", "Market Data"),
        ("url", "ftp://host/"),
        ("url", "https://user:secret@host/"),
        ("url", "https://host/#part"),
        ("url", "https://host/a b"),
        ("payee", "0x12"),
        ("method", "get"),
        ("description", "d" * 2001),
        ("tags", ("",)),
        ("tags", tuple("abcdefghijklmnopqrstu")),
    ],
)
def test_service_refuses_what_breaks_a_rule(field: str, wrong: object) -> None:
    with pytest.raises(InvalidService) as caught:
        replace(SHOP.service, **{field: wrong})  # type: ignore[arg-type]

    assert field == caught.value.field
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"model": "free"}, "model"),
        ({"model": "metered"}, "unit"),
        ({"model": "per_call", "unit": "token"}, "unit"),
        ({"model": "subscription"}, "period_seconds"),
        ({"model": "per_call", "period_seconds": 3600}, "period_seconds"),
        ({"model": "subscription", "period_seconds": 59}, "period_seconds"),
    ],
)
def test_pricing_refuses_a_model_without_its_facts(facts: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidService) as caught:
        Pricing(price=Amount(1, COIN), **facts)  # type: ignore[arg-type]

    assert field == caught.value.field


def test_pricing_says_for_what_money_is_taken() -> None:
    price = Amount(100_000, COIN)

    assert ["0.10 DUSD a call", "0.10 DUSD a token", "0.10 DUSD for 86400 seconds"] == [
        str(Pricing(model="per_call", price=price)),
        str(Pricing(model="metered", price=price, unit="token")),
        str(Pricing(model="subscription", price=price, period_seconds=86_400)),
    ]


def test_reputation_of_nobody_is_in_the_middle_and_moves_with_what_happened() -> None:
    scores = [Reputation(settled=good, failed=bad).score for good, bad in ((0, 0), (1, 0), (98, 0), (0, 1), (0, 98))]

    assert [50, 66, 99, 33, 1] == scores


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_rank_prefers_reputation_and_then_the_lower_price(good: int, better: int, price: int, dearer: int) -> None:
    def rank(settled: int, dollars: int | None) -> int:
        found = listing("x", settled=settled)
        return replace(found, dollars=None if dollars is None else Amount(dollars, USD)).rank

    low, high = sorted((price, dearer))
    assert rank(good, low) >= rank(good, high) >= rank(good, None)
    if Reputation(settled=better).score > Reputation(settled=good).score:
        assert rank(better, None) > rank(good, low)


def test_query_refuses_ranges_that_are_none() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"min_price": Amount(2, USD), "max_price": Amount(1, USD)},
        {"max_price": Amount(2, COIN)},
        {"min_reputation": 101},
        {"text": "x" * 501},
    )
    for wrong in wrongs:
        with pytest.raises(LocalProtocolError):
            ServiceQuery(**wrong)


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.service.id)
def test_record_gives_the_listing_again(shop: Listing) -> None:
    priced = shop.next(at=9, price=PricePoint(amount=Amount(2**255, COIN), at=8, source="quoted"))

    assert [shop, priced] == [from_record(to_record(shop)), from_record(to_record(priced))]


@pytest.mark.parametrize("change", [{"format": 2}, {"pricing": {}}, {"reputation": [1]}, {"service": None}])
def test_record_refuses_what_is_none(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the message is for people
        from_record(to_record(SHOP) | change)


def test_listing_says_what_it_is() -> None:
    assert "ticks: Market Data API, 0.0001 DUSD a call, reputation 75/100 (2 settled, 0 failed)" == str(SHOP)
    assert str(SHOPS[4]).endswith("not active")


def test_words_are_found_however_they_are_written() -> None:
    service = Service(
        id="a-b", name="Über_Market", url="http://127.0.0.1:1/", category="x", pricing=SHOP.service.pricing
    )

    assert {"a", "b", "über", "market", "x"} == set(service.words)
    assert ServiceQuery(text="ÜBER market").takes(replace(SHOP, service=service))
