"""What `paygent agent-wallet` takes."""

import argparse
from dataclasses import dataclass
from typing import Any

from paygent.cli.options import (
    Collect,
    Commands,
    Several,
    actions_of,
    add_actions,
    add_json,
    add_keystore,
    add_network,
    add_rpc,
    add_storage,
    taken,
)
from paygent.core.errors import ConfigurationError

FORMS = {
    "install": "put the contracts on a chain, after probing it",
    "deploy": "deploy a wallet, with the options that say deploy",
    "show": "show what the contract says",
    "limits [ASSET PER_DAY PER_PAYMENT [APPROVAL_ABOVE]]": "show the limits; or set one, as the owner",
    "operators [add|remove ADDRESS]": "show who may spend; or change it, as the owner",
    "pause": "let nobody pay, as the owner or the guardian",
    "unpause": "let operators pay again, as the owner",
    "pay AMOUNT ASSET ADDRESS": "pay, as an operator, within its limits",
    "withdraw AMOUNT ASSET [ADDRESS]": "take money out, as the owner",
}
_COUNTS = {"limits": (0, 3, 4), "operators": (0, 2), "pay": (3,), "withdraw": (2, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWalletArguments:
    """What one call says about an AgentWallet."""

    words: tuple[str, ...] = ()
    at: str | None = None
    """The wallet's address; None: that of an owner and a salt."""
    owner: str | None = None
    """None for the key's own address."""
    salt: int = 0
    operators: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    """Each ``ASSET:PER_DAY:PER_PAYMENT[:APPROVAL_ABOVE]``, in whole units."""
    guardian: str | None = None
    approvers: tuple[str, ...] = ()
    approvals: int = 0
    payees: tuple[str, ...] = ()
    valid_for: int = 3_600
    """Seconds in which a configuration may be deployed."""
    sign_to: str | None = None
    """The new file that a signed configuration goes to, in place of the chain."""
    signed: str | None = None
    """The file that a signed configuration comes from."""


def add_agent_wallet(commands: Commands) -> None:
    """Add the parser of the command."""
    about = "a contract that an agent's key cannot overspend: deploy it, set its limits, pause it, take the money out"
    command = add_actions(commands, "agent-wallet", about, FORMS)
    command.add_argument("words", nargs="*", action=Several, metavar="WORD", help="what the action takes")
    command.add_argument("--at", metavar="ADDRESS", help="the wallet; otherwise that of --owner and --salt")
    command.add_argument("--owner", metavar="ADDRESS", help="whose wallet; default: the key's own")
    command.add_argument("--salt", type=_number, metavar="N", help="which of the owner's wallets; default 0")
    several = {
        "--operator": ("operators", "ADDRESS", "deploy: a key that may spend; repeatable"),
        "--limit": ("limits", "LIMIT", "deploy: ASSET:PER_DAY:PER_PAYMENT[:APPROVAL_ABOVE], whole units; repeatable"),
        "--approver": ("approvers", "ADDRESS", "deploy: signs payments above a threshold; repeatable"),
        "--payee": ("payees", "ADDRESS", "deploy: the only ones that may be paid; repeatable"),
    }
    for name, (dest, metavar, text) in several.items():
        command.add_argument(name, dest=dest, action=Collect, metavar=metavar, help=text)
    command.add_argument("--guardian", metavar="ADDRESS", help="deploy: may pause, nothing else")
    command.add_argument("--approvals", type=_number, metavar="K", help="deploy: how many approvers sign")
    command.add_argument(
        "--valid-for",
        type=_number,
        metavar="SECONDS",
        help="deploy: how long it may be deployed; default 3600",
    )
    command.add_argument("--sign-to", metavar="FILE", help="deploy: only sign, for somebody else to deploy")
    command.add_argument("--signed", metavar="FILE", help="deploy: what its owner signed with --sign-to")
    add_network(command)
    add_keystore(command)
    command.add_argument("--policy", nargs=1, action=Several, metavar="FILE", help="what may be sent, and its gas")
    command.add_argument("--idempotency-key", metavar="KEY", help="pay, withdraw: your name for it: it is sent once")
    add_rpc(command)
    add_storage(command)
    add_json(command)


def gather(given: dict[str, Any]) -> AgentWalletArguments | None:
    """Take what belongs to the command out of what was given.

    Raises: ConfigurationError: its words do not fit what is asked.
    """
    if given["command"] != "agent-wallet":
        return None
    asked = taken(AgentWalletArguments, given)
    action = given["action"]
    if len(asked.words) not in _COUNTS.get(action, (0,)):
        takes = actions_of(FORMS)[action]
        raise ConfigurationError(f"agent-wallet {action} takes {takes}; `paygent agent-wallet --help` says more")
    if action == "operators" and asked.words and asked.words[0] not in ("add", "remove"):
        raise ConfigurationError("say `operators add ADDRESS` or `operators remove ADDRESS`")
    return asked


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 78 and int(text) < 1 << 256):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2**256 - 1")
    return int(text)
