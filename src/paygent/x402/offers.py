"""Which of a seller's offers can be taken at all: known, consistent with our own tables, and sensible."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from paygent.core.caip import AssetId, is_evm_address
from paygent.core.money import Amount
from paygent.core.requirements import (
    Dialect,
    PaymentRequired,
    PaymentRequirements,
    Refusal,
    Scheme,
    Token,
    TransferMethod,
)
from paygent.evm.address import checksum
from paygent.evm.deployments import DEPLOYMENTS
from paygent.x402.extensions import unsupported_extension
from paygent.x402.strict_json import excerpt

SCHEMES: Final[Mapping[str, Scheme]] = {"exact": "exact", "upto": "upto"}
METHODS: Final[Mapping[str, TransferMethod]] = {"eip3009": "eip3009", "permit2": "permit2"}
FLOWS: Final[Mapping[Scheme, tuple[str, ...]]] = {"exact": ("authorization", "upfront"), "upto": ("authorization",)}
"""Payment flows by scheme; what is signed is the same for each."""

_CONTRACTS = frozenset(address.lower() for address in DEPLOYMENTS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An offer that can be taken, if the policy agrees."""

    requirements: PaymentRequirements
    """As the seller wrote it."""
    token: Token
    """What is known of the token, not by the seller's word."""
    amount: Amount
    """The price; for `upto` the most that may be charged."""
    scheme: Scheme
    method: TransferMethod
    payee: str
    """Checksummed address."""
    facilitator: str | None = None
    """Checksummed address of the only one who may settle (`upto`)."""

    @property
    def kind(self) -> str:
        """Scheme and transfer method, for example ``exact/eip3009``."""
        return f"{self.scheme}/{self.method}"


def read_offers(
    required: PaymentRequired, tokens: Mapping[AssetId, Token]
) -> tuple[tuple[Offer, ...], tuple[Refusal, ...]]:
    """Return the offers that can be taken and a refusal for everything else, both in the seller's order.

    The refusals include those that reading the answer already made. `tokens` is everything that may be paid with.
    """
    if (unsupported := unsupported_extension(required.extensions)) is not None:
        return (), (unsupported, *required.refusals)
    read = [_offer(required.dialect, requirements, tokens) for requirements in required.requirements]
    refused = [*required.refusals, *(found for found in read if isinstance(found, Refusal))]
    offers = tuple(found for found in read if isinstance(found, Offer))
    return offers, tuple(sorted(refused, key=lambda refusal: refusal.index))


def _offer(dialect: Dialect, asked: PaymentRequirements, tokens: Mapping[AssetId, Token]) -> Offer | Refusal:
    scheme, method = SCHEMES.get(asked.scheme), METHODS.get(asked.transfer_method)
    if scheme is None:
        return _refuse(asked, "unknown_scheme", f"{excerpt(asked.scheme)} is not one of {', '.join(SCHEMES)}")
    if method is None or (scheme, method) == ("upto", "eip3009") or (method == "permit2" and dialect is not Dialect.V2):
        said = f"{excerpt(asked.transfer_method)} is no transfer method of {scheme} in {dialect.value}"
        return _refuse(asked, "unknown_transfer_method", said)
    if asked.payment_flow not in FLOWS[scheme]:
        said = f"{excerpt(asked.payment_flow)} is not one of {', '.join(FLOWS[scheme])}"
        return _refuse(asked, "unsupported_payment_flow", said)
    if (token := tokens.get(asked.asset)) is None:
        return _unknown_token(asked, tokens)
    if (doubt := _doubt(asked, token, method) or _bad_address(asked, scheme)) is not None:
        return doubt
    return Offer(
        requirements=asked,
        token=token,
        amount=Amount(asked.amount, token.asset),
        scheme=scheme,
        method=method,
        payee=checksum(asked.pay_to),
        facilitator=None if scheme == "exact" or asked.facilitator is None else checksum(asked.facilitator),
    )


def _unknown_token(asked: PaymentRequirements, tokens: Mapping[AssetId, Token]) -> Refusal:
    same_chain = sorted(str(token.asset.id) for token in tokens.values() if token.asset.id.chain == asked.network)
    if not same_chain:
        return _refuse(asked, "unknown_network", f"no token of {asked.network} is known; add one to pay there")
    said = f"{asked.asset} is not known; on this network {', '.join(same_chain[:5])} can be paid with"
    return _refuse(asked, "unknown_asset", said)


def _doubt(asked: PaymentRequirements, token: Token, method: TransferMethod) -> Refusal | None:
    """Compare with what is known of the token; a seller that says nothing contradicts nothing."""
    if asked.eip712_name is not None and asked.eip712_name != token.name:
        said = f"the seller calls {token.asset.id} {excerpt(asked.eip712_name)}, it is {token.name!r}"
        return _refuse(asked, "domain_mismatch", said)
    if asked.eip712_version is not None and asked.eip712_version not in token.versions:
        known = " or ".join(map(repr, token.versions))
        said = f"the seller says version {excerpt(asked.eip712_version)} of {token.asset.id}, it is {known}"
        return _refuse(asked, "domain_mismatch", said)
    if method == "eip3009" and not token.eip3009:
        return _refuse(asked, "no_eip3009", f"{token.asset.id} has no transferWithAuthorization")
    return None


def _bad_address(asked: PaymentRequirements, scheme: Scheme) -> Refusal | None:
    if (why := _not_payable(asked.pay_to)) is not None:
        return _refuse(asked, "bad_payee", f"the payee {excerpt(asked.pay_to)} {why}")
    if asked.pay_to.lower() == asked.asset.address:
        return _refuse(asked, "bad_payee", f"the payee {asked.pay_to} is the token itself")
    if scheme == "exact":
        return None
    if (why := _not_payable(asked.facilitator)) is not None:
        return _refuse(asked, "missing_facilitator", f"extra.facilitatorAddress {excerpt(asked.facilitator)} {why}")
    return None


@lru_cache(maxsize=1024)
def _not_payable(address: str | None) -> str | None:
    """Say why nobody sensible is at an address. Mixed case is a checksum (ERC-55); a wrong one is a typing error."""
    if not is_evm_address(address) or address is None:
        return "is not an address"
    if not int(address, 16):
        return "is the zero address"
    if address.lower() in _CONTRACTS:
        return "is a contract of the payment itself"
    digits = address[2:]
    mixed = digits not in (digits.lower(), digits.upper())
    return "has a wrong checksum" if mixed and address != checksum(address) else None


def _refuse(asked: PaymentRequirements, code: str, text: str) -> Refusal:
    return Refusal(index=asked.index, code=code, text=text)
