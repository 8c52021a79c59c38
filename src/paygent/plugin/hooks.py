"""What a plugin may implement: functions of these names and arguments, marked with `hookimpl`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import pluggy

from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.connector import Connector, Tools
from paygent.ports.events import PaymentMoved
from paygent.ports.policy_rule import PolicyRule
from paygent.ports.scheme import Scheme
from paygent.ports.storage import Storage

PROJECT = "paygent"
"""Pluggy's project, and the group of entry points that announces plugins."""

StorageOpener: TypeAlias = Callable[[str], Awaitable[Storage]]
"""Opens the storage of a URL; it raises ConfigurationError or AdapterError."""

_Function = TypeVar("_Function", bound=Callable[..., object])
_implementation = pluggy.HookimplMarker(PROJECT)
_specification = pluggy.HookspecMarker(PROJECT)


def hookimpl(function: _Function) -> _Function:
    """Mark a function as the implementation of the hook of its name."""
    return _implementation(function)


class Hooks:
    """The hooks. A plugin implements those it needs, and leaves out arguments that it does not use."""

    @_specification
    def paygent_connectors(self, tools: Tools) -> Sequence[Connector]:
        """Return connectors to venues."""
        raise NotImplementedError

    @_specification
    def paygent_policy_rules(self, tools: Tools) -> Sequence[PolicyRule]:
        """Return rules that make every policy stricter."""
        raise NotImplementedError

    @_specification
    def paygent_approval_handlers(self, tools: Tools) -> Mapping[str, ApprovalHandler]:
        """Return ways to ask people, by name."""
        raise NotImplementedError

    @_specification
    def paygent_storages(self, tools: Tools) -> Mapping[str, StorageOpener]:
        """Return openers of storages, by the scheme of their URLs."""
        raise NotImplementedError

    @_specification
    def paygent_schemes(self, tools: Tools) -> Sequence[Scheme]:
        """Return x402 schemes."""
        raise NotImplementedError

    @_specification
    def paygent_payment_moved(self, event: PaymentMoved) -> None:
        """Take note of a payment's new state."""
        raise NotImplementedError
