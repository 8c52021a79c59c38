import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.x402 import foreign_resource, same_origin
from paygent.x402.origin import origin
from tests.unit.x402 import wares
from tests.unit.x402.wares import by_body, by_header

ASKED = "https://api.example.com/premium?x=1"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("https://api.example.com", "https://api.example.com:443/other?q#f"),
        ("HTTPS://API.Example.COM/", "https://api.example.com/"),
        ("http://a:80/", "http://a"),
        ("http://a:0080/", "http://a"),
        ("https://a:/", "https://a"),
        ("https://user:secret@a/", "https://a/"),
        ("http://127.0.0.1:8000/a", "http://127.0.0.1:8000/b"),
        ("http://[::1]:8000", "http://[0:0:0:0:0:0:0:1]:8000"),
        ("http://[fe80::1%eth0]:80/a", "http://[FE80:0::1%eth0]/b"),
        ("http://[fe80::1%25eth0]", "http://[fe80::1%25eth0]:80"),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "https://xn--bcher-kva.example"),
        ("https://B\N{LATIN CAPITAL LETTER U WITH DIAERESIS}CHER.example", "https://xn--bcher-kva.example"),
    ],
)
def test_origin_is_the_same_when_only_the_writing_differs(a: str, b: str) -> None:
    assert same_origin(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("https://a", "http://a"),
        ("https://a", "https://b"),
        ("https://a", "https://a:8443"),
        ("https://a.example", "https://a.example."),
        ("https://a.example", "https://a.example@evil.example"),
        ("https://a.example", "https://evil.example\\@a.example"),
        ("https://a.example", "https://a.example\\.evil.example"),
        ("https://a.example", "https://x@y@a.example"),
        ("https://a.example", "https://a.example:443:443"),
        ("https://a.example", "https://a.example:99999"),
        ("https://a.example", "https://a.example:0"),
        ("https://a.example", "https://a.example:-1"),
        ("https://a.example", "https://%61.example"),
        ("https://a.example", "https://a. example"),
        ("https://a.example", "ht\ntps://a.example"),
        ("https://a.example", "https:/a.example"),
        ("https://a.example", "https:///a.example"),
        ("https://a.example", "https:a.example"),
        ("https://a.example", "//a.example"),
        ("https://fass.example", "https://fa\N{LATIN SMALL LETTER SHARP S}.example"),
        ("https://apple.example", "https://\N{CYRILLIC SMALL LETTER A}pple.example"),
        ("http://127.0.0.1", "http://127.1"),
        ("http://127.0.0.1", "http://127.0.0.1."),
        ("http://127.0.0.1", "http://0127.0.0.1"),
        ("http://[::1]", "http://[::2]"),
        ("http://[fe80::1%eth0]", "http://[fe80::1%eth1]"),
        ("http://[fe80::1%eth0]", "http://[fe80::1]"),
    ],
)
def test_origin_is_another_when_scheme_host_or_port_differ_or_are_unclear(a: str, b: str) -> None:
    assert not same_origin(a, b)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a",
        "/a",
        "mcp://tool/x",
        "http://",
        "https://[::g]",
        "https://[1.2.3]",
        "https://[fe80::1%]",
        "https://[fe80::1%a%b]",
        "https://[1.2.3.4%eth0]",
        "https://\N{SNOWMAN}\N{COMBINING ACUTE ACCENT}..x",
        "https://a\x00",
    ],
)
def test_url_has_no_origin_when_it_is_unclear(url: str) -> None:
    assert origin(url) is None
    assert not same_origin(url, url)


@given(st.text() | st.text().map(lambda rest: f"https://{rest}"))
def test_origin_never_raises(url: str) -> None:
    found = origin(url)

    assert found is None or found[1].isascii()


OWN = [
    "https://api.example.com/other",
    "HTTPS://API.EXAMPLE.COM:443/",
    "http://api.example.com/premium",
    "/premium",
    "premium data",
    "?q",
    "",
    "//api.example.com/x",
    "mcp://tool/weather",
    "urn:uuid:1",
]
FOREIGN = [
    "https://evil.example/premium",
    "https://api.example.com:8443/",
    "http://api.example.com:8080/",
    "http://evil.example/",
    "https://api.example.com@evil.example/",
    "https://evil.example\\@api.example.com/",
    "//evil.example/x",
    "\\\\evil.example/x",
    "/\\evil.example/x",
    " https://evil.example/",
    "ht\ttps://evil.example/",
    "https:evil.example",
    "https://",
]


@pytest.mark.parametrize("claim", OWN)
def test_resource_is_not_foreign_when_the_claim_names_no_other_host(claim: str) -> None:
    assert foreign_resource(by_header(wares.required2(resource={"url": claim})), ASKED) is None
    assert foreign_resource(by_body(wares.required1(wares.entry1(resource=claim))), ASKED) is None


@pytest.mark.parametrize("claim", FOREIGN)
def test_resource_is_foreign_when_the_claim_names_another_origin(claim: str) -> None:
    whole = foreign_resource(by_header(wares.required2(resource={"url": claim})), ASKED)
    second = foreign_resource(by_body(wares.required1(wares.entry1(), wares.entry1(resource=claim))), ASKED)

    assert whole is not None
    assert second is not None
    assert [(-1, "foreign_resource"), (1, "foreign_resource")] == [(r.index, r.code) for r in (whole, second)]
    assert whole.text.isprintable()


def test_resource_is_not_foreign_when_nothing_is_claimed() -> None:
    assert foreign_resource(by_header(wares.required2(resource=None)), ASKED) is None
    assert foreign_resource(by_body(wares.cronos_required()), ASKED) is None


@pytest.mark.parametrize(
    ("claim", "asked"), [("https://a.example", "http://a.example"), ("http://a.example:80", "https://a.example:8443")]
)
def test_resource_is_foreign_when_only_a_tls_proxy_could_explain_the_opposite(claim: str, asked: str) -> None:
    assert foreign_resource(by_header(wares.required2(resource={"url": claim})), asked) is not None


def test_resource_is_foreign_when_what_was_asked_has_no_origin() -> None:
    assert foreign_resource(by_header(wares.required2()), "ftp://a.example") is not None


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.0.0.1.", "1.2.3.4.5", "[::ffff:127.0.0.1]"],
)
def test_address_that_is_written_in_another_way_has_no_origin(host: str) -> None:
    """A list that names 127.0.0.1 would not know it."""
    assert origin(f"http://{host}/") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "3com.example", "1.example", "x0x1"])
def test_host_that_is_no_other_writing_of_an_address_has_an_origin(host: str) -> None:
    assert origin(f"http://{host}/") == ("http", host, 80)
