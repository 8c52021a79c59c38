"""The approvals of a journal in memory."""

from collections.abc import Iterable

from paygent.core.approval import ApprovalRequest, ApprovalState
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.ports.approval_store import ApprovalPage


class MemoryApprovals:
    """Requests in the order they were asked, found by their id and their payment's."""

    def __init__(self) -> None:
        self._requests: dict[ApprovalId, ApprovalRequest] = {}
        self._of_payment: dict[PaymentId, ApprovalId] = {}

    def put(self, request: ApprovalRequest) -> None:
        self._requests[request.id] = request
        self._of_payment[request.payment_id] = request.id

    def get(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        return self._requests.get(approval_id)

    def known(self, approval_id: ApprovalId) -> ApprovalRequest:
        request = self._requests.get(approval_id)
        if request is None:
            raise LocalProtocolError(f"there is no approval {approval_id}")
        return request

    def of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        approval_id = self._of_payment.get(payment_id)
        return None if approval_id is None else self._requests[approval_id]

    def pending(self, now: int, after: str | None, limit: int) -> ApprovalPage:
        place = _place(after, limit)
        waiting = (
            (index, request)
            for index, request in enumerate(self._requests.values())
            if index >= place and request.at(now).state is ApprovalState.PENDING
        )
        return _page(waiting, limit)


def _place(after: str | None, limit: int) -> int:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one request, not {limit}")
    if after is None:
        return 0
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of this store; pass the `next` of a page")
    return int(after)


def _page(waiting: Iterable[tuple[int, ApprovalRequest]], limit: int) -> ApprovalPage:
    found: list[ApprovalRequest] = []
    for index, request in waiting:
        if len(found) == limit:
            return ApprovalPage(requests=tuple(found), next=str(index))
        found.append(request)
    return ApprovalPage(requests=tuple(found), next=None)
