"""x402 as values: one form for the wire shapes of version 1, version 2 and Cronos."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Literal

from paygent.core.caip import AssetId, ChainId
from paygent.core.money import Amount, Asset

Scheme = Literal["exact", "upto"]
TransferMethod = Literal["eip3009", "permit2"]


@unique
class Dialect(StrEnum):
    """How a seller speaks x402."""

    V1 = "x402/1"
    V2 = "x402/2"
    CRONOS = "cronos/1"
    """Version 1 with one `paymentRequirements` object, a flat payload, and the receipt in the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequirements:
    """One offer of a seller, well formed but not yet believed."""

    index: int
    """Its place in the seller's list."""
    scheme: str
    """`exact`, `upto`, or one that is not known here."""
    network: ChainId
    """The chain, whatever name the seller used for it."""
    asset: AssetId
    """The token."""
    amount: int
    """Atomic units; for `upto` the maximum."""
    pay_to: str
    """The payee's address as the seller wrote it."""
    max_timeout_seconds: int
    """How long the seller wants the authorization to be valid, in seconds."""
    transfer_method: str
    """`eip3009`, `permit2`, or one that is not known here."""
    payment_flow: str
    """`authorization` (settled after the answer is made), `upfront`, `escrow`, or one that is not known here."""
    eip712_name: str | None
    """What the seller says the token's domain name is."""
    eip712_version: str | None
    """What the seller says the token's domain version is."""
    facilitator: str | None
    """The only address that may settle an `upto` payment."""
    raw: Mapping[str, object] = field(repr=False)
    """The entry as received, echoed byte for value in the payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an offer was not taken."""

    index: int
    """The offer's place in the seller's list; -1 speaks of the whole answer."""
    code: str
    """A stable word such as `unknown_asset`; docs/reference/refusals.md lists them."""
    text: str
    """For people: what was found, what was allowed, what to do."""

    def __str__(self) -> str:
        return f"[{self.code}] {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequired:
    """What a 402 answer asks for."""

    dialect: Dialect
    """How the seller speaks."""
    requirements: tuple[PaymentRequirements, ...]
    """The offers that could be read."""
    refusals: tuple[Refusal, ...]
    """The offers that could not be read, with reasons."""
    resource: Mapping[str, object] | None
    """The seller's description of the resource (version 2), echoed as received."""
    resource_url: str | None
    """The URL the seller says it sells; a claim."""
    extensions: Mapping[str, object]
    """Extensions the seller advertises, echoed as received."""
    error: str | None
    """Why the seller refused the previous try, in its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known about a token, from our own table, the user, or the chain; never from a seller."""

    asset: Asset
    """Id, symbol and decimals."""
    name: str
    """EIP-712 domain name."""
    versions: tuple[str, ...]
    """EIP-712 domain versions it may have, likeliest first; more than one is disputed and decided on chain."""
    usd: bool = False
    """One whole unit counts as one US dollar in limits."""
    eip3009: bool = True
    """It has transferWithAuthorization."""
    test: bool = False
    """It lives on a test network and is worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Leave to move money, before it is signed: EIP-3009, or Permit2 through an x402 proxy."""

    scheme: Scheme
    method: TransferMethod
    payer: str
    """Checksummed address whose tokens move."""
    payee: str
    """Checksummed address that gets them."""
    amount: Amount
    """What moves (`exact`), or the most that may move (`upto`)."""
    nonce: str
    """0x and 64 hexadecimal digits."""
    valid_after: int
    """Unix seconds, exclusive, by block time."""
    valid_before: int
    """Unix seconds, exclusive, by block time."""
    spender: str | None = None
    """The Permit2 proxy that may use it."""
    facilitator: str | None = None
    """The only address that may settle it (`upto`)."""

    @property
    def permit2_deadline(self) -> int:
        """The last second it can be used in: Permit2 takes its deadline inclusively, EIP-3009 its end exclusively."""
        return self.valid_before - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a seller or facilitator says became of a payment: a claim until the chain proves it."""

    success: bool
    transaction: str | None
    """0x hash, where one was named."""
    network: str | None
    payer: str | None
    amount: int | None
    """Atomic units charged, where said (`upto`)."""
    error: str | None
    """The reason for a failure, in their words, cut to 500 characters."""
    pending: bool = False
    """Sent to the chain, not yet mined, by their word."""
