"""What a person does about payments from outside the program that makes them: halt, resume, decide, export.

Each function opens what it needs from settings and closes it. Whatever goes wrong besides, a halt is stored first.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from os import PathLike

from paygent.adapters.relayer import KeyRelayer
from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock
from paygent.core.approval import ApprovalRequest
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.halt import Halt
from paygent.core.ids import ApprovalId
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.halt import HaltReport, KillSwitch
from paygent.engine.reconcile import Reconciler
from paygent.engine.tokens import TokenBook
from paygent.ports.clock import Clock
from paygent.ports.signer import Signer
from paygent.ports.storage import Storage
from paygent.runtime import audit_file
from paygent.runtime.audit_file import AuditSeal
from paygent.runtime.parts import open_chains, open_storage, signer_of, tokens_of
from paygent.runtime.settings import Settings

_LOG = logging.getLogger("paygent")
_ADVICE = (
    "where the database is locked, a process stands still in the middle of a write (kill -STOP, a debugger): continue "
    "it (kill -CONT PID) or end it (kill PID). Until then no other process of this storage signs or sends anything new"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a halt waits for a storage that does not answer."""

    tries: int = 30
    try_seconds: int = 2
    """How long one try waits for other processes' transactions."""


_PATIENT = Patience()

# --- the kill switch ------------------------------------------------------------------------------------------------


async def halt(
    settings: Settings,
    scope: str,
    *,
    by: str,
    reason: str,
    signer: Signer | None = None,
    clock: Clock | None = None,
    tell: Callable[[str], None] = _LOG.warning,
    patience: Patience = _PATIENT,
) -> HaltReport:
    """Stop a scope, then cancel what is out as far as key, endpoints and relayer allow; the report says what lacks.

    Args:
        scope: `everything`, or `wallet:0x…`, `agent:…`, `session:…`. signer: in place of the settings' key.
        tell: is told while the storage does not answer, which is asked again as long as `patience` lasts.

    Raises: ConfigurationError: not a scope, or the storage cannot be used. AdapterError: the storage does not answer.
    """
    clock = SystemClock() if clock is None else clock
    report = await _stopped(
        settings, lambda storage: _switch(storage, clock).stop(scope, by=by, reason=reason), tell, patience
    )
    async with AsyncExitStack() as made:
        storage = await open_storage(settings.storage, made)
        troubles: list[str] = []
        chains = await _reachable(settings, made, troubles)
        switch = KillSwitch(
            storage=storage,
            reconciler=Reconciler(journal=storage, chains=chains, clock=clock),
            tokens=TokenBook(tokens_of(settings.tokens), chains),
            clock=clock,
            signers=_signers(settings, signer, troubles),
            relayer=_relayer(settings, chains, troubles),
        )
        return replace(await switch.call_back(report), troubles=tuple(troubles))


async def _stopped(
    settings: Settings,
    stop: Callable[[Storage], Awaitable[HaltReport]],
    tell: Callable[[str], None],
    patience: Patience,
) -> HaltReport:
    """Store a halt, however long another process stands in the way, and tell so: nobody waits for it in silence."""
    tries = 0
    while True:
        tries += 1
        try:
            async with AsyncExitStack() as made:
                return await stop(await open_storage(settings.storage, made, busy_seconds=patience.try_seconds))
        except AdapterError as error:
            if not error.retryable:
                raise
            if tries >= patience.tries:
                raise AdapterError(f"NOT HALTED after {tries} tries: {error}; {_ADVICE}", retryable=True) from error
            tell(f"not halted yet, trying again ({tries} of {patience.tries}): {error}; {_ADVICE}")


async def resume(settings: Settings, scope: str, *, by: str, reason: str, clock: Clock | None = None) -> Halt | None:
    """Lift the halt of a scope and return it, or None where it was not halted. Raises: as `halt`."""
    async with AsyncExitStack() as made:
        storage = await open_storage(settings.storage, made)
        return await _switch(storage, SystemClock() if clock is None else clock).lift(scope, by=by, reason=reason)


async def halts(settings: Settings) -> tuple[Halt, ...]:
    """Return what is halted, oldest first. Raises: as `halt`."""
    async with AsyncExitStack() as made:
        return tuple(await (await open_storage(settings.storage, made)).halts())


