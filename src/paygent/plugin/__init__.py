"""Everything that the author of a plugin needs: hooks, ports, values, and ABIs.

A plugin is announced by an entry point of the group ``paygent`` and loaded when the settings name it. It gets values
and read-only views; it never gets a key, an HTTP client, or a way to send.

::

    from paygent.plugin import Connector, Tools, hookimpl

    @hookimpl
    def paygent_connectors(tools: Tools) -> list[Connector]:
        return [MyVenue(tools.chains, tools.clock)]
"""

from paygent.core.action import Action, Call
from paygent.core.caip import AssetId, ChainId, erc20, native
from paygent.core.context import Context
from paygent.core.errors import AdapterError, ConfigurationError, PaygentError, PluginError, TradeRefused
from paygent.core.money import USD, Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.core.verdict import Allow, Deny, Reason, RequireApproval, Verdict
from paygent.plugin.contract import Abi, checksum
from paygent.plugin.hooks import Hooks, StorageOpener, hookimpl
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.chain import Block, Chain
from paygent.ports.clock import Clock
from paygent.ports.connector import (
    APPROVE,
    AddLiquidity,
    Connector,
    EmergencyWithdraw,
    Harvest,
    Manifest,
    PermittedCall,
    Pool,
    Position,
    RemoveLiquidity,
    Stake,
    Swap,
    Tools,
    TradeQuote,
    Unstake,
    Wish,
    WishKind,
)
from paygent.ports.events import PaymentEvents, PaymentMoved
from paygent.ports.policy_rule import PolicyRule, Proposal
from paygent.ports.scheme import Scheme, SchemeOffer
from paygent.ports.storage import Storage

__all__ = [
    "APPROVE",
    "USD",
    "Abi",
    "Action",
    "AdapterError",
    "AddLiquidity",
    "Allow",
    "Amount",
    "ApprovalHandler",
    "Asset",
    "AssetId",
    "Block",
    "Call",
    "Chain",
    "ChainId",
    "Clock",
    "ConfigurationError",
    "Connector",
    "Context",
    "Deny",
    "EmergencyWithdraw",
    "Harvest",
    "Hooks",
    "Manifest",
    "PaygentError",
    "PaymentEvents",
    "PaymentMoved",
    "PermittedCall",
    "PluginError",
    "PolicyRule",
    "Pool",
    "Position",
    "Proposal",
    "Reason",
    "RemoveLiquidity",
    "RequireApproval",
    "Scheme",
    "SchemeOffer",
    "Stake",
    "Storage",
    "StorageOpener",
    "Swap",
    "Token",
    "Tools",
    "TradeQuote",
    "TradeRefused",
    "Unstake",
    "Verdict",
    "Wish",
    "WishKind",
    "checksum",
    "erc20",
    "hookimpl",
    "native",
    "usd",
]
