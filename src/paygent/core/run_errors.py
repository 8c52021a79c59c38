"""What keeps a session or a run from going on as asked. A call that raises one of these sent nothing itself.

::

    OrchestrationError
    ├── SessionNotFound · SessionEnded · SessionBusy · RunNotFound · RunOver
    ├── RunChanged                 the policy, the tools or the plugins are not those it began with
    ├── CheckpointUnusable         damaged, or written by a newer version
    ├── ToolRefused                a tool does not take these arguments, or is not allowed
    └── RunLimitReached · RunFailed · RunCancelled
"""

from collections.abc import Sequence

from paygent.core.errors import PaygentError
from paygent.core.ids import PaymentId


class OrchestrationError(PaygentError):
    """A session or a run cannot go on as it was asked to; this call sent nothing."""


class SessionNotFound(OrchestrationError):
    """This storage has no such session."""

    def __init__(self, session: str) -> None:
        super().__init__(f"this storage has no session {session!r}; `paygent sessions list` shows all")
        self.session = session


class SessionEnded(OrchestrationError):
    """The session was ended and takes no more commands; it can still be read."""

    def __init__(self, session: str) -> None:
        super().__init__(f"session {session!r} has ended; create another one")
        self.session = session


class SessionBusy(OrchestrationError):
    """Another process, or another task of this one, works on the session; `until` is when its lease ends."""

    def __init__(self, session: str, *, until: int) -> None:
        super().__init__(
            f"session {session!r} is being worked on by somebody else; wait for them, or, if they are gone, until "
            f"unix time {until}"
        )
        self.session = session
        self.until = until


class RunNotFound(OrchestrationError):
    """This storage has no such run."""

    def __init__(self, run: str) -> None:
        super().__init__(f"this storage has no run {run!r}; `paygent sessions show SESSION` lists those of a session")
        self.run = run


class RunOver(OrchestrationError):
    """The run is over, or another run of its session is not."""

    def __init__(self, run: str, *, state: str, advice: str) -> None:
        super().__init__(f"run {run!r} is {state}; {advice}")
        self.run = run
        self.state = state


class RunChanged(OrchestrationError):
    """What the run began with is not what it would go on with; `changed` says what."""

    def __init__(self, run: str, *, changed: Sequence[str]) -> None:
        super().__init__(
            f"run {run!r} began with another {' and another '.join(changed)}; nothing was sent. Restore what changed, "
            "or resume it with accept_changes=True to go on under what is configured now"
        )
        self.run = run
        self.changed = tuple(changed)


class CheckpointUnusable(OrchestrationError):
    """The checkpoint of a run is damaged, or a newer version wrote it."""

    def __init__(self, run: str, *, why: str) -> None:
        super().__init__(
            f"the checkpoint of run {run!r} cannot be used: {why}; nothing was sent. Its payments are in the journal; "
            "cancel the run, and give the command again"
        )
        self.run = run
        self.why = why


class ToolRefused(OrchestrationError):
    """A tool does not exist, is not allowed here, or does not take these arguments; `code` is a stable word."""

    def __init__(self, tool: str, message: str, *, code: str) -> None:
        super().__init__(f"tool {tool!r}: {message}")
        self.tool = tool
        self.code = code


class RunLimitReached(OrchestrationError):
    """The run has used up its iterations or its seconds; `limit` names which. A call's payment may be out by then."""

    def __init__(self, limit: str, *, most: int, payment_id: PaymentId | None = None) -> None:
        said = f"the run has used up its {most} {limit}; nothing more is done. Raise the limit for a new run"
        if payment_id is not None:
            said += f"; payment {payment_id} had begun, and reconciling it tells what became of it"
        super().__init__(said, payment_id=payment_id)
        self.limit = limit
        self.most = most


class RunFailed(OrchestrationError):
    """A run failed in another process; `error` is the name of what went wrong there."""

    def __init__(self, run: str, *, error: str, message: str) -> None:
        super().__init__(f"run {run!r} failed: {error}: {message}")
        self.run = run
        self.error = error


class RunCancelled(OrchestrationError):
    """Somebody cancelled the run; what was done before stays done."""

    def __init__(self, run: str) -> None:
        super().__init__(f"run {run!r} was cancelled; what it had paid before stays paid")
        self.run = run
