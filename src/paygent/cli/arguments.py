"""What the command line takes, checked before anything else happens."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from paygent.cli.agent_wallet_arguments import AgentWalletArguments, add_agent_wallet
from paygent.cli.agent_wallet_arguments import gather as agent_wallet_of
from paygent.cli.plugins import add_plugins
from paygent.cli.run_arguments import RunArguments, add_runs
from paygent.cli.run_arguments import gather as runs_of
from paygent.cli.safety_arguments import Collect, add_safety, check
from paygent.cli.service_arguments import ServiceArguments, add_services
from paygent.cli.service_arguments import gather as services_of
from paygent.cli.wallet_arguments import WalletArguments, add_wallet
from paygent.cli.wallet_arguments import gather as wallet_of
from paygent.core.errors import ConfigurationError

if TYPE_CHECKING:
    from paygent.runtime.settings import Settings

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?", re.ASCII)
_MOST_SECONDS = 3_600
_ABOUT = "A wallet that cannot be overspent: pay x402 resources under a policy, and know what happened to the money."
_CODES = """\
exit codes:
  0  paid, or free, with a 2xx answer        4  proven: the payment did not and will not settle
  1  wrong use or configuration              5  the outcome is unknown: run `paygent reconcile`, do not pay again
  3  no payment was attempted                6  the seller failed, or an unpaid answer that is not 2xx
of the other commands: 0 done, 1 wrong use, 3 not done, 5 halted and something can still settle, 6 the log is broken
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """One call of the program."""

    command: str
    json: bool = False
    text: str = ""
    """What `parse` reads."""
    url: str = ""
    method: str = "GET"
    data: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    max_amount: str | None = None
    """In whole units of the asset."""
    network: str | None = None
    rpc: str | None = None
    storage: str | None = None
    keystore: str | None = None
    timeout_seconds: float | None = None
    """Bounds each wait; None for the usual ones."""
    idempotency_key: str | None = None
    payment_id: str | None = None
    policy: tuple[str, ...] = ()
    """The policy's files."""
    scope: str = ""
    """What is halted, or resumed."""
    action: str = ""
    """What of a command with several is meant, such as `list` of `approvals`."""
    approval_id: str | None = None
    files: tuple[str, ...] = ()
    by: str | None = None
    """Who decides; None for the name that the machine knows."""
    reason: str = ""
    digest: str | None = None
    amount: str | None = None
    """What an approver's edit leaves, in whole units of the asset."""
    quantity: int | None = None
    """How many units an approver's edit leaves."""
    signer: str | None = None
    plugin: str = ""
    """Which one is checked."""
    last: int = 100
    """How many payments are looked at."""
    services: ServiceArguments | None = None
    runs: RunArguments | None = None
    wallet: WalletArguments | None = None
    agent_wallet: AgentWalletArguments | None = None

    @property
    def content(self) -> bytes:
        """The request's body."""
        return b"" if self.data is None else self.data.encode()

    def settings(self) -> "Settings":
        """Return the settings, with what the command line says in their place; a network only narrows them.

        Raises: ConfigurationError: something is wrong with either.
        """
        from paygent.evm.networks import chain_of
        from paygent.runtime.settings import Settings

        policy = list(self.policy) or None
        settings = Settings.load(rpc=self.rpc, storage=self.storage, keystore=self.keystore, policy=policy)
        if self.network is None:
            return settings
        try:
            chain = chain_of(self.network)
        except ValueError as unknown:
            raise ConfigurationError(f"--network: {unknown}") from unknown
        if settings.networks is not None and chain not in settings.networks:
            allowed = ", ".join(sorted(map(str, settings.networks))) or "none"
            raise ConfigurationError(f"--network {chain} is not among the networks of the settings: {allowed}")
        return replace(settings, networks=frozenset({chain}))


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
    as_written = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="paygent", description=_ABOUT, epilog=_CODES, allow_abbrev=False, formatter_class=as_written)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("demo", help="pay a real seller on a local chain, and see the proof", allow_abbrev=False)
    pay = commands.add_parser("pay", help="fetch a URL, paying what the policy allows", allow_abbrev=False)
    quote = commands.add_parser("quote", help="show what a URL costs; nothing is signed", allow_abbrev=False)
    for command in (pay, quote):
        _add_request(command)
    pay.add_argument(
        "--idempotency-key", type=_key, metavar="KEY", help="your name for the purchase: it is paid once, fetched again"
    )
    payments = commands.add_parser("payments", help="list payments, newest first", allow_abbrev=False)
    reconcile = commands.add_parser("reconcile", help="decide unknown outcomes by the chain", allow_abbrev=False)
    reconcile.add_argument("payment_id", nargs="?", metavar="ID", help="one payment; otherwise all that are open")
    for command in (pay, quote, payments, reconcile):
        _add_common(command)
    reading = commands.add_parser("parse", help="show what a command in plain English means", allow_abbrev=False)
    reading.add_argument("text", metavar="TEXT", help="such as 'Swap 10 CRO for USDC'; nothing is done")
    reading.add_argument("--json", action="store_true", help="print one line of JSON")
    add_safety(commands)
    add_services(commands)
    add_runs(commands)
    add_plugins(commands)
    add_wallet(commands)
    add_agent_wallet(commands)
    return parser


def _add_request(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", type=_url, metavar="URL")
    command.add_argument("--method", type=_method, help="default: GET, or POST with --data")
    command.add_argument("--data", type=_data, metavar="TEXT", help="the request's body")
    command.add_argument(
        "--header", dest="headers", action=Collect, type=_header, metavar="'NAME: VALUE'", help="may be repeated"
    )
    command.add_argument(
        "--max-amount", type=_amount, metavar="UNITS", help="the most it may cost, in whole units of the asset"
    )
    command.add_argument(
        "--network", metavar="CAIP-2", help="the only chain to pay on, such as eip155:25; the chain of --rpc"
    )
    command.add_argument("--keystore", metavar="FILE", help="holds the key, in place of PAYGENT_PRIVATE_KEY")
    command.add_argument(
        "--policy",
        action=Collect,
        metavar="FILE",
        help="what may be paid, in place of the settings' limits; repeatable",
    )
    command.add_argument("--timeout", dest="timeout_seconds", type=_seconds, metavar="SECONDS", help="of each wait")


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rpc", metavar="URL", help="JSON-RPC endpoint that proves what happened")
    command.add_argument("--storage", metavar="FILE|URL", help="the journal: a file, or sqlite:///pay.db")
    command.add_argument("--json", action="store_true", help="end with one line of JSON")


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"paygent {version('paygent')}")
        parser.exit()


def _url(text: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        fine = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL such as https://host/path")
    return text


def _method(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an HTTP method such as GET")
    return text.upper()


def _data(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as undecoded:
        raise argparse.ArgumentTypeError("the data is not UTF-8") from undecoded
    return text


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or not _TOKEN.fullmatch(name) or not value.isascii() or (value and not value.isprintable()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a header such as 'Accept: text/html'")
    return name, value


def _amount(text: str) -> str:
    if not _AMOUNT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount: write digits with at most one dot, such as 0.10")
    return text


def _key(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("an idempotency key is at least one printable character")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _MOST_SECONDS:  # not a number compares as false
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, {_MOST_SECONDS} at most")
    return seconds
