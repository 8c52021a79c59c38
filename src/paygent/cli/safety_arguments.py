"""What the commands take that keep payments in check: halts, approvals, the audit log, policies, the database."""

import argparse
from typing import TYPE_CHECKING

from paygent.cli.options import Commands, Several, add_json, add_storage, name, printable
from paygent.core.errors import ConfigurationError
from paygent.core.money import usd

if TYPE_CHECKING:
    from paygent.cli.arguments import Arguments

ACTIONS = {
    "approvals": ("list", "show", "approve", "reject", "edit"),
    "audit": ("export", "verify"),
    "policy": ("check", "simulate"),
    "db": ("upgrade",),
}
_MOST = 100_000


def add_safety(commands: Commands) -> None:
    """Add the parsers of the commands."""
    halt = commands.add_parser("halt", help="stop payments, and cancel what is out", allow_abbrev=False)
    resume = commands.add_parser("resume", help="lift a halt", allow_abbrev=False)
    for command in (halt, resume):
        command.add_argument("scope", metavar="SCOPE", help="everything, wallet:0x…, agent:NAME or session:NAME")
    halt.add_argument("--rpc", metavar="URL", help="JSON-RPC endpoint to cancel by")
    halt.add_argument("--keystore", metavar="FILE", help="holds the key that signs cancellations")
    halts = commands.add_parser("halts", help="list what is halted", allow_abbrev=False)
    approvals = _with_actions(commands, "approvals", "list what waits for a person, and decide", default="list")
    approvals.add_argument("approval_id", nargs="?", metavar="ID")
    approvals.add_argument("--digest", metavar="HEX", help="of what you were shown; refused where it is another")
    approvals.add_argument("--amount", metavar="AMOUNT", help="edit: the most it may cost, in whole units of its asset")
    approvals.add_argument("--quantity", type=_units, metavar="N", help="edit: how many units at most")
    audit = _with_actions(commands, "audit", "export the audit log, sealed, or verify an exported file")
    audit.add_argument("files", nargs=1, action=Several, metavar="FILE")
    audit.add_argument("--signer", metavar="ADDRESS", help="verify: whose seal it has to be")
    audit.add_argument("--keystore", metavar="FILE", help="export: holds the key that seals")
    policy = _with_actions(commands, "policy", "check policy files, or judge past payments by them")
    policy.add_argument("files", nargs="+", action=Several, metavar="FILE")
    policy.add_argument("--last", type=_count, metavar="N", help="simulate: how many payments; default 100")
    policy.add_argument("--treasury", type=_dollars, metavar="USD", help="simulate: what there was before them")
    policy.add_argument("--rpc", metavar="URL", help="simulate: JSON-RPC endpoint to read the balance by")
    upgrade = _with_actions(commands, "db", "bring the storage to this version's schema")
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


def _with_actions(commands: Commands, name: str, about: str, *, default: str | None = None) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, allow_abbrev=False)
    words = ACTIONS[name]
    parser.add_argument("action", nargs="?" if default else None, default=default, choices=words)
    return parser


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
