"""What `paygent services` takes."""

import argparse
from dataclasses import dataclass
from typing import Any

from paygent.cli.options import Commands, Several, add_json, add_page, add_storage, taken

ACTIONS = ("list", "show", "add", "remove", "discover")


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
    command = commands.add_parser("services", help="list, find, add and remove paid services", allow_abbrev=False)
    command.add_argument("action", nargs="?", default="list", choices=ACTIONS)
    command.add_argument(
        "words",
        nargs="*",
        action=Several,
        metavar="ID|FILE|TEXT",
        help="show, remove: an id; add: a file; discover: text",
    )
    command.add_argument("--category", metavar="NAME")
    command.add_argument("--max-price", type=_dollars, metavar="USD", help="discover: in dollars, the limit inside")
    command.add_argument("--min-reputation", type=_score, metavar="0-100")
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
