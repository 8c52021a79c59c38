"""What went wrong, grouped by what the caller knows about the money.

::

    PaygentError
    ├── PaymentNotAttempted            nothing left this process: trying again is safe
    │   ├── PolicyDenied               a rule said no
    │   ├── VerdictOvertaken           other payments came first again and again, so the verdict did not hold
    │   ├── ApprovalRefused · Lapsed · Pending · Edited, NotAnApprover    see `core.approval_errors`
    │   ├── BudgetExceeded             a limit over a window is used up
    │   ├── NoAcceptableRequirements   the seller made no offer that may be taken
    │   ├── SigningFailed              the signer or the signing firewall refused
    │   ├── Halted                     the kill switch is on
    │   ├── CommandRefused             a command in plain English is not certain, or not understood
    │   ├── DuplicatePurchase          the same request is still unknown or undelivered
    │   ├── SimulationReverted · InsufficientFunds · NotSpendable · GasTooExpensive    see `core.transaction_errors`
    │   ├── TradeRefused               a venue's terms do not hold, or it cannot do what was asked
    │   ├── AgentWalletRefused         an AgentWallet's contract would refuse: see `core.agent_wallet_errors`
    │   └── IdempotencyConflict        the idempotency key belongs to another request
    ├── PaymentCannotSettle            proven that it did not and will not settle
    │   ├── AuthorizationExpired · AuthorizationCancelled
    │   └── TransactionReverted · NonceTaken · ActionAbandoned    see `core.transaction_errors`
    ├── PaymentOutcomeUnknown          an authorization is out, no proof yet: reconcile only
    ├── PaidUndelivered                settled, but there is no answer
    ├── ProtocolError
    │   ├── LocalProtocolError         we broke the rules
    │   └── RemoteProtocolError        the other side did
    ├── AdapterError                   store, chain, facilitator, directory
    │   ├── JournalConflict            somebody else moved the payment first
    │   ├── AuditLogBroken             rows were changed, removed or moved in the storage
    │   └── TokenUnusable              what is at a token's address is no token
    ├── RegistryError                  the registry of services; nothing was changed: see `core.service_errors`
    ├── OrchestrationError             a session or a run cannot go on as asked: see `core.run_errors`
    └── ConfigurationError             found when something is constructed
        ├── PolicyFileError            a policy file says what it cannot mean
        ├── ContractMissing · ContractMismatch    see `core.transaction_errors`
        └── PluginError
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from paygent.core.ids import PaymentId
    from paygent.core.money import Amount
    from paygent.core.receipt import Receipt
    from paygent.core.verdict import Deny, Refusal, RequireApproval


ANEW: Final = "new_purchase=True or another idempotency key"
"""What buys a second time what was bought already; a program with other words for it puts them in this one's place."""


