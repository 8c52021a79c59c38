"""The schemes by name: from an offer to what is authorized, and from that to what is signed."""

from dataclasses import replace

from paygent.core.requirements import Authorization, Token
from paygent.core.typed_data import TypedData
from paygent.evm import eip3009, permit2
from paygent.evm.tokens import domain as token_domain
from paygent.x402 import exact, upto
from paygent.x402.offers import Offer


def authorization(offer: Offer, *, payer: str, nonce: bytes, valid_after: int, valid_before: int) -> Authorization:
    """Return what is to be signed for an offer.

    Args: payer: checksummed. nonce: 32 bytes. valid_after, valid_before: unix seconds, exclusive, by block time.

    Raises: LocalProtocolError: a value is out of its range.
    """
    authorize = exact.authorization if offer.scheme == "exact" else upto.authorization
    return authorize(offer, payer=payer, nonce=nonce, valid_after=valid_after, valid_before=valid_before)


def typed_data(authorization: Authorization, token: Token, *, version: str | None = None) -> TypedData:
    """Return the EIP-712 message the payer signs.

    `version` is the token's domain version where more than one is possible; None takes the likeliest.
    """
    domain = token_domain(token)
    if authorization.method == "permit2":
        return permit2.typed_data(authorization, domain.chain_id)
    return eip3009.typed_data(authorization, domain if version is None else replace(domain, version=version))
