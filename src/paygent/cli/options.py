"""Options that several commands take, and how argparse keeps them."""

import argparse
import textwrap
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol, TypeVar

_WIDTH: Final = 78
_LONGEST_FORM: Final = 32


class _Dataclass(Protocol):
    """**Protocol:** any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=_Dataclass)


class Commands(Protocol):
    """**Protocol:** what argparse makes for subcommands."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002
        description: str,
        epilog: str | None,
        formatter_class: type[argparse.HelpFormatter],
        allow_abbrev: bool,
    ) -> argparse.ArgumentParser: ...


class Collect(argparse.Action):
    """Gather a repeated option into a tuple."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, _: str | None = None
    ) -> None:
        before: tuple[object, ...] = vars(namespace)[self.dest] or ()
        vars(namespace)[self.dest] = (*before, values)


class Several(argparse.Action):
    """Keep several values as a tuple."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, _: str | None = None
    ) -> None:
        vars(namespace)[self.dest] = tuple(values)


def add_command(commands: Commands, name: str, about: str, *, epilog: str | None = None) -> argparse.ArgumentParser:
    """Add a command whose own help begins with what it does."""
    return commands.add_parser(
        name,
        help=about,
        description=textwrap.fill(f"{about[0].upper()}{about[1:]}.", _WIDTH),
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_actions(
    commands: Commands, name: str, about: str, forms: Mapping[str, str], *, default: str | None = None
) -> argparse.ArgumentParser:
    """Add a command with several actions.

    Args:
        forms: what each action takes, after its name, with what it does.
        default: the action that is meant where none is given.
    """
    lines = [_line(form, does, "" if form.split()[0] != default else " (default)") for form, does in forms.items()]
    command = add_command(commands, name, about, epilog="\n".join(["actions:", *lines]))
    choices = tuple(actions_of(forms))
    command.add_argument(
        "action", nargs="?" if default else None, default=default, choices=choices, metavar="ACTION", help="see below"
    )
    return command


def actions_of(forms: Mapping[str, str]) -> dict[str, str]:
    """Return the actions with what each takes."""
    split = [form.partition(" ") for form in forms]
    return {action: words or "nothing else" for action, _, words in split}


def _line(form: str, does: str, default: str) -> str:
    if len(form) > _LONGEST_FORM:
        return f"  {form}\n{'':{_LONGEST_FORM + 3}}{does}{default}"
    return f"  {form:<{_LONGEST_FORM}} {does}{default}"


def add_network(command: argparse.ArgumentParser) -> None:
    command.add_argument("--network", metavar="CAIP-2", help="the only chain, such as eip155:25; the chain of --rpc")


def add_keystore(command: argparse.ArgumentParser) -> None:
    command.add_argument("--keystore", metavar="FILE", help="holds the key, in place of PAYGENT_PRIVATE_KEY")


def add_payer(command: argparse.ArgumentParser) -> None:
    command.add_argument("--agent", metavar="NAME", help="who pays, as the policy knows it")
    command.add_argument("--project", metavar="NAME", help="what it is paid for, as the policy knows it")


def add_rpc(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rpc", metavar="URL", help="JSON-RPC endpoint that proves what happened")


def add_page(command: argparse.ArgumentParser) -> None:
    command.add_argument("--after", metavar="CURSOR", help="go on after the page that named it")
    command.add_argument("--limit", type=_limit, metavar="N", help="how many; default 50")


def add_storage(command: argparse.ArgumentParser) -> None:
    command.add_argument("--storage", metavar="FILE|URL", help="the journal: a file, or sqlite:///pay.db")


def add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="end with one line of JSON")


def taken(kind: type[T], given: dict[str, Any]) -> T:
    """Take the fields of a dataclass out of what was given, and return it; None leaves a field as it is."""
    mine = {name: given.pop(name) for name in kind.__dataclass_fields__ if name in given}
    return kind(**{name: value for name, value in mine.items() if value is not None})


def name(text: str) -> str:
    if not text.strip() or len(text) > 200:
        raise argparse.ArgumentTypeError("a name has 1 to 200 printable characters")
    return printable(text)


def printable(text: str) -> str:
    if not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} has characters that cannot be printed, and it is logged")
    return text


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:5]) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to 1000")
    return int(text)
