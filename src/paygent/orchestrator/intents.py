"""The intent that a call pays: the same for every execution of the call, and the next one once that is over unpaid."""

from paygent.core.approval import ApprovalState
from paygent.core.ids import IntentId
from paygent.core.lifecycle import FREED, State
from paygent.core.payment import Payment
from paygent.orchestrator.tools import Call
from paygent.ports.clock import Clock
from paygent.ports.storage import Storage


async def intent_of(call: Call, payer: str, journal: Storage, clock: Clock) -> tuple[IntentId, Payment | None]:
    """Return the intent that the call goes on with, and its payment where it has one.

    Each intent follows from the payment before it, so two processes that look at the same journal name the same.
    """
    earlier = None if call.fresh else await journal.by_key(payer, call.key)
    if earlier is None:
        return call.intent(), None
    if earlier.state in FREED or await _lapsed(earlier, journal, clock):
        return call.intent(earlier.id), None
    return earlier.intent.id, earlier


async def _lapsed(payment: Payment, journal: Storage, clock: Clock) -> bool:
    if payment.state is not State.AWAITING_APPROVAL:
        return False
    request = await journal.approval_of(payment.id)
    return request is not None and request.at(clock.now()).state is ApprovalState.LAPSED
