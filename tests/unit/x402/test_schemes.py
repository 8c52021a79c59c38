import pytest

from paygent.core.errors import LocalProtocolError
from paygent.core.requirements import Authorization
from paygent.core.typed_data import Domain
from paygent.evm import eip3009, permit2
from paygent.evm.deployments import EXACT_PROXY, PERMIT2, UPTO_PROXY
from paygent.x402 import authorization, exact, typed_data, upto
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json, by_header

NONCE = "0x" + wares.NONCE.hex()


def signed_for(entry: Json) -> Authorization:
    return wares.authorized(wares.only_offer(by_header(wares.required2(entry))))


@pytest.mark.parametrize(
    ("entry", "scheme", "method", "spender", "facilitator"),
    [
        (wares.entry2(), "exact", "eip3009", None, None),
        (wares.permit2(), "exact", "permit2", EXACT_PROXY, None),
        (wares.upto(), "upto", "permit2", UPTO_PROXY, wares.FACILITATOR),
    ],
)
def test_authorization_is_for_the_offer(
    entry: Json, scheme: str, method: str, spender: str | None, facilitator: str | None
) -> None:
    found = signed_for(entry)

    assert (found.scheme, found.method, found.spender, found.facilitator) == (scheme, method, spender, facilitator)
    assert (found.payer, found.payee, found.amount.atomic) == (wares.PAYER, wares.PAYEE, 1000)
    assert (found.nonce, found.valid_after, found.valid_before) == (NONCE, 5, 2_000_000_000)


@pytest.mark.parametrize("entry", [wares.entry2(), wares.upto()])
@pytest.mark.parametrize(
    ("nonce", "after", "before"),
    [(b"", 0, 1), (bytes(31), 0, 1), (bytes(33), 0, 1), (bytes(32), 1, 1), (bytes(32), -1, 1), (bytes(32), 0, 2**64)],
)
def test_authorization_is_refused_when_a_value_is_out_of_range(
    entry: Json, nonce: bytes, after: int, before: int
) -> None:
    offer = wares.only_offer(by_header(wares.required2(entry)))

    with pytest.raises(LocalProtocolError, match=r"nonce|valid"):
        authorization(offer, payer=wares.PAYER, nonce=nonce, valid_after=after, valid_before=before)


def test_scheme_refuses_an_offer_of_the_other() -> None:
    once = wares.only_offer(by_header(wares.required2()))
    most = wares.only_offer(by_header(wares.required2(wares.upto())))

    with pytest.raises(LocalProtocolError, match="upto offer is not paid"):
        exact.authorization(most, payer=wares.PAYER, nonce=wares.NONCE, valid_after=0, valid_before=1)
    with pytest.raises(LocalProtocolError, match="names its facilitator"):
        upto.authorization(once, payer=wares.PAYER, nonce=wares.NONCE, valid_after=0, valid_before=1)


@pytest.mark.parametrize(("version", "expected"), [(None, "2"), ("1", "1")])
def test_typed_data_is_for_the_tokens_domain_when_eip3009(version: str | None, expected: str) -> None:
    offer = wares.only_offer(by_header(wares.required2()))
    signed = wares.authorized(offer)
    domain = Domain(name="USDC", version=expected, chain_id=84532, verifying_contract=wares.USDC)

    assert eip3009.typed_data(signed, domain) == typed_data(signed, offer.token, version=version)


@pytest.mark.parametrize("entry", [wares.permit2(), wares.upto()])
def test_typed_data_is_for_permit2_when_permit2(entry: Json) -> None:
    offer = wares.only_offer(by_header(wares.required2(entry)))
    data = typed_data(wares.authorized(offer), offer.token)

    assert permit2.typed_data(wares.authorized(offer), 84532) == data
    assert (data.domain.verifying_contract, data.domain.chain_id) == (PERMIT2, 84532)
