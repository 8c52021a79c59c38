"""`paygent parse`: what a command in plain English means, and nothing else happens."""

import json
import sys

from paygent.cli.outcome import MISUSE, OK
from paygent.core.errors import CommandRefused
from paygent.core.fields import JSON
from paygent.orchestrator.commands import Command, as_json, parse, render


def show_meaning(text: str, *, as_json: bool) -> int:
    """Print intent and slots, or the refusal; return the exit code, 0 or 1."""
    try:
        command = parse(text)
    except CommandRefused as refused:
        _say_refusal(refused, as_json=as_json)
        return MISUSE
    print(_json_of(command) if as_json else render(command))
    return OK


def _say_refusal(refused: CommandRefused, *, as_json: bool) -> None:
    if as_json:
        said: dict[str, JSON] = {"intent": "refuse", "why": refused.why, "message": str(refused)}
        print(json.dumps(said))
    else:
        print(f"{refused.why}: {refused}", file=sys.stderr)


def _json_of(command: Command) -> str:
    return json.dumps(as_json(command))
