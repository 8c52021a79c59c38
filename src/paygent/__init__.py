"""Paygent: a wallet for agents that cannot overspend.

Names load on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paygent.adapters.httpx import AsyncPaymentTransport, PaymentTransport
    from paygent.adapters.local_signer import LocalSigner
    from paygent.client import SyncX402Client, X402Client
    from paygent.core.caip import AssetId, ChainId
    from paygent.core.errors import (
        AdapterError,
        ApprovalLapsed,
        ApprovalPending,
        ApprovalRefused,
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
        ProtocolError,
        RemoteProtocolError,
        SigningFailed,
        TransactionReverted,
    )
    from paygent.core.ids import PaymentId
    from paygent.core.intent import PaymentIntent
    from paygent.core.lifecycle import State
    from paygent.core.money import USD, Amount, Asset, usd
    from paygent.core.payment import Payment, Receipt
    from paygent.core.requirements import Token
    from paygent.engine.handle import PaymentHandle
    from paygent.engine.pay import Engine
    from paygent.engine.quote import Quote
    from paygent.policy.policy import Policy
    from paygent.runtime.settings import Settings
    from paygent.x402.select import Preferences

__all__ = [
    "USD",
    "AdapterError",
    "Amount",
    "ApprovalLapsed",
    "ApprovalPending",
    "ApprovalRefused",
    "Asset",
    "AssetId",
    "AsyncPaymentTransport",
    "AuthorizationCancelled",
    "AuthorizationExpired",
    "BudgetExceeded",
    "ChainId",
    "ConfigurationError",
    "DuplicatePurchase",
    "Engine",
    "Halted",
    "IdempotencyConflict",
    "JournalConflict",
    "LocalProtocolError",
    "LocalSigner",
    "NoAcceptableRequirements",
    "PaidUndelivered",
    "PaygentError",
    "Payment",
    "PaymentCannotSettle",
    "PaymentHandle",
    "PaymentId",
    "PaymentIntent",
    "PaymentNotAttempted",
    "PaymentOutcomeUnknown",
    "PaymentTransport",
    "PluginError",
    "Policy",
    "PolicyDenied",
    "Preferences",
    "ProtocolError",
    "Quote",
    "Receipt",
    "RemoteProtocolError",
    "Settings",
    "SigningFailed",
    "State",
    "SyncX402Client",
    "Token",
    "TransactionReverted",
    "X402Client",
    "usd",
]

_HOMES = {
    "adapters.httpx": ("AsyncPaymentTransport", "PaymentTransport"),
    "adapters.local_signer": ("LocalSigner",),
    "client": ("SyncX402Client", "X402Client"),
    "core.caip": ("AssetId", "ChainId"),
    "core.errors": (
        "AdapterError",
        "ApprovalLapsed",
        "ApprovalPending",
        "ApprovalRefused",
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
        "ProtocolError",
        "RemoteProtocolError",
        "SigningFailed",
        "TransactionReverted",
    ),
    "core.ids": ("PaymentId",),
    "core.intent": ("PaymentIntent",),
    "core.lifecycle": ("State",),
    "core.money": ("USD", "Amount", "Asset", "usd"),
    "core.payment": ("Payment", "Receipt"),
    "core.requirements": ("Token",),
    "engine.handle": ("PaymentHandle",),
    "engine.pay": ("Engine",),
    "engine.quote": ("Quote",),
    "policy.policy": ("Policy",),
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
