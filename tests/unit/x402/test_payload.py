import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.errors import LocalProtocolError
from paygent.core.requirements import Authorization, PaymentRequired
from paygent.evm.deployments import EXACT_PROXY, UPTO_PROXY
from paygent.x402 import authorization, write_payload
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json, by_body, by_header

SIGNATURE = "0x" + wares.SIGNATURE.hex()
NONCE = "0x" + wares.NONCE.hex()


def paid(required: PaymentRequired, signature: bytes = wares.SIGNATURE) -> tuple[str, Json]:
    offer = wares.only_offer(required)
    payload = write_payload(required, offer.requirements, wares.authorized(offer), signature)
    assert payload.value.isascii()
    return payload.header, json.loads(base64.b64decode(payload.value, validate=True))


def test_version_2_payload_is_written_when_exact_by_eip3009() -> None:
    said = wares.required2(wares.entry2(odd=[1, 2.5]), extensions={"odd": {"info": {"a": 1}}})

    assert paid(by_header(said)) == (
        "PAYMENT-SIGNATURE",
        {
            "x402Version": 2,
            "payload": {
                "signature": SIGNATURE,
                "authorization": {
                    "from": wares.PAYER,
                    "to": wares.PAYEE,
                    "value": "1000",
                    "validAfter": "5",
                    "validBefore": "2000000000",
                    "nonce": NONCE,
                },
            },
            "accepted": wares.entry2(odd=[1, 2.5]),
            "resource": said["resource"],
            "extensions": {"odd": {"info": {"a": 1}}},
        },
    )


def test_version_2_payload_is_written_when_exact_by_permit2() -> None:
    _, message = paid(by_header(wares.required2(wares.permit2())))

    assert message["payload"] == {
        "signature": SIGNATURE,
        "permit2Authorization": {
            "from": wares.PAYER,
            "permitted": {"token": wares.USDC, "amount": "1000"},
            "spender": EXACT_PROXY,
            "nonce": str(int.from_bytes(wares.NONCE)),
            "deadline": "1999999999",
            "witness": {"to": wares.PAYEE, "validAfter": "5"},
        },
    }


def test_version_2_payload_is_written_when_upto() -> None:
    _, message = paid(by_header(wares.required2(wares.upto())))
    payload = message["payload"]

    assert isinstance(payload, dict)
    assert payload["permit2Authorization"]["spender"] == UPTO_PROXY
    assert payload["permit2Authorization"]["witness"] == {
        "to": wares.PAYEE,
        "facilitator": wares.FACILITATOR,
        "validAfter": "5",
    }


def test_version_1_payload_is_written() -> None:
    assert paid(by_body(wares.required1())) == (
        "X-PAYMENT",
        {
            "x402Version": 1,
            "scheme": "exact",
            "network": "base-sepolia",
            "payload": {
                "signature": SIGNATURE,
                "authorization": {
                    "from": wares.PAYER,
                    "to": wares.PAYEE,
                    "value": "1000",
                    "validAfter": "5",
                    "validBefore": "2000000000",
                    "nonce": NONCE,
                },
            },
        },
    )


def test_cronos_payload_is_flat_with_numbers_for_times() -> None:
    assert paid(by_body(wares.cronos_required())) == (
        "X-PAYMENT",
        {
            "x402Version": 1,
            "scheme": "exact",
            "network": "cronos-testnet",
            "payload": {
                "from": wares.PAYER,
                "to": wares.PAYEE,
                "value": "1000000",
                "validAfter": 5,
                "validBefore": 2_000_000_000,
                "nonce": NONCE,
                "signature": SIGNATURE,
                "asset": wares.DEV_USDC,
            },
        },
    )


def test_network_is_echoed_as_the_seller_wrote_it_when_version_1() -> None:
    _, message = paid(by_body(wares.required1(wares.entry1(network="eip155:84532"))))

    assert message["network"] == "eip155:84532"


def test_addresses_are_checksummed_in_the_authorization_and_untouched_in_the_echo() -> None:
    entry = wares.entry2(payTo=wares.PAYEE.lower(), asset="0x" + wares.USDC[2:].upper())
    required = by_header(wares.required2(entry))
    offer = wares.only_offer(required)
    signed = replace(wares.authorized(offer), payer=wares.PAYER.lower(), payee=wares.PAYEE.lower())
    payload = write_payload(required, offer.requirements, signed, wares.SIGNATURE)
    message = json.loads(base64.b64decode(payload.value))

    assert message["payload"]["authorization"]["from"] == wares.PAYER
    assert message["payload"]["authorization"]["to"] == wares.PAYEE
    assert message["accepted"] == entry


