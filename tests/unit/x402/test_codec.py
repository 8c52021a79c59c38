import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import ChainId, erc20
from paygent.core.requirements import Dialect, PaymentRequired
from paygent.x402 import fold_headers, needs_body, read_payment_required
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json, Reader, by_body, by_header

CARRIERS = pytest.mark.parametrize("read", [by_header, by_body])


@CARRIERS
def test_version_2_is_read_from_header_and_body(read: Reader) -> None:
    required = read(wares.required2())
    (offer,) = required.requirements

    assert required.dialect is Dialect.V2
    assert required.refusals == ()
    assert required.resource_url == wares.URL
    assert required.error == "Payment required"
    assert (offer.index, offer.scheme, offer.amount, offer.max_timeout_seconds) == (0, "exact", 1000, 300)
    assert (offer.network, offer.asset) == (wares.BASE_SEPOLIA, erc20(wares.BASE_SEPOLIA, wares.USDC))
    assert (offer.pay_to, offer.eip712_name, offer.eip712_version) == (wares.PAYEE, "USDC", "2")
    assert (offer.transfer_method, offer.payment_flow, offer.facilitator) == ("eip3009", "authorization", None)


@CARRIERS
def test_echo_is_what_was_received_when_keys_are_unknown(read: Reader) -> None:
    entry = wares.entry2(zz=[1, 1.5, None], extra={"name": "USDC", "odd": {"deep": ["\N{SNOWMAN}", 0.1, 10**20]}})
    said = wares.required2(entry, resource={"url": wares.URL, "odd": True}, extensions={"odd": {"info": {"a": 1}}})
    required = read(said)

    assert required.requirements[0].raw == entry
    assert list(required.requirements[0].raw) == list(entry)
    assert required.resource == said["resource"]
    assert required.extensions == said["extensions"]


@pytest.mark.parametrize("left_out", ["resource", "extensions", "error"])
@pytest.mark.parametrize("null", [True, False])
def test_version_2_is_read_when_something_optional_is_missing(left_out: str, null: bool) -> None:
    said = wares.required2()
    said.pop(left_out)
    required = by_header(said | ({left_out: None} if null else {}))

    assert len(required.requirements) == 1
    assert not required.extensions


def test_version_1_is_read_from_the_body() -> None:
    required = by_body(wares.required1())
    (offer,) = required.requirements

    assert required.dialect is Dialect.V1
    assert (required.resource, required.resource_url, required.extensions) == (None, wares.URL, {})
    assert required.error == "X-PAYMENT header is required"
    assert (offer.network, offer.amount, offer.max_timeout_seconds) == (wares.BASE_SEPOLIA, 1000, 60)
    assert offer.raw == wares.entry1()


def test_cronos_is_read_from_the_body() -> None:
    required = by_body(wares.cronos_required())
    (offer,) = required.requirements

    assert required.dialect is Dialect.CRONOS
    assert (required.resource, required.resource_url) == (None, None)
    assert (offer.network, offer.amount) == (ChainId("eip155:338"), 1_000_000)
    assert offer.raw == wares.cronos_required()["paymentRequirements"]


def test_version_1_accepts_is_read_when_cronos_requirements_are_there_too() -> None:
    assert by_body(wares.cronos_required() | wares.required1()).dialect is Dialect.V1


def test_caip_2_is_taken_for_a_network_of_version_1() -> None:
    required = by_body(wares.required1(wares.entry1(network="eip155:84532")))

    assert required.requirements[0].network == wares.BASE_SEPOLIA


@pytest.mark.parametrize(
    ("extra", "method", "flow"),
    [
        ({"assetTransferMethod": "permit2"}, "permit2", "authorization"),
        ({"assetTransferMethod": None, "paymentFlow": None}, "eip3009", "authorization"),
        ({"assetTransferMethod": "erc7710", "paymentFlow": "escrow"}, "erc7710", "escrow"),
        (None, "eip3009", "authorization"),
    ],
)
def test_transfer_method_and_flow_have_their_usual_value_when_absent(extra: object, method: str, flow: str) -> None:
    (offer,) = by_header(wares.required2(wares.entry2(extra=extra))).requirements

    assert (offer.transfer_method, offer.payment_flow) == (method, flow)


def test_upto_is_permit2_when_it_says_nothing() -> None:
    (offer,) = by_header(wares.required2(wares.upto())).requirements

    assert (offer.scheme, offer.transfer_method, offer.facilitator) == ("upto", "permit2", wares.FACILITATOR)


