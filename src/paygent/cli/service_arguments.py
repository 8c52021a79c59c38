"""What `paygent services` takes."""

import argparse
from dataclasses import dataclass
from typing import Any

from paygent.cli.options import Commands, Several, add_actions, add_json, add_page, add_storage, taken

FORMS = {
    "list": "list all, best first",
    "show ID": "show one, with what its price was",
    "add FILE": "add those of a JSON list, or change them",
    "remove ID": "remove one",
    "discover [TEXT ...]": "find those that the words and options fit, best first",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceArguments:
    """What one call says about services."""

    words: tuple[str, ...] = ()
    """An id, a file, or what is searched for."""
    category: str | None = None
    max_price: str | None = None
    """In dollars."""
    min_reputation: int | None = None
    mcp: bool = False
    after: str | None = None
    limit: int = 50


def add_services(commands: Commands) -> None:
    """Add the parser of the command."""
    command = add_actions(commands, "services", "list, find, add and remove paid services", FORMS, default="list")
    command.add_argument("words", nargs="*", action=Several, metavar="WORD", help="what the action takes")
    command.add_argument("--category", metavar="NAME", help="discover: only of this category")
    command.add_argument("--max-price", type=_dollars, metavar="USD", help="discover: at most so many dollars a unit")
    command.add_argument("--min-reputation", type=_score, metavar="0-100", help="discover: at least this reputation")
    command.add_argument("--mcp", action="store_true", default=None, help="discover: only what MCP can call")
    add_page(command)
    add_storage(command)
    add_json(command)


def gather(given: dict[str, Any]) -> ServiceArguments | None:
    """Take what belongs to the command out of what was given."""
    if given["command"] != "services":
        return None
    return taken(ServiceArguments, given)


def _dollars(text: str) -> str:
    from paygent.core.money import usd

    try:
        usd(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from wrong
    return text


def _score(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        raise argparse.ArgumentTypeError(f"{text!r} is not a reputation from 0 to 100")
    return int(text)