def test_resource_and_extensions_are_left_out_when_the_seller_sent_none() -> None:
    _, message = paid(by_header(wares.required2(resource=None)))

    assert set(message) == {"x402Version", "payload", "accepted"}


def test_extensions_are_those_given_when_given() -> None:
    required = by_header(wares.required2(extensions={"a": {"info": {}}}))
    offer = wares.only_offer(required)
    given = {"a": {"info": {"id": "b"}}}
    payload = write_payload(required, offer.requirements, wares.authorized(offer), wares.SIGNATURE, extensions=given)

    assert json.loads(base64.b64decode(payload.value))["extensions"] == given


def test_payload_is_not_shown() -> None:
    required = by_header(wares.required2())
    offer = wares.only_offer(required)
    payload = write_payload(required, offer.requirements, wares.authorized(offer), wares.SIGNATURE)

    assert payload.value not in repr(payload)


@pytest.mark.parametrize(
    "changes",
    [
        {"payee": wares.FACILITATOR},
        {"scheme": "upto"},
        {"method": "permit2"},
        {"facilitator": wares.FACILITATOR},
    ],
)
def test_authorization_is_not_sent_when_it_is_not_for_the_offer(changes: dict[str, str]) -> None:
    required = by_header(wares.required2())
    offer = wares.only_offer(required)
    signed = replace(wares.authorized(offer), **changes)  # type: ignore[arg-type]  # every change is wrong

    with pytest.raises(LocalProtocolError, match="not for offer 0"):
        write_payload(required, offer.requirements, signed, wares.SIGNATURE)


@pytest.mark.parametrize("entry", [wares.entry2(amount="999"), wares.entry2(network="eip155:8453")])
def test_authorization_is_not_sent_when_the_offer_changed(entry: Json) -> None:
    offer = wares.only_offer(by_header(wares.required2()))
    other = by_header(wares.required2(entry))

    with pytest.raises(LocalProtocolError, match="not for offer 0"):
        write_payload(other, other.requirements[0], wares.authorized(offer), wares.SIGNATURE)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), bytes(64) + b"\x01", bytes(66)])
def test_signature_is_not_sent_when_it_has_another_form(signature: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="65 bytes") as error:
        paid(by_header(wares.required2()), signature)

    assert not signature or signature.hex() not in str(error.value)


@pytest.mark.parametrize("said", [wares.required1(), wares.cronos_required()])
def test_permit2_is_not_written_when_the_dialect_has_no_word_for_it(said: Json) -> None:
    required = by_body(said)
    requirements = replace(required.requirements[0], transfer_method="permit2")
    offer = wares.only_offer(required)
    signed = replace(wares.authorized(offer), method="permit2", spender=EXACT_PROXY)

    with pytest.raises(LocalProtocolError, match="cannot carry a permit2"):
        write_payload(required, requirements, signed, wares.SIGNATURE)


def test_permit2_is_not_written_when_it_names_no_spender() -> None:
    required = by_header(wares.required2(wares.permit2()))
    offer = wares.only_offer(required)

    with pytest.raises(LocalProtocolError, match="spender"):
        write_payload(required, offer.requirements, replace(wares.authorized(offer), spender=None), wares.SIGNATURE)


@given(
    st.integers(1, 2**256 - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=64, max_size=64),
    st.integers(0, 10**10),
    st.dictionaries(
        st.text(),
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.sampled_from([wares.entry2, wares.permit2, wares.upto]),
)
def test_every_value_arrives_as_it_was_authorized(
    amount: int, nonce: bytes, signature: bytes, after: int, odd: Json, entry: object
) -> None:
    assert callable(entry)
    said = wares.required2(entry(amount=str(amount), odd=odd), odd=odd)
    required = by_header(said)
    offer = wares.only_offer(required)
    signed: Authorization = authorization(
        offer, payer=wares.PAYER, nonce=nonce, valid_after=after, valid_before=after + 1
    )
    payload = write_payload(required, offer.requirements, signed, signature + b"\x1c")
    message = json.loads(base64.b64decode(payload.value, validate=True))
    inner = message["payload"].get("authorization") or message["payload"]["permit2Authorization"]

    assert message["accepted"] == said["accepts"][0]  # type: ignore[index]  # it is a list
    assert bytes.fromhex(message["payload"]["signature"][2:]) == signature + b"\x1c"
    assert int(inner["nonce"], 0) == int.from_bytes(nonce)
    assert str(amount) == (inner["value"] if "value" in inner else inner["permitted"]["amount"])
