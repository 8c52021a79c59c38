"""What an AgentWallet's contract refuses, as typed errors."""

from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
from paygent.core.ids import PaymentId
from paygent.core.money import Amount
from paygent.evm.contracts import own_errors
from paygent.evm.reverts import custom_error, reason

_LEFT = {"AbovePerDay": 2, "AbovePerPayment": 2, "ApprovalRequired": 2}
"""Errors that say what would have been allowed, and which of their arguments that is."""
_ADVICE = {
    "NotOwner": "use the owner's key",
    "NotOwnerOrGuardian": "use the owner's or the guardian's key",
    "NotOperator": "let the owner make this key an operator",
    "NotCollector": "let the owner call `set_collector` with the router's address",
    "AlreadyPaid": "the request was paid before; give another request its own hash",
    "TooManyOperators": "take another operator off first",
    "TokenNotAllowed": "let the owner give the token a limit",
    "PayeeNotAllowed": "let the owner allow the payee",
    "DomainUnknown": "let the owner set a limit with the token's EIP-712 name and version",
    "ConfigurationExpired": "let the owner sign the configuration anew, with a later deadline",
    "InvalidOwnerSignature": "let the owner sign this configuration for this chain and wallet",
    "WalletExists": "it is deployed already",
    "NativeTransferFailed": "the payee does not take the coin",
    "AmountNotMoved": "the token does not move what it is asked to",
    "NoCode": "there is no contract at that address",
    "ZeroAddress": "give an address that is somebody's",
}


def refused(
    wallet: str,
    data: str,
    *,
    asked: Amount | None = None,
    policy: Amount | None = None,
    payment_id: PaymentId | None = None,
) -> AgentWalletRefused:
    """Return what the data of a revert means.

    Args: asked: what was to be paid, for errors about limits. policy: what the policy of this process leaves.
    """
    code, values = custom_error(data, own_errors())
    if code == "WalletPaused":
        return AgentWalletPaused(wallet, payment_id=payment_id)
    if code in _LEFT and asked is not None:
        chain = Amount(int(str(values[_LEFT[code]])), asked.asset)
        return ChainLimitExceeded(code, asked=asked, chain=chain, policy=policy, payment_id=payment_id)
    said = reason(data, own_errors())
    advice = _ADVICE.get(code, "change what the contract objects to and try again")
    message = f"AgentWallet {wallet} refuses: {said}; nothing was sent: {advice}"
    return AgentWalletRefused(code, message, payment_id=payment_id)
