"""What the commands about x402 payments take: `pay`, `quote`, `payments` and `reconcile`."""

import argparse
import re

from paygent.cli.options import (
    Collect,
    Commands,
    add_json,
    add_keystore,
    add_network,
    add_payer,
    add_rpc,
    add_storage,
    name,
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?", re.ASCII)
_MOST_DIGITS = 59
"""Before the dot: of a token with 18 decimals nobody can have more."""
_MOST_SECONDS = 3_600


def add_requests(commands: Commands) -> None:
    """Add the parsers of the commands."""
    pay = commands.add_parser("pay", help="fetch a URL, paying what the policy allows", allow_abbrev=False)
    quote = commands.add_parser("quote", help="show what a URL costs; nothing is signed", allow_abbrev=False)
    for command in (pay, quote):
        _add_request(command)
    payments = commands.add_parser("payments", help="list payments, newest first", allow_abbrev=False)
    reconcile = commands.add_parser("reconcile", help="decide unknown outcomes by the chain", allow_abbrev=False)
    reconcile.add_argument("payment_id", nargs="?", metavar="ID", help="one payment; otherwise all that are open")
    for command in (pay, quote, payments, reconcile):
        add_rpc(command)
        add_storage(command)
        add_json(command)


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
    add_payer(command)
    command.add_argument("--service", type=name, metavar="ID", help="what is bought, as the policy knows it")
    command.add_argument(
        "--idempotency-key", type=_key, metavar="KEY", help="your name for the purchase: it is paid once, fetched again"
    )
    add_network(command)
    add_keystore(command)
    command.add_argument(
        "--policy",
        action=Collect,
        metavar="FILE",
        help="what may be paid, in place of the settings' limits; repeatable",
    )
    command.add_argument("--timeout", dest="timeout_seconds", type=_seconds, metavar="SECONDS", help="of each wait")


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
    if len(text.partition(".")[0]) > _MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is more than there can be of a token")
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
