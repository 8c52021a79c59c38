"""Tell plugins what payments do: once the journal has it, in threads of their own, so that no payment waits."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Final

from anyio import to_thread

from paygent.core.approval import ApprovalRequest
from paygent.core.budget import Hold
from paygent.core.errors import AdapterError, BudgetExceeded, Halted
from paygent.core.ids import ApprovalId
from paygent.core.payment import Move, Payment
from paygent.ports.events import PaymentMoved
from paygent.ports.history import Guard
from paygent.ports.storage import Storage
from paygent.runtime.contained_storage import RelayedStorage

_log = logging.getLogger("paygent")
MOST_WAITING: Final = 10_000
"""How many events wait for a plugin that is slow; what comes after them is not told to it, and the log says so."""
LAST_SECONDS: Final = 1.0
"""How long closing waits for plugins to hear what is left."""


class _Ear:
    """One plugin that is told, in order, by a thread that dies with the process."""

    def __init__(self, plugin: str, tell: Callable[[PaymentMoved], None]) -> None:
        self._plugin = plugin
        self._tell = tell
        self._waiting: queue.Queue[PaymentMoved | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._listen, name=f"events of {plugin}", daemon=True)
        self._thread.start()

    def tell(self, event: PaymentMoved) -> None:
        try:
            self._waiting.put_nowait(deepcopy(event))
        except queue.Full:
            _log.warning("plugin %r is too slow to be told that %s is %s", self._plugin, event.payment, event.state)

    def close(self, seconds: float) -> None:
        """Wait until everything is told, or no longer."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(seconds)
        if self._thread.is_alive():
            _log.warning("plugin %r did not listen to the end", self._plugin)

    def _listen(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._tell(event)
            except BaseException as broken:  # noqa: BLE001  a thread's end: nothing about the payment changes
                _log.warning("telling plugin %r failed: %s", self._plugin, broken)


class Teller:
    """Tells every plugin that listens."""

    def __init__(self, listeners: Mapping[str, Callable[[PaymentMoved], None]]) -> None:
        self._ears = [_Ear(plugin, tell) for plugin, tell in listeners.items()]

    def tell(self, payment: Payment, moves: Sequence[Move]) -> None:
        """Say what a payment did; returns at once."""
        for move in moves:
            event = PaymentMoved(
                payment=payment.id,
                state=move.state,
                event=move.event,
                at=move.at,
                amount=payment.intent.amount,
                payee=payment.intent.payee,
            )
            for ear in self._ears:
                ear.tell(event)

    async def aclose(self) -> None:
        """Let plugins hear what is left, for a moment."""
        for ear in self._ears:
            await to_thread.run_sync(ear.close, LAST_SECONDS)


class ToldStorage(RelayedStorage):
    """A storage whose writes are told of once they are durable."""

    def __init__(self, inner: Storage, teller: Teller) -> None:
        super().__init__(inner)
        self._teller = teller

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        """Write, and tell; what was written in place of a payment without room is told too."""
        try:
            await super().open(payment, holds, now=now, new_purchase=new_purchase, guard=guard)
        except (BudgetExceeded, Halted):
            await self._tell_stored(payment, ())
            raise
        self._teller.tell(payment, payment.history)

    async def append(self, before: Payment, after: Payment) -> None:
        """Write, and tell."""
        await super().append(before, after)
        self._teller.tell(after, before.lines_to(after))

    async def reserve(
        self,
        before: Payment,
        after: Payment,
        holds: Sequence[Hold],
        *,
        approval: ApprovalId | None,
        now: int,
        new_purchase: bool = False,
        guard: Guard | None = None,
    ) -> None:
        """Write, and tell; what was written in place of a payment without room is told too."""
        try:
            await super().reserve(
                before, after, holds, approval=approval, now=now, new_purchase=new_purchase, guard=guard
            )
        except (BudgetExceeded, Halted):
            await self._tell_stored(after, before.history)
            raise
        self._teller.tell(after, before.lines_to(after))

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        """Write, and tell, unless the same was asked before."""
        known = await self.get(payment.id)
        stored = await super().ask(payment, request)
        if known is None and stored.payment_id == payment.id:
            self._teller.tell(payment, payment.history)
        return stored

    async def _tell_stored(self, payment: Payment, known: Sequence[Move]) -> None:
        try:
            stored = await self.get(payment.id)
        except AdapterError as error:
            _log.warning("what became of %s is not told: %s", payment.id, error)
            return
        if stored is not None:
            self._teller.tell(stored, stored.history[len(known) :])
