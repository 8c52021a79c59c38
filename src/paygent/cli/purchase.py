"""`paygent pay` and `paygent quote`: one request, and the truth about its money at the end."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import anyio
import httpx

from paygent.cli.arguments import Arguments
from paygent.cli.outcome import NOT_ATTEMPTED, OK, SELLER_FAILED, Outcome, code_of_error, unproven
from paygent.client import ClientOptions, RequestOptions, X402Client
from paygent.core.approval_errors import ApprovalEdited
from paygent.core.errors import AdapterError, PaidUndelivered, PaygentError, PaymentCannotSettle, PaymentOutcomeUnknown
from paygent.core.lifecycle import OUT, State
from paygent.core.money import USD, Amount, usd
from paygent.core.payment import Payment
from paygent.engine.handle import PaymentHandle
from paygent.ports.approval_handler import ApprovalHandler
from paygent.runtime.assemble import Wiring
from paygent.runtime.settings import Settings

_PAID_TIMEOUT_SECONDS = 90.0


class Purchase:
    """One request that may cost money. `payment` is the newest that is known, also when the run is interrupted."""

    def __init__(self, arguments: Arguments, settings: Settings) -> None:
        self._asked = arguments
        self._settings = settings
        self._before: Payment | None = None
        self.payment: Payment | None = None
        self.approvals: ApprovalHandler | None = None
        """Who is asked at once; None leaves it to the settings."""

    async def pay(self) -> Outcome:
        """Fetch the URL, paying if the policy agrees; wait for the proof where there is an endpoint."""
        async with self._client() as client:
            self._before = await self._newest(client)
            try:
                response = await self._bought(client)
                return await self._answered(client, response)
            except BaseException as error:  # noqa: BLE001  whatever happened, the money is accounted for
                return await self._failed(client, error)

    async def _bought(self, client: X402Client) -> httpx.Response:
        """Return the answer; where a person agreed to less, the request is judged again with that as its ceiling."""
        try:
            return await client.request(self._asked.method, self._asked.url, **self._options())
        except ApprovalEdited as edited:
            return await client.resume(edited.payment_id, **self._options())

    async def quote(self) -> Outcome:
        """Ask what the URL costs; sign nothing."""
        async with self._client() as client:
            quote = await client.quote(self._asked.url, method=self._asked.method, **self._options())
        fetched = quote.free and 200 <= quote.status < 300
        code = OK if fetched or quote.taken is not None else NOT_ATTEMPTED if quote.status == 402 else SELLER_FAILED
        return Outcome(exit_code=code, status_code=quote.status, quote=quote)

    def _client(self) -> AbstractAsyncContextManager[X402Client]:
        given = self._asked.timeout_seconds
        timeout = self._settings.timeout_seconds if given is None else given
        paid = _PAID_TIMEOUT_SECONDS if given is None else given
        options = ClientOptions(timeout=timeout)
        settings = replace(self._settings, max_per_payment=self._limits())
        wiring = Wiring(settings=settings)
        if self.approvals is not None:
            wiring["approvals"] = self.approvals
        return X402Client.open(paid_timeout_seconds=paid, options=options, **wiring)

    def _limits(self) -> Amount | tuple[Amount, ...]:
        """Return the limits of one payment: the person at the command line may raise the one in dollars."""
        limits, asked = self._settings.max_per_payment, self._asked.max_amount
        if asked is None:
            return limits
        whole, dot, fraction = asked.partition(".")
        ceiling = usd(f"{whole}{dot}{fraction[: USD.decimals]}".removesuffix("."))
        given = (limits,) if isinstance(limits, Amount) else limits
        return tuple(max(limit, ceiling) if limit.asset == USD else limit for limit in given)

    def _options(self) -> RequestOptions:
        asked = self._asked
        options = RequestOptions(headers=list(asked.headers), max_amount=asked.max_amount)
        if asked.service is not None:
            options["context"] = replace(self._settings.context, service=asked.service)
        if asked.data is not None:
            options["content"] = asked.content
        if asked.idempotency_key is not None:
            options["idempotency_key"] = asked.idempotency_key
        return options

    # --- afterwards -------------------------------------------------------------------------------------------------

    async def _answered(self, client: X402Client, response: httpx.Response) -> Outcome:
        handle: PaymentHandle | None = response.extensions.get("paygent.payment")
        if handle is None:
            code = OK if response.is_success else SELLER_FAILED
            return Outcome(exit_code=code, status_code=response.status_code, body=response.content)
        self.payment = handle.payment
        error: BaseException | None = None
        if client.engine.can_prove(handle.payment):
            error = await self._proof(handle)
        elif not _claimed(handle) or not response.is_success:
            error = await client.engine.lost(handle.payment, f"answered with {response.status_code}, nothing proven")
        if error is None and not response.is_success and handle.payment.receipt is not None:
            why = f"the seller answers {response.status_code}"
            error = PaidUndelivered(
                handle.id, receipt=handle.payment.receipt, why=why, delivered=handle.payment.delivered
            )
        return Outcome(
            exit_code=OK if error is None else code_of_error(error),
            status_code=response.status_code,
            body=response.content,
            payment=self.payment,
            error=error,
        )

    async def _failed(self, client: X402Client, error: BaseException) -> Outcome:
        with anyio.CancelScope(shield=True):
            self.payment = await self._concerned(client, error) or self.payment
        if not isinstance(error, Exception):
            raise error
        payment = self.payment
        if payment is not None and payment.state in OUT:
            error = await self._still_out(client, payment, error)
        elif payment is not None and payment.receipt is not None and not isinstance(error, PaygentError):
            why = f"{type(error).__name__}: {error}"
            error = PaidUndelivered(payment.id, receipt=payment.receipt, why=why, delivered=payment.delivered)
        return Outcome(exit_code=code_of_error(error), payment=self.payment, error=error)

    async def _still_out(self, client: X402Client, payment: Payment, error: Exception) -> Exception:
        """Wait for the proof of a payment whose answer is lost, unless somebody else's payment is in the way."""
        if isinstance(error, PaygentError) and not isinstance(error, PaymentOutcomeUnknown):
            return error
        if not client.engine.can_prove(payment):
            return error if isinstance(error, PaygentError) else await client.engine.lost(payment, error)
        handle = PaymentHandle(client.engine, payment)
        undecided = await self._proof(handle)
        if undecided is None and handle.payment.receipt is not None:
            why = error.why if isinstance(error, PaymentOutcomeUnknown) else f"{type(error).__name__}: {error}"
            delivered = handle.payment.delivered
            return PaidUndelivered(payment.id, receipt=handle.payment.receipt, why=why, delivered=delivered)
        return error if undecided is None else undecided

    async def _proof(self, handle: PaymentHandle) -> PaymentOutcomeUnknown | PaymentCannotSettle | None:
        """Wait for the chain; return what it did not, or did, prove, or None for a settled payment."""
        given = self._asked.timeout_seconds
        wait = self._settings.timeout_seconds if given is None else given
        try:
            await handle.settled(timeout_seconds=wait)
        except (PaymentOutcomeUnknown, PaymentCannotSettle) as decided:
            return decided
        except AdapterError as broken:
            return unproven(handle.payment, str(broken))
        finally:
            self.payment = handle.payment
        return None

    async def _concerned(self, client: X402Client, error: BaseException) -> Payment | None:
        """Return the payment that the error is about, or the one that this run made or moved."""
        try:
            if isinstance(error, PaygentError):
                return None if error.payment_id is None else await client.payment(error.payment_id)
            newest = await self._newest(client)
        except AdapterError:
            return None
        return None if newest == self._before else newest

    async def _newest(self, client: X402Client) -> Payment | None:
        return await client.payment_of(self._asked.method, self._asked.url, content=self._asked.content)


def _claimed(handle: PaymentHandle) -> bool:
    """Tell whether the seller says, at least, that it was paid; the chain may have said so already."""
    return handle.state is State.SETTLED or handle.receipt is not None
