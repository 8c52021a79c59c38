"""Requests for approval as rows."""

import json
from collections.abc import Sequence
from typing import Final, cast

from paygent.adapters.sql.rows import parsed
from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import DecisionStatements
from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState
from paygent.core.edit import Edit
from paygent.core.errors import AdapterError, LocalProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.ports.approval_store import ApprovalPage


class Approvals:
    """The table of requests on one connection. Whoever calls it owns the transaction."""

    def __init__(self, cursor: Cursor, statements: DecisionStatements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements

    def add(self, request: ApprovalRequest) -> None:
        self._sql.add_approval.run(
            self._cursor,
            id=request.id,
            payment_id=request.payment_id,
            needed=request.needed,
            created_at=request.created_at,
            expires_at=request.expires_at,
            facts=json.dumps(dict(request.facts), separators=(",", ":")),
            **_changing(request),
        )

    def replace(self, before: ApprovalRequest, after: ApprovalRequest) -> None:
        """Write what became of a request, if it still is what was read."""
        was = {"state_": before.state.value, "decisions_": _decisions(before)}
        self._sql.set_approval.run(self._cursor, id_=after.id, **was, **_changing(after))
        if self._cursor.rowcount != 1:
            raise AdapterError(f"approval {after.id} was changed by somebody else; ask again", retryable=True)

    def get(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        row = self._sql.approval.run(self._cursor, id_=approval_id).fetchone()
        return None if row is None else _request(row)

    def known(self, approval_id: ApprovalId) -> ApprovalRequest:
        request = self.get(approval_id)
        if request is None:
            raise LocalProtocolError(f"there is no approval {approval_id}")
        return request

    def of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        row = self._sql.approval_of.run(self._cursor, payment_id_=payment_id).fetchone()
        return None if row is None else _request(row)

    def pending(self, now: int, after: str | None, limit: int) -> ApprovalPage:
        rows = self._sql.pending.run(self._cursor, after=_place(after, limit), now=now, limit=limit + 1).fetchall()
        kept = rows[:limit]
        return ApprovalPage(requests=tuple(map(_request, kept)), next=str(kept[-1][0]) if len(rows) > limit else None)


def _changing(request: ApprovalRequest) -> dict[str, object]:
    return {"state": request.state.value, "decisions": _decisions(request)}


def _decisions(request: ApprovalRequest) -> str:
    return json.dumps([_decision_row(each) for each in request.decisions], separators=(",", ":"))


def _decision_row(said: ApprovalDecision) -> list[object]:
    """Return a decision as it is stored; an edit is a sixth part, which versions before it did not know."""
    row: list[object] = [said.approver, said.granted, said.digest, str(said.at), said.reason]
    if said.edit is None:
        return row
    return [*row, {"atomic_units": _text(said.edit.atomic_units), "quantity": _text(said.edit.quantity)}]


def _request(row: Sequence[object]) -> ApprovalRequest:
    seq, approval_id, payment_id, state, needed, created_at, expires_at, facts, decisions = row
    try:
        return ApprovalRequest(
            id=ApprovalId(str(approval_id)),
            payment_id=PaymentId(str(payment_id)),
            facts=_facts(parsed(facts)),
            needed=int(str(needed)),
            created_at=int(str(created_at)),
            expires_at=int(str(expires_at)),
            state=ApprovalState(str(state)),
            decisions=tuple(_decision(each) for each in parsed(decisions)),
        )
    except (ValueError, TypeError, KeyError, LocalProtocolError) as exc:
        raise AdapterError(f"row {seq} of the approvals cannot be read: {exc}", retryable=False) from exc


def _facts(stored: object) -> dict[str, str]:
    if not isinstance(stored, dict) or not all(
        isinstance(each, str) for each in cast("dict[str, object]", stored).values()
    ):
        raise TypeError("what is shown is an object of texts")
    return cast("dict[str, str]", stored)


def _decision(row: Sequence[object]) -> ApprovalDecision:
    approver, granted, digest, at, reason, *edited = row
    if not isinstance(granted, bool):
        raise TypeError("a decision is true or false")
    return ApprovalDecision(
        approver=str(approver),
        granted=granted,
        digest=str(digest),
        at=int(str(at)),
        reason=str(reason),
        edit=_edit(*edited) if edited else None,
    )


def _edit(said: object) -> Edit:
    if not isinstance(said, dict):
        raise TypeError("an edit is an object")
    stored = cast("dict[str, object]", said)
    return Edit(atomic_units=_number(stored["atomic_units"]), quantity=_number(stored["quantity"]))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(text: object) -> int | None:
    return None if text is None else int(str(text))


def _place(after: str | None, limit: int) -> int:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one request, not {limit}")
    if after is None:
        return 0
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of this store; pass the `next` of a page")
    return int(after)
