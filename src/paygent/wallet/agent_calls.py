"""What the parts of an AgentWallet stand on: its calls as actions, checked and carried out."""

from abc import ABC, abstractmethod

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.money import Amount, Asset
from paygent.core.payment import Payment
from paygent.ports.chain import Chain
from paygent.wallet.agent_state import OnChainLimit


class AgentCalls(ABC):
    """One wallet's calls, each through the engine."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The contract, an EIP-55 checksummed address."""

    @property
    @abstractmethod
    def network(self) -> ChainId:
        """Its chain."""

    @property
    @abstractmethod
    def _chain(self) -> Chain:
        """What reads its chain."""

    @abstractmethod
    async def limit(self, asset: Asset) -> OnChainLimit:
        """Return what the contract lets of an asset leave."""

    @abstractmethod
    async def policy_room(self, asset: Asset) -> Amount | None:
        """Return the most that one payment may be by the policy; None where no limit counts the asset."""

    @abstractmethod
    async def _set(self, function: str, *values: object, said: tuple[tuple[str, str], ...], summary: str) -> Payment:
        """Call a function of the contract that moves no money."""

    @abstractmethod
    def _payment(self, amount: Amount, payee: str, call: Call, summary: str) -> Action:
        """Return what a call of the contract pays, as an action."""

    @abstractmethod
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

    @abstractmethod
    async def _has_paid(self, key: str | None) -> bool:
        """Tell whether a key has a payment that may have moved money; a limit says nothing about it any more."""

    @abstractmethod
    async def _execute(
        self, action: Action, *, idempotency_key: str | None = None, new: bool = False, context: Context | None = None
    ) -> Payment:
        """Carry an action out through the engine."""

    @abstractmethod
    def _deadline(self) -> int:
        """Return until when a call of now may be mined, unix seconds."""
