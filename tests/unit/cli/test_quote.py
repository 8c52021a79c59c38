"""`paygent quote`: what it costs, what would be taken, and nothing happens."""

import pytest

from paygent.devnet import Devnet
from tests.unit.cli.conftest import Program
from tests.unit.cli.shop import PRICE, Shop


def test_quote_shows_the_offers_and_moves_nothing(paygent: Program, net: Devnet) -> None:
    before = len(net.transfers())

    done = paygent("quote", net.seller.url("/premium"), *paygent.rpc, "--json")

    quote = done.said["quote"]
    assert (0, 402, None, None) == (done.code, *(done.said[key] for key in ("status_code", "payment", "error")))
    assert (0, False, []) == (quote["taken"], quote["free"], quote["refusals"])
    offer = {
        "index": 0,
        "network": net.network,
        "asset": net.token.address,
        "amount": str(PRICE),
        "payee": net.seller.payee,
        "kind": "exact/eip3009",
        "acceptable": True,
        "why": "allowed",
    }
    assert [offer] == quote["offers"]
    assert before == len(net.transfers())
    assert [] == paygent("payments", "--json").said["payments"]


def test_quote_is_readable_by_people(paygent: Program, net: Devnet) -> None:
    done = paygent("quote", net.seller.url("/premium"), *paygent.rpc)

    assert 0 == done.code
    assert f"{net.seller.url('/premium')} costs 0.10 dUSD\n" in done.out
    assert "exact/eip3009: taken\n" in done.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("--max-amount", "0.01"), "over_max_amount"), (("--network", "base"), "network_not_allowed")],
)
def test_quote_says_3_and_why_when_nothing_would_be_paid(
    arguments: tuple[str, str], why: str, paygent: Program, net: Devnet
) -> None:
    done = paygent("quote", net.seller.url("/premium"), *arguments, "--json")

    quote = done.said["quote"]
    assert (3, None, False) == (done.code, quote["taken"], quote["offers"][0]["acceptable"])
    assert [why] == [refusal["code"] for refusal in quote["refusals"]]


def test_quote_says_0_for_what_is_free_and_6_for_what_fails(paygent: Program, shop: Shop) -> None:
    free = paygent("quote", shop.url("free"))
    moved = paygent("quote", shop.url("elsewhere"), "--json")

    assert (0, f"{shop.url('free')} is free\n") == (free.code, free.out)
    assert (6, 301) == (moved.code, moved.said["status_code"])


def test_quote_sends_the_request_as_it_is_said(paygent: Program, shop: Shop) -> None:
    paygent("quote", shop.url("good"), "--data", "question", "--header", "X-A: 1")

    assert [("POST", b"question", "1")] == [(sent[0], sent[3], sent[2]["x-a"]) for sent in shop.requests]


def test_quote_says_3_when_nobody_listens(paygent: Program) -> None:
    done = paygent("quote", "http://127.0.0.1:9/", "--json")

    assert (3, "ConnectError") == (done.code, done.said["error"]["type"])


def test_quote_does_not_show_the_password_in_a_url(paygent: Program, shop: Shop) -> None:
    done = paygent("quote", shop.url("free").replace("://", "://user:hidden@"))

    assert 0 == done.code
    assert "hidden" not in done.out + done.err
