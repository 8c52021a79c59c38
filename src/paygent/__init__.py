"""Paygent: a wallet for agents that cannot overspend.

Names load on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paygent.adapters.callback import CallbackApprovals
    from paygent.adapters.httpx import AsyncPaymentTransport, PaymentTransport
    from paygent.adapters.jupyter import JupyterApprovals
    from paygent.adapters.local_signer import LocalSigner
    from paygent.adapters.queue import StoredApprovals
    from paygent.adapters.terminal import TerminalApprovals
    from paygent.adapters.webhook import WebhookApprovals
    from paygent.client import Cheaper, SyncX402Client, X402Client
    from paygent.core.action import Action, Call
    from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
    from paygent.core.approval import ApprovalRequest
    from paygent.core.approval_errors import (
        ApprovalEdited,
        ApprovalLapsed,
        ApprovalPending,
        ApprovalRefused,
        NotAnApprover,
    )
    from paygent.core.caip import AssetId, ChainId
    from paygent.core.context import Context
    from paygent.core.errors import (
        AdapterError,
        AuditLogBroken,
        AuthorizationCancelled,
        AuthorizationExpired,
        BudgetExceeded,
        ConfigurationError,
        DuplicatePurchase,
        Halted,
        IdempotencyConflict,
        JournalConflict,
        LocalProtocolError,
        NoAcceptableRequirements,
        PaidUndelivered,
        PaygentError,
        PaymentCannotSettle,
        PaymentNotAttempted,
        PaymentOutcomeUnknown,
        PluginError,
        PolicyDenied,
        PolicyFileError,
        ProtocolError,
        RemoteProtocolError,
        SigningFailed,
        TradeRefused,
        VerdictOvertaken,
    )
    from paygent.core.history import PaymentFilter
    from paygent.core.ids import PaymentId
    from paygent.core.intent import PaymentIntent
    from paygent.core.lifecycle import State
    from paygent.core.money import USD, Amount, Asset, usd
    from paygent.core.payment import Payment
    from paygent.core.receipt import Receipt
    from paygent.core.requirements import Token
    from paygent.core.transaction_errors import (
        ActionAbandoned,
        ContractMismatch,
        ContractMissing,
        GasTooExpensive,
        InsufficientFunds,
        NonceTaken,
        NotSpendable,
        SimulationReverted,
        TransactionReverted,
    )
    from paygent.core.verdict import Alternative, Downgrade
    from paygent.engine.approvals import ApprovalDesk
    from paygent.engine.handle import PaymentHandle
    from paygent.engine.pay import Engine
    from paygent.engine.quote import Quote
    from paygent.orchestrator.asynchronous import Orchestrator
    from paygent.orchestrator.limits import RunLimits
    from paygent.orchestrator.synchronous import SyncOrchestrator
    from paygent.policy.limits import Limit
    from paygent.policy.policy import Policy
    from paygent.policy.risk import Risk
    from paygent.policy.scope import Scope
    from paygent.runtime.policy_file import PolicyFile
    from paygent.runtime.settings import Settings
    from paygent.wallet.agent_wallet import AgentWallet
    from paygent.wallet.wallet import Wallet
    from paygent.x402.select import Preferences

__all__ = [
    "USD",
    "Action",
    "ActionAbandoned",
    "AdapterError",
    "AgentWallet",
    "AgentWalletPaused",
    "AgentWalletRefused",
    "Alternative",
    "Amount",
    "ApprovalDesk",
    "ApprovalEdited",
    "ApprovalLapsed",
    "ApprovalPending",
    "ApprovalRefused",
    "ApprovalRequest",
    "Asset",
    "AssetId",
    "AsyncPaymentTransport",
    "AuditLogBroken",
    "AuthorizationCancelled",
    "AuthorizationExpired",
    "BudgetExceeded",
    "Call",
    "CallbackApprovals",
    "ChainId",
    "ChainLimitExceeded",
    "Cheaper",
    "ConfigurationError",
    "Context",
    "ContractMismatch",
    "ContractMissing",
    "Downgrade",
    "DuplicatePurchase",
    "Engine",
    "GasTooExpensive",
    "Halted",
    "IdempotencyConflict",
    "InsufficientFunds",
    "JournalConflict",
    "JupyterApprovals",
    "Limit",
    "LocalProtocolError",
    "LocalSigner",
    "NoAcceptableRequirements",
    "NonceTaken",
    "NotAnApprover",
    "NotSpendable",
    "Orchestrator",
    "PaidUndelivered",
    "PaygentError",
    "Payment",
    "PaymentCannotSettle",
    "PaymentFilter",
    "PaymentHandle",
    "PaymentId",
    "PaymentIntent",
    "PaymentNotAttempted",
    "PaymentOutcomeUnknown",
    "PaymentTransport",
    "PluginError",
    "Policy",
    "PolicyDenied",
    "PolicyFile",
    "PolicyFileError",
    "Preferences",
    "ProtocolError",
    "Quote",
    "Receipt",
    "RemoteProtocolError",
    "Risk",
    "RunLimits",
    "Scope",
    "Settings",
    "SigningFailed",
    "SimulationReverted",
    "State",
    "StoredApprovals",
    "SyncOrchestrator",
    "SyncX402Client",
    "TerminalApprovals",
    "Token",
    "TradeRefused",
    "TransactionReverted",
    "VerdictOvertaken",
    "Wallet",
    "WebhookApprovals",
    "X402Client",
    "usd",
]

_HOMES = {
    "wallet.agent_wallet": ("AgentWallet",),
    "wallet.wallet": ("Wallet",),
    "core.action": ("Action", "Call"),
    "adapters.callback": ("CallbackApprovals",),
    "adapters.httpx": ("AsyncPaymentTransport", "PaymentTransport"),
    "adapters.jupyter": ("JupyterApprovals",),
    "adapters.local_signer": ("LocalSigner",),
    "adapters.queue": ("StoredApprovals",),
    "adapters.terminal": ("TerminalApprovals",),
    "adapters.webhook": ("WebhookApprovals",),
    "client": ("Cheaper", "SyncX402Client", "X402Client"),
    "core.approval": ("ApprovalRequest",),
    "core.approval_errors": (
        "ApprovalEdited",
        "ApprovalLapsed",
        "ApprovalPending",
        "ApprovalRefused",
        "NotAnApprover",
    ),
    "core.caip": ("AssetId", "ChainId"),
    "core.context": ("Context",),
    "core.agent_wallet_errors": ("AgentWalletPaused", "AgentWalletRefused", "ChainLimitExceeded"),
    "core.errors": (
        "AdapterError",
        "AuditLogBroken",
        "AuthorizationCancelled",
        "AuthorizationExpired",
        "BudgetExceeded",
        "ConfigurationError",
        "DuplicatePurchase",
        "Halted",
        "IdempotencyConflict",
        "JournalConflict",
        "LocalProtocolError",
        "NoAcceptableRequirements",
        "PaidUndelivered",
        "PaygentError",
        "PaymentCannotSettle",
        "PaymentNotAttempted",
        "PaymentOutcomeUnknown",
        "PluginError",
        "PolicyDenied",
        "PolicyFileError",
        "ProtocolError",
        "RemoteProtocolError",
        "SigningFailed",
        "TradeRefused",
        "VerdictOvertaken",
    ),
    "core.history": ("PaymentFilter",),
    "core.ids": ("PaymentId",),
    "core.intent": ("PaymentIntent",),
    "core.lifecycle": ("State",),
    "core.money": ("USD", "Amount", "Asset", "usd"),
    "core.payment": ("Payment",),
    "core.receipt": ("Receipt",),
    "core.requirements": ("Token",),
    "core.transaction_errors": (
        "ActionAbandoned",
        "ContractMismatch",
        "ContractMissing",
        "GasTooExpensive",
        "InsufficientFunds",
        "NonceTaken",
        "NotSpendable",
        "SimulationReverted",
        "TransactionReverted",
    ),
    "core.verdict": ("Alternative", "Downgrade"),
    "engine.approvals": ("ApprovalDesk",),
    "engine.handle": ("PaymentHandle",),
    "engine.pay": ("Engine",),
    "engine.quote": ("Quote",),
    "orchestrator": ("Orchestrator", "RunLimits", "SyncOrchestrator"),
    "policy.limits": ("Limit",),
    "policy.policy": ("Policy",),
    "policy.risk": ("Risk",),
    "policy.scope": ("Scope",),
    "runtime.policy_file": ("PolicyFile",),
    "runtime.settings": ("Settings",),
    "x402.select": ("Preferences",),
}
_HOME_OF = {name: f"paygent.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    try:
        home = _HOME_OF[name]
    except KeyError:
        raise AttributeError(f"module 'paygent' has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