def test_header_goes_before_body() -> None:
    headers = {"payment-required": wares.header(wares.required2())}
    required = read_payment_required(headers=headers, body=json.dumps(wares.required1()).encode())

    assert required is not None
    assert required.dialect is Dialect.V2
    assert needs_body({})
    assert not needs_body(headers)


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"<html>Payment required</html>",
        b'<script>window.x402 = {"x402Version":1}</script>',
        b"\x00\x01\x02\xff",
        b"null",
        b"402",
        b'["x402Version"]',
        b'{"error":"pay by card"}',
        b'{"error":{"x402Version":1}}',
        b"{",
        b'{"a":' + b"1" * 2_000_000 + b"}",
    ],
)
def test_answer_is_not_x402_when_it_has_none_of_its_marks(body: bytes | None) -> None:
    assert read_payment_required(headers={"content-type": "text/html"}, body=body) is None


@pytest.mark.parametrize(
    "text",
    ["", "%%%", "e30", "e30=, e30=", wares.header(b"[]"), wares.header(b"{"), wares.header(b"\xff"), "A" * 70_000],
)
def test_header_is_refused_as_malformed_when_it_cannot_be_decoded(text: str) -> None:
    required = read_payment_required(headers={"payment-required": text}, body=json.dumps(wares.required1()).encode())

    assert required is not None
    assert wares.whole_refusal(required).code == "malformed"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"x402Version":1', "delimiter"),
        (b'{"x402Version":1,"x402Version":2}', "key twice"),
        (b'{"x402Version":1,"accepts":' + b"[" * 99 + b"]" * 99 + b"}", "deeper"),
        (b'{"x402Version":1,"accepts":[],"a":"\xe4"}', "UTF-8"),
        (b'{"x402Version":1,"a":"' + b"a" * 1_100_000 + b'"}', "bytes"),
    ],
)
def test_body_is_refused_as_malformed_when_it_is_hostile(body: bytes, why: str) -> None:
    refusal = wares.whole_refusal(by_body(body))

    assert refusal.code == "malformed"
    assert why in refusal.text


@CARRIERS
@pytest.mark.parametrize("change", [{"accepts": None}, {"accepts": {}}, {"accepts": "none"}])
def test_answer_is_malformed_when_accepts_is_no_list(read: Reader, change: Json) -> None:
    second, first = read(wares.required2() | change), read(wares.required1() | change)

    assert (wares.whole_refusal(second).code, second.dialect) == ("malformed", Dialect.V2)
    assert (wares.whole_refusal(first).code, first.dialect) == ("malformed", Dialect.V1)


@pytest.mark.parametrize(
    "change",
    [
        {"resource": "https://api.example.com"},
        {"resource": {"url": 7}},
        {"extensions": []},
        {"extensions": "payment-identifier"},
    ],
)
def test_version_2_is_malformed_when_what_is_echoed_has_the_wrong_type(change: Json) -> None:
    assert wares.whole_refusal(by_header(wares.required2() | change)).code == "malformed"


@pytest.mark.parametrize("requirements", [None, [], "x", [wares.entry1()]])
def test_cronos_is_malformed_when_its_requirements_are_no_object(requirements: object) -> None:
    said = wares.cronos_required() | {"paymentRequirements": requirements}

    assert wares.whole_refusal(by_body(said)).code == "malformed"


@CARRIERS
@pytest.mark.parametrize("version", [None, 0, 3, "1", "2", True, 1.0, 2.0, [], -1])
def test_version_is_refused_when_it_is_not_spoken(read: Reader, version: object) -> None:
    assert wares.whole_refusal(read(wares.required2(x402Version=version))).code == "unsupported_version"


def test_error_of_another_type_spoils_nothing() -> None:
    required = by_header(wares.required2(error={"code": 7}))

    assert required.error is None
    assert len(required.requirements) == 1


AMOUNTS = [
    ("-1", "bad_amount"),
    ("+1", "bad_amount"),
    ("0", "zero_amount"),
    ("1.5", "bad_amount"),
    ("01", "bad_amount"),
    ("1e3", "bad_amount"),
    ("0x10", "bad_amount"),
    (" 1", "bad_amount"),
    ("", "bad_amount"),
    ("\N{ARABIC-INDIC DIGIT ONE}", "bad_amount"),
    (str(2**256), "bad_amount"),
    ("9" * 5000, "bad_amount"),
    (1000, "bad_amount"),
    (10.5, "bad_amount"),
    (True, "bad_amount"),
    (None, "bad_amount"),
    ([], "bad_amount"),
]


@pytest.mark.parametrize(("amount", "code"), AMOUNTS)
def test_offer_is_refused_when_its_amount_is_no_plain_number(amount: object, code: str) -> None:
    for said in (
        by_header(wares.required2(wares.entry2(amount=amount))),
        by_body(wares.required1(wares.entry1(maxAmountRequired=amount))),
        by_body(wares.cronos_required(maxAmountRequired=amount)),
    ):
        (refusal,) = said.refusals

        assert said.requirements == ()
        assert (refusal.index, refusal.code) == (0, code)
        assert len(refusal.text) < 400


