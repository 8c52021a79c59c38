"""Scheme `exact`: the authorization moves the price, no more and no less.  Source: x402 scheme exact on EVM."""

from paygent.core.errors import LocalProtocolError
from paygent.core.requirements import Authorization
from paygent.evm.deployments import EXACT_PROXY
from paygent.x402.offers import Offer


def authorization(offer: Offer, *, payer: str, nonce: bytes, valid_after: int, valid_before: int) -> Authorization:
    """Return what is to be signed for an `exact` offer.

    Args: payer: checksummed. nonce: 32 bytes. valid_after, valid_before: unix seconds, exclusive, by block time.

    Raises: LocalProtocolError: the offer has another scheme, or a value is out of its range.
    """
    if offer.scheme != "exact":
        raise LocalProtocolError(f"a {offer.scheme} offer is not paid with an exact authorization")
    check_window(nonce, valid_after, valid_before)
    return Authorization(
        scheme="exact",
        method=offer.method,
        payer=payer,
        payee=offer.payee,
        amount=offer.amount,
        nonce=f"0x{nonce.hex()}",
        valid_after=valid_after,
        valid_before=valid_before,
        spender=EXACT_PROXY if offer.method == "permit2" else None,
    )


def check_window(nonce: bytes, valid_after: int, valid_before: int) -> None:
    """Raise LocalProtocolError unless the nonce has 32 bytes and the authorization is valid at some time."""
    if len(nonce) != 32:
        raise LocalProtocolError(f"a nonce has 32 bytes, not {len(nonce)}")
    if not 0 <= valid_after < valid_before < 2**64:
        raise LocalProtocolError(f"an authorization cannot be valid after {valid_after} and before {valid_before}")
