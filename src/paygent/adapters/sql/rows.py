"""Payments as rows, and rows as payments."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from paygent.core.budget import Hold
from paygent.core.errors import AdapterError, LocalProtocolError
from paygent.core.history import counted
from paygent.core.payment import Move, Payment, SignedPayload
from paygent.core.record import from_record, to_record
from paygent.ports.storage import PaymentPage
from paygent.x402.strict_json import check_depth

_PAST_THE_NEWEST = 2**63 - 1
_DEEPEST = 100
"""Levels of nesting: more than a seller's words may have inside a record."""
Window = tuple[str, str, str]
Row = Sequence[object]


def payment_row(payment: Payment) -> dict[str, object]:
    """Return every column of a new payment but its ordinal."""
    intent, context = payment.intent, payment.context
    return {
        "id": payment.id,
        "payer": intent.payer,
        "payee": intent.payee,
        "network": intent.network.text,
        "asset": str(intent.amount.asset.id),
        "amount": str(intent.amount.atomic),
        "host": intent.host,
        "request": intent.request,
        "idempotency_key": payment.idempotency_key,
        "created_at": payment.created_at,
        "payload_header": None,
        "payload_value": None,
        "agent": context.agent,
        "session": context.session,
        "service": context.service,
        **changing(payment),
    }


def windows_of(hold: Hold) -> list[Window]:
    """Return the windows whose sums count against the hold's limit, its own first."""
    scope, asset = hold.scope, hold.amount.asset.id.text
    if not hold.also:
        return [(scope, hold.window, asset)]
    return [(scope, name, asset) for name in (hold.window, *hold.also)]


def hold_row(payment: Payment, position: int, hold: Hold, window: Window) -> Row:
    """Return the row of a hold on its own window, of a payment that is being reserved: all of it is reserved."""
    asked = str(hold.amount.atomic)
    return (payment.id, position, *window, asked, asked, "0", int(hold.gas))


def move_row(payment: Payment, version: int, line: Move | None) -> Row:
    if line is None:
        return (payment.id, version, None, payment.state.value, None, "")
    return (payment.id, version, line.event.value, line.state.value, line.at, line.note)


def changing(payment: Payment) -> dict[str, object]:
    """Return every column that moves change; those of the payload where it has one."""
    changed: dict[str, object] = {
        "state": payment.state.value,
        "version": payment.version,
        "lease_until": payment.lease_until,
        "delivered": int(payment.delivered),
        "unresolved": int(payment.unresolved),
        "record": _written(to_record(payment)),
        "counted": str(counted(payment)),
    }
    if (payload := payment.payload) is not None:
        changed |= {"payload_header": payload.header, "payload_value": payload.value}
    return changed


def _written(record: object) -> str:
    try:
        return to_json(record).decode()
    except PydanticSerializationError:  # half of a surrogate pair, which only an escape can hold
        return json.dumps(record)


def read_payment(row: Row) -> Payment:
    seq, record, header, value = row
    payload = SignedPayload(header=str(header), value=str(value)) if header is not None else None
    try:
        return from_record(parsed(record), payload)
    except (ValueError, AttributeError) as exc:
        raise AdapterError(f"row {seq} of the payments cannot be read: {exc}", retryable=False) from exc


def parsed(text: object) -> Any:
    """Return what a column of JSON holds. Raises: ValueError: it is damaged."""
    said = str(text)
    check_depth(said, most=_DEEPEST)
    try:
        return from_json(said, cache_strings="keys")
    except ValueError:  # half of a surrogate pair, as above, or damage
        return json.loads(said)


def seq_of(row: Row) -> int:
    return int(str(row[0]))


def page_of(rows: Sequence[Row], limit: int) -> PaymentPage:
    """Return `limit` rows as a page; one more row says that there is another page."""
    kept = rows[:limit]
    return PaymentPage(
        payments=tuple(map(read_payment, kept)), next=str(seq_of(kept[-1])) if len(rows) > limit else None
    )


def place_of(after: str | None, limit: int) -> int:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one payment, not {limit}")
    if after is None:
        return _PAST_THE_NEWEST
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of this journal; pass the `next` of a page")
    return int(after)
