"""What the chain's facts say about a payment. Pure: the facts are gathered in `reconcile`."""

from dataclasses import dataclass
from typing import TypeAlias

from paygent.core.lifecycle import Event
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.requirements import Authorization
from paygent.ports.chain import Block, Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was read from one chain about one authorization."""

    final: Block
    """The newest block that cannot be reorganised away."""
    used: Log | None = None
    """Where the authorization was used: AuthorizationUsed, or a Transfer of a transaction that names the nonce."""
    transfers: tuple[Log, ...] = ()
    """Transfers from payer to payee of this token in the same transaction."""
    cancelled: Log | None = None
    """AuthorizationCanceled."""
    spent_at_final: bool | None = None
    """The nonce's bit at the final block, by its hash; None where it was not asked."""
    searched_to_end: bool = False
    """Every block in which it could be used is final and was searched, and no transfer in them is suspected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The chain decided."""

    event: Event
    receipt: Receipt | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """The chain has not decided; `why` is for people."""

    why: str
    alarm: bool = False
    """The facts contradict what an honest token would do."""


Finding: TypeAlias = Proven | Unproven


def decide(payment: Payment, authorization: Authorization, evidence: Evidence) -> Finding:
    """Return what the evidence proves about a signed payment.

    SETTLED needs the use of the nonce and a transfer of the right amount to the right payee in one transaction;
    EXPIRED needs a final block at or past the end with the nonce unused at that very block; CANCELLED needs the
    cancellation in a final block. Anything less proves nothing.
    """
    if evidence.used is not None:
        return _used(payment, authorization, evidence, evidence.used)
    if evidence.cancelled is not None:
        return _cancelled(evidence, evidence.cancelled)
    return _unused(authorization, evidence)


def _unused(authorization: Authorization, evidence: Evidence) -> Finding:
    if evidence.final.timestamp < authorization.valid_before:
        return Unproven(why="not used so far, and still usable")
    if evidence.spent_at_final is False:
        return Proven(event=Event.EXPIRED_UNUSED, receipt=None, note=f"unused at final block {evidence.final.number}")
    if evidence.spent_at_final and evidence.searched_to_end and authorization.method == "permit2":
        return Proven(event=Event.CANCELLED_UNUSED, receipt=None, note="the nonce was invalidated without a transfer")
    return Unproven(why="the nonce is used up, and no transfer was found", alarm=bool(evidence.spent_at_final))


def lie(payment: Payment, proven: Proven) -> str | None:
    """Return how the seller's or facilitator's claim contradicts the proof, or None."""
    claim, receipt = payment.claim, proven.receipt
    if claim is None or not claim.success:
        return None
    if receipt is None and claim.amount == 0:
        return None  # `upto` that charges nothing sends no transaction
    if receipt is None:
        return f"settlement was claimed in {claim.transaction}, and the chain proves it {proven.event.value}"
    if claim.transaction is not None and claim.transaction.lower() != receipt.transaction:
        return f"settlement was claimed in {claim.transaction}, and happened in {receipt.transaction}"
    if claim.amount is not None and claim.amount != receipt.amount.atomic:
        return f"{claim.amount} atomic units were claimed as charged, and {receipt.amount.atomic} moved"
    return None


def _used(payment: Payment, authorization: Authorization, evidence: Evidence, used: Log) -> Finding:
    ceiling = authorization.amount.atomic
    moved = [int(log.data, 16) for log in evidence.transfers if log.data != "0x"]
    exact = authorization.scheme == "exact"
    fitting = [value for value in moved if value == ceiling or (not exact and 0 < value <= ceiling)]
    if not fitting:
        return Unproven(why=f"used in {used.transaction} without the transfer that was authorized", alarm=True)
    receipt = Receipt(
        payment_id=payment.id,
        network=payment.intent.network,
        transaction=used.transaction,
        payer=authorization.payer,
        payee=authorization.payee,
        amount=Amount(max(fitting), authorization.amount.asset),  # one transaction may settle two payments (`upto`)
        nonce=authorization.nonce,
        block_number=used.block_number,
        block_hash=used.block_hash,
        final=used.block_number <= evidence.final.number,
    )
    return Proven(event=Event.CONFIRMED, receipt=receipt, note=f"in block {used.block_number}")


def _cancelled(evidence: Evidence, cancelled: Log) -> Finding:
    if cancelled.block_number > evidence.final.number:
        return Unproven(why=f"cancelled in {cancelled.transaction}, in a block that is not final yet")
    return Proven(event=Event.CANCELLED_UNUSED, receipt=None, note=f"cancelled in {cancelled.transaction}")
