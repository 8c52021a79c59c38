"""Ask for approval in a notebook, with buttons. Needs the extra ``paygent[jupyter]``.

A kernel handles one message after the other: while a cell runs, also one that awaits, no click arrives. A payment that
a task in the background makes waits for the click. One that a cell makes waits in the storage (`ApprovalPending`): the
next cells show its buttons (`JupyterApprovals.show`) and resume it.
"""

import asyncio
import time
from collections.abc import Callable
from html import escape
from importlib import import_module
from typing import Any, Final

import anyio

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.errors import ConfigurationError, PaygentError
from paygent.engine.approvals import ApprovalDesk
from paygent.ports.clock import Clock

LOOK_SECONDS: Final = 0.05
"""How often is looked for a click, and at the clock."""
CELL_LOOKS: Final = 20
"""How often is looked whether the cell has ended, before nobody waits for a click that cannot arrive: for a second."""


class JupyterApprovals:
    """An `ApprovalHandler` that shows a request below the cell, with buttons to approve and to reject it.

    Make it in a cell. Args: approver: the name of who sits there. clock: None takes the machine's.

    Raises: ConfigurationError: ipywidgets are not installed, or this is no notebook.
    """

    def __init__(self, *, approver: str = "notebook", clock: Clock | None = None) -> None:
        if not approver:
            raise ConfigurationError("an approver needs a name: approver='...'")
        self._approver = approver
        self._clock = clock
        self._widgets = _widgets()
        self._cell_runs = True
        self._writing: set[asyncio.Task[None]] = set()
        events = _shell().events
        events.register("pre_run_cell", self._begin)
        events.register("post_run_cell", self._end)

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return what was clicked; None where a running cell keeps every click away, or the request's time is over."""
        panel = _Panel(self._widgets, request)
        said: ApprovalDecision | None = None
        try:
            if await self._cell_ends():
                said = await self._clicked(panel)
        finally:
            panel.close("decided" if said is not None else "nobody waits here: show what is pending in another cell")
        return said

    async def show(self, desk: ApprovalDesk) -> int:
        """Show everything that waits, each with its buttons, and return how much that is.

        Await it in a cell of its own. The desk writes a click down as soon as no cell runs; then resume the payment.
        """
        shown = 0
        async for request in desk.all_pending():
            panel = _Panel(self._widgets, request)
            panel.on_click = self._writes(desk, panel)
            shown += 1
        return shown

    async def _cell_ends(self) -> bool:
        """Tell whether clicks can arrive, at once or in a moment."""
        for _ in range(CELL_LOOKS):
            if not self._cell_runs:
                return True
            await anyio.sleep(LOOK_SECONDS)
        return False

    async def _clicked(self, panel: "_Panel") -> ApprovalDecision | None:
        while panel.granted is None:
            if self._now() >= panel.request.expires_at:
                return None
            await anyio.sleep(LOOK_SECONDS)
        return self._decision(panel, panel.granted)

    def _writes(self, desk: ApprovalDesk, panel: "_Panel") -> Callable[[bool], None]:
        async def write(granted: bool) -> None:
            try:
                decided = await desk.decide(panel.request.id, self._decision(panel, granted))
            except PaygentError as refused:
                panel.close(str(refused))
            else:
                panel.close(f"{decided.state}, by {self._approver}")

        def clicked(granted: bool) -> None:
            task = asyncio.ensure_future(write(granted))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

        return clicked

    def _decision(self, panel: "_Panel", granted: bool) -> ApprovalDecision:
        return ApprovalDecision(
            approver=self._approver,
            granted=granted,
            digest=panel.request.digest,
            at=self._now(),
            reason="".join(char for char in panel.reason if char.isprintable()),
        )

    def _now(self) -> int:
        return int(time.time()) if self._clock is None else self._clock.now()

    def _begin(self, *_: object) -> None:
        self._cell_runs = True

    def _end(self, *_: object) -> None:
        self._cell_runs = False


class _Panel:
    """One request with its buttons. The first click counts, from whichever thread it is looked for."""

    def __init__(self, widgets: Any, request: ApprovalRequest) -> None:
        self.request = request
        self.granted: bool | None = None
        self.on_click: Callable[[bool], None] | None = None
        text = widgets.HTML(f"<pre>{escape(request.text)}\n\ndigest: {request.digest}</pre>")
        self._reason = widgets.Text(description="Reason")
        self._status = widgets.Label("")
        self._approve = widgets.Button(description="Approve", button_style="success")
        self._reject = widgets.Button(description="Reject", button_style="danger")
        self._approve.on_click(self._clicked)
        self._reject.on_click(self._clicked)
        buttons = widgets.HBox([self._approve, self._reject, self._reason])
        import_module("IPython.display").display(widgets.VBox([text, buttons, self._status]))

    @property
    def reason(self) -> str:
        """What was typed beside the buttons."""
        return str(self._reason.value).strip()

    def close(self, status: str) -> None:
        """Take no click any more, and say why."""
        for part in (self._approve, self._reject, self._reason):
            part.disabled = True
        self._status.value = status

    def _clicked(self, button: object) -> None:
        if self.granted is not None or self._approve.disabled:
            return
        self.granted = button is self._approve
        self.close("approved" if self.granted else "rejected")
        if self.on_click is not None:
            self.on_click(self.granted)


def _widgets() -> Any:
    try:
        return import_module("ipywidgets")
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f'approval buttons need the package {missing.name!r}: run pip install ".[jupyter]" in a clone'
        ) from missing


def _shell() -> Any:
    shell = import_module("IPython").get_ipython()
    if shell is None or shell.__class__.__name__ != "ZMQInteractiveShell":
        raise ConfigurationError(
            "there is no notebook here to show buttons in: take TerminalApprovals, StoredApprovals, CallbackApprovals "
            "or WebhookApprovals"
        )
    return shell
