"""What the commands about x402 payments take: `pay`, `quote`, `payments` and `reconcile`."""

import argparse
import re
from typing import Final

from paygent.cli.options import (
    Collect,
    Commands,
    add_command,
    add_json,
    add_keystore,
    add_network,
    add_payer,
    add_rpc,
    add_storage,
    name,
)

CODES: Final = """\
exit codes:
  0  paid, or free, with a 2xx answer        4  proven: the payment did not and will not settle
  1  wrong use or configuration              5  the outcome is unknown: run `paygent reconcile`, do not pay again
  3  no payment was attempted                6  the seller failed, or an unpaid answer that is not 2xx
"""
_OF_QUOTE: Final = "Ends with 0 where it would be paid or is free, and with 3 where nothing would be paid."
_OF_RECONCILE: Final = "Ends with what is true of them: 0 settled, 5 open, 4 never to settle, 3 never sent."
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?", re.ASCII)
_MOST_DIGITS = 59
"""Before the dot: of a token with 18 decimals nobody can have more."""
_MOST_SECONDS = 3_600


def add_requests(commands: Commands) -> None:
    """Add the parsers of the commands."""
    pay = add_command(commands, "pay", "fetch a URL, paying what the policy allows", epilog=CODES)
    quote = add_command(commands, "quote", "show what a URL costs; nothing is signed", epilog=_OF_QUOTE)
    for command in (pay, quote):
        _add_request(command)
    payments = add_command(commands, "payments", "list payments, newest first")
    reconcile = add_command(commands, "reconcile", "decide unknown outcomes by the chain", epilog=_OF_RECONCILE)
    reconcile.add_argument("payment_id", nargs="?", metavar="ID", help="one payment; otherwise all that are open")
    for command in (pay, quote, payments, reconcile):
        add_rpc(command)
        add_storage(command)
        add_json(command)


def _add_request(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", type=_url, metavar="URL", help="what is fetched, such as https://host/path")
    command.add_argument("--method", type=_method, metavar="METHOD", help="default: GET, or POST with --data")
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
    command.add_argument(
        "--timeout",
        dest="timeout_seconds",
        type=_seconds,
        metavar="SECONDS",
        help="of each wait; default 30, 90 for the paid answer",
    )


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
