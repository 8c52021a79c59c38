"""What `paygent wallet` takes."""

from dataclasses import dataclass
from typing import Any

from paygent.cli.options import (
    Commands,
    Several,
    actions_of,
    add_actions,
    add_json,
    add_keystore,
    add_network,
    add_page,
    add_rpc,
    add_storage,
    taken,
)
from paygent.core.errors import ConfigurationError

FORMS = {
    "create FILE": "make a new key in a new keystore",
    "address": "show whose wallet it is",
    "balances [ASSET ...]": "show what it has, of every known asset or of these",
    "transfer AMOUNT ASSET ADDRESS": "send, as far as the policy allows",
    "approve AMOUNT ASSET ADDRESS": "let a contract take exactly so much; 0 takes it back",
    "history [ASSET ...]": "list transfers of tokens on chain, newest first",
    "go-on ID": "sign the next step of an action that was begun",
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
    command = add_actions(commands, "wallet", about, FORMS)
    command.add_argument("words", nargs="*", action=Several, metavar="WORD", help="what the action takes")
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
        takes = actions_of(FORMS)[given["action"]]
        raise ConfigurationError(f"wallet {given['action']} takes {takes}; `paygent wallet --help` says more")
    return asked
