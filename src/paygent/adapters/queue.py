"""Leave requests for approval in the storage, for whoever looks there."""

from paygent.core.approval import ApprovalDecision, ApprovalRequest


class StoredApprovals:
    """An `ApprovalHandler` that asks nobody: the request waits in the storage.

    `paygent.engine.approvals.ApprovalDesk` and `paygent approvals` list it and decide, in any process.
    """

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return None: somebody will decide later."""
        return None
