"""One transaction of an action up to its signature: funds, simulation, gas, account nonce, firewall."""

from paygent.core.action import Call
from paygent.core.caip import AssetId
from paygent.core.errors import AdapterError, ConfigurationError, PaygentError, SigningFailed
from paygent.core.money import Amount, Asset
from paygent.core.payment import Payment
from paygent.core.transaction import Attempt, AttemptKind, Plan, Step, UnsignedTransaction
from paygent.core.transaction_errors import GasTooExpensive, InsufficientFunds, NotSpendable, SimulationReverted
from paygent.engine.actions import ActionJudge
from paygent.engine.gas import Offer, gas_limit, offer
from paygent.engine.reconcile import Reconciler
from paygent.engine.tokens import read_uint
from paygent.evm import abi, erc20
from paygent.evm.coins import coin
from paygent.evm.reverts import custom_error, reason
from paygent.evm.transaction import signed, transaction_hash
from paygent.policy.firewall import TransactionRules, check_transaction
from paygent.policy.gas import gas_cap
from paygent.ports.chain import Chain
from paygent.ports.signer import TransactionSigner
from paygent.ports.storage import Storage
from paygent.ports.transactions import Simulation, Transactions


class StepSigner:
    """A signer of transactions that only the engine holds; it sees nothing that the firewall has not let through."""

    def __init__(
        self, *, signer: TransactionSigner, judge: ActionJudge, storage: Storage, reconciler: Reconciler
    ) -> None:
        self._signer = signer
        self._judge = judge
        self._storage = storage
        self._reconciler = reconciler
        self._places: dict[AssetId, int | None] = {}

    async def unsigned(
        self, payment: Payment, step: Step, writer: Transactions, errors: tuple[str, ...]
    ) -> UnsignedTransaction:
        """Return the transaction of a step without its nonce, after the chain has said that it would go through."""
        call, payer = step.call, self._signer.address
        limit = gas_cap(self._judge.policy, payment.intent.network)
        await self._check_funds(payment, step, writer)
        simulated = await writer.simulate(payer, call.to, call.data, value=call.value)
        check_simulation(call, simulated, errors, payment)
        fees = await writer.fees()
        try:
            estimate = await writer.estimate_gas(payer, call.to, call.data, value=call.value)
        except AdapterError as error:
            if error.retryable:
                raise
            raise SimulationReverted(str(call), reason=str(error), payment_id=payment.id) from error
        transaction = transaction_of(payment, call, offer(fees), gas_limit(estimate))
        await self._check_gas(payment, transaction, limit, writer)
        return transaction

    async def _check_funds(self, payment: Payment, step: Step, writer: Transactions) -> None:
        """Raise InsufficientFunds where the wallet has less of the asset, or of the fee, than is still needed."""
        action = plan_of(payment).action
        spend, owner = action.spend, action.account or self._signer.address
        if step.cleanup or (spend.asset.id.native and action.account is None):
            return  # the coin is looked at together with gas
        if action.account is not None and action.purpose == "position":
            return  # an AgentWallet promises it, and has to have it later
        if action.fee is not None and (coins := await writer.balance(owner)) < action.fee.atomic:
            what, has = payment.intent.resource, Amount(coins, action.fee.asset)
            raise InsufficientFunds(needed=action.fee, has=has, what=what, payment_id=payment.id)
        if spend.asset.id.native:
            has = Amount(await writer.balance(owner), spend.asset)
        else:
            has = await self._balance(payment, spend.asset, owner)
        if has.atomic < spend.atomic:
            raise InsufficientFunds(needed=spend, has=has, what=payment.intent.resource, payment_id=payment.id)

    async def _balance(self, payment: Payment, asset: Asset, owner: str) -> Amount:
        """Return what an owner has of a token. Raises: NotSpendable: it is another than the settings say."""
        chain = self._reconciler.chain(payment.intent.network)
        has = await _number(chain, asset, erc20.balance_of(owner))
        if self._places.get(asset.id) is None:
            self._places[asset.id] = await _number(chain, asset, erc20.decimals())
        problem = erc20.oddity(asset, balance=has, places=self._places[asset.id])
        if problem or has is None:
            raise NotSpendable(str(asset.id), problem, payment_id=payment.id)
        return Amount(has, asset)

    async def _check_gas(
        self, payment: Payment, transaction: UnsignedTransaction, limit: Amount, writer: Transactions
    ) -> None:
        asset = coin(payment.intent.network)
        cost = transaction.gas_limit * transaction.max_fee
        if cost > limit.atomic:
            raise GasTooExpensive(asked=Amount(cost, asset), limit=limit, payment_id=payment.id)
        has = await writer.balance(self._signer.address)
        if has < cost + transaction.value:
            raise InsufficientFunds(
                needed=Amount(cost + transaction.value, asset),
                has=Amount(has, asset),
                what=f"{payment.intent.resource} with its gas",
                payment_id=payment.id,
            )

    async def has_closed(self, plan: Plan) -> bool:
        """Tell whether nothing is left of the approval of a trade, so that nothing has to be taken back."""
        action = plan.action
        asked = erc20.allowance(self._signer.address, action.counterparty)
        return await read_uint(self._reconciler.chain(action.network), action.spend.asset.id.address, asked) == 0

    async def nonce(self, payment: Payment, place: int, writer: Transactions) -> int:
        """Return the step's account nonce, which is nobody else's, in this store and on the chain."""
        at_least = await writer.next_nonce(self._signer.address)
        return await self._storage.claim_nonce(payment, step=place, at_least=at_least)

    async def sign(self, payment: Payment, call: Call, transaction: UnsignedTransaction) -> bytes:
        """Return the bytes to send, behind the signing firewall.

        Raises: SigningFailed: the firewall or the signer refused.
        """
        plan = plan_of(payment)
        place = plan.current
        cleanup = place is not None and (plan.steps[place].cleanup or bool(plan.steps[place].attempts))
        now = (await self._reconciler.chain(payment.intent.network).next_block()).timestamp
        rules = TransactionRules(
            call=call,
            chain_number=payment.intent.network.evm_number,
            nonce=transaction.nonce,
            max_gas_cost=gas_cap(self._judge.policy, payment.intent.network).atomic,
            now=now,
            deadline=now + 1 if cleanup else plan.action.deadline,
        )
        check_transaction(transaction, rules)
        try:
            return signed(transaction, await self._signer.sign_transaction(transaction))
        except PaygentError:
            raise
        except Exception as error:
            raise SigningFailed(f"the signer broke: {type(error).__name__}", payment_id=payment.id) from error


