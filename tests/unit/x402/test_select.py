from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import ChainId, erc20
from paygent.core.money import Amount
from paygent.core.requirements import PaymentRequirements, Scheme, Token, TransferMethod
from paygent.core.verdict import Allow, Deny, Reason, RequireApproval, Verdict
from paygent.x402 import Offer, Preferences, select
from paygent.x402.select import usd_price
from tests.unit.x402 import wares

OTHER = ChainId("eip155:8453")
DAI = wares.token("0x" + "d" * 40, decimals=18)
EUR = wares.token("0x" + "e" * 40, usd=False)
CRO = wares.token("0x" + "c" * 40, usd=False)
USDC = wares.token()
ODD = wares.token("0x" + "f" * 40, decimals=20)
FAR = wares.token(chain=OTHER)


def offer(
    index: int,
    atomic: int,
    token: Token = USDC,
    *,
    scheme: Scheme = "exact",
    method: TransferMethod = "eip3009",
    flow: str = "authorization",
) -> Offer:
    requirements = PaymentRequirements(
        index=index,
        scheme=scheme,
        network=token.asset.id.chain,
        asset=token.asset.id,
        amount=atomic,
        pay_to=wares.PAYEE,
        max_timeout_seconds=60,
        transfer_method=method,
        payment_flow=flow,
        eip712_name=None,
        eip712_version=None,
        facilitator=None,
        raw={},
    )
    return Offer(
        requirements=requirements,
        token=token,
        amount=Amount(atomic, token.asset),
        scheme=scheme,
        method=method,
        payee=wares.PAYEE,
    )


def allow(_: Offer) -> Verdict:
    return Allow()


def order(*offers: Offer, preferences: Preferences | None = None) -> list[int]:
    """Return the indexes as ranked; the order of asking must not matter."""
    found = {
        tuple(each.requirements.index for each in select(asked, allow, preferences).ranked)
        for asked in permutations(offers)
    }
    assert len(found) == 1
    return list(found.pop())


def test_cheapest_offer_is_chosen_when_the_user_has_no_opinion() -> None:
    assert order(offer(0, 900_000), offer(1, 1000), offer(2, 2000)) == [1, 2, 0]


def test_prices_are_compared_in_dollars_when_decimals_differ() -> None:
    assert order(offer(0, 10**18 + 1, DAI), offer(1, 10**6), offer(2, 10**18 - 1, DAI)) == [2, 1, 0]


@pytest.mark.parametrize(
    ("token", "atomic", "price"),
    [(USDC, 1, 10**12), (DAI, 1, 1), (ODD, 1, 1), (ODD, 100, 1), (ODD, 101, 2), (EUR, 1, None)],
)
def test_usd_price_is_rounded_up_to_the_common_scale(token: Token, atomic: int, price: int | None) -> None:
    assert price == usd_price(offer(0, atomic, token))


def test_dollars_go_before_others_and_others_compare_within_their_token() -> None:
    assert order(offer(0, 9, CRO), offer(1, 5, EUR), offer(2, 3, CRO), offer(3, 10**9), offer(4, 4, EUR)) == [
        3,
        2,
        0,
        4,
        1,
    ]


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        (Preferences(), [1, 0, 2, 3]),
        (Preferences(assets=(DAI.asset.id,)), [2, 1, 0, 3]),
        (Preferences(assets=(EUR.asset.id, DAI.asset.id)), [3, 2, 1, 0]),
        (Preferences(networks=(wares.BASE_SEPOLIA,)), [0, 2, 3, 1]),
        (Preferences(networks=(OTHER,), assets=(EUR.asset.id,)), [3, 1, 0, 2]),
        (Preferences(assets=(erc20(OTHER, "0x" + "9" * 40),)), [1, 0, 2, 3]),
    ],
)
def test_order_of_the_user_goes_before_the_price(preferences: Preferences, expected: list[int]) -> None:
    offers = offer(0, 2000), offer(1, 1000, FAR), offer(2, 10**18, DAI), offer(3, 7, EUR)

    assert expected == order(*offers, preferences=preferences)


def test_eip3009_and_exact_go_first_when_the_price_is_the_same() -> None:
    offers = offer(0, 5, scheme="upto", method="permit2"), offer(1, 5, method="permit2"), offer(2, 5), offer(3, 5)

    assert order(*offers) == [2, 3, 1, 0]
    assert order(*offers, preferences=Preferences(methods=("permit2",))) == [1, 0, 2, 3]
    assert order(*offers, preferences=Preferences(schemes=("upto",))) == [0, 2, 3, 1]


def test_upfront_is_taken_only_when_nothing_settles_after_the_answer() -> None:
    assert order(offer(0, 1, flow="upfront"), offer(1, 100)) == [1, 0]


def test_denied_offers_become_refusals_with_the_first_reason() -> None:
    deny = Deny(reasons=(Reason(code="over_max", text="too much"), Reason(code="new_payee", text="unknown")))
    verdicts: dict[int, Verdict] = {
        0: deny,
        1: RequireApproval(reasons=(Reason(code="ask", text="ask first"),)),
        2: Deny(reasons=()),
    }
    offers = offer(0, 1), offer(1, 2), offer(2, 3)
    selection = select(offers, lambda each: verdicts[each.requirements.index])

    assert selection.chosen is offers[1]
    assert selection.ranked == (offers[1],)
    assert [(r.index, r.code, r.text) for r in selection.refusals] == [
        (0, "over_max", "too much; unknown"),
        (2, "denied", "the policy denies it"),
    ]
    assert [(j.offer.requirements.index, j.acceptable, j.reason) for j in selection.judged] == [
        (1, True, "ask first"),
        (0, False, "too much; unknown"),
        (2, False, ""),
    ]


def test_nothing_is_chosen_when_nothing_is_offered() -> None:
    assert select((), allow).chosen is None


def test_each_offer_is_judged_once() -> None:
    asked: list[int] = []

    def judge(each: Offer) -> Verdict:
        asked.append(each.requirements.index)
        return Allow()

    select([offer(0, 2), offer(1, 1)], judge)

    assert asked == [0, 1]


@given(st.lists(st.tuples(st.integers(1, 10**30), st.sampled_from([USDC, DAI, ODD])), min_size=1, max_size=6))
def test_chosen_offer_is_never_dearer_than_another(priced: list[tuple[int, Token]]) -> None:
    offers = [offer(index, atomic, token) for index, (atomic, token) in enumerate(priced)]
    chosen = select(offers, allow).chosen

    assert chosen is not None
    assert usd_price(chosen) == min(price for each in offers if (price := usd_price(each)) is not None)
