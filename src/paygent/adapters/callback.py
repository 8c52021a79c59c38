"""Ask a function of the program for approval."""

import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeAlias

import anyio.to_thread

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.errors import ConfigurationError
from paygent.ports.clock import Clock

Answer: TypeAlias = bool | ApprovalDecision | None
"""Yes or no, a decision of somebody else, or None: somebody will decide later."""
Ask: TypeAlias = Callable[[ApprovalRequest], Answer | Awaitable[Answer]]


class CallbackApprovals:
    """An `ApprovalHandler` that asks a function, synchronous or not. One that blocks, blocks a worker thread.

    Args: approver: in whose name the function answers yes or no. clock: None takes the machine's.
    """

    def __init__(self, ask: Ask, *, approver: str, clock: Clock | None = None) -> None:
        if not approver:
            raise ConfigurationError("say in whose name the callback approves: approver='...'")
        self._ask = ask
        self._approver = approver
        self._clock = clock

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return what the function said. What the function raises is raised, and the request stays pending.

        Raises: ConfigurationError: it said something else than yes, no, a decision or None.
        """
        # In a tuple, because trio refuses a worker thread that returns a coroutine.
        (said,) = await anyio.to_thread.run_sync(lambda: (self._ask(request),), abandon_on_cancel=True)
        return self._decision(await said if isawaitable(said) else said, request)

    def _decision(self, answer: object, request: ApprovalRequest) -> ApprovalDecision | None:
        if answer is None or isinstance(answer, ApprovalDecision):
            return answer
        if not isinstance(answer, bool):
            raise ConfigurationError(
                f"an approval callback returns True, False, an ApprovalDecision or None, not {type(answer).__name__}"
            )
        now = int(time.time()) if self._clock is None else self._clock.now()
        return ApprovalDecision(approver=self._approver, granted=answer, digest=request.digest, at=now)
