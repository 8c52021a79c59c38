"""What the commands take that keep payments in check: halts, approvals, the audit log, policies, the database."""

import argparse
from typing import TYPE_CHECKING

from paygent.cli.options import Commands, Several, add_actions, add_command, add_json, add_storage, name, printable
from paygent.core.caip import is_evm_address
from paygent.core.errors import ConfigurationError
from paygent.core.money import usd

if TYPE_CHECKING:
    from paygent.cli.arguments import Arguments

_SCOPE = "everything, wallet:0x…, agent:NAME, session:ID or budget:RUN"
_APPROVALS = {
    "list": "list what waits",
    "show ID": "show one request: what is asked, and its digest",
    "approve ID": "agree to it; then run the same `paygent pay` again, or resume the run",
    "reject ID": "refuse it",
    "edit ID": "agree to less: --amount, --quantity, or both",
}
_AUDIT = {
    "export FILE": "write the log to a new file, sealed with the wallet's key",
    "verify FILE": "check such a file; it needs nothing else",
}
_POLICY = {
    "check FILE ...": "read policy files together, and say what is wrong and where",
    "simulate FILE ...": "judge past payments by them; nothing is signed",
}
_DB = {"upgrade": "bring it to this version's schema; stop what uses it first"}
_MOST = 100_000


def add_safety(commands: Commands) -> None:
    """Add the parsers of the commands."""
    halt = add_command(commands, "halt", "stop payments, and cancel what is out")
    resume = add_command(commands, "resume", "lift a halt")
    for command in (halt, resume):
        command.add_argument("scope", metavar="SCOPE", help=_SCOPE)
    halt.add_argument("--rpc", metavar="URL", help="JSON-RPC endpoint to cancel by")
    halt.add_argument("--keystore", metavar="FILE", help="holds the key that signs cancellations")
    halts = add_command(commands, "halts", "list what is halted")
    approvals = add_actions(
        commands, "approvals", "list what waits for a person, and decide", _APPROVALS, default="list"
    )
    approvals.add_argument("approval_id", nargs="?", metavar="ID", help="of one request")
    approvals.add_argument("--digest", metavar="HEX", help="of what you were shown; refused where it is another")
    approvals.add_argument("--amount", metavar="AMOUNT", help="edit: the most it may cost, in whole units of its asset")
    approvals.add_argument("--quantity", type=_units, metavar="N", help="edit: how many units at most")
    audit = add_actions(commands, "audit", "export the audit log, sealed, or verify an exported file", _AUDIT)
    audit.add_argument("files", nargs=1, action=Several, metavar="FILE", help="the log's file")
    audit.add_argument("--signer", type=_address, metavar="ADDRESS", help="verify: whose seal it has to be")
    audit.add_argument("--keystore", metavar="FILE", help="export: holds the key that seals")
    policy = add_actions(commands, "policy", "check policy files, or judge past payments by them", _POLICY)
    policy.add_argument("files", nargs="+", action=Several, metavar="FILE", help="YAML; several are read as one policy")
    policy.add_argument("--last", type=_count, metavar="N", help="simulate: how many payments; default 100")
    policy.add_argument("--treasury", type=_dollars, metavar="USD", help="simulate: dollars there were before them")
    policy.add_argument("--rpc", metavar="URL", help="simulate: JSON-RPC endpoint to read the balance by")
    upgrade = add_actions(commands, "db", "bring the storage to this version's schema", _DB)
    for command in (halt, resume, approvals):
        command.add_argument("--by", type=name, metavar="NAME", help="who says so; default: the machine's user")
        command.add_argument("--reason", type=printable, metavar="TEXT", help="why; it is logged")
    for command in (halt, resume, halts, approvals, audit, policy, upgrade):
        add_storage(command)
        add_json(command)


def check(arguments: "Arguments") -> None:
    """Make sure that the parts of a command fit together.

    Raises: ConfigurationError: they do not.
    """
    if arguments.command != "approvals":
        return
    listing = arguments.action == "list"
    if listing != (arguments.approval_id is None):
        wants = "no ID" if listing else "the ID of one request; `paygent approvals` lists them"
        raise ConfigurationError(f"approvals {arguments.action} takes {wants}")
    less = arguments.amount is not None or arguments.quantity is not None
    if less != (arguments.action == "edit"):
        wants = "an edit needs --amount or --quantity" if not less else "--amount and --quantity are of approvals edit"
        raise ConfigurationError(wants)


def _address(text: str) -> str:
    if not is_evm_address(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: 0x and 40 hexadecimal digits")
    return text


def _units(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of units, 1 at least")
    return int(text)


def _dollars(text: str) -> str:
    try:
        usd(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars, such as 12.50: {exc}") from exc
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of payments from 1 to {_MOST}")
    return int(text)
