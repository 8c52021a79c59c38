"""What `paygent run` and `paygent sessions` take."""

import argparse
import re
from dataclasses import dataclass
from typing import Any

from paygent.cli.options import (
    Collect,
    Commands,
    add_actions,
    add_command,
    add_json,
    add_keystore,
    add_payer,
    add_rpc,
    add_storage,
    taken,
)
from paygent.core.errors import ConfigurationError

FORMS = {
    "list": "list all, newest first",
    "show ID": "list the runs of one",
    "end ID": "end one: it takes no command any more",
}
_CODES = "Ends with 3 where it waits for a person; what it says then is how to decide and go on."
_DOLLARS = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """What one call says about runs and sessions."""

    text: str | None = None
    """The command to carry out."""
    session: str | None = None
    take_up: str | None = None
    """The run to resume."""
    again: str | None = None
    """The failed run to retry."""
    stop: str | None = None
    """The run to cancel."""
    accept_changes: bool = False
    max_spend: str | None = None
    """In dollars."""
    plugins: tuple[str, ...] = ()


def add_runs(commands: Commands) -> None:
    """Add the parsers of the commands."""
    run = add_command(commands, "run", "carry out a command in plain English, or go on with one", epilog=_CODES)
    run.add_argument("text", nargs="?", metavar="TEXT", help="such as 'pay https://host/path and swap 10 CRO for USDC'")
    run.add_argument("--session", metavar="ID", help="the session it belongs to; default: a new one")
    run.add_argument("--resume", dest="take_up", metavar="RUN", help="go on with a run that waits, or was interrupted")
    run.add_argument("--retry", dest="again", metavar="RUN", help="take a failed run up again where it failed")
    run.add_argument("--cancel", dest="stop", metavar="RUN", help="cancel a run; what was paid stays paid")
    run.add_argument("--accept-changes", action="store_true", default=None, help="resume under another policy or tools")
    run.add_argument("--max-spend", type=_dollars, metavar="USD", help="the most that the whole run may spend")
    run.add_argument(
        "--plugin",
        dest="plugins",
        action=Collect,
        metavar="NAME",
        help="a plugin to load, in place of the settings'; repeatable",
    )
    add_payer(run)
    add_rpc(run)
    add_keystore(run)
    sessions = add_actions(commands, "sessions", "list, show and end sessions of `run`", FORMS, default="list")
    sessions.add_argument("session", nargs="?", metavar="ID", help="which one")
    for command in (run, sessions):
        add_storage(command)
        add_json(command)


def gather(given: dict[str, Any]) -> RunArguments | None:
    """Take what belongs to the commands out of what was given.

    Raises: ConfigurationError: the parts do not fit together.
    """
    if given["command"] not in ("run", "sessions"):
        return None
    found = taken(RunArguments, given)
    if given["command"] == "run" and sum(each is not None for each in _ways(found)) != 1:
        raise ConfigurationError("run takes one TEXT, or one of --resume, --retry and --cancel")
    if given["command"] == "sessions" and (given["action"] == "list") != (found.session is None):
        raise ConfigurationError("sessions list takes no ID; show and end take the ID of one")
    return found


def _ways(found: RunArguments) -> tuple[str | None, ...]:
    return found.text, found.take_up, found.again, found.stop


def _dollars(text: str) -> str:
    if not _DOLLARS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars such as 1.50")
    return text