class PaygentError(Exception):
    """Everything this library raises on purpose."""

    payment_id: "PaymentId | None"
    """The journal's id of the payment concerned, where there is one."""

    def __init__(self, message: str, *, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(message)
        self.payment_id = payment_id


class PaymentNotAttempted(PaygentError):
    """Nothing left this process; trying again is safe."""


class PolicyDenied(PaymentNotAttempted):
    """A rule of the policy denied the payment; `verdict` has the reasons."""

    def __init__(self, verdict: "Deny", *, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(f"the policy denied the payment: {verdict.explain()}", payment_id=payment_id)
        self.verdict = verdict


class VerdictOvertaken(PaymentNotAttempted):
    """What the policy said rested on a past that other payments have changed by now; `verdict` is what it says now."""

    def __init__(self, verdict: "Deny | RequireApproval") -> None:
        super().__init__(
            f"other payments came first, and by now the policy says: {verdict.explain()}; nothing was signed: pay again"
        )
        self.verdict = verdict


class BudgetExceeded(PaymentNotAttempted):
    """A limit over a window has no room; the figures are atomic units of the limit's asset."""

    def __init__(
        self,
        scope: str,
        *,
        limit: "Amount",
        committed: "Amount",
        reserved: "Amount",
        asked: "Amount",
        payment_id: "PaymentId | None" = None,
    ) -> None:
        super().__init__(
            f"the budget {scope!r} of {limit} has no room for {asked}: {committed} spent and {reserved} reserved; "
            "raise the limit, or wait for the next window",
            payment_id=payment_id,
        )
        self.scope = scope
        self.limit = limit
        self.committed = committed
        self.reserved = reserved
        self.asked = asked


class NoAcceptableRequirements(PaymentNotAttempted):
    """The seller asked for money, and no offer may be taken; `refusals` says why for each."""

    def __init__(self, refusals: "Sequence[Refusal]", *, resource: str, payment_id: "PaymentId | None" = None) -> None:
        said = "; ".join(str(refusal) for refusal in refusals) or "the seller made no offer"
        super().__init__(f"no offer of {resource} may be taken: {said}", payment_id=payment_id)
        self.refusals = tuple(refusals)
        self.resource = resource


class SigningFailed(PaymentNotAttempted):
    """The signer, or the signing firewall in front of it, refused or broke."""


class Halted(PaymentNotAttempted):
    """The kill switch is on; what is out already is not called back by it."""

    def __init__(self, scope: str, *, reason: str, payment_id: "PaymentId | None" = None) -> None:
        why = f" ({reason})" if reason else ""
        super().__init__(
            f"{scope} is halted{why}: nothing is reserved, signed or sent until somebody lifts the halt",
            payment_id=payment_id,
        )
        self.scope = scope
        self.reason = reason


CommandWhy = Literal["ambiguous", "unknown", "injection", "malformed"]
"""Why a command is refused: unclear, not understood, an attack, or a value that cannot be."""


class CommandRefused(PaymentNotAttempted):
    """A command in plain English was refused; `nearest` has the forms that are understood and come near it."""

    def __init__(self, why: CommandWhy, problem: str, *, nearest: Sequence[str] = ()) -> None:
        advice = f"; understood is, for example: {' | '.join(nearest)}" if nearest else ""
        super().__init__(f"{problem}{advice}")
        self.why: CommandWhy = why
        self.problem = problem
        self.nearest = tuple(nearest)


class DuplicatePurchase(PaymentNotAttempted):
    """The same request has a payment that is unknown or undelivered."""

    payment_id: "PaymentId"  # pyright: ignore[reportIncompatibleVariableOverride]  # known here, and never changed

    def __init__(self, payment_id: "PaymentId", *, state: str, resource: str) -> None:
        super().__init__(
            f"{resource} was already bought by payment {payment_id}, which is {state} and was not delivered; "
            f"reconcile that payment, or pass {ANEW} to buy again",
            payment_id=payment_id,
        )
        self.state = state
        self.resource = resource


class TradeRefused(PaymentNotAttempted):
    """A connector will not or cannot do what was asked; `code` is a stable word such as `price_impact`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class IdempotencyConflict(PaymentNotAttempted):
    """The idempotency key already belongs to a payment for another request."""

    payment_id: "PaymentId"  # pyright: ignore[reportIncompatibleVariableOverride]  # known here, and never changed

    def __init__(self, payment_id: "PaymentId", *, key: str) -> None:
        super().__init__(
            f"idempotency key {key!r} belongs to payment {payment_id} for another request; use a key of its own",
            payment_id=payment_id,
        )
        self.key = key


class PaymentCannotSettle(PaygentError):
    """Proven on chain: the payment did not settle and never will."""


class AuthorizationExpired(PaymentCannotSettle):
    """A final block is past the authorization's end and it was never used."""


class AuthorizationCancelled(PaymentCannotSettle):
    """The authorization was cancelled on chain before anybody used it."""


class PaymentOutcomeUnknown(PaygentError):
    """An authorization is out and nothing is proven: only `reconcile(payment_id)` may decide."""

    payment_id: "PaymentId"  # pyright: ignore[reportIncompatibleVariableOverride]  # known here, and never changed

    def __init__(self, payment_id: "PaymentId", *, nonce: str, expires_at: int, why: str) -> None:
        super().__init__(
            f"payment {payment_id} was sent and its outcome is unknown ({why}); do not pay again, reconcile it: "
            f"it can settle until unix time {expires_at}",
            payment_id=payment_id,
        )
        self.nonce = nonce
        self.expires_at = expires_at
        self.why = why


class PaidUndelivered(PaygentError):
    """The chain proves the payment settled, and there is no answer: it was lost, or what was delivered is not again."""

    payment_id: "PaymentId"  # pyright: ignore[reportIncompatibleVariableOverride]  # known here, and never changed

    def __init__(self, payment_id: "PaymentId", *, receipt: "Receipt", why: str, delivered: bool = False) -> None:
        told = (
            f"and was delivered before; the repeated request fails now ({why}): keep what came then"
            if delivered
            else f"but the answer was lost ({why}); fetch again with its idempotency key, complain to the seller"
        )
        super().__init__(
            f"payment {payment_id} settled in transaction {receipt.transaction}, {told}, or pass {ANEW} to buy anew",
            payment_id=payment_id,
        )
        self.receipt = receipt
        self.why = why
        self.delivered = delivered


class ProtocolError(PaygentError):
    """A message broke the protocol."""


class LocalProtocolError(ProtocolError):
    """This process broke the protocol, or was asked to."""


class RemoteProtocolError(ProtocolError):
    """The other side broke the protocol; `excerpt` is the beginning of what it said."""

    def __init__(self, message: str, *, excerpt: str = "", payment_id: "PaymentId | None" = None) -> None:
        super().__init__(f"{message}: {excerpt!r}" if excerpt else message, payment_id=payment_id)
        self.excerpt = excerpt


class AdapterError(PaygentError):
    """A store, chain, facilitator or directory could not answer."""

    def __init__(self, message: str, *, retryable: bool, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(message, payment_id=payment_id)
        self.retryable = retryable


class JournalConflict(AdapterError):
    """The stored payment is not the one the write was based on; read it again."""

    payment_id: "PaymentId"  # pyright: ignore[reportIncompatibleVariableOverride]  # known here, and never changed

    def __init__(self, payment_id: "PaymentId") -> None:
        super().__init__(
            f"payment {payment_id} was moved by somebody else; read it again", retryable=True, payment_id=payment_id
        )


class TokenUnusable(AdapterError):
    """What is at a token's address does not answer as a token; `asset` says which."""

    def __init__(self, asset: str, why: str) -> None:
        super().__init__(f"{asset}: {why}", retryable=False)
        self.asset = asset


class AuditLogBroken(AdapterError):
    """The audit log in the storage was changed, or rows are missing: what it says cannot be relied on."""

    def __init__(self, wrong: str) -> None:
        super().__init__(
            f"the audit log of this storage is broken: {wrong}; find out who can write to the database, and compare it "
            "with the last exported file that is whole",
            retryable=False,
        )
        self.wrong = wrong


class ConfigurationError(PaygentError):
    """Something is not configured, or wrongly; the message says how to configure it."""


class PolicyFileError(ConfigurationError):
    """A policy file cannot be read: where, what was expected there, and what was found."""

    def __init__(self, file: str, line: int, column: int, *, expected: str, found: str, hint: str = "") -> None:
        advice = f"; {hint}" if hint else ""
        super().__init__(f"{file}:{line}:{column}: expected {expected}, found {found}{advice}")
        self.file = file
        self.line = line
        self.column = column
        self.expected = expected


class PluginError(ConfigurationError):
    """A plugin cannot be used."""

    def __init__(self, message: str, *, plugin: str) -> None:
        super().__init__(f"plugin {plugin!r}: {message}")
        self.plugin = plugin
