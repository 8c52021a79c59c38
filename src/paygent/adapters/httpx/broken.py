"""Requests that httpx breaks on above the payment: what became of their money.

That happens after an answer to a paid request: a redirect that cannot be followed, or an answer that cannot be decoded.
"""

import httpx

from paygent.adapters.httpx.purchase import paid_by
from paygent.core.errors import AdapterError, PaidUndelivered, PaymentOutcomeUnknown
from paygent.core.ids import PaymentId
from paygent.engine.pay import Engine


async def after_paying(
    engine: Engine, broken: httpx.RequestError, *, read: httpx.Response | None = None
) -> PaidUndelivered | PaymentOutcomeUnknown | None:
    """Return what to raise in place of httpx's error; None where its request has no payment, or is not known.

    Args: read: the answer that was being read; an error of another request is left alone then.
    """
    try:
        request = broken.request
    except RuntimeError:  # no request of a client's: a hook has raised it
        return None
    if read is not None and request is not read.request:
        return None
    paid = paid_by(request)
    return None if paid is None else await became_of(engine, paid, broken)


async def became_of(
    engine: Engine, paid: PaymentId, broken: Exception
) -> PaidUndelivered | PaymentOutcomeUnknown | None:
    """Return what to raise where a request broke that has a payment; None where the storage has lost it."""
    try:
        payment = await engine.journal.get(paid)
    except AdapterError as silent:
        return PaymentOutcomeUnknown(paid, nonce="", expires_at=0, why=str(silent))
    return None if payment is None else await engine.lost(payment, broken)
