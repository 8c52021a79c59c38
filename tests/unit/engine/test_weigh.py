"""What is remembered of an answer that is asked about again, and what never is."""

from base64 import b64encode
from dataclasses import fields, replace
from json import dumps
from typing import Any

import pytest

from paygent.core.context import Context
from paygent.core.ids import intent_id
from paygent.core.money import usd
from paygent.core.requirements import PaymentRequired, Token
from paygent.core.verdict import Alternative, Deny
from paygent.engine.order import Order
from paygent.engine.tokens import TokenBook
from paygent.engine.weigh import REMEMBERED, Weigher
from paygent.policy.policy import Policy
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import NETWORK, TOKEN, memory_engine
from paygent.testing.keys import dev_accounts
from paygent.x402 import read_payment_required
from paygent.x402.select import Preferences

pytestmark = pytest.mark.anyio
URL = "http://seller.test/paid"


class Policies:
    """A policy that can be replaced while the program runs."""

    def __init__(self) -> None:
        self.now = Policy()

    def current(self) -> Policy:
        return self.now


def required(url: str = URL) -> PaymentRequired:
    answer = memory_engine().seller().required(url)
    read = read_payment_required(headers={"payment-required": b64encode(dumps(answer).encode()).decode()}, body=None)
    assert read is not None
    return read


def order(asked: PaymentRequired, **changes: Any) -> Order:
    plain = Order(intent_id=intent_id(b"one"), required=asked, method="GET", url=URL, request="ab" * 32)
    return replace(plain, **changes)


def weigher(policies: Policies, token: Token = TOKEN, *, with_chain: bool = True) -> Weigher:
    chains = {NETWORK: memory_engine().chain} if with_chain else {}
    return Weigher(
        payer=dev_accounts()[0].address,
        policy=policies,
        tokens=TokenBook({token.asset.id: token}, chains),
        clock=VirtualClock(),
        preferences=Preferences(),
        finder=None,
    )


async def test_weighing_is_done_once_when_the_same_is_asked_again() -> None:
    asked, scales = required(), weigher(Policies())

    first = await scales.weigh(order(asked))
    again = await scales.weigh(order(asked, intent_id=intent_id(b"two"), new_purchase=True, idempotency_key="k"))

    assert first is again


async def test_weighing_is_done_anew_when_the_policy_was_replaced() -> None:
    asked, policies = required(), Policies()
    scales = weigher(policies)
    await scales.weigh(order(asked))
    policies.now = Policy(max_per_payment=usd("0.000001"))

    weighed = await scales.weigh(order(asked))

    assert isinstance(weighed.selection.judged[0].verdict, Deny)


async def test_weighing_is_done_anew_when_the_seller_asks_for_something_else() -> None:
    scales = weigher(Policies())
    first = await scales.weigh(order(required()))

    other = await scales.weigh(order(required(url="http://other.test/paid")))

    assert ["foreign_resource"] == [refusal.code for refusal in other.refusals]
    assert () == first.refusals


@pytest.mark.parametrize(
    "changes",
    [
        {"max_amount": "0.000001"},
        {"edited": usd("1")},
        {"instead_of": (Alternative(kind="mode", value="summary"),)},
        {"context": Context(agent="a")},
        {"quantity": 2},
        {"metadata_uri": "https://seller.test/about"},
        {"url": "http://seller.test/other"},
    ],
)
async def test_weighing_is_done_anew_when_the_order_is_another(changes: dict[str, Any]) -> None:
    asked, scales = required(), weigher(Policies())
    plain = await scales.weigh(order(asked))

    other = await scales.weigh(order(asked, **changes))

    assert plain is not other
    assert plain is await scales.weigh(order(asked))


def test_every_field_of_an_order_names_it_or_changes_no_verdict() -> None:
    """A new field has to be thought of in `Weigher._ordinary`."""
    names_it = {"required", "url", "context", "quantity", "metadata_uri"}
    never_remembered = {"max_amount", "edited", "instead_of"}
    changes_no_verdict = {"intent_id", "method", "request", "idempotency_key", "new_purchase", "resume", "first"}

    assert names_it | never_remembered | changes_no_verdict == {field.name for field in fields(Order)}


async def test_doubt_about_a_token_is_not_remembered_when_a_chain_could_settle_it() -> None:
    asked = required()
    scales = weigher(Policies(), replace(TOKEN, versions=(*TOKEN.versions, "9")), with_chain=False)

    first, again = await scales.weigh(order(asked)), await scales.weigh(order(asked))

    assert ["unconfirmed_domain"] == [refusal.code for refusal in first.refusals]
    assert first is not again


async def test_oldest_weights_are_forgotten_when_there_are_too_many() -> None:
    asked, scales = required(), weigher(Policies())
    first = await scales.weigh(order(asked))

    for number in range(REMEMBERED):
        await scales.weigh(order(asked, url=f"{URL}/{number}"))

    assert first is not await scales.weigh(order(asked))
