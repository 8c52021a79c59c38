import pytest

from paygent.core.errors import LocalProtocolError
from paygent.evm.deployments import PERMIT2
from paygent.x402 import with_gas_sponsoring, with_payment_identifier
from paygent.x402.extensions import unsupported_extension
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json

IDENTIFIER = "pay_0123456789abcdef"


def sponsored(extensions: Json) -> Json:
    return with_gas_sponsoring(
        extensions,
        owner=wares.PAYER.lower(),
        asset=wares.USDC.lower(),
        spender=PERMIT2,
        amount=1000,
        nonce=3,
        deadline=2_000_000_000,
        signature=wares.SIGNATURE,
    )


def test_payment_identifier_is_added_when_advertised() -> None:
    said: Json = {"payment-identifier": {"info": {"required": True}, "schema": {"a": 1}}, "odd": 7}
    answered = with_payment_identifier(said, IDENTIFIER)

    assert answered == {
        "payment-identifier": {"info": {"required": True, "id": IDENTIFIER}, "schema": {"a": 1}},
        "odd": 7,
    }
    assert said["payment-identifier"] == {"info": {"required": True}, "schema": {"a": 1}}


@pytest.mark.parametrize("said", [{}, {"odd": {"info": {}}}, {"payment-identifier": 7}])
def test_payment_identifier_is_not_added_when_not_advertised(said: Json) -> None:
    assert said == with_payment_identifier(said, IDENTIFIER)


@pytest.mark.parametrize("entry", [{}, {"info": None}, {"info": []}])
def test_payment_identifier_is_added_when_the_info_is_missing(entry: Json) -> None:
    answered = with_payment_identifier({"payment-identifier": entry}, IDENTIFIER)

    assert answered == {"payment-identifier": {"info": {"id": IDENTIFIER}}}


def test_seller_wins_when_it_already_wrote_what_we_add() -> None:
    said: Json = {"payment-identifier": {"info": {"id": "theirs"}}}

    assert said == with_payment_identifier(said, IDENTIFIER)


@pytest.mark.parametrize("identifier", ["", "short", "a" * 129, "pay 0123456789abcdef", "pay_0123456789abcdef\n"])
def test_payment_identifier_is_refused_when_it_has_another_form(identifier: str) -> None:
    with pytest.raises(LocalProtocolError, match="16 to 128"):
        with_payment_identifier({}, identifier)


def test_gas_sponsoring_is_added_with_text_for_numbers() -> None:
    answered = sponsored({"eip2612GasSponsoring": {"info": {"description": "x", "version": "1"}, "schema": {}}})

    assert answered == {
        "eip2612GasSponsoring": {
            "info": {
                "from": wares.PAYER,
                "asset": wares.USDC,
                "spender": PERMIT2,
                "amount": "1000",
                "nonce": "3",
                "deadline": "2000000000",
                "signature": "0x" + wares.SIGNATURE.hex(),
                "version": "1",
                "description": "x",
            },
            "schema": {},
        }
    }


def test_gas_sponsoring_is_refused_when_not_advertised() -> None:
    with pytest.raises(LocalProtocolError, match="does not offer eip2612GasSponsoring"):
        sponsored({})


@pytest.mark.parametrize("required", [True, "true", 1, {}])
def test_answer_is_refused_when_it_requires_an_unknown_extension(required: object) -> None:
    refusal = unsupported_extension({"odd\x1b": {"info": {"required": required}}})

    assert refusal is not None
    assert (refusal.index, refusal.code) == (-1, "unsupported_extension")
    assert refusal.text.isprintable()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"odd": 7},
        {"odd": {"info": 7}},
        {"odd": {"info": {}}},
        {"odd": {"info": {"required": False}}},
        {"odd": {"info": {"required": None}}},
        {"payment-identifier": {"info": {"required": True}}},
    ],
)
def test_answer_is_not_refused_when_nothing_unknown_is_required(said: Json) -> None:
    assert unsupported_extension(said) is None
