"""An intent's digest stands for all of it."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given

from paygent.core.caip import ChainId, erc20
from paygent.core.ids import IntentId
from paygent.core.intent import PaymentIntent
from paygent.core.money import USD, Amount, Asset
from paygent.testing.conformance.payments import approved
from paygent.testing.strategies import intents

INTENT = approved().intent
OTHER_TOKEN = Asset(id=erc20(ChainId.evm(31337), f"0x{'34' * 20}"), symbol="TUSD", decimals=6)

CHANGES: dict[str, object] = {
    "id": IntentId("int_other"),
    "purpose": "transfer",
    "network": ChainId.evm(1),
    "payer": f"0x{'12' * 20}",
    "payee": f"0x{'12' * 20}",
    "amount": Amount(INTENT.amount.atomic + 1, INTENT.amount.asset),
    "scheme": "exact/eip3009",
    "resource": "https://seller.example/other",
    "method": "POST",
    "request": "00" * 32,
    "deadline": INTENT.deadline + 1,
}


def test_every_field_has_a_change_here() -> None:
    assert {field.name for field in fields(PaymentIntent)} == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_digest_changes_with_the_field(name: str) -> None:
    assert INTENT.digest != replace(INTENT, **{name: CHANGES[name]}).digest  # type: ignore[arg-type]


def test_digest_changes_with_the_asset() -> None:
    assert INTENT.digest != replace(INTENT, amount=Amount(INTENT.amount.atomic, OTHER_TOKEN)).digest
    assert INTENT.digest != replace(INTENT, amount=Amount(INTENT.amount.atomic, USD)).digest


@given(intents, intents)
def test_digests_are_equal_for_equal_intents_alone(left: PaymentIntent, right: PaymentIntent) -> None:
    assert (left == right) == (left.digest == right.digest)
    assert left.digest == replace(left).digest


@given(intents)
def test_canonical_is_sorted_ascii_json_of_texts(intent: PaymentIntent) -> None:
    facts = json.loads(intent.canonical().decode("ascii"))

    assert intent.canonical() == json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    assert {str} == {type(value) for value in facts.values()}
    assert len(fields(PaymentIntent)) + 1 == len(facts)  # the amount is two


def test_digest_does_not_see_the_case_of_addresses() -> None:
    address = f"0x{'ab' * 20}"
    upper = replace(INTENT, payee=address.upper().replace("X", "x"))

    assert replace(INTENT, payee=address).digest == upper.digest


@pytest.mark.parametrize(
    ("resource", "host"),
    [
        ("https://A.Example:8443/x?y=/z", "a.example:8443"),
        ("https://a.example?x=1", "a.example"),
        ("https://a.example", "a.example"),
        ("", ""),
    ],
)
def test_host_is_that_of_the_resource(resource: str, host: str) -> None:
    assert host == replace(INTENT, resource=resource).host