def test_offer_is_taken_when_its_amount_is_the_largest() -> None:
    (offer,) = by_header(wares.required2(wares.entry2(amount=str(2**256 - 1)))).requirements

    assert 2**256 - 1 == offer.amount


@pytest.mark.parametrize("seconds", [0, -1, "300", 1.5, True, None, 2**53, 10**4000])
def test_offer_is_refused_when_its_timeout_is_no_count_of_seconds(seconds: object) -> None:
    (refusal,) = by_header(wares.required2(wares.entry2(maxTimeoutSeconds=seconds))).refusals

    assert refusal.code == "bad_timeout"
    assert len(refusal.text) < 400


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ("base-sepolia", "wrong_network_name"),
        ("nowhere", "unknown_network"),
        ("", "unknown_network"),
        ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "unknown_network"),
        ("eip155:0x14a34", "unknown_network"),
        ("eip155:084532", "unknown_network"),
        ("eip155:", "unknown_network"),
        ("eip155:1:1", "unknown_network"),
        (84532, "malformed"),
        (None, "malformed"),
    ],
)
def test_version_2_offer_is_refused_when_its_network_is_not_caip_2(network: object, code: str) -> None:
    (refusal,) = by_header(wares.required2(wares.entry2(network=network))).refusals

    assert refusal.code == code


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ("nowhere", "unknown_network"),
        ("solana:devnet", "unknown_network"),
        (25, "malformed"),
        ("BASE", "unknown_network"),
    ],
)
def test_version_1_offer_is_refused_when_its_network_has_no_such_name(network: object, code: str) -> None:
    (refusal,) = by_body(wares.required1(wares.entry1(network=network))).refusals

    assert refusal.code == code


@pytest.mark.parametrize("asset", ["USDC", "0x", wares.USDC[:-1], wares.USDC + "0", "0x" + "g" * 40])
def test_offer_is_refused_when_its_asset_is_no_address(asset: str) -> None:
    (refusal,) = by_header(wares.required2(wares.entry2(asset=asset))).refusals

    assert refusal.code == "unknown_asset"


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        "x" * 10_000,
        [],
        {},
        wares.entry2(scheme=None),
        wares.entry2(scheme="e" * 129),
        wares.entry2(payTo=7),
        wares.entry2(asset=None),
        wares.entry2(extra=[]),
        wares.entry2(extra={"name": 7}),
        wares.entry2(extra={"version": 2}),
        wares.entry2(extra={"paymentFlow": ["authorization"]}),
        wares.entry2(extra={"facilitatorAddress": {}}),
    ],
)
def test_bad_offer_does_not_spoil_the_others(entry: object) -> None:
    required = by_header(wares.required2(wares.entry2(), entry, wares.entry2(amount="7")))
    (refusal,) = required.refusals

    assert [0, 2] == [offer.index for offer in required.requirements]
    assert (refusal.index, refusal.code) == (1, "malformed")
    assert len(refusal.text) < 400


def test_offers_beyond_the_most_are_refused_at_once() -> None:
    required = by_header(wares.required2(*[wares.entry2()] * 40))

    assert len(required.requirements) == 32
    assert [(32, "too_many")] == [(refusal.index, refusal.code) for refusal in required.refusals]


def test_fold_headers_finds_names_in_any_case_and_joins_equal_ones() -> None:
    folded = fold_headers([("PAYMENT-REQUIRED", "a"), ("X", "b"), ("Payment-Required", "c")])

    assert {"payment-required": "a, c", "x": "b"} == folded


def test_header_sent_twice_is_malformed() -> None:
    once = ("PAYMENT-REQUIRED", wares.header(wares.required2()))
    required = read_payment_required(headers=fold_headers([once, once]), body=None)

    assert required is not None
    assert wares.whole_refusal(required).code == "malformed"


@given(st.text())
def test_reading_any_header_never_raises(text: str) -> None:
    assert isinstance(read_payment_required(headers={"payment-required": text}, body=None), PaymentRequired | None)


@given(st.binary())
def test_reading_any_decoded_header_never_raises(raw: bytes) -> None:
    assert isinstance(by_header(raw), PaymentRequired | None)


@given(st.binary())
def test_reading_any_body_never_raises(raw: bytes) -> None:
    for body in (raw, b'{"x402Version":1,' + raw):
        assert isinstance(read_payment_required(headers={}, body=body), PaymentRequired | None)


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(), max_size=2)


@given(
    st.sampled_from([wares.entry2, wares.entry1]),
    st.dictionaries(st.sampled_from(sorted(wares.entry2() | wares.entry1())), ODD | st.just({}), max_size=4),
    st.sampled_from([1, 2]),
)
def test_reading_any_offer_never_raises(entry: object, changes: Json, version: int) -> None:
    assert callable(entry)
    required = by_body({"x402Version": version, "accepts": [entry(**changes)]})

    assert len(required.requirements) + len(required.refusals) == 1
