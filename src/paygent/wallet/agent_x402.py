"""x402 paid by an AgentWallet: its money, its limits on chain; an operator's key reserves each authorization first.

The bytes that pay are no secret: they are the authorization itself, and good once the wallet has reserved it. So the
payment is written down as sent before the reservation is, which is an action on chain of the same journal.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from paygent.core import ids
from paygent.core.action import Action
from paygent.core.agent_wallet_errors import AgentWalletRefused
from paygent.core.caip import ChainId
from paygent.core.errors import SigningFailed
from paygent.core.ids import IntentId, PaymentId
from paygent.core.lifecycle import FREED, State
from paygent.core.money import Amount
from paygent.core.payment import Payment, SignedPayload
from paygent.core.requirements import Authorization, PaymentRequired, PaymentRequirements, Refusal
from paygent.engine.choose import Choice, Chooser, Considered
from paygent.engine.order import ActionOrder, Order
from paygent.engine.pay import Engine
from paygent.engine.room import room
from paygent.evm import agent_wallet, word
from paygent.evm.coins import coin
from paygent.evm.contracts import contract
from paygent.evm.eip3009 import typed_data
from paygent.evm.tokens import domain as token_domain
from paygent.policy import firewall
from paygent.ports.chain import Chain
from paygent.ports.signer import Signer
from paygent.ports.transactions import Transactions
from paygent.wallet.agent_deploy import SignedConfiguration
from paygent.wallet.agent_refusals import refused
from paygent.wallet.agent_state import WalletReader
from paygent.x402 import codec
from paygent.x402.extensions import PAYMENT_IDENTIFIER, with_payment_identifier

VALIDITY_SECONDS: Final = agent_wallet.LONGEST_VALIDITY_SECONDS - 60
"""How long authorizations of a wallet may be good: a minute less than its contract takes, since blocks lag."""


_RESERVED: Final = 1
"""`IAgentWallet.Status.Reserved`."""


class ContractChooser(Chooser):
    """Takes only what a contract can pay: scheme `exact` by EIP-3009, within the bound of its authorizations."""

    async def choose(self, order: Order, *, keep: bool = False) -> Choice:
        """Return the best offer. Args, Raises: as of `Chooser.choose`."""
        return await super().choose(replace(order, required=_payable(order.required)), keep=keep)

    async def consider(self, order: Order) -> Considered:
        """Return what speaks for or against every offer, and the one that would be taken."""
        return await super().consider(replace(order, required=_payable(order.required)))


def _payable(required: PaymentRequired) -> PaymentRequired:
    mine: list[PaymentRequirements] = []
    refusals = list(required.refusals)
    text = "an AgentWallet pays scheme exact by EIP-3009 only"
    for each in required.requirements:
        if (each.scheme, each.transfer_method) == ("exact", "eip3009"):
            mine.append(replace(each, max_timeout_seconds=min(each.max_timeout_seconds, VALIDITY_SECONDS)))
        else:
            refusals.append(Refusal(index=each.index, code="not_for_contracts", text=text))
    return replace(required, requirements=tuple(mine), refusals=tuple(refusals))


class Undeployed:
    """What deploys a wallet in the transaction that settles its first payment.  Source: ERC-6492."""

    def __init__(self, signed: SignedConfiguration, operator: Signer) -> None:
        """Take what the owner signed, and the key of one of the operators that it names."""
        self._signed = signed
        self._operator = operator

    async def deployment(self, authorization: Authorization) -> tuple[str, str]:
        """Return factory and calldata that deploy the wallet and reserve an authorization.

        Raises: SigningFailed: the signer refused.
        """
        signed, factory = self._signed, contract("AgentWalletFactory")
        number = signed.network.evm_number
        data = agent_wallet.reserve_data([authorization], signed.wallet, number)
        firewall.check_agent_wallet(data, wallet=signed.wallet, chain_number=number)
        signature = await self._operator.sign_typed_data(data)
        deploy = (signed.owner, word.uint256(signed.salt), signed.configuration.words, signed.signature)
        reserve = ([agent_wallet.authorization_words(authorization)], self._operator.address, signature)
        return factory.address, factory["deployAndReserve"].call(*deploy, *reserve)


class ReservingSigner:
    """Pays with a wallet's money: its signature is an authorization that it has reserved."""

    def __init__(
        self,
        *,
        address: str,
        network: ChainId,
        operator: Engine,
        chain: Chain,
        reader: WalletReader,
        writer: Callable[[], Transactions],
        undeployed: Undeployed | None = None,
    ) -> None:
        self._address = address
        self._network = network
        self._operator = operator
        self._chain = chain
        self._reader = reader
        self._writer = writer
        self._undeployed = undeployed

    @property
    def address(self) -> str:
        """The wallet, a contract."""
        return self._address

    async def sign(self, payment: Payment, choice: Choice) -> SignedPayload:
        """Return the bytes of a reserved payment, after the contract has said that it would reserve them now.

        Raises: AgentWalletRefused: it would not, for a reason of its own. SigningFailed: the firewall refused.
        """
        authorization = _of_wallet(payment, self._network)
        rules = firewall.SigningRules(
            payer=self._address,
            payee=choice.payee,
            tokens={token_domain(choice.offer.token): choice.offer.amount.atomic},
            now=choice.now,
            max_validity_seconds=min(VALIDITY_SECONDS, choice.policy.max_validity_seconds),
            slack_seconds=0,
        )
        firewall.check(typed_data(authorization, token_domain(choice.offer.token)), rules)
        policy = await room(choice.policy, choice.ask, self._operator.journal, now=choice.now, reserved=True)
        signature = await self._signature(payment, authorization, policy)
        extensions = dict(choice.required.extensions)
        if PAYMENT_IDENTIFIER in extensions:
            extensions = with_payment_identifier(extensions, payment.id)
        return codec.write_payload(
            choice.required, choice.offer.requirements, authorization, signature, extensions=extensions
        )

    async def publish(self, payment: Payment) -> None:
        """Reserve the authorization on chain, once; from then on anybody can settle it.

        Raises: as `Engine.execute`.
        """
        authorization = _of_wallet(payment, self._network)
        if not await self._deployed() or await self._is_reserved(authorization):
            return
        order = ActionOrder(
            intent_id=await self._next_intent(payment),
            action=self._reservation(payment, authorization),
            context=payment.context,
            new_action=True,
            errors=contract("AgentWallet").errors,
        )
        await self._operator.execute(order)

    async def _next_intent(self, payment: Payment) -> IntentId:
        """Return the first name of its reservation that is new, or that of one that is under way.

        One that ended without effect, as where a process died before it signed, is made anew under the next name; the
        contract reserves the same authorization once.
        """
        number, intent = 1, ids.intent_id("reserve", payment.id)
        while await self._ended(ids.payment_id(intent)):
            number += 1
            intent = ids.intent_id("reserve", payment.id, str(number))
        return intent

    async def _ended(self, reservation: PaymentId) -> bool:
        """Tell whether a reservation was made, and ended without effect."""
        earlier = await self._operator.journal.get(reservation)
        if earlier is not None and earlier.state is State.RESERVED:
            earlier = await self._operator.reconciler.reconcile(earlier.id)  # its lease may be over
        return earlier is not None and earlier.state in FREED

    async def _signature(self, payment: Payment, authorization: Authorization, policy: Amount | None) -> bytes:
        own = agent_wallet.signature(authorization)
        if await self._deployed():
            await self._reader.check(authorization.amount, policy=policy, payment_id=payment.id)
            (call,) = self._reservation(payment, authorization).calls
            await self._rehearse(payment, authorization, call.to, call.data)
            return own
        if self._undeployed is None:
            advice = "deploy it first, or use `undeployed_engine` where the seller's facilitator deploys wallets"
            message = f"there is no AgentWallet at {self._address} on {self._network}: {advice}"
            raise AgentWalletRefused("NotDeployed", message, payment_id=payment.id)
        factory, data = await self._undeployed.deployment(authorization)
        await self._rehearse(payment, authorization, factory, data)
        return agent_wallet.wrapped(factory, data, own)

    async def _deployed(self) -> bool:
        return await self._chain.code(self._address) != "0x"

    async def _is_reserved(self, authorization: Authorization) -> bool:
        words = agent_wallet.authorization_words(authorization)
        (digest,) = await self._reader.ask("authorizationDigest", words)
        status, *_ = await self._reader.ask("reservation", digest)
        return bool(status == _RESERVED)

    async def _rehearse(self, payment: Payment, authorization: Authorization, to: str, data: str) -> None:
        """Raise what the contract would say of a reservation that is submitted now."""
        said = await self._writer().simulate(self._operator.address, to, data)
        if not said.succeeded:
            raise refused(self._address, said.data, asked=authorization.amount, payment_id=payment.id)

    def _reservation(self, payment: Payment, authorization: Authorization) -> Action:
        """Return the same action whenever it is asked for the same payment."""
        amount, payee = authorization.amount, authorization.payee
        said = (("token", amount.asset.id.address), ("to", payee), ("value", str(amount.atomic)))
        words = agent_wallet.authorization_words(authorization)
        return Action(
            purpose="position",
            network=self._network,
            venue=agent_wallet.VENUE,
            spend=Amount(0, coin(self._network)),
            counterparty=self._address,
            calls=(agent_wallet.wallet_call(self._address, "reserve", [words], said=said),),
            deadline=authorization.valid_before,
            summary=f"Reserve {amount} for {payee}, payment {payment.id}",
        )


def _of_wallet(payment: Payment, network: ChainId) -> Authorization:
    authorization = payment.authorization
    if authorization is None:
        raise SigningFailed("there is no authorization to reserve", payment_id=payment.id)
    if authorization.method != "eip3009" or payment.intent.network != network:
        raise SigningFailed(f"an AgentWallet on {network} pays by EIP-3009 there only", payment_id=payment.id)
    return authorization
