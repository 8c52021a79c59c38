"""Requests for approval as rows."""

import json
from collections.abc import Sequence
from typing import Final

from paygent.adapters.sql.statements import Cursor, DecisionStatements
from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState
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
    rows = [[each.approver, each.granted, each.digest, str(each.at), each.reason] for each in request.decisions]
    return json.dumps(rows, separators=(",", ":"))


def _request(row: Sequence[object]) -> ApprovalRequest:
    seq, approval_id, payment_id, state, needed, created_at, expires_at, facts, decisions = row
    try:
        return ApprovalRequest(
            id=ApprovalId(str(approval_id)),
            payment_id=PaymentId(str(payment_id)),
            facts=json.loads(str(facts)),
            needed=int(str(needed)),
            created_at=int(str(created_at)),
            expires_at=int(str(expires_at)),
            state=ApprovalState(str(state)),
            decisions=tuple(_decision(each) for each in json.loads(str(decisions))),
        )
    except (ValueError, TypeError) as exc:
        raise AdapterError(f"row {seq} of the approvals cannot be read: {exc}", retryable=False) from exc


def _decision(row: Sequence[object]) -> ApprovalDecision:
    approver, granted, digest, at, reason = row
    if not isinstance(granted, bool):
        raise TypeError("a decision is true or false")
    return ApprovalDecision(
        approver=str(approver), granted=granted, digest=str(digest), at=int(str(at)), reason=str(reason)
    )


def _place(after: str | None, limit: int) -> int:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one request, not {limit}")
    if after is None:
        return 0
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of this store; pass the `next` of a page")
    return int(after)
