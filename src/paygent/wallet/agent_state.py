"""What the chain says of an AgentWallet, read at one block."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError
from paygent.core.ids import PaymentId
from paygent.core.money import Amount, Asset
from paygent.evm import agent_wallet
from paygent.evm.contracts import contract
from paygent.ports.chain import BlockTag, Chain


@dataclass(frozen=True, slots=True, kw_only=True)
class OnChainLimit:
    """What the contract lets of one token leave, and what is left of it."""

    per_day: Amount
    """Zero: the token does not move."""
    per_payment: Amount
    approval_above: Amount
    """Payments above it need signatures of approvers."""
    remaining_today: Amount
    """What the day's limit leaves now; less may be there."""

    def __str__(self) -> str:
        return (
            f"{self.remaining_today} of {self.per_day} left today, at most {self.per_payment} a payment, "
            f"approvals above {self.approval_above}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWalletState:
    """The settings of a wallet at one block. Addresses are checksummed."""

    address: str
    network: ChainId
    block: int
    owner: str
    guardian: str
    """The zero address is nobody."""
    paused: bool
    payees_only: bool
    operators: tuple[str, ...]
    payees: tuple[str, ...]
    collectors: tuple[str, ...]
    approvers: tuple[str, ...]
    approvals: int
    """How many approvers sign a payment above a threshold."""
    tokens: tuple[str, ...]
    """Addresses of the tokens with a limit; the zero address is the chain's coin."""


class WalletReader:
    """Asks one wallet's contract; answers of another kind than its interface says are errors."""

    def __init__(self, chain: Chain, network: ChainId, address: str) -> None:
        self._chain = chain
        self._network = network
        self._address = address

    async def ask(self, function: str, *values: object, at: BlockTag = "latest") -> tuple[Any, ...]:
        """Return what a view answers.

        Raises: AdapterError: the chain does not answer, or it answers nonsense.
        """
        view = contract("AgentWallet")[function]
        said = await self._chain.call(self._address, view.call(*values), at=at)
        try:
            return view.answers(said)
        except ValueError as wrong:
            problem = f"{self._address} is no AgentWallet: {function}() is {wrong}"
            raise AdapterError(problem, retryable=False) from wrong

    async def state(self) -> AgentWalletState:
        """Return every setting but the limits, all at one block."""
        block = (await self._chain.block("latest")).number
        said: dict[str, Any] = {}
        for name in ("owner", "guardian", "paused", "payeesOnly", "operators", "payees", "collectors", "tokens"):
            (said[name],) = await self.ask(name, at=block)
        approvers, needed = await self.ask("approvers", at=block)
        return AgentWalletState(
            address=self._address,
            network=self._network,
            block=block,
            owner=_one(said["owner"]),
            guardian=_one(said["guardian"]),
            paused=said["paused"],
            payees_only=said["payeesOnly"],
            operators=_many(said["operators"]),
            payees=_many(said["payees"]),
            collectors=_many(said["collectors"]),
            approvers=_many(approvers),
            approvals=needed,
            tokens=_many(said["tokens"]),
        )

    async def limit(self, asset: Asset) -> OnChainLimit:
        """Return what the contract lets of an asset leave, and what is left today."""
        token = token_of(asset)
        per_day, per_payment, above = await self.ask("limits", token)
        (left,) = await self.ask("remainingToday", token)
        return OnChainLimit(
            per_day=Amount(per_day, asset),
            per_payment=Amount(per_payment, asset),
            approval_above=Amount(above, asset),
            remaining_today=Amount(left, asset),
        )

    async def check(
        self,
        amount: Amount,
        *,
        policy: Amount | None,
        approved: bool = False,
        largest: Amount | None = None,
        payment_id: PaymentId | None = None,
    ) -> None:
        """Return if the contract's limits have room for a payment now.

        Args:
            policy: what the policy of this process leaves, for the error.
            approved: approvers have signed it.
            largest: of a batch, the largest payment; `amount` is their sum.

        Raises: ChainLimitExceeded, AgentWalletPaused: they have not. AgentWalletRefused: the token has no limit.
        """
        (paused,) = await self.ask("paused")
        if paused:
            raise AgentWalletPaused(self._address, payment_id=payment_id)
        limit = await self.limit(amount.asset)
        if limit.per_day.atomic == 0:
            message = f"AgentWallet {self._address} has no limit for {amount.asset.id}, so it does not move"
            message = f"{message}; nothing was sent: let the owner set one"
            raise AgentWalletRefused("TokenNotAllowed", message, payment_id=payment_id)
        bounds = [("AbovePerPayment", limit.per_payment, amount if largest is None else largest)]
        bounds.append(("AbovePerDay", limit.remaining_today, amount))
        if not approved:
            bounds.append(("ApprovalRequired", limit.approval_above, amount))
        broken = [(most, code, asked) for code, most, asked in bounds if asked.atomic > most.atomic]
        if broken:
            chain, code, asked = min(broken, key=lambda bound: bound[0].atomic)
            raise ChainLimitExceeded(code, asked=asked, chain=chain, policy=policy, payment_id=payment_id)


def token_of(asset: Asset) -> str:
    """Return what a wallet calls an asset."""
    return agent_wallet.NATIVE if asset.id.native else asset.id.address


def _one(address: str) -> str:
    from paygent.evm.address import checksum

    return checksum(address)


def _many(addresses: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(_one, addresses))
