"""The kill switch: stop payments of a scope in every process, and call back what is out and unsettled."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

import anyio

from paygent.core.caip import is_evm_address
from paygent.core.errors import AdapterError, ConfigurationError, PaygentError, SigningFailed
from paygent.core.halt import Halt, normal_scope, scopes_of_payment
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import OUT, State
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization
from paygent.core.utc import utc
from paygent.engine.evidence import gather
from paygent.engine.reconcile import Reconciler
from paygent.engine.tokens import TokenBook
from paygent.evm import eip3009
from paygent.policy import firewall
from paygent.ports.clock import Clock
from paygent.ports.relayer import Relayer
from paygent.ports.signer import Signer
from paygent.ports.storage import Storage

AT_ONCE = 8
"""How many payments are called back side by side."""
_IDS_A_ROW = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A payment whose authorization was cancelled on chain."""

    payment: Payment
    """As it stands: CANCELLED once that is proven in a final block."""
    transaction: str | None
    """0x hash of the cancelling transaction; None where the chain proved it before one was looked for."""

    @property
    def proven(self) -> bool:
        """It can never settle; before, a reorganisation could undo the cancellation: reconcile it."""
        return self.payment.state is State.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncancelled:
    """A payment that can still settle."""

    payment: Payment
    reason: str
    """Why it was not cancelled, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltReport:
    """What a halt did."""

    halt: Halt
    """The halt in effect: the first one where the scope was halted already."""
    denied: tuple[PaymentId, ...] = ()
    """Payments that waited for approval."""
    cancelled: tuple[Cancellation, ...] = ()
    settled: tuple[Payment, ...] = ()
    """They were settled before they could be cancelled; the money is gone."""
    ended: tuple[Payment, ...] = ()
    """They turned out to be proven dead already, such as expired."""
    uncancelled: tuple[Uncancelled, ...] = ()
    troubles: tuple[str, ...] = ()
    """What could not be used to call payments back, for people: a key, an endpoint, a relayer."""

    @property
    def complete(self) -> bool:
        """No payment of the scope can settle any more, as far as final blocks tell."""
        return not self.uncancelled and all(each.proven for each in self.cancelled)

    def explain(self) -> str:
        """Return the report for people, a line for each payment."""
        halt = self.halt
        lines = [f"{halt.scope} is halted since {utc(halt.at)} by {halt.by}: {halt.reason or 'no reason given'}"]
        lines += [f"{payment_id} waited for approval and is denied" for payment_id in self.denied]
        lines += [f"{each.payment.id} is cancelled{_where(each)}" for each in self.cancelled]
        lines += [f"{payment.id} was settled before: {payment.receipt}" for payment in self.settled]
        lines += [f"{payment.id} was {payment.state} already" for payment in self.ended]
        lines += [f"{left.payment.id} CAN STILL SETTLE: {left.reason}" for left in self.uncancelled]
        troubles = () if self.complete else self.troubles
        return "\n".join([*lines, *(f"trouble: {trouble}" for trouble in troubles)])


_Fate = Cancellation | Uncancelled | Payment


class KillSwitch:
    """Stops, lifts and lists. What it signs is cancellations only, the engine's one exception to a halt.

    Args: signers: the wallets whose authorizations can be cancelled. relayer: who pays the gas; without one nothing is
    cancelled on chain, and the report says so.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        reconciler: Reconciler,
        tokens: TokenBook,
        clock: Clock,
        signers: Iterable[Signer] = (),
        relayer: Relayer | None = None,
    ) -> None:
        self._storage = storage
        self._reconciler = reconciler
        self._tokens = tokens
        self._clock = clock
        self._signers = {signer.address.lower(): signer for signer in signers}
        self._relayer = relayer

    async def halt(self, scope: str, *, by: str, reason: str) -> HaltReport:
        """Stop every payment of a scope, deny those that wait for people, and cancel those that are out.

        The halt is stored before anything is cancelled, so nothing new of the scope is signed or sent meanwhile, in any
        process. Halting again tries again to cancel what could not be.

        Args: scope: `everything`, or `wallet:0x…`, `agent:…`, `session:…`.

        Raises: ConfigurationError: not a scope, or nobody is named. AdapterError: the storage does not answer.
        """
        return await self.call_back(await self.stop(scope, by=by, reason=reason))

    async def stop(self, scope: str, *, by: str, reason: str) -> HaltReport:
        """Store a halt and deny what waits for people: the first half of `halt`, which needs the storage alone.

        Raises: as `halt`.
        """
        asked = self._halt(scope, by, reason)
        _check_name(asked.scope)
        denied = tuple(await self._storage.halt(asked))
        in_effect = next((halt for halt in await self._storage.halts() if halt.scope == asked.scope), asked)
        return HaltReport(halt=in_effect, denied=denied)

    async def call_back(self, report: HaltReport) -> HaltReport:
        """Cancel what is out under a halt that is stored, and return the report with it: the second half of `halt`.

        Raises: AdapterError: the storage does not answer.
        """
        fates = await self._cancel_all([payment async for payment in self._out(report.halt.scope)])
        report = _sorted(report, fates)
        await self._note(report)
        return report

    async def lift(self, scope: str, *, by: str, reason: str) -> Halt | None:
        """Let payments of a scope go on; return the halt that is over, or None where there was none.

        Other halts stay: a session stays stopped while its wallet or everything is.

        Raises: ConfigurationError, AdapterError: as `halt`.
        """
        asked = self._halt(scope, by, reason)
        return await self._storage.lift(asked.scope, by=by, reason=reason, at=asked.at)

    async def halts(self) -> tuple[Halt, ...]:
        """Return what is stopped, oldest first."""
        return tuple(await self._storage.halts())

    def _halt(self, scope: str, by: str, reason: str) -> Halt:
        if not by or not (by + reason).isprintable():
            raise ConfigurationError("say who halts or lifts, and why, in printable characters: it is logged")
        try:
            return Halt(scope=normal_scope(scope), by=by, reason=reason, at=self._clock.now())
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    async def _out(self, scope: str) -> AsyncIterator[Payment]:
        """Yield the payments of a scope that are signed and not decided. None is added once the halt is stored."""
        after: str | None = None
        while True:
            page = await self._storage.unresolved(after=after)
            for payment in page.payments:
                if payment.state in OUT and scope in scopes_of_payment(payment):
                    yield payment
            if page.next is None:
                return
            after = page.next

    async def _cancel_all(self, payments: list[Payment]) -> list[_Fate]:
        fates: dict[PaymentId, _Fate] = {}
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def one(payment: Payment) -> None:
            async with limiter:
                fates[payment.id] = await self._cancel(payment)

        async with anyio.create_task_group() as tasks:
            for payment in payments:
                tasks.start_soon(one, payment)
        return [fates[payment.id] for payment in payments]

    async def _cancel(self, payment: Payment) -> _Fate:
        """Cancel one payment, or return why not; whatever happened, the chain has the last word."""
        if (decided := await self._decided(payment)) is not None:
            return decided
        try:
            transaction = await self._submit(payment)
        except Exception as error:  # noqa: BLE001  # whatever a signer or relayer raises: the others are called back
            if (decided := await self._decided(payment)) is not None:
                return decided
            earlier = await self._cancelled_earlier(payment)
            if earlier is not None:
                return Cancellation(payment=payment, transaction=earlier)
            return Uncancelled(payment=payment, reason=_why(error))
        try:
            payment = await self._reconciler.reconcile(payment.id)
        except (AdapterError, ConfigurationError):
            return Cancellation(payment=payment, transaction=transaction)
        return payment if payment.state is State.SETTLED else Cancellation(payment=payment, transaction=transaction)

    async def _submit(self, payment: Payment) -> str:
        """Sign the cancellation behind the firewall, have it submitted, and return the transaction's hash."""
        authorization = payment.authorization
        if payment.plan is not None:
            raise ConfigurationError(
                "its transaction is out and may be mined; nothing after it is signed, nor sent again"
            )
        if authorization is None or authorization.method != "eip3009":
            raise ConfigurationError(_by_permit2(payment))
        if self._relayer is None:
            raise ConfigurationError(f"no relayer pays for the cancellation; {_until(payment)}")
        signer = self._signers.get(authorization.payer.lower())
        if signer is None:
            raise ConfigurationError(f"the key of {authorization.payer} is not here to sign; {_until(payment)}")
        asset = authorization.amount.asset.id
        call = await self._call(signer, authorization)
        return await self._relayer.send(asset.chain, asset.address, call)

    async def _call(self, signer: Signer, authorization: Authorization) -> str:
        domain = await self._tokens.domain(authorization.amount.asset.id)
        data = eip3009.cancel_typed_data(signer.address, authorization.nonce, domain)
        firewall.check_cancellation(data, payer=authorization.payer, tokens=(domain,))
        signature = await signer.sign_typed_data(data)
        if len(signature) != 65:
            raise SigningFailed(f"the signer returned {len(signature)} bytes, a signature has 65")
        return eip3009.cancel_call(signer.address, authorization.nonce, signature)

    async def _decided(self, payment: Payment) -> _Fate | None:
        """Return what the chain has proven about a payment, or None where it can still settle or cannot be asked."""
        try:
            payment = await self._reconciler.reconcile(payment.id)
        except (AdapterError, ConfigurationError):
            return None
        if payment.state in OUT:
            return None
        return Cancellation(payment=payment, transaction=None) if payment.state is State.CANCELLED else payment

    async def _cancelled_earlier(self, payment: Payment) -> str | None:
        """Return the transaction that cancelled it in a block that is not final yet, or None."""
        if payment.authorization is None:
            return None
        try:
            chain = self._reconciler.chain(payment.intent.network)
            evidence = await gather(chain, payment, payment.authorization)
        except (AdapterError, ConfigurationError):
            return None
        return None if evidence.cancelled is None else evidence.cancelled.transaction

    async def _note(self, report: HaltReport) -> None:
        """Log what was called back and what was not, beside the row of the halt itself."""
        fates = {
            "cancelled": [each.payment.id for each in report.cancelled],
            "settled": [each.id for each in report.settled],
            "ended": [each.id for each in report.ended],
            "uncancelled": [each.payment.id for each in report.uncancelled],
        }
        for name, ids in fates.items():
            for start in range(0, len(ids), _IDS_A_ROW):
                facts = {"scope": report.halt.scope, name: " ".join(ids[start : start + _IDS_A_ROW])}
                await self._storage.note(at=self._clock.now(), kind="halt", facts=facts)


