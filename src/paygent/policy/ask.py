"""A payment before it exists, as far as the policy looks at it."""

from dataclasses import dataclass

from paygent.core.action import Action
from paygent.core.caip import ChainId
from paygent.core.context import NOBODY, Context
from paygent.core.money import Amount
from paygent.core.price import Price
from paygent.core.requirements import Token
from paygent.core.verdict import Alternative


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to pay, whom, where, and what for."""

    payer: str
    """Whose wallet."""
    payee: str
    network: ChainId
    token: Token
    amount: Amount
    """The ceiling."""
    host: str
    """Host and port of the resource, lower case; empty where nothing is fetched."""
    action: Action | None = None
    """What is done on chain; None where an x402 payment is made."""
    max_amount: Amount | None = None
    """The caller's own ceiling for this payment: it lowers `max_per_payment`, and never raises it."""
    edited: Amount | None = None
    """The ceiling that an approver left of what was asked for before; it holds beside the caller's."""
    context: Context = NOBODY
    """Who pays and what for, by the program's word."""
    price: Price | None = None
    """What an oracle says of the token; None where it says nothing or was not asked."""
    quantity: int = 1
    """How many units of the service are bought."""
    metadata_uri: str | None = None
    """Where the description of the service was found, by the program's word; None where it was not looked up."""
    declared_metadata: str | None = None
    """Where the seller itself says that its service is described; None where it says nothing."""
    instead_of: tuple[Alternative, ...] = ()
    """The alternatives that led here, so that none is offered twice."""

    @property
    def payees(self) -> tuple[str, ...]:
        """Everybody who is paid: of a batch the payees in its call, else `payee` alone."""
        if self.action is None:
            return (self.payee,)
        from paygent.evm.batch import recipients

        return recipients(self.action)

    @property
    def trades(self) -> bool:
        """It is a swap or a position: its input counts against the limits of trades where there are any.

        What an AgentWallet promises brings nothing back: a subscription is a payment.
        """
        return self.action is not None and self.action.purpose != "transfer" and self.action.account is None

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"at least one unit is bought, not {self.quantity}")
