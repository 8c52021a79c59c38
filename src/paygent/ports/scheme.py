"""Ways to pay x402 offers besides `exact` and `upto` on EVM chains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from paygent.core.caip import ChainId
from paygent.core.money import Amount
from paygent.core.requirements import PaymentRequirements, Refusal
from paygent.core.typed_data import TypedData


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeOffer:
    """What an offer asks for, believed after the scheme has read it."""

    payee: str
    """As the chain writes addresses."""
    amount: Amount
    """The price, or the most that may be charged."""


@runtime_checkable
class Scheme(Protocol):
    """**Protocol:** one x402 scheme on some chains, as pure functions. It never sees a key: it says what is signed."""

    @property
    def name(self) -> str:
        """As sellers write it in `scheme`."""
        ...

    def serves(self, network: ChainId) -> bool:
        """Tell whether offers on this chain are understood."""
        ...

    def read(self, requirements: PaymentRequirements) -> SchemeOffer | Refusal:
        """Return what an offer asks for, or why it is not taken."""
        ...

    def typed_data(
        self, requirements: PaymentRequirements, *, payer: str, nonce: bytes, valid_after: int, valid_before: int
    ) -> TypedData:
        """Return the message that the payer signs.

        Args: nonce: 32 bytes. valid_after, valid_before: unix seconds, exclusive, by block time.
        """
        ...

    def payload(self, message: TypedData, signature: bytes) -> Mapping[str, object]:
        """Return `payload` of the wire object."""
        ...
