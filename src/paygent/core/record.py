"""A payment as a JSON object and back, without loss.

The signed payload is not part of the record: whoever has it can settle the payment, so a store keeps it apart and loads
it only for who sends it. Integers are decimal strings, because JSON numbers are floating point to most readers.
"""

from collections.abc import Mapping
from typing import Final, get_args

from paygent.core.caip import chain_id
from paygent.core.context import NOBODY, Budget, Context
from paygent.core.fields import JSON, Fields, amount_record, integer, maybe
from paygent.core.ids import PaymentId
from paygent.core.intent import PaymentIntent, Purpose
from paygent.core.lifecycle import Event, State
from paygent.core.mould import Mould, places
from paygent.core.payment import Move, Payment, SignedPayload
from paygent.core.plan_record import plan_record, read_plan
from paygent.core.receipt import Receipt
from paygent.core.requirements import Authorization, Scheme, Settlement, TransferMethod

__all__ = ["FORMAT", "JSON", "from_record", "to_record"]

FORMAT: Final = 4
"""The version that `to_record` writes; `from_record` reads it and those before it."""
_BEFORE_CONTEXT: Final = 1
"""The version that did not say who pays and for what."""
_BEFORE_QUANTITY: Final = 2
"""The version that did not say how many units are bought; each of its payments counts as one unit."""
_BEFORE_PLAN: Final = 3
"""The version that knew no actions on chain, and no budgets of runs."""
_EVENTS: Final = {event.value: event for event in Event}
_STATES: Final = {state.value: state for state in State}
_PURPOSES: Final = get_args(Purpose)
_SCHEMES: Final = get_args(Scheme)
_METHODS: Final = get_args(TransferMethod)
_PAYMENTS: Final = Mould(Payment)
_INTENTS: Final = Mould(PaymentIntent)
_AUTHORIZATIONS: Final = Mould(Authorization)
_RECEIPTS: Final = Mould(Receipt)
_put_event, _put_state, _put_at, _put_note = places(Move)


def to_record(payment: Payment) -> dict[str, JSON]:
    """Return everything about the payment but its payload."""
    return {
        "format": FORMAT,
        "id": payment.id,
        "intent": _intent(payment.intent),
        "state": payment.state.value,
        "version": str(payment.version),
        "created_at": str(payment.created_at),
        "idempotency_key": payment.idempotency_key,
        "context": _context(payment.context),
        "quantity": str(payment.quantity),
        "authorization": maybe(_authorization, payment.authorization),
        "plan": maybe(plan_record, payment.plan),
        "lease_until": str(payment.lease_until),
        "from_block": maybe(str, payment.from_block),
        "claim": maybe(_claim, payment.claim),
        "delivered": payment.delivered,
        "receipt": maybe(_receipt, payment.receipt),
        "alarm": payment.alarm,
        "history": [[move.event.value, move.state.value, str(move.at), move.note] for move in payment.history],
    }


def from_record(record: Mapping[str, JSON], payload: SignedPayload | None = None) -> Payment:
    """Return the payment that `to_record` wrote.

    Raises: ValueError: another format, or not such a record; the message names the field.
    """
    version = record.get("format")
    if isinstance(version, bool) or version not in (_BEFORE_CONTEXT, _BEFORE_QUANTITY, _BEFORE_PLAN, FORMAT):
        raise ValueError(f"this payment has format {version!r}, and only formats up to {FORMAT} can be read")
    fields = Fields(record, "payment")
    payment_id = PaymentId(fields.text("id"))
    return _PAYMENTS.of(
        payment_id,
        _read_intent(fields.inner("intent")),
        fields.word("state", _STATES),
        fields.number("version"),
        fields.number("created_at"),
        fields.maybe_text("idempotency_key"),
        NOBODY
        if version == _BEFORE_CONTEXT
        else _read_context(fields.inner("context"), with_budgets=version == FORMAT),
        fields.number("quantity") if version in (_BEFORE_PLAN, FORMAT) else 1,
        fields.maybe_inner("authorization", _read_authorization),
        fields.maybe_inner("plan", read_plan) if version == FORMAT else None,
        fields.number("lease_until"),
        fields.maybe("from_block", fields.number),
        payload,
        fields.maybe_inner("claim", _read_claim),
        fields.flag("delivered"),
        fields.maybe_inner("receipt", lambda inner: _read_receipt(inner, payment_id, with_fee=version == FORMAT)),
        fields.maybe_text("alarm"),
        _read_moves(fields.list("history")),
    )


def _intent(intent: PaymentIntent) -> JSON:
    return {
        "id": intent.id,
        "purpose": intent.purpose,
        "network": intent.network.text,
        "payer": intent.payer,
        "payee": intent.payee,
        "amount": amount_record(intent.amount),
        "scheme": intent.scheme,
        "resource": intent.resource,
        "method": intent.method,
        "request": intent.request,
        "deadline": str(intent.deadline),
    }


