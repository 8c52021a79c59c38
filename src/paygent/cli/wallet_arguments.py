"""What `paygent wallet` takes."""

import argparse
from dataclasses import dataclass
from typing import Any, Protocol

from paygent.cli.safety_arguments import Several
from paygent.core.errors import ConfigurationError

ACTIONS = {
    "create": "FILE",
    "address": "nothing",
    "balances": "any number of assets",
    "transfer": "AMOUNT ASSET ADDRESS",
    "history": "any number of assets",
    "go-on": "the ID of a payment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletArguments:
    """What one call says about a wallet."""

    words: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50
    of: str | None = None
    """Whose balances or transfers; None for the wallet's own."""


class _Commands(Protocol):
    """**Protocol:** what argparse makes for subcommands."""

    def add_parser(self, name: str, *, help: str, allow_abbrev: bool) -> argparse.ArgumentParser: ...  # noqa: A002


def add_wallet(commands: _Commands) -> None:
    """Add the parser of the command."""
    about = "make a keystore; show the address, balances and transfers; send money, and go on with what was begun"
    command = commands.add_parser("wallet", help=about, allow_abbrev=False)
    command.add_argument("action", choices=tuple(ACTIONS))
    command.add_argument(
        "words",
        nargs="*",
        action=Several,
        metavar="WORD",
        help="create: a file; transfer: amount, asset, address; go-on: a payment",
    )
    command.add_argument("--of", metavar="ADDRESS", help="balances, history: of another account; needs no key")
    command.add_argument("--network", metavar="CAIP-2", help="the only chain, such as eip155:25; the chain of --rpc")
    command.add_argument("--keystore", metavar="FILE", help="holds the key, in place of PAYGENT_PRIVATE_KEY")
    command.add_argument("--policy", nargs=1, action=Several, metavar="FILE", help="transfer, go-on: what may be sent")
    command.add_argument("--idempotency-key", metavar="KEY", help="transfer: your name for it: it is sent once")
    command.add_argument("--after", metavar="CURSOR", help="history: go on after the page that named it")
    command.add_argument("--limit", type=_limit, metavar="N", help="history: how many; default 50")
    command.add_argument("--rpc", metavar="URL", help="JSON-RPC endpoint")
    command.add_argument("--storage", metavar="FILE|URL", help="the journal: a file, or sqlite:///pay.db")
    command.add_argument("--json", action="store_true", help="end with one line of JSON")


def gather(given: dict[str, Any]) -> WalletArguments | None:
    """Take what belongs to the command out of what was given.

    Raises: ConfigurationError: its words do not fit what is asked.
    """
    if given["command"] != "wallet":
        return None
    mine = {name: given.pop(name) for name in WalletArguments.__dataclass_fields__}
    asked = WalletArguments(**{name: value for name, value in mine.items() if value is not None})
    counts = {"create": (1,), "address": (0,), "transfer": (3,), "go-on": (1,)}
    if len(asked.words) not in counts.get(given["action"], (len(asked.words),)):
        raise ConfigurationError(f"wallet {given['action']} takes {ACTIONS[given['action']]}; `paygent wallet --help`")
    return asked


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:5]) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to 1000")
    return int(text)
