"""The desk at which people decide about payments that wait."""

from collections.abc import AsyncIterator
from dataclasses import replace

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.edit import Edit
from paygent.core.errors import ConfigurationError
from paygent.core.ids import ApprovalId
from paygent.ports.approval_store import ApprovalPage, ApprovalStore
from paygent.ports.clock import Clock


class ApprovalDesk:
    """Lists what waits for approval and writes decisions down. What it shows and what is agreed to is one request.

    It pays nothing: who asked for the payment resumes it, and the policy judges it once more then.
    """

    def __init__(self, *, store: ApprovalStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def pending(self, *, after: str | None = None, limit: int = 50) -> ApprovalPage:
        """Return what waits for a decision now, oldest first."""
        return await self._store.pending(now=self._clock.now(), after=after, limit=limit)

    async def all_pending(self) -> AsyncIterator[ApprovalRequest]:
        """Yield everything that waits, oldest first."""
        after: str | None = None
        while True:
            page = await self.pending(after=after)
            for request in page.requests:
                yield request
            if page.next is None:
                return
            after = page.next

    async def show(self, approval_id: ApprovalId) -> ApprovalRequest:
        """Return a request as it stands now; its `text` and its `digest` are what a decision is about.

        Raises: ConfigurationError: this storage has no such request.
        """
        request = await self._store.approval(approval_id)
        if request is None:
            raise ConfigurationError(
                f"this storage has no request for approval {approval_id!r}; list what waits, or open the other storage"
            )
        return request.at(self._clock.now())

    async def approve(
        self, approval_id: ApprovalId, *, approver: str, reason: str = "", digest: str | None = None
    ) -> ApprovalRequest:
        """Write down that `approver` agrees, and return the request, which may need more approvers.

        Args: digest: of what the approver was shown; None takes what the storage has, which never changes.

        Raises:
            ConfigurationError: there is no such request, or the approver has no name.
            ApprovalLapsed: the time is over. ApprovalRefused: this approver has decided already.
            LocalProtocolError: it is decided, used or void, or shows something else than `digest` is about.
        """
        return await self._decided(approval_id, approver, reason, digest, granted=True)

    async def edit(
        self,
        approval_id: ApprovalId,
        *,
        approver: str,
        amount: str | None = None,
        quantity: int | None = None,
        reason: str = "",
        digest: str | None = None,
    ) -> ApprovalRequest:
        """Write down that `approver` agrees to less, and return the request, which is VOID then.

        Its payment is SUPERSEDED. Whoever asked for it resumes it (`ApprovalEdited` says so): the request is judged
        anew, with the edit as its ceiling, and may need approval again.

        Args: amount: the most it may cost, in whole units of its asset. quantity: how many units at most.

        Raises: as `approve`; LocalProtocolError: the edit is not less than what is asked for.
        """
        shown = await self.show(approval_id)
        edit = shown.editing(amount=amount, quantity=quantity)
        return await self._decided(approval_id, approver, reason, digest, granted=False, edit=edit)

    async def reject(
        self, approval_id: ApprovalId, *, approver: str, reason: str = "", digest: str | None = None
    ) -> ApprovalRequest:
        """Write down that `approver` does not agree; one refusal denies the payment. The rest is as `approve`."""
        return await self._decided(approval_id, approver, reason, digest, granted=False)

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        """Write down a decision that a handler returned or a webhook brought, at the time of this process's clock.

        A decision that was taken before changes nothing. Raises: as `approve`.
        """
        return await self._store.decide(approval_id, replace(decision, at=self._clock.now()))

    async def _decided(
        self,
        approval_id: ApprovalId,
        approver: str,
        reason: str,
        digest: str | None,
        *,
        granted: bool,
        edit: Edit | None = None,
    ) -> ApprovalRequest:
        if not approver or not (approver + reason).isprintable():
            raise ConfigurationError("a decision needs the name of who decides, in printable characters, as its reason")
        shown = await self.show(approval_id)
        said = ApprovalDecision(
            approver=approver,
            granted=granted,
            digest=shown.digest if digest is None else digest,
            at=self._clock.now(),
            reason=reason,
            edit=edit,
        )
        return await self.decide(approval_id, said)
