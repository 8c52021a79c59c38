"""Rules of one's own about what may be paid."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.intent import Purpose
from paygent.core.money import Amount
from paygent.core.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A payment before it exists, as far as a rule looks at it."""

    purpose: Purpose
    payer: str
    """Checksummed address."""
    payee: str
    """Checksummed address; of a trade, the contract that takes the money."""
    network: ChainId
    amount: Amount
    """The ceiling."""
    dollars: Amount | None
    """What it counts as in USD; None where nothing says what it is worth."""
    host: str
    """Host and port of the resource, lower case; empty where nothing is fetched."""
    context: Context
    """Who pays and what for, by the program's word."""
    now: int
    """Unix seconds."""


@runtime_checkable
class PolicyRule(Protocol):
    """**Protocol:** a pure function of a proposal. It can only make the policy stricter: `Allow` says nothing."""

    @property
    def name(self) -> str:
        """Stands before the code of its reasons."""
        ...

    def judge(self, proposal: Proposal) -> Verdict:
        """Return what the rule says. A rule that raises denies."""
        ...
