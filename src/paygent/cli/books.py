"""`paygent payments` and `paygent reconcile`: what became of earlier payments. Neither needs a key."""

from collections.abc import Sequence
from typing import Protocol

from paygent.cli.arguments import Arguments
from paygent.cli.outcome import OK, Outcome, code_of_error, code_of_payment, gravest
from paygent.core.errors import AdapterError, ConfigurationError, PaygentError
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import OUT
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentJournal, PaymentPage
from paygent.runtime.assemble import Books, open_books
from paygent.runtime.settings import Settings

_PAGE = 500


async def payments(arguments: Arguments, settings: Settings) -> Outcome:
    """List all payments, newest first; with an endpoint on the command line, look up the open ones before."""
    error: PaygentError | None = None
    if arguments.rpc is not None:
        try:
            async with open_books(settings) as books:
                error = next(iter((await books.reconciler.run())[1]), None)
        except AdapterError as unreachable:
            error = unreachable
    async with open_books(settings, chains=False) as books:
        listed = await _all(books.journal.page)
    return Outcome(exit_code=OK if error is None else code_of_error(error), error=error, payments=listed)


async def reconcile(arguments: Arguments, settings: Settings) -> Outcome:
    """Decide what the chain proves, about one payment or about all that are open."""
    try:
        async with open_books(settings) as books:
            return await _reconcile(books, arguments.payment_id)
    except AdapterError as unreachable:
        async with open_books(settings, chains=False) as books:
            return await _unproven(books.journal, arguments.payment_id, unreachable)


async def _reconcile(books: Books, payment_id: str | None) -> Outcome:
    if payment_id is not None:
        return await _reconcile_one(books, PaymentId(payment_id))
    seen, failed = await books.reconciler.run()
    codes = [code_of_payment(payment) for payment in seen]
    codes += [code_of_error(error) for error in failed if isinstance(error, ConfigurationError)]
    error = failed[0] if failed else None
    return Outcome(exit_code=gravest(codes), error=error, payments=seen, advice=_advice(seen))


async def _unproven(journal: PaymentJournal, payment_id: str | None, error: AdapterError) -> Outcome:
    """Return where payments stand while no chain can be asked."""
    if payment_id is None:
        payment, listed = None, await _all(journal.unresolved)
    else:
        payment = await journal.get(PaymentId(payment_id))
        listed = [] if payment is None else [payment]
    codes = [code_of_payment(known) for known in listed] or [code_of_error(error)]
    return Outcome(exit_code=gravest(codes), payment=payment, payments=listed, error=error)


async def _reconcile_one(books: Books, payment_id: PaymentId) -> Outcome:
    error: PaygentError | None = None
    try:
        payment: Payment | None = await books.reconciler.reconcile(payment_id)
    except (AdapterError, ConfigurationError) as failed:
        error, payment = failed, await books.journal.get(payment_id)
    codes = [] if payment is None else [code_of_payment(payment)]
    codes += [code_of_error(error)] if isinstance(error, ConfigurationError) else []
    listed = () if payment is None else (payment,)
    return Outcome(exit_code=gravest(codes), payment=payment, payments=listed, error=error, advice=_advice(listed))


def _advice(payments: Sequence[Payment]) -> tuple[str, ...]:
    """Return how to go on with each action whose next step waits: reconciling only reads, and signs nothing."""
    return tuple(said for payment in payments if (said := _waits(payment)) is not None)


def _waits(payment: Payment) -> str | None:
    plan = payment.plan
    if plan is None or payment.state not in OUT:
        return None
    command = f"`paygent wallet go-on {payment.id}`"
    if (place := plan.current) is None:
        return f"{payment.id}: every step is mined and not yet final, or an approval is left; {command} ends it"
    step = f"{payment.id}: step {place + 1} of {len(plan.steps)}"
    if plan.steps[place].attempts:
        return f"{step} is sent and not mined; wait, or {command} sends it again and goes on"
    return f"{step} is not signed; {command} signs it and goes on"


class _Pages(Protocol):
    """**Protocol:** what reads payments a page at a time."""

    async def __call__(self, *, limit: int, after: str | None) -> PaymentPage: ...


async def _all(pages: _Pages) -> list[Payment]:
    listed: list[Payment] = []
    after: str | None = None
    while True:
        page = await pages(limit=_PAGE, after=after)
        listed.extend(page.payments)
        if page.next is None:
            return listed
        after = page.next
