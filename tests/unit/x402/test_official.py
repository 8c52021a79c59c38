"""The official SDK reads what is written here, and what it writes is read here."""

import json

import pytest
from x402.extensions.eip2612_gas_sponsoring.facilitator import (
    extract_eip2612_gas_sponsoring_info,
    validate_eip2612_permit_for_payment,
)
from x402.extensions.payment_identifier import declare_payment_identifier_extension, extract_payment_identifier
from x402.http.utils import (
    decode_payment_signature_header,
    encode_payment_required_header,
    encode_payment_response_header,
)
from x402.mechanisms.evm.types import ExactEIP3009Payload, ExactPermit2Payload, UptoPermit2Payload
from x402.mechanisms.evm.v1.utils import get_evm_chain_id as v1_chain_number
from x402.schemas import PaymentPayload, SettleResponse
from x402.schemas import PaymentRequired as OfficialRequired
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequiredV1

from paygent.core.requirements import PaymentRequired
from paygent.evm.deployments import PERMIT2
from paygent.evm.networks import chain_of
from paygent.x402 import (
    read_payment_required,
    read_settlement,
    with_gas_sponsoring,
    with_payment_identifier,
    write_payload,
)
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json, by_body


def official_402(*entries: Json, **changes: object) -> PaymentRequired:
    """Return what is read from a header that the official server wrote."""
    official = OfficialRequired.model_validate(wares.required2(*entries) | changes)
    read = read_payment_required(headers={"payment-required": encode_payment_required_header(official)}, body=b"{}")
    assert read is not None
    assert read.refusals == ()
    return read


def officially_read(required: PaymentRequired, extensions: Json | None = None) -> PaymentPayload | PaymentPayloadV1:
    offer = wares.only_offer(required)
    payload = write_payload(
        required, offer.requirements, wares.authorized(offer), wares.SIGNATURE, extensions=extensions
    )
    return decode_payment_signature_header(payload.value)


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        (wares.entry2(), ExactEIP3009Payload),
        (wares.permit2(), ExactPermit2Payload),
        (wares.upto(), UptoPermit2Payload),
    ],
)
def test_official_sdk_reads_our_version_2_payload(entry: Json, form: type[ExactEIP3009Payload]) -> None:
    payload = officially_read(official_402(entry))

    assert isinstance(payload, PaymentPayload)
    assert payload.accepted.model_dump(by_alias=True, exclude_none=True) == entry
    assert payload.resource is not None
    assert payload.resource.url == wares.URL
    assert form.from_dict(payload.payload).to_dict() == payload.payload


def test_official_sdk_reads_our_version_1_payload() -> None:
    body = PaymentRequiredV1.model_validate(wares.required1()).model_dump_json(by_alias=True).encode()
    payload = officially_read(by_body(body))

    assert isinstance(payload, PaymentPayloadV1)
    assert (payload.scheme, payload.network) == ("exact", "base-sepolia")
    assert ExactEIP3009Payload.from_dict(payload.payload).to_dict() == payload.payload


@pytest.mark.parametrize("name", ["base", "base-sepolia", "avalanche", "polygon", "sei", "iotex", "peaq", "celo"])
def test_version_1_names_mean_the_official_chains(name: str) -> None:
    assert v1_chain_number(name) == chain_of(name).evm_number


def test_official_server_finds_our_payment_identifier() -> None:
    extension = declare_payment_identifier_extension(required=True)
    required = official_402(extensions={"payment-identifier": json.loads(json.dumps(extension))})
    payload = officially_read(required, with_payment_identifier(required.extensions, "pay_" + "0" * 32))

    assert isinstance(payload, PaymentPayload)
    assert "pay_" + "0" * 32 == extract_payment_identifier(payload)


def test_official_facilitator_takes_our_gas_sponsoring() -> None:
    required = official_402(
        wares.permit2(), extensions={"eip2612GasSponsoring": {"info": {"version": "1"}, "schema": {}}}
    )
    extensions = with_gas_sponsoring(
        required.extensions,
        owner=wares.PAYER,
        asset=wares.USDC,
        spender=PERMIT2,
        amount=1000,
        nonce=0,
        deadline=2**40,
        signature=wares.SIGNATURE,
    )
    payload = officially_read(required, extensions)
    assert isinstance(payload, PaymentPayload)
    info = extract_eip2612_gas_sponsoring_info(payload)

    assert info is not None
    assert validate_eip2612_permit_for_payment(info, wares.PAYER, wares.USDC) == ""


@pytest.mark.parametrize(
    ("official", "success", "pending", "amount"),
    [
        (
            SettleResponse(success=True, transaction=wares.TRANSACTION, network="eip155:84532", amount="7"),
            True,
            False,
            7,
        ),
        (
            SettleResponse(success=False, transaction="", network="eip155:1", error_reason="no_funds"),
            False,
            False,
            None,
        ),
        (
            SettleResponse(
                success=False, transaction=wares.TRANSACTION, network="eip155:1", error_reason="settlement_pending"
            ),
            False,
            True,
            None,
        ),
    ],
)
def test_official_settlement_is_read(
    official: SettleResponse, success: bool, pending: bool, amount: int | None
) -> None:
    read = read_settlement({"payment-response": encode_payment_response_header(official)})

    assert read is not None
    assert (read.success, read.pending, read.amount, read.error) == (success, pending, amount, official.error_reason)
    assert read.transaction == (official.transaction or None)