def _switch(storage: Storage, clock: Clock) -> KillSwitch:
    """Return a switch that stores and lifts, and has nothing to cancel with."""
    reconciler = Reconciler(journal=storage, chains={}, clock=clock)
    return KillSwitch(storage=storage, reconciler=reconciler, tokens=TokenBook({}, {}), clock=clock)


async def _reachable(settings: Settings, made: AsyncExitStack, troubles: list[str]) -> dict[ChainId, RpcChain]:
    try:
        return await open_chains(settings, made)
    except (AdapterError, ConfigurationError) as error:
        troubles.append(f"no endpoint: {error}")
        return {}


def _signers(settings: Settings, signer: Signer | None, troubles: list[str]) -> tuple[Signer, ...]:
    try:
        return (signer_of(settings) if signer is None else signer,)
    except ConfigurationError as error:
        troubles.append(f"no key to cancel with: {error}")
        return ()


def _relayer(settings: Settings, chains: dict[ChainId, RpcChain], troubles: list[str]) -> KeyRelayer | None:
    if settings.relayer_key is None:
        troubles.append("no relayer: set PAYGENT_RELAYER_KEY to the key of an account with gas, and halt again")
        return None
    return KeyRelayer(settings.relayer_key.get_secret_value(), chains=chains)


# --- approvals ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def open_desk(settings: Settings, *, clock: Clock | None = None) -> AsyncGenerator[ApprovalDesk]:
    """Yield the desk of the settings' storage. Raises: as `halt`."""
    async with AsyncExitStack() as made:
        storage = await open_storage(settings.storage, made)
        yield ApprovalDesk(store=storage, clock=SystemClock() if clock is None else clock)


async def approvals(settings: Settings, *, clock: Clock | None = None) -> tuple[ApprovalRequest, ...]:
    """Return everything that waits for a decision, oldest first. Raises: as `halt`."""
    async with open_desk(settings, clock=clock) as desk:
        return tuple([request async for request in desk.all_pending()])


async def show_approval(settings: Settings, approval_id: ApprovalId, *, clock: Clock | None = None) -> ApprovalRequest:
    """Return one request as it stands: its `text` and `digest` are what a decision is about. Raises: as the desk."""
    async with open_desk(settings, clock=clock) as desk:
        return await desk.show(approval_id)


async def decide_approval(
    settings: Settings,
    approval_id: ApprovalId,
    *,
    granted: bool,
    approver: str,
    reason: str = "",
    digest: str | None = None,
    clock: Clock | None = None,
) -> ApprovalRequest:
    """Approve or reject, and return the request as it stands then. Arguments and errors: `ApprovalDesk.approve`."""
    async with open_desk(settings, clock=clock) as desk:
        decide = desk.approve if granted else desk.reject
        return await decide(approval_id, approver=approver, reason=reason, digest=digest)


async def edit_approval(
    settings: Settings,
    approval_id: ApprovalId,
    *,
    approver: str,
    amount: str | None = None,
    quantity: int | None = None,
    reason: str = "",
    digest: str | None = None,
    clock: Clock | None = None,
) -> ApprovalRequest:
    """Agree to less, and return the request, which is void then. Arguments and errors: `ApprovalDesk.edit`."""
    async with open_desk(settings, clock=clock) as desk:
        return await desk.edit(
            approval_id, approver=approver, amount=amount, quantity=quantity, reason=reason, digest=digest
        )


# --- the audit log --------------------------------------------------------------------------------------------------


async def export_audit(
    settings: Settings, file: str | PathLike[str], *, signer: Signer | None = None, clock: Clock | None = None
) -> AuditSeal:
    """Write the storage's audit log to a new file sealed by the wallet. `audit_file.verify` reads it anywhere.

    Raises: as `audit_file.export`; ConfigurationError: there is no key to seal with.
    """
    sealing = signer_of(settings) if signer is None else signer
    async with AsyncExitStack() as made:
        storage = await open_storage(settings.storage, made)
        return await audit_file.export(storage, file, signer=sealing, clock=SystemClock() if clock is None else clock)
