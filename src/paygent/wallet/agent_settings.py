"""What the owner of an AgentWallet decides after it is deployed."""

from collections.abc import Sequence

from paygent.core.errors import LocalProtocolError
from paygent.core.payment import Payment
from paygent.evm.agent_wallet import NATIVE, TokenLimit
from paygent.wallet.agent_calls import AgentCalls
from paygent.wallet.wallet import address_of


class OwnerSettings(AgentCalls):
    """The owner's functions, one transaction each; the guardian's is `pause`.

    Each raises AgentWalletRefused where the key is not the one that may, and otherwise as `Engine.execute`.
    """

    async def set_operator(self, operator: str, *, enabled: bool = True) -> Payment:
        """Let a key spend within the limits, or not any more; what it reserved is not confirmed then."""
        return await self._switch("setOperator", "operator", operator, enabled)

    async def set_payee(self, payee: str, *, allowed: bool = True) -> Payment:
        """Put a payee on the list, or off it; the list counts where `set_payees_only` says so."""
        return await self._switch("setPayee", "payee", payee, allowed)

    async def set_payees_only(self, only: bool) -> Payment:
        """Pay only who is on the list, or anybody."""
        said = (("payeesOnly", str(only)),)
        return await self._set("setPayeesOnly", only, said=said, summary=f"Pay listed payees only: {only}")

    async def set_collector(self, collector: str, *, enabled: bool = True) -> Payment:
        """Let a contract such as the PaymentRouter ask for payments within the limits, or not any more."""
        return await self._switch("setCollector", "collector", collector, enabled)

    async def set_approvers(self, approvers: Sequence[str], *, needed: int) -> Payment:
        """Replace all approvers. Args: needed: how many of them sign a payment above its token's threshold."""
        accounts = [address_of(each) for each in approvers]
        if not 0 <= needed <= len(accounts):
            raise LocalProtocolError(f"{needed} of {len(accounts)} approvers cannot sign; nothing was sent")
        said = (("approvers", ", ".join(accounts) or "none"), ("needed", str(needed)))
        return await self._set("setApprovers", accounts, needed, said=said, summary=f"Need {needed} approvers")

    async def set_guardian(self, guardian: str | None) -> Payment:
        """Name who may pause, besides the owner; None is nobody."""
        account = NATIVE if guardian is None else address_of(guardian)
        return await self._set("setGuardian", account, said=(("guardian", account),), summary="Set the guardian")

    async def set_limit(self, limit: TokenLimit) -> Payment:
        """Set what may leave of one token; what was counted today stays counted."""
        said = tuple((name, str(value) or "none") for name, value in limit.message.items())
        return await self._set("setLimit", limit.words, said=said, summary=f"Set the limit of {limit.token}")

    async def pause(self) -> Payment:
        """Stop all payments and confirmations, as the owner or the guardian."""
        return await self._set("pause", said=(), summary="Pause")

    async def unpause(self) -> Payment:
        """Go on, as the owner."""
        return await self._set("unpause", said=(), summary="Unpause")

    async def _switch(self, function: str, what: str, account: str, on: bool) -> Payment:
        who = address_of(account)
        summary = f"{what.capitalize()} {who}: {'on' if on else 'off'}"
        return await self._set(function, who, on, said=((what, who), ("on", str(on))), summary=summary)
