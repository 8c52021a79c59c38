import pytest

from paygent.core.caip import AssetId, ChainId, erc20
from paygent.core.money import Amount
from paygent.core.requirements import PaymentRequired, Refusal, Token
from paygent.evm.deployments import EXACT_PROXY, PERMIT2, UPTO_PROXY
from paygent.evm.tokens import TOKENS
from paygent.x402 import read_offers
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json, by_body, by_header

CRONOS_USDC = "0xf951eC28187D9E5Ca673Da8FE6757E6f0Be5F77C"


def refused(required: PaymentRequired, tokens: dict[AssetId, Token] | None = None) -> Refusal:
    offers, (refusal,) = read_offers(required, TOKENS if tokens is None else tokens)
    assert offers == ()
    assert refusal.text.isprintable()
    assert len(refusal.text) < 500
    return refusal


def test_offer_is_read_with_what_our_table_says() -> None:
    required = by_header(wares.required2(wares.entry2(payTo=wares.PAYEE.lower())))
    offer = wares.only_offer(required)
    token = TOKENS[erc20(wares.BASE_SEPOLIA, wares.USDC)]

    assert offer.requirements is required.requirements[0]
    assert offer.token is token
    assert Amount(1000, token.asset) == offer.amount
    assert (offer.scheme, offer.method, offer.kind) == ("exact", "eip3009", "exact/eip3009")
    assert (offer.payee, offer.facilitator) == (wares.PAYEE, None)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (wares.permit2(), "exact/permit2"),
        (wares.upto(), "upto/permit2"),
        (wares.entry2(extra={"paymentFlow": "upfront"}), "exact/eip3009"),
        (wares.entry2(extra={}), "exact/eip3009"),
    ],
)
def test_offer_is_read_when_its_kind_is_known(entry: Json, kind: str) -> None:
    assert kind == wares.only_offer(by_header(wares.required2(entry))).kind


def test_upto_offer_names_its_facilitator() -> None:
    extra = {"facilitatorAddress": wares.FACILITATOR.lower()}
    offer = wares.only_offer(by_header(wares.required2(wares.upto(extra=extra))))

    assert offer.facilitator == wares.FACILITATOR


@pytest.mark.parametrize("said", [wares.required1(), wares.cronos_required()])
def test_offer_is_read_from_the_older_dialects(said: Json) -> None:
    assert wares.only_offer(by_body(said)).kind == "exact/eip3009"


@pytest.mark.parametrize("version", ["1", "2"])
def test_offer_is_read_when_its_version_is_one_of_the_disputed_ones(version: str) -> None:
    entry = wares.entry2(
        network="eip155:25", asset=CRONOS_USDC, extra={"name": "Bridged USDC (Stargate)", "version": version}
    )

    assert wares.only_offer(by_header(wares.required2(entry))).requirements.eip712_version == version


MEGA: Json = {"network": "eip155:4326", "asset": "0xFAfDdbb3FC7688494971a79cc65DCa3EF82079E7", "extra": {}}

HOSTILE: list[tuple[Json, str]] = [
    ({"scheme": "batch-settlement"}, "unknown_scheme"),
    ({"scheme": "EXACT"}, "unknown_scheme"),
    ({"extra": {"assetTransferMethod": "erc7710"}}, "unknown_transfer_method"),
    ({"extra": {"assetTransferMethod": ""}}, "unknown_transfer_method"),
    ({"scheme": "upto", "extra": {"assetTransferMethod": "eip3009"}}, "unknown_transfer_method"),
    ({"extra": {"paymentFlow": "escrow"}}, "unsupported_payment_flow"),
    ({"extra": {"paymentFlow": "later\x1b"}}, "unsupported_payment_flow"),
    ({"scheme": "upto", "extra": {"paymentFlow": "upfront"}}, "unsupported_payment_flow"),
    ({"network": "eip155:999999"}, "unknown_network"),
    ({"network": "eip155:8453"}, "unknown_asset"),
    ({"asset": wares.PAYER}, "unknown_asset"),
    ({"extra": {"name": "USD Coin"}}, "domain_mismatch"),
    ({"extra": {"name": ""}}, "domain_mismatch"),
    ({"extra": {"version": "1"}}, "domain_mismatch"),
    ({"extra": {"assetTransferMethod": "permit2", "name": "Dai"}}, "domain_mismatch"),
    (MEGA, "no_eip3009"),
    ({"payTo": "0x" + "0" * 40}, "bad_payee"),
    ({"payTo": "vitalik.eth"}, "bad_payee"),
    ({"payTo": ""}, "bad_payee"),
    ({"payTo": wares.USDC}, "bad_payee"),
    ({"payTo": wares.USDC.lower()}, "bad_payee"),
    ({"payTo": PERMIT2}, "bad_payee"),
    ({"payTo": EXACT_PROXY.lower()}, "bad_payee"),
    ({"payTo": UPTO_PROXY}, "bad_payee"),
    ({"payTo": wares.PAYEE[:-1] + "c"}, "bad_payee"),
    ({"scheme": "upto", "extra": {}}, "missing_facilitator"),
    ({"scheme": "upto", "extra": {"facilitatorAddress": "0x" + "0" * 40}}, "missing_facilitator"),
    ({"scheme": "upto", "extra": {"facilitatorAddress": "me"}}, "missing_facilitator"),
]


@pytest.mark.parametrize(("changes", "code"), HOSTILE)
def test_offer_is_refused_when_something_is_unknown_or_wrong(changes: Json, code: str) -> None:
    refusal = refused(by_header(wares.required2(wares.entry2(**changes))))

    assert (refusal.index, refusal.code) == (0, code)


@pytest.mark.parametrize("address", [wares.PAYEE.lower(), "0x" + wares.PAYEE[2:].upper()])
def test_payee_is_taken_when_its_case_is_no_checksum(address: str) -> None:
    assert wares.only_offer(by_header(wares.required2(wares.entry2(payTo=address)))).payee == wares.PAYEE


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"extra": {"assetTransferMethod": "permit2"}}, "unknown_transfer_method"),
        ({"scheme": "upto"}, "unknown_transfer_method"),
    ],
)
def test_permit2_is_refused_when_the_dialect_has_no_word_for_it(changes: Json, code: str) -> None:
    assert refused(by_body(wares.required1(wares.entry1(**changes)))).code == code


def test_every_offer_is_refused_when_an_unknown_extension_is_required() -> None:
    extensions = {"odd": {"info": {"required": True}}}
    required = by_header(wares.required2(wares.entry2(), wares.entry2(), extensions=extensions))

    assert (refused(required).index, refused(required).code) == (-1, "unsupported_extension")


def test_refusals_are_in_the_sellers_order_when_made_in_two_places() -> None:
    required = by_header(
        wares.required2(wares.entry2(scheme="x"), wares.entry2(amount="0"), wares.entry2(), wares.entry2(payTo="y"), 7)
    )
    offers, refusals = read_offers(required, TOKENS)

    assert [offer.requirements.index for offer in offers] == [2]
    assert [(refusal.index, refusal.code) for refusal in refusals] == [
        (0, "unknown_scheme"),
        (1, "zero_amount"),
        (3, "bad_payee"),
        (4, "malformed"),
    ]


def test_token_of_the_user_is_taken_on_a_network_without_a_name() -> None:
    token = wares.token(chain=ChainId("eip155:31337"))
    required = by_header(wares.required2(wares.entry2(network="eip155:31337", extra={"name": "Token", "version": "1"})))
    offers, refusals = read_offers(required, {token.asset.id: token})

    assert ([token], ()) == ([offer.token for offer in offers], refusals)
