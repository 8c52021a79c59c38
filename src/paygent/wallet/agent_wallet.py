"""An AgentWallet: a contract that holds money, and that an agent's key cannot overspend, whatever this process does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self, Unpack

from paygent.core.action import Action, Call
from paygent.core.errors import ConfigurationError, LocalProtocolError
from paygent.core.lifecycle import FREED
from paygent.core.money import Amount
from paygent.core.transaction_errors import ContractMissing, SimulationReverted
from paygent.engine.room import room
from paygent.evm import agent_wallet as encode
from paygent.evm.coins import coin, coin_token
from paygent.evm.contracts import own_errors
from paygent.policy.ask import Ask
from paygent.policy.policy import Policy
from paygent.wallet.agent_batch import NO_REF, BatchPayer, bytes32
from paygent.wallet.agent_deploy import SignedConfiguration, deployment
from paygent.wallet.agent_place import network_of, place_of, predicted
from paygent.wallet.agent_refusals import refused
from paygent.wallet.agent_router import RouterPayer
from paygent.wallet.agent_settings import OwnerSettings
from paygent.wallet.agent_state import WalletReader, token_of
from paygent.wallet.agent_x402 import ContractChooser, ReservingSigner, Undeployed
from paygent.wallet.wallet import TRANSFER_SECONDS, Wallet, address_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from paygent.core.caip import ChainId
    from paygent.core.context import Context
    from paygent.core.ids import PaymentId
    from paygent.core.money import Asset
    from paygent.core.payment import Payment
    from paygent.engine.pay import Engine
    from paygent.ports.chain import Chain
    from paygent.ports.signer import Signer
    from paygent.runtime.assemble import Parts, Wiring
    from paygent.wallet.agent_state import AgentWalletState, OnChainLimit


class AgentWallet(OwnerSettings, BatchPayer, RouterPayer):
    """One AgentWallet on one chain, used with one key: its owner's, an operator's or the guardian's.

    Payments and settings are transactions of that key, through policy, journal and account nonces like any other. Gas
    is the key's; the money is the contract's. What the contract's own limits leave is read before anything is signed,
    and the smaller of chain and policy applies.
    """

    def __init__(self, parts: Parts, network: ChainId, address: str) -> None:
        """Take the parts of engines; `open` makes them from settings, and looks at the chain first."""
        self._parts = parts
        self._network = network
        self._address = address
        self._wallet = Wallet(parts.engine())
        self._reader = WalletReader(parts.chains[network], network, address)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        address: str | None = None,
        owner: str | None = None,
        salt: int = 0,
        network: ChainId | None = None,
        **wiring: Unpack[Wiring],
    ) -> AsyncGenerator[Self]:
        """Open the wallet at an address, or that of an owner and a salt; without either, the key's own with salt 0.

        Args:
            network: the chain; it may be left out where only one is configured.
            wiring: see `runtime.assemble.Wiring`; the key is the owner's, an operator's or the guardian's.

        Raises:
            ContractMissing, ContractMismatch: the chain has not this version's contracts, or another at the address.
            ConfigurationError: something is missing or wrong. AdapterError: the chain or the storage does not answer.
        """
        from paygent.runtime.assemble import open_parts
        from paygent.runtime.deployments import check_chain, check_contracts, wallet_owner

        async with open_parts(wiring) as parts:
            found = network_of(parts, network)
            await check_chain(parts.writers[found], found)
            await check_contracts(parts.chains[found], found, "AgentWalletFactory", "AgentWallet")
            where = place_of(address, owner, salt, parts.signer.address)
            await wallet_owner(parts.chains[found], found, where)
            yield cls(parts, found, where)

    @staticmethod
    def predict(owner: str, salt: int = 0) -> str:
        """Return the address of the wallet of `owner` and `salt`, deployed or not: the same on every chain.

        Raises: LocalProtocolError: that is nobody's address, or the salt is below 0 or above 2**256 - 1.
        """
        return predicted(owner, salt)

    @property
    def address(self) -> str:
        """The contract, an EIP-55 checksummed address."""
        return self._address

    @property
    def network(self) -> ChainId:
        """Its chain."""
        return self._network

    @property
    def _chain(self) -> Chain:
        return self._parts.chains[self._network]

    @property
    def key(self) -> str:
        """The address of the key that is used with it."""
        return self._wallet.address

    @property
    def wallet(self) -> Wallet:
        """The key's own account: it pays gas, and has the journal."""
        return self._wallet

    @property
    def engine(self) -> Engine:
        """What pays x402 from the contract: ``X402Client(wallet.engine)``. The key has to be an operator's."""
        return self._paying(None)

    def undeployed_engine(self, signed: SignedConfiguration) -> Engine:
        """Return the same for a wallet that its first payment deploys (ERC-6492); the facilitator pays that gas.

        It works only with sellers whose facilitator allows this project's factory; any other refuses the payment, and
        its amount stays reserved until the authorization ends. Where the wallet is deployed it pays as `engine` does.
        """
        return self._paying(Undeployed(signed, self._parts.signer))

    def _paying(self, undeployed: Undeployed | None) -> Engine:
        parts = self._parts
        signer = ReservingSigner(
            address=self._address,
            network=self._network,
            operator=self._wallet.engine,
            chain=parts.chains[self._network],
            reader=self._reader,
            writer=lambda: parts.writers[self._network],
            undeployed=undeployed,
        )
        chooser = parts.chooser(self._address, ContractChooser)
        return parts.engine_for(signer, chooser)

    # --- reading ----------------------------------------------------------------------------------------------------

    async def deployed(self) -> bool:
        """Tell whether the contract is there."""
        return await self._chain.code(self._address) != "0x"

    async def state(self) -> AgentWalletState:
        """Return the contract's settings, all at one block. Raises: ContractMissing: it is not deployed."""
        await self._check_deployed()
        return await self._reader.state()

    async def limit(self, asset: Asset) -> OnChainLimit:
        """Return what the contract lets of an asset leave. Raises: ContractMissing: it is not deployed."""
        await self._check_deployed()
        return await self._reader.limit(asset)

    async def remaining_today(self, asset: Asset) -> Amount:
        """Return what the contract's limit of the day leaves now; balance, pause and policy may leave less."""
        return (await self.limit(asset)).remaining_today

    async def policy_room(self, asset: Asset) -> Amount | None:
        """Return the most that one payment may be by this process's policy; None where no limit counts the asset."""
        return await self._room(Amount(10**asset.decimals, asset), None)

    # --- paying -----------------------------------------------------------------------------------------------------

    async def pay(
        self,
        amount: Amount,
        to: str,
        *,
        ref: str = NO_REF,
        idempotency_key: str | None = None,
        new_payment: bool = False,
        context: Context | None = None,
    ) -> Payment:
        """Pay a token or the coin from the contract, once, as an operator; return the payment with its proof.

        Args:
            ref: 0x and 64 hexadecimal digits that the contract records with the payment.
            idempotency_key: the caller's own name for the payment: the same key never pays twice.
            new_payment: pay even where the same payment is under way or unknown.

        Raises:
            ChainLimitExceeded: the contract's limit has no room; it carries what chain and policy leave.
            AgentWalletPaused, AgentWalletRefused: the contract refuses. ContractMissing: it is not deployed.
            PaygentError: as `Engine.execute`.
        """
        payee = address_of(to)
        call = encode.payment_call(self._address, token_of(amount.asset), payee, amount.atomic, bytes32(ref))
        action = self._payment(amount, payee, call, f"Pay {amount} to {payee} from AgentWallet {self._address}")
        await self._check(action, idempotency_key, context)
        return await self._execute(action, idempotency_key=idempotency_key, new=new_payment, context=context)

    async def pay_approved(
        self,
        amount: Amount,
        to: str,
        *,
        approvals: Mapping[str, bytes],
        nonce: str,
        deadline: int,
        ref: str = NO_REF,
        context: Context | None = None,
    ) -> Payment:
        """Pay what approvers have signed, as an operator; each approval pays once.

        Args: approvals: signatures by approver, from `approve`. nonce, deadline, ref: as they were signed.

        Raises: as `pay`.
        """
        payee, token = address_of(to), token_of(amount.asset)
        signed = [(each, approvals[each]) for each in sorted(approvals, key=str.lower)]
        values = (token, payee, amount.atomic, bytes32(ref), bytes32(nonce), deadline, signed)
        said = (("token", token), ("payee", payee), ("amount", str(amount.atomic)), ("approvals", str(len(signed))))
        call = encode.wallet_call(self._address, "executeApprovedPayment", *values, said=said)
        action = self._payment(amount, payee, call, f"Pay {amount} to {payee}, approved by {len(signed)}")
        await self._check(action, None, context, approved=True)
        return await self._execute(action, new=True, context=context)

    async def approve(
        self, signer: Signer, amount: Amount, to: str, *, nonce: str, deadline: int, ref: str = NO_REF
    ) -> bytes:
        """Return an approver's signature of one payment. Args: deadline: the last second at which it may be paid.

        Raises: SigningFailed: the signer refused.
        """
        from paygent.policy.firewall import check_agent_wallet

        data = encode.payment_data(
            self._address,
            self._network.evm_number,
            token=token_of(amount.asset),
            payee=address_of(to),
            amount=amount.atomic,
            ref=ref,
            nonce=nonce,
            deadline=deadline,
        )
        check_agent_wallet(data, wallet=self._address, chain_number=self._network.evm_number)
        return await signer.sign_typed_data(data)

    async def withdraw(self, amount: Amount, to: str | None = None, *, idempotency_key: str | None = None) -> Payment:
        """Take money out as the owner, also while paused; to the owner where nobody else is named.

        Raises: AgentWalletRefused: the key is not the owner's. PaygentError: as `Engine.execute`.
        """
        await self._check_deployed()
        payee = self.key if to is None else address_of(to)
        call = encode.withdrawal_call(self._address, token_of(amount.asset), payee, amount.atomic)
        action = self._payment(amount, payee, call, f"Withdraw {amount} to {payee} from AgentWallet {self._address}")
        return await self._execute(action, idempotency_key=idempotency_key, new=idempotency_key is None)

    # --- deploying and x402 -----------------------------------------------------------------------------------------

    async def deploy(self, signed: SignedConfiguration) -> Payment | None:
        """Deploy the wallet with what its owner signed, if it is not there; anybody's key may. None: it is there.

        Raises: LocalProtocolError: the configuration is another wallet's. AgentWalletRefused: the contract refuses.
        """
        if await self.deployed():
            return None
        if signed.wallet != self._address or signed.network != self._network:
            theirs, mine = f"{signed.wallet} on {signed.network}", f"{self._address} on {self._network}"
            raise LocalProtocolError(f"the configuration is of {theirs}, and this is {mine}; nothing was sent")
        return await self._execute(deployment(signed, deadline=self._deadline()), new=True)

    async def revoke(self, *payment_ids: PaymentId) -> Payment:
        """Make x402 authorizations void that were not used, and give their amounts back to the day's limit.

        The payments end as EXPIRED once their time is over; nobody can settle them meanwhile.

        Raises: AgentWalletRefused: one was used, or was given back before. ConfigurationError: no such payment.
        """
        return await self._give_back("revoke", payment_ids)

    async def release(self, *payment_ids: PaymentId) -> Payment:
        """Give the amounts of expired x402 payments back to the day's limit; anybody's key may. Raises: as `revoke`."""
        return await self._give_back("release", payment_ids)

    async def _give_back(self, function: str, payment_ids: tuple[PaymentId, ...]) -> Payment:
        found = [await self._parts.journal.get(each) for each in payment_ids]
        authorizations = [
            each.authorization
            for each in found
            if each is not None and each.authorization is not None and each.intent.payer == self._address
        ]
        if not payment_ids or len(authorizations) != len(payment_ids):
            raise ConfigurationError(f"name x402 payments of {self._address} that this storage has")
        values = [encode.authorization_words(each) for each in authorizations]
        said, summary = (("payments", ", ".join(payment_ids)[:1_000]),), f"{function.capitalize()} reservations"
        return await self._set(function, values, said=said, summary=summary)

    # --- through the engine -----------------------------------------------------------------------------------------

    async def _set(self, function: str, *values: object, said: tuple[tuple[str, str], ...], summary: str) -> Payment:
        await self._check_deployed()
        action = Action(
            purpose="position",
            network=self._network,
            venue=encode.VENUE,
            spend=Amount(0, coin(self._network)),
            counterparty=self._address,
            calls=(encode.wallet_call(self._address, function, *values, said=said),),
            deadline=self._deadline(),
            summary=f"{summary}, AgentWallet {self._address}",
        )
        return await self._execute(action, new=True)

    async def _execute(
        self, action: Action, *, idempotency_key: str | None = None, new: bool = False, context: Context | None = None
    ) -> Payment:
        try:
            return await self._wallet.execute(
                action, idempotency_key=idempotency_key, new_action=new, context=context, errors=own_errors()
            )
        except SimulationReverted as error:
            asked = action.spend if action.account is not None else None
            policy = None if asked is None else await self._room(asked, context)
            raise refused(self._address, error.data, asked=asked, policy=policy, payment_id=error.payment_id) from error

    def _payment(self, amount: Amount, payee: str, call: Call, summary: str) -> Action:
        if amount.asset.id.chain != self._network:
            raise LocalProtocolError(f"{amount.asset.id} is not an asset of {self._network}, where the wallet is")
        if amount.atomic == 0:
            raise LocalProtocolError("a payment is of more than nothing; give an amount above zero")
        return Action(
            purpose="transfer",
            network=self._network,
            account=self._address,
            spend=amount,
            counterparty=payee,
            calls=(call,),
            deadline=self._deadline(),
            summary=summary,
        )

    async def _check(
        self,
        action: Action,
        key: str | None,
        context: Context | None,
        *,
        approved: bool = False,
        largest: Amount | None = None,
    ) -> None:
        """Compare a payment with what the contract leaves, unless its key has paid already."""
        await self._check_deployed()
        if await self._has_paid(key):
            return
        policy = await self._room(action.spend, context)
        await self._reader.check(action.spend, policy=policy, approved=approved, largest=largest)

    async def _has_paid(self, key: str | None) -> bool:
        earlier = None if key is None else await self._parts.journal.by_key(self.key, key)
        return earlier is not None and earlier.state not in FREED

    async def _room(self, amount: Amount, context: Context | None) -> Amount | None:
        asset, engine = amount.asset, self._wallet.engine
        token = coin_token(self._network) if asset.id.native else self._parts.tokens.tokens.get(asset.id)
        if token is None:
            raise ConfigurationError(f"{asset.id} is not a known token; name it in tokens= to spend it")
        ask = Ask(
            payer=self.key,
            payee=self.key,
            network=self._network,
            token=token,
            amount=amount,
            host="",
            context=engine.context if context is None else context,
        )
        given = self._parts.policy
        policy = given if isinstance(given, Policy) else given.current()
        return await room(policy, ask, self._parts.journal, now=engine.now())

    async def _check_deployed(self) -> None:
        if not await self.deployed():
            advice = "deploy it first, with what its owner signed"
            raise ContractMissing("AgentWallet", address=self._address, network=str(self._network), advice=advice)

    def _deadline(self) -> int:
        return self._wallet.engine.now() + TRANSFER_SECONDS
