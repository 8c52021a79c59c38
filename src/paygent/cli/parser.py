"""What the command line takes, checked before anything else happens."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from paygent.cli.agent_wallet_arguments import add_agent_wallet
from paygent.cli.agent_wallet_arguments import gather as agent_wallet_of
from paygent.cli.arguments import Arguments
from paygent.cli.options import add_command, add_json
from paygent.cli.plugins import add_plugins
from paygent.cli.request_arguments import CODES, add_requests
from paygent.cli.run_arguments import add_runs
from paygent.cli.run_arguments import gather as runs_of
from paygent.cli.safety_arguments import add_safety, check
from paygent.cli.service_arguments import add_services
from paygent.cli.service_arguments import gather as services_of
from paygent.cli.wallet_arguments import add_wallet
from paygent.cli.wallet_arguments import gather as wallet_of
from paygent.core.errors import ConfigurationError

_ABOUT = "A wallet that cannot be overspent: pay x402 resources under a policy, and know what happened to the money."
_OTHERS = "of the other commands: 0 done, 1 wrong use, 3 not done, 5 something can still settle, 6 the log is broken"


class _Parser(argparse.ArgumentParser):
    """Complains by raising; the usual exit code 2 is not used."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}; `{self.prog} --help` says more")


def parse(argv: Sequence[str]) -> Arguments:
    """Read the arguments.

    Raises: ConfigurationError: wrong use. SystemExit: `--help` or `--version` was asked for, and printed.
    """
    given = vars(_parser().parse_args(argv))
    if given["command"] is None:
        raise ConfigurationError("say what to do, such as pay or payments; `paygent --help` says more")
    given["services"], given["wallet"], given["runs"] = services_of(given), wallet_of(given), runs_of(given)
    given["agent_wallet"] = agent_wallet_of(given)
    arguments = Arguments(**{name: value for name, value in given.items() if value is not None})
    check(arguments)
    if arguments.data is not None and given.get("method") is None:
        return replace(arguments, method="POST")
    return arguments


def _parser() -> argparse.ArgumentParser:
    codes, as_written = f"{CODES}{_OTHERS}", argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="paygent", description=_ABOUT, epilog=codes, allow_abbrev=False, formatter_class=as_written)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    add_command(commands, "demo", "trade and pay by one sentence on a local chain, and see the proof")
    add_requests(commands)
    reading = add_command(commands, "parse", "show what a command in plain English means")
    reading.add_argument("text", metavar="TEXT", help="such as 'Swap 10 CRO for USDC'; nothing is done")
    add_json(reading)
    add_safety(commands)
    add_services(commands)
    add_runs(commands)
    add_plugins(commands)
    add_wallet(commands)
    add_agent_wallet(commands)
    return parser


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"paygent {version('paygent')}")
        parser.exit()