def _why(error: Exception) -> str:
    if isinstance(error, PaygentError):
        return str(error)
    return f"the wallet's signer or the relayer broke: {type(error).__name__}"


def _check_name(scope: str) -> None:
    """Refuse a halt that no payment can ever meet: whoever misspells a name believes that something stands still."""
    kind, _, name = scope.partition(":")
    if kind == "wallet" and not is_evm_address(name):
        raise ConfigurationError(f"{name!r} is no wallet: 0x and 40 hexadecimal digits")
    if not name.isprintable():
        raise ConfigurationError(f"{name!r} is the name of no {kind}: names are printable")


def _where(cancellation: Cancellation) -> str:
    where = "" if cancellation.transaction is None else f" in transaction {cancellation.transaction}"
    return where if cancellation.proven else f"{where}, not proven in a final block yet: reconcile it"


def _sorted(report: HaltReport, fates: Iterable[_Fate]) -> HaltReport:
    fates = list(fates)
    payments = [fate for fate in fates if isinstance(fate, Payment)]
    return replace(
        report,
        cancelled=tuple(fate for fate in fates if isinstance(fate, Cancellation)),
        uncancelled=tuple(fate for fate in fates if isinstance(fate, Uncancelled)),
        settled=tuple(payment for payment in payments if payment.state is State.SETTLED),
        ended=tuple(payment for payment in payments if payment.state is not State.SETTLED),
    )


def _by_permit2(payment: Payment) -> str:
    return f"only a transaction of the payer itself can invalidate a Permit2 nonce; {_until(payment)}"


def _until(payment: Payment) -> str:
    return f"it can settle until {utc(payment.intent.deadline)} by block time"
