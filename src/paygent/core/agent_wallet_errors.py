"""What an AgentWallet's contract would refuse; it was asked before anything was signed.

::

    AgentWalletRefused
    └── ChainLimitExceeded · AgentWalletPaused
"""

from typing import TYPE_CHECKING

from paygent.core.errors import PaymentNotAttempted

if TYPE_CHECKING:
    from paygent.core.ids import PaymentId
    from paygent.core.money import Amount


class AgentWalletRefused(PaymentNotAttempted):
    """An AgentWallet's contract refuses; `code` is the name of its custom error, such as ``NotOperator``."""

    def __init__(self, code: str, message: str, *, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(message, payment_id=payment_id)
        self.code = code


class ChainLimitExceeded(AgentWalletRefused):
    """An AgentWallet's own limit has no room; `chain` and `policy` say what each of the two leaves."""

    def __init__(
        self,
        code: str,
        *,
        asked: "Amount",
        chain: "Amount",
        policy: "Amount | None",
        payment_id: "PaymentId | None" = None,
    ) -> None:
        said = "no limit in it can be compared" if policy is None else f"at most {policy}"
        advice = {
            "AbovePerDay": "wait for the next UTC day",
            "AbovePerPayment": "pay in several payments",
            "ApprovalRequired": "collect the approvers' signatures and use `pay_approved`",
        }.get(code, "let the owner give the token a limit")
        super().__init__(
            code,
            f"{asked} is more than the contract allows now, at most {chain} ({code}; this process's policy: {said}); "
            f"nothing was sent: ask for less, {advice}, or let the owner raise the limit",
            payment_id=payment_id,
        )
        self.asked = asked
        self.chain = chain
        self.policy = policy


class AgentWalletPaused(AgentWalletRefused):
    """An AgentWallet is paused: its owner alone can lift that, and can withdraw meanwhile."""

    def __init__(self, wallet: str, *, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(
            "WalletPaused",
            f"AgentWallet {wallet} is paused, so nothing was sent; its owner can unpause it, or withdraw",
            payment_id=payment_id,
        )
        self.wallet = wallet
