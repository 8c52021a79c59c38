"""Payments at every point of their life, for kits and tests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from paygent.core.approval import ApprovalDecision, ApprovalRequest, approvers_fact
from paygent.core.budget import Hold
from paygent.core.caip import ChainId, erc20
from paygent.core.context import NOBODY, Context
from paygent.core.edit import Edit
from paygent.core.ids import ApprovalId, digest, intent_id, payment_id, request_digest
from paygent.core.intent import PaymentIntent
from paygent.core.lifecycle import Event, State
from paygent.core.money import USD, Amount, Asset
from paygent.core.payment import Payment, SignedPayload
from paygent.core.receipt import Receipt
from paygent.core.requirements import Authorization, Settlement

PAYER = f"0x{'11' * 20}"
OTHER_PAYER = f"0x{'44' * 20}"
PAYEE = f"0x{'22' * 20}"
CHAIN = ChainId.evm(31337)
TOKEN = Asset(id=erc20(CHAIN, f"0x{'33' * 20}"), symbol="TUSD", decimals=6)
START = 1_800_000_000
"""Unix seconds at which these payments are proposed."""
SIGNED_BYTES = "signed-bytes-that-move-money"


def proposed(
    name: object = 1,
    *,
    payer: str = PAYER,
    amount: int = 100,
    resource: str | None = None,
    key: str | None = None,
    context: Context = NOBODY,
    at: int = START,
) -> Payment:
    """Return the payment called `name`, about to be judged; another name is another request unless `resource` is."""
    url = f"https://seller.example/{name}" if resource is None else resource
    intent = PaymentIntent(
        id=intent_id(str(name)),
        purpose="x402",
        network=CHAIN,
        payer=payer,
        payee=PAYEE,
        amount=Amount(amount, TOKEN),
        scheme="upto/permit2",
        resource=url,
        method="GET",
        request=request_digest("GET", url, b""),
        deadline=START + 600,
    )
    return Payment(
        id=payment_id(intent.id),
        intent=intent,
        state=State.PROPOSED,
        version=0,
        created_at=at,
        idempotency_key=key,
        context=context,
    )


def approved(name: object = 1, **about: Any) -> Payment:
    """Return the payment that the policy allowed, about to be reserved."""
    return proposed(name, **about).move(Event.ALLOWED, at=START)


def awaiting(name: object = 1, **about: Any) -> Payment:
    """Return the payment that people have to agree to."""
    return proposed(name, **about).move(Event.APPROVAL_NEEDED, at=START)


def request_for(
    payment: Payment, *, needed: int = 1, approvers: Sequence[str] | None = None, at: int = START, seconds: int = 600
) -> ApprovalRequest:
    """Return a request for approval of the payment. Args: approvers: who may decide; None for anybody."""
    return ApprovalRequest(
        id=ApprovalId(f"apr_{digest('approval', payment.id, str(at)).hex()[:32]}"),
        payment_id=payment.id,
        facts={
            "payee": payment.intent.payee,
            "intent": payment.intent.digest.hex(),
            "atomic_units": str(payment.intent.amount.atomic),
            "decimals": str(payment.intent.amount.asset.decimals),
            "quantity": str(payment.quantity),
            **({} if approvers is None else approvers_fact(approvers, needed=needed)),
        },
        needed=needed,
        created_at=at,
        expires_at=at + seconds,
    )


def decision_on(
    request: ApprovalRequest,
    *,
    approver: str = "ann",
    granted: bool = True,
    at: int = START + 5,
    reason: str = "",
    edit: Edit | None = None,
) -> ApprovalDecision:
    granted = granted and edit is None
    return ApprovalDecision(approver=approver, granted=granted, digest=request.digest, at=at, reason=reason, edit=edit)


def released(payment: Payment, *, lease_until: int = START + 60) -> Payment:
    """Return the payment that awaited approval as it is reserved when that is granted."""
    granted = payment.move(Event.GRANTED, at=START + 6)
    return granted.move(
        Event.BUDGET_RESERVED, at=START + 6, authorization=authorization_of(payment), lease_until=lease_until
    )


def authorization_of(payment: Payment) -> Authorization:
    return Authorization(
        scheme="upto",
        method="permit2",
        payer=payment.intent.payer,
        payee=PAYEE,
        amount=payment.intent.amount,
        nonce=f"0x{payment.intent.digest.hex()}",
        valid_after=0,
        valid_before=payment.intent.deadline,
    )


def reserved(name: object = 1, *, lease_until: int = START + 60, **about: Any) -> Payment:
    """Return the payment with its authorization, ready for `PaymentJournal.open`."""
    payment = approved(name, **about)
    facts: dict[str, Any] = {"authorization": authorization_of(payment), "lease_until": lease_until}
    return payment.move(Event.BUDGET_RESERVED, at=START, **facts)


def denied(name: object = 1, **about: Any) -> Payment:
    """Return a payment that the policy denied."""
    return approved(name, **about).move(Event.REFUSED, at=START, note="over the limit")


def downgraded(name: object = 1, **about: Any) -> Payment:
    """Return a payment in whose place something cheaper may be asked for."""
    return proposed(name, **about).move(Event.REPLACED, at=START, note="DOWNGRADED to mode summary")


def voided(payment: Payment) -> Payment:
    return payment.move(Event.ABANDONED, at=START)


def signed(payment: Payment) -> Payment:
    payload = SignedPayload(header="PAYMENT-SIGNATURE", value=f"{SIGNED_BYTES}-{payment.id}")
    return payment.move(Event.SIGNATURE_MADE, at=START + 1, payload=payload, from_block=7)


def submitted(payment: Payment) -> Payment:
    return payment.move(Event.SEND_BEGUN, at=START + 2)


def unknown(payment: Payment) -> Payment:
    return payment.move(Event.OUTCOME_LOST, at=START + 3, note="connection reset")


def sent(payment: Payment) -> Payment:
    """Return the RESERVED payment signed and on its way."""
    return submitted(signed(payment))


def lost(payment: Payment) -> Payment:
    """Return the RESERVED payment sent, with no answer."""
    return unknown(sent(payment))


def expired(payment: Payment) -> Payment:
    return payment.move(Event.EXPIRED_UNUSED, at=START + 700)


def confirmed(payment: Payment, *, charged: int | None = None, final: bool = True) -> Payment:
    """Return the SUBMITTED payment settled, for `charged` atomic units or all of them."""
    moved = payment.intent.amount if charged is None else replace(payment.intent.amount, atomic=charged)
    receipt = Receipt(
        payment_id=payment.id,
        network=payment.intent.network,
        transaction=f"0x{'aa' * 32}",
        payer=payment.intent.payer,
        payee=payment.intent.payee,
        amount=moved,
        nonce=f"0x{payment.intent.digest.hex()}",
        block_number=8,
        block_hash=f"0x{'bb' * 32}",
        final=final,
    )
    return payment.move(Event.CONFIRMED, at=START + 4, receipt=receipt)


def settled(payment: Payment, *, charged: int | None = None, final: bool = True) -> Payment:
    """Return the RESERVED payment signed, sent and settled."""
    return confirmed(submitted(signed(payment)), charged=charged, final=final)


def paid(name: object = 1, **about: Any) -> Payment:
    """Return a payment that was sent and answered, with the seller's claim and no proof."""
    claim = Settlement(success=True, transaction=f"0x{'aa' * 32}", network=None, payer=None, amount=None, error=None)
    return submitted(signed(reserved(name, **about))).learn(claim=claim, delivered=True)


def daily(
    amount: int,
    *,
    limit: int,
    scope: str = f"wallet:{PAYER}",
    window: str = "day:2027-01-15",
    also: tuple[str, ...] = (),
) -> Hold:
    """Return a hold of so many millionths of a dollar on one wallet's day."""
    return Hold(scope=scope, window=window, amount=Amount(amount, USD), limit=Amount(limit, USD), also=also)
