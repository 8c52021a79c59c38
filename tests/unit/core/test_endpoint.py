"""One resource has one endpoint, however its URL is spelled."""

import pytest

from paygent.core.endpoint import Endpoint

PLAIN = "https://shop.example/market/ticks"


@pytest.mark.parametrize(
    "spelling",
    [
        "HTTPS://SHOP.example/market/ticks",
        "https://shop.example:443/market/ticks",
        "http://shop.example:80/market/ticks",
        "https://shop.example./market/ticks",
        "https://shop.example/market/./ticks/",
        "https://shop.example//x/../market/ticks",
        "https://shop.example/m%61rket/ticks",
        "https://shop.example/market/ticks#top",
        "https://user:pass@shop.example/market/ticks",
    ],
)
def test_endpoint_is_the_same_however_its_url_is_spelled(spelling: str) -> None:
    assert Endpoint.of(PLAIN) == Endpoint.of(spelling)


@pytest.mark.parametrize(
    "other",
    [
        "https://shop.example:8443/market/ticks",
        "https://www.shop.example/market/ticks",
        "https://shop.example/market/Ticks",
        "https://shop.example/market",
        "http://shop.example:443/market/ticks",
    ],
)
def test_endpoint_of_another_host_port_or_path_is_another(other: str) -> None:
    assert Endpoint.of(PLAIN) != Endpoint.of(other)


def test_endpoint_of_an_international_host_is_that_of_its_ascii_name() -> None:
    assert Endpoint.of("https://xn--bcher-kva.example/") == Endpoint.of("https://B\u00fccher.example")


def test_endpoint_with_more_parameters_is_part_of_the_plain_one() -> None:
    plain, more = Endpoint.of(PLAIN), Endpoint.of(f"{PLAIN}?pair=BTC-USD&depth=")
    assert plain is not None
    assert more is not None

    assert (True, False) == (more.is_part_of(plain), plain.is_part_of(more))
    assert frozenset({("pair", "BTC-USD"), ("depth", "")}) == more.query


@pytest.mark.parametrize("text", ["", "ftp://shop.example/", "https:///x", "https://[1/", "https://a:99999/", "shop"])
def test_endpoint_of_what_is_no_url_is_none(text: str) -> None:
    assert Endpoint.of(text) is None
