"""Who is asked when the policy wants a person's approval."""

from typing import Protocol, runtime_checkable

from paygent.core.approval import ApprovalDecision, ApprovalRequest


@runtime_checkable
class ApprovalHandler(Protocol):
    """**Protocol:** a way to bring a request for approval before people.

    The request is stored before it is asked, so an answer may come later, in another process, or never. A handler
    decides nothing by itself: whatever fails or stays silent leaves the request pending.
    """

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return what one approver said of exactly this request; None where somebody will decide later in the store.

        Raises:
            ConfigurationError: there is no way to ask here.
            AdapterError: nobody could be reached; the request is still pending.
        """
        ...