def check_simulation(call: Call, simulated: Simulation, errors: tuple[str, ...], payment: Payment) -> None:
    """Return if a simulated call goes through and answers what it says.

    Raises: SimulationReverted: it reverts, returns false, or answers something else.
    """
    if not simulated.succeeded:
        why = reason(simulated.data, errors)
        if simulated.data == "0x" and simulated.message:
            why = simulated.message
        name, values = custom_error(simulated.data, errors)
        raise SimulationReverted(
            str(call), reason=why, error=name, arguments=values, data=simulated.data, payment_id=payment.id
        )
    if not call.returns or (simulated.data == "0x" and call.returns == ("bool",)):  # the oldest tokens answer nothing
        return
    try:
        answers = abi.decode(call.returns, simulated.data[2:])
    except ValueError as error:
        raise SimulationReverted(str(call), reason=f"its answer is {error}", payment_id=payment.id) from error
    if call.returns == ("bool",) and answers[0] is False:
        raise SimulationReverted(str(call), reason="it answers false", payment_id=payment.id)


def plan_of(payment: Payment) -> Plan:
    if payment.plan is None:
        raise ConfigurationError(f"payment {payment.id} is no action on chain; reconcile it instead")
    return payment.plan


def transaction_of(payment: Payment, call: Call, price: Offer, gas: int) -> UnsignedTransaction:
    return UnsignedTransaction(
        chain_number=payment.intent.network.evm_number,
        nonce=0,
        to=call.to,
        value=call.value,
        data=call.data,
        gas_limit=gas,
        max_fee=price.max_fee,
        tip=price.tip,
    )


def attempt_of(transaction: UnsignedTransaction, raw: bytes, kind: AttemptKind) -> Attempt:
    return Attempt(
        hash=transaction_hash(raw),
        nonce=transaction.nonce,
        gas_limit=transaction.gas_limit,
        max_fee=transaction.max_fee,
        tip=transaction.tip,
        kind=kind,
    )


async def _number(chain: Chain, asset: Asset, question: str) -> int | None:
    """Return what a token answers; None where that is no number. Raises: AdapterError: the chain does not answer."""
    try:
        return await read_uint(chain, asset.id.address, question)
    except AdapterError as error:
        if error.retryable:
            raise
        return None


def raw_of(payment: Payment, name: str) -> bytes:
    """Return the signed bytes of one transaction of a payment, by its hash.

    Raises: ConfigurationError: the payment was read without its signed bytes.
    """
    for text in () if payment.payload is None else payment.payload.value.split(" "):
        raw = bytes.fromhex(text[2:])
        if transaction_hash(raw) == name:
            return raw
    raise ConfigurationError(f"payment {payment.id} has no signed bytes of transaction {name}")
