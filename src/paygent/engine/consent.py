"""Whether people agree to a payment: asked at once where there is somebody to ask, and told to who asked for it."""

import logging
from dataclasses import replace

from paygent.core.approval import ApprovalRequest, ApprovalState
from paygent.core.approval_errors import ApprovalEdited, ApprovalLapsed, ApprovalPending, ApprovalRefused
from paygent.core.errors import AdapterError, DuplicatePurchase, LocalProtocolError
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.core.utc import utc
from paygent.engine.edits import edited
from paygent.engine.waiting import NOBODY_IN_TIME
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.clock import Clock
from paygent.ports.storage import Storage

_log = logging.getLogger("paygent")


async def asked_now(
    handler: ApprovalHandler | None, storage: Storage, clock: Clock, request: ApprovalRequest
) -> ApprovalRequest:
    """Return the request after its handler was asked; as it was where there is none, or nobody can be reached.

    Whoever decided in the storage meanwhile was first.
    """
    try:
        decision = None if handler is None else await handler.ask(request)
    except AdapterError as error:  # the request waits in the storage
        _log.warning("nobody could be asked about %s: %s", request.id, error)
        return request
    if decision is None:
        return request
    try:
        return await storage.decide(request.id, replace(decision, at=clock.now()))
    except (LocalProtocolError, ApprovalRefused):
        stored = await storage.approval(request.id)
        if stored is None or stored == request:
            raise
        return stored


async def agreed(storage: Storage, request: ApprovalRequest, *, now: int, go_on: str, anew: str) -> Payment:
    """Return the payment that people have agreed to.

    Args: go_on: what to do when they agree, for people. anew: what to do where the time for that is over.

    Raises:
        ApprovalPending, ApprovalRefused, ApprovalLapsed, ApprovalEdited: they have not (yet).
        DuplicatePurchase: they have, and it was paid while they were asked.
    """
    request = request.at(now)
    stored = await storage.get(request.payment_id)
    if stored is not None and request.state is ApprovalState.GRANTED:
        return stored
    if request.state is ApprovalState.USED and stored is not None:
        raise DuplicatePurchase(stored.id, state=stored.state, resource=stored.intent.resource)
    if request.state is ApprovalState.LAPSED and stored is not None and stored.state is State.AWAITING_APPROVAL:
        await storage.append(stored, stored.move(Event.REFUSED, at=now, note=NOBODY_IN_TIME))
    raise _not_agreed(request, go_on=go_on, anew=anew)


def _not_agreed(
    request: ApprovalRequest, *, go_on: str, anew: str
) -> ApprovalPending | ApprovalRefused | ApprovalLapsed | ApprovalEdited:
    where = {"payment_id": request.payment_id}
    if request.edited is not None:
        return edited(request.payment_id, request.edited)
    if request.state is ApprovalState.PENDING:
        return ApprovalPending(
            f"payment {request.payment_id} waits for approval {request.id} until {utc(request.expires_at)}; "
            f"{go_on} when it is granted",
            **where,
        )
    if request.state is ApprovalState.LAPSED:
        return ApprovalLapsed(f"approval {request.id} ended at {utc(request.expires_at)}; {anew}", **where)
    refusal = next((one for one in request.decisions if not one.granted), None)
    said = "" if refusal is None else f" by {refusal.approver}: {refusal.reason or 'no reason given'}"
    return ApprovalRefused(f"approval {request.id} is {request.state}{said}; do without, or ask anew", **where)
