"""What `paygent wallet` takes."""

from dataclasses import dataclass
from typing import Any

from paygent.cli.options import (
    Commands,
    Several,
    add_json,
    add_keystore,
    add_network,
    add_page,
    add_rpc,
    add_storage,
    taken,
)
from paygent.core.errors import ConfigurationError

ACTIONS = {
    "create": "FILE",
    "address": "nothing",
    "balances": "any number of assets",
    "transfer": "AMOUNT ASSET ADDRESS",
    "approve": "AMOUNT ASSET ADDRESS",
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


def add_wallet(commands: Commands) -> None:
    """Add the parser of the command."""
    about = "make a keystore; show address, balances and transfers; send, approve, and go on with what was begun"
    command = commands.add_parser("wallet", help=about, allow_abbrev=False)
    command.add_argument("action", choices=tuple(ACTIONS))
    command.add_argument(
        "words",
        nargs="*",
        action=Several,
        metavar="WORD",
        help="create: a file; transfer, approve: amount, asset, address; go-on: a payment",
    )
    command.add_argument("--of", metavar="ADDRESS", help="balances, history: of another account; needs no key")
    add_network(command)
    add_keystore(command)
    command.add_argument("--policy", nargs=1, action=Several, metavar="FILE", help="what may be sent")
    command.add_argument("--idempotency-key", metavar="KEY", help="your name for it: it is sent once")
    add_page(command)
    add_rpc(command)
    add_storage(command)
    add_json(command)


def gather(given: dict[str, Any]) -> WalletArguments | None:
    """Take what belongs to the command out of what was given.

    Raises: ConfigurationError: its words do not fit what is asked.
    """
    if given["command"] != "wallet":
        return None
    asked = taken(WalletArguments, given)
    counts = {"create": (1,), "address": (0,), "transfer": (3,), "approve": (3,), "go-on": (1,)}
    if len(asked.words) not in counts.get(given["action"], (len(asked.words),)):
        raise ConfigurationError(f"wallet {given['action']} takes {ACTIONS[given['action']]}; `paygent wallet --help`")
    return asked
