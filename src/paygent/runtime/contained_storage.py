"""A plugin's storage: whatever else it raises or returns than its port says is an AdapterError that names it."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar, cast

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.audit import AuditEntry, Head
from paygent.core.budget import Hold, WindowKey
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, PaygentError
from paygent.core.halt import Halt
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce
from paygent.ports.approval_store import ApprovalPage
from paygent.ports.history import Guard, PaymentPage, Records
from paygent.ports.storage import Storage

_T = TypeVar("_T")


class RelayedStorage:
    """Hands every call of a storage on; subclasses do something before or after."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner

    @contextmanager
    def _held(self, what: str) -> Generator[None]:
        """Stand around every call."""
        _ = what
        yield

    def _checked(self, made: _T, kinds: type | tuple[type, ...], what: str) -> _T:
        """Look at what a call that money depends on returned."""
        _ = kinds, what
        return made

    async def secret(self) -> bytes:
        with self._held("secret"):
            return self._checked(await self._inner.secret(), bytes, "secret")

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        with self._held("open"):
            await self._inner.open(payment, holds, now=now, new_purchase=new_purchase, guard=guard)

    async def append(self, before: Payment, after: Payment) -> None:
        with self._held("append"):
            await self._inner.append(before, after)

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
        with self._held("reserve"):
            await self._inner.reserve(
                before, after, holds, approval=approval, now=now, new_purchase=new_purchase, guard=guard
            )

    async def claim_nonce(self, payment: Payment, *, step: int, at_least: int) -> int:
        with self._held("claim_nonce"):
            nonce = await self._inner.claim_nonce(payment, step=step, at_least=at_least)
            return self._checked(nonce, int, "claim_nonce")

    async def nonces(self, network: ChainId, account: str, *, at_least: int = 0) -> Sequence[HeldNonce]:
        with self._held("nonces"):
            return await self._inner.nonces(network, account, at_least=at_least)

    async def get(self, payment_id: PaymentId) -> Payment | None:
        with self._held("get"):
            return self._checked(await self._inner.get(payment_id), (Payment, type(None)), "get")

    async def by_key(self, payer: str, key: str) -> Payment | None:
        with self._held("by_key"):
            return self._checked(await self._inner.by_key(payer, key), (Payment, type(None)), "by_key")

    async def by_request(self, payer: str, request: str) -> Payment | None:
        with self._held("by_request"):
            return self._checked(await self._inner.by_request(payer, request), (Payment, type(None)), "by_request")

    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        with self._held("page"):
            return self._checked(await self._inner.page(states=states, after=after, limit=limit), PaymentPage, "page")

    async def unresolved(self, *, limit: int = 100, after: str | None = None) -> PaymentPage:
        with self._held("unresolved"):
            return self._checked(await self._inner.unresolved(limit=limit, after=after), PaymentPage, "unresolved")

    async def aclose(self) -> None:
        with self._held("aclose"):
            await self._inner.aclose()

    # history ----------------------------------------------------------------------------------------------------------

    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        with self._held("history"):
            return self._checked(await self._inner.history(wanted, after=after, limit=limit), PaymentPage, "history")

    async def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        with self._held("sums"):
            return await self._inner.sums(windows)

    async def look(self, question: Callable[[Records], _T]) -> _T:
        with self._held("look"):
            return await self._inner.look(question)

    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        with self._held("statistics"):
            return await self._inner.statistics(wanted)

    # approvals --------------------------------------------------------------------------------------------------------

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        with self._held("ask"):
            return self._checked(await self._inner.ask(payment, request), ApprovalRequest, "ask")

    async def approval(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        with self._held("approval"):
            return self._checked(await self._inner.approval(approval_id), (ApprovalRequest, type(None)), "approval")

    async def approval_of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        with self._held("approval_of"):
            found = await self._inner.approval_of(payment_id)
            return self._checked(found, (ApprovalRequest, type(None)), "approval_of")

    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        with self._held("pending"):
            return self._checked(await self._inner.pending(now=now, after=after, limit=limit), ApprovalPage, "pending")

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        with self._held("decide"):
            return self._checked(await self._inner.decide(approval_id, decision), ApprovalRequest, "decide")

    # halts and the audit log ------------------------------------------------------------------------------------------

    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        with self._held("halt"):
            return await self._inner.halt(halt)

    async def lift(self, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
        with self._held("lift"):
            return await self._inner.lift(scope, by=by, reason=reason, at=at)

    async def halts(self) -> Sequence[Halt]:
        with self._held("halts"):
            return tuple(self._checked(each, Halt, "halts") for each in await self._inner.halts())

    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        with self._held("note"):
            return self._checked(await self._inner.note(at=at, kind=kind, facts=facts), AuditEntry, "note")

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        with self._held("entries"):
            return await self._inner.entries(after=after, limit=limit)

    async def head(self) -> Head:
        with self._held("head"):
            return self._checked(await self._inner.head(), Head, "head")


class ContainedStorage(RelayedStorage):
    """A plugin's storage."""

    def __init__(self, plugin: str, inner: Storage) -> None:
        super().__init__(inner)
        self._plugin = plugin

    @contextmanager
    def _held(self, what: str) -> Generator[None]:
        try:
            yield
        except PaygentError:
            raise
        except Exception as broken:
            raise self._broken(f"{what} raised {type(broken).__name__}") from broken

    def _checked(self, made: _T, kinds: type | tuple[type, ...], what: str) -> _T:
        if type(cast("object", made)) not in (kinds if isinstance(kinds, tuple) else (kinds,)):
            raise self._broken(f"{what} returned {type(made).__name__}")
        return made

    def _broken(self, what: str) -> AdapterError:
        return AdapterError(f"plugin {self._plugin!r}: the storage's {what}", retryable=False)
