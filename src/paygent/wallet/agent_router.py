"""What an AgentWallet pays through the PaymentRouter: single requests, and subscriptions."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from paygent.core.action import Action
from paygent.core.agent_wallet_errors import ChainLimitExceeded
from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.payment import Payment
from paygent.evm.agent_wallet import VENUE
from paygent.evm.router import ServicePayment, Subscription, cancellation, router, service_call, subscription_call
from paygent.runtime.deployments import check_contracts
from paygent.wallet.agent_calls import AgentCalls
from paygent.wallet.wallet import address_of

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


class RouterPayer(AgentCalls):
    """The operator's calls of the router, which its owner has made a collector: `set_collector(router())`."""

    async def pay_for_service(
        self,
        payment: ServicePayment,
        *,
        idempotency_key: str | None = None,
        new_payment: bool = False,
        context: Context | None = None,
    ) -> Payment:
        """Pay for one request, so that its provider can verify it by the router; the router refuses it a second time.

        Raises:
            AgentWalletRefused: ``AlreadyPaid``, or the router is no collector of the wallet.
            ContractMissing, ContractMismatch: the chain has not this version's router. Otherwise as `pay`.
        """
        provider = address_of(payment.provider)
        call = _made(service_call, self.address, payment)
        await check_contracts(self._chain, self.network, "PaymentRouter")
        summary = f"Pay {payment.amount} to {provider} for a request, from AgentWallet {self.address}"
        action = self._payment(payment.amount, provider, call, summary)
        await self._check(action, idempotency_key, context)
        return await self._execute(action, idempotency_key=idempotency_key, new=new_payment, context=context)

    async def subscribe(
        self, terms: Subscription, *, idempotency_key: str | None = None, context: Context | None = None
    ) -> Payment:
        """Agree that anybody may have an amount paid to a payee once a period, up to a cap in all.

        Nothing moves yet. The policy counts the cap as spent now, because no policy is asked later; each charge counts
        against the contract's own limits on its day, and is refused where they have no room.

        Raises: ChainLimitExceeded: no charge could ever pass. Otherwise as `pay_for_service`.
        """
        payee = address_of(terms.payee)
        if terms.cap.asset.id.chain != self.network:
            raise LocalProtocolError(f"{terms.cap.asset.id} is not an asset of {self.network}, where the wallet is")
        action = Action(
            purpose="position",
            network=self.network,
            venue=VENUE,
            account=self.address,
            spend=terms.cap,
            counterparty=payee,
            calls=(_made(subscription_call, self.address, terms),),
            deadline=self._deadline(),
            summary=f"Subscribe to {payee}: {terms.amount} each {terms.period_seconds} seconds, {terms.cap} in all",
        )
        await check_contracts(self._chain, self.network, "PaymentRouter")
        if not await self._has_paid(idempotency_key):
            await self._check_charge(terms)
        return await self._execute(action, idempotency_key=idempotency_key, context=context)

    async def cancel_subscription(self, terms: Subscription) -> Payment:
        """End a subscription for good. What the policy counted for it stays counted. Raises: as `subscribe`."""
        summary = f"Cancel the subscription to {terms.payee}"
        return await self._set("callCollector", router(), _made(cancellation, terms), said=terms.said, summary=summary)

    async def _check_charge(self, terms: Subscription) -> None:
        limit = await self.limit(terms.amount.asset)
        bounds = {
            "AbovePerPayment": limit.per_payment,
            "ApprovalRequired": limit.approval_above,
            "AbovePerDay": limit.per_day,
        }
        code, least = min(bounds.items(), key=lambda bound: bound[1].atomic)
        if terms.amount.atomic > least.atomic:
            room = await self.policy_room(terms.amount.asset)
            raise ChainLimitExceeded(code, asked=terms.amount, chain=least, policy=room)


def _made(make: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
    """Return what is made. Raises: LocalProtocolError: a hash or a salt is no 32 bytes, or an agent is no address."""
    try:
        return make(*given, **named)
    except ValueError as wrong:
        raise LocalProtocolError(f"{wrong}; nothing was sent") from wrong
