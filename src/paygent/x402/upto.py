"""Scheme `upto`: the authorization moves at most the price, as one facilitator decides.  Source: x402 scheme upto."""

from paygent.core.errors import LocalProtocolError
from paygent.core.requirements import Authorization
from paygent.evm.deployments import UPTO_PROXY
from paygent.x402.exact import check_window
from paygent.x402.offers import Offer


def authorization(offer: Offer, *, payer: str, nonce: bytes, valid_after: int, valid_before: int) -> Authorization:
    """Return what is to be signed for an `upto` offer; arguments as for `exact`.

    Raises: LocalProtocolError: the offer has another scheme or no facilitator, or a value is out of its range.
    """
    if offer.scheme != "upto" or offer.facilitator is None:
        raise LocalProtocolError("an upto authorization is for an upto offer that names its facilitator")
    check_window(nonce, valid_after, valid_before)
    return Authorization(
        scheme="upto",
        method="permit2",
        payer=payer,
        payee=offer.payee,
        amount=offer.amount,
        nonce=f"0x{nonce.hex()}",
        valid_after=valid_after,
        valid_before=valid_before,
        spender=UPTO_PROXY,
        facilitator=offer.facilitator,
    )