def _context(context: Context) -> JSON:
    return {
        "treasury": context.treasury,
        "project": context.project,
        "agent": context.agent,
        "session": context.session,
        "run": context.run,
        "tool": context.tool,
        "service": context.service,
        "budgets": [_budget(each) for each in context.budgets],
    }


def _budget(budget: Budget) -> JSON:
    return {"name": budget.name, "limit": amount_record(budget.limit)}


def _authorization(authorization: Authorization) -> JSON:
    return {
        "scheme": authorization.scheme,
        "method": authorization.method,
        "payer": authorization.payer,
        "payee": authorization.payee,
        "amount": amount_record(authorization.amount),
        "nonce": authorization.nonce,
        "valid_after": str(authorization.valid_after),
        "valid_before": str(authorization.valid_before),
        "spender": authorization.spender,
        "facilitator": authorization.facilitator,
    }


def _claim(claim: Settlement) -> JSON:
    return {
        "success": claim.success,
        "transaction": claim.transaction,
        "network": claim.network,
        "payer": claim.payer,
        "amount": maybe(str, claim.amount),
        "error": claim.error,
        "pending": claim.pending,
    }


def _receipt(receipt: Receipt) -> JSON:
    return {
        "network": receipt.network.text,
        "transaction": receipt.transaction,
        "payer": receipt.payer,
        "payee": receipt.payee,
        "amount": amount_record(receipt.amount),
        "nonce": receipt.nonce,
        "block_number": maybe(str, receipt.block_number),
        "block_hash": receipt.block_hash,
        "final": receipt.final,
        "received": [amount_record(amount) for amount in receipt.received],
        "fee": maybe(amount_record, receipt.fee),
    }


def _read_intent(fields: Fields) -> PaymentIntent:
    return _INTENTS.of(
        fields.text("id"),
        fields.one_of("purpose", _PURPOSES),
        chain_id(fields.text("network")),
        fields.text("payer"),
        fields.text("payee"),
        fields.amount("amount"),
        fields.text("scheme"),
        fields.text("resource"),
        fields.text("method"),
        fields.text("request"),
        fields.number("deadline"),
    )


def _read_context(fields: Fields, *, with_budgets: bool) -> Context:
    return Context(
        treasury=fields.text("treasury"),
        project=fields.maybe_text("project"),
        agent=fields.maybe_text("agent"),
        session=fields.maybe_text("session"),
        run=fields.maybe_text("run"),
        tool=fields.maybe_text("tool"),
        service=fields.maybe_text("service"),
        budgets=tuple(map(_read_budget, fields.inners("budgets"))) if with_budgets else (),
    )


def _read_budget(fields: Fields) -> Budget:
    return Budget(name=fields.text("name"), limit=fields.amount("limit"))


def _read_authorization(fields: Fields) -> Authorization:
    return _AUTHORIZATIONS.of(
        fields.one_of("scheme", _SCHEMES),
        fields.one_of("method", _METHODS),
        fields.text("payer"),
        fields.text("payee"),
        fields.amount("amount"),
        fields.text("nonce"),
        fields.number("valid_after"),
        fields.number("valid_before"),
        fields.maybe_text("spender"),
        fields.maybe_text("facilitator"),
    )


def _read_claim(fields: Fields) -> Settlement:
    return Settlement(
        success=fields.flag("success"),
        transaction=fields.maybe_text("transaction"),
        network=fields.maybe_text("network"),
        payer=fields.maybe_text("payer"),
        amount=fields.maybe("amount", fields.number),
        error=fields.maybe_text("error"),
        pending=fields.flag("pending"),
    )


def _read_receipt(fields: Fields, payment_id: PaymentId, *, with_fee: bool) -> Receipt:
    return _RECEIPTS.of(
        payment_id,
        chain_id(fields.text("network")),
        fields.maybe_text("transaction"),
        fields.text("payer"),
        fields.text("payee"),
        fields.amount("amount"),
        fields.text("nonce"),
        fields.maybe("block_number", fields.number),
        fields.maybe_text("block_hash"),
        fields.flag("final"),
        fields.amounts("received") if with_fee else (),
        fields.maybe("fee", fields.amount) if with_fee else None,
    )


def _read_moves(lines: list[JSON]) -> tuple[Move, ...]:
    try:
        return tuple(map(_read_move, lines))
    except (KeyError, ValueError) as exc:
        raise ValueError("payment.history has a line that is not [event, state, at, note]") from exc


def _read_move(line: JSON) -> Move:
    if isinstance(line, list):
        event, state, at, note = line
        if isinstance(event, str) and isinstance(state, str) and isinstance(at, str) and isinstance(note, str):
            move = object.__new__(Move)  # by hand, because most of a page's values are moves
            _put_event(move, _EVENTS[event])
            _put_state(move, _STATES[state])
            _put_at(move, integer(at))
            _put_note(move, note)
            return move
    raise ValueError("it is not a list of four texts")
