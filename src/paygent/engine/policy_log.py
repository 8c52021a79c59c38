"""What the audit log says of policies: which one was loaded, which took its place, and which was refused."""

from collections.abc import Callable

import anyio

from paygent.core.errors import ConfigurationError
from paygent.policy.canonical import digest
from paygent.policy.policy import Policy
from paygent.ports.audit_log import AuditLog
from paygent.ports.clock import Clock


def _nothing() -> None:
    return None


class PolicyLog:
    """Writes a `policy` row before the first payment that a policy judges, and one for each reload that was refused.

    Args: source: where the policy comes from, for people. trouble: why the newest files do not hold, if they do not.
    """

    def __init__(
        self,
        log: AuditLog,
        *,
        clock: Clock,
        source: str,
        trouble: Callable[[], ConfigurationError | None] = _nothing,
    ) -> None:
        self._log = log
        self._clock = clock
        self._source = source
        self._trouble = trouble
        self._policy: Policy | None = None
        self._refused: str | None = None
        self._turn = anyio.Lock()

    async def used(self, policy: Policy) -> None:
        """Make sure that the log knows the policy that is about to decide. Raises: AdapterError: it does not."""
        trouble = self._trouble()
        why = None if trouble is None else str(trouble)
        if policy is self._policy and why == self._refused:
            return
        async with self._turn:
            await self._note_policy(policy)
            await self._note_refusal(why)

    async def _note_policy(self, policy: Policy) -> None:
        if policy != self._policy:
            await self._note("loaded" if self._policy is None else "reloaded", digest=digest(policy))
        self._policy = policy

    async def _note_refusal(self, why: str | None) -> None:
        if why is not None and why != self._refused and self._policy is not None:
            await self._note("refused", digest=digest(self._policy), why=why)
        self._refused = why

    async def _note(self, event: str, **facts: str) -> None:
        await self._log.note(
            at=self._clock.now(), kind="policy", facts={"event": event, "source": self._source, **facts}
        )
