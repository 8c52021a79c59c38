"""The command line: pay and look back (`pay`, `quote`, `payments`, `reconcile`), and keep payments in check.

Nothing heavy is imported before it is known what to do.
"""

import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from paygent.cli.arguments import Arguments
from paygent.cli.outcome import MISUSE, Outcome, code_of_error, interrupted
from paygent.cli.parser import parse
from paygent.cli.screen import ask_password, person_at_terminal, prepare_streams, show, waiting
from paygent.core.errors import ConfigurationError

if TYPE_CHECKING:
    from paygent.runtime.settings import Settings

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    prepare_streams()
    given = sys.argv[1:] if argv is None else argv
    try:
        arguments = parse(given)
    except ConfigurationError as misuse:
        show(Outcome(exit_code=MISUSE, error=misuse), as_json="--json" in given)
        return MISUSE
    except SystemExit:  # --help and --version have printed what was asked for
        return 0
    if arguments.command == "demo":
        return _demo()
    if arguments.command == "parse":
        from paygent.cli.meaning import show_meaning

        return show_meaning(arguments.text, as_json=arguments.json)
    outcome = _outcome(arguments)
    show(outcome, as_json=arguments.json)
    return outcome.exit_code


def _outcome(arguments: Arguments) -> Outcome:
    """Return what became of the command; whatever goes wrong is told, because the process ends here."""
    try:
        if (arguments.command, arguments.action) == ("audit", "verify"):  # needs the file and nothing else
            from paygent.cli.records import verify

            return verify(arguments)
        settings = arguments.settings()
        if arguments.command not in ("pay", "quote"):
            return _of_storage(arguments, settings)
        return _of_purchase(arguments, _with_password(settings))
    except KeyboardInterrupt as interrupt:
        return Outcome(exit_code=code_of_error(interrupt), error=interrupt)
    except Exception as error:  # noqa: BLE001  the process ends here
        if type(error).__module__.partition(".")[0] not in ("paygent", "httpx", "idna"):
            traceback.print_exception(error)  # nobody has thought of it
        return Outcome(exit_code=code_of_error(error), error=error)


_HOMES = {
    "agent-wallet": "paygent.cli.agent_wallet",
    "plugins": "paygent.cli.plugins",
    "run": "paygent.cli.runs",
    "services": "paygent.cli.services",
    "sessions": "paygent.cli.runs",
    "wallet": "paygent.cli.wallet",
}
"""Where commands with a module of their own are; the function is called as the command."""


def _of_storage(arguments: Arguments, settings: "Settings") -> Outcome:
    if _opens_keystore(arguments):
        settings = _with_password(settings)
    command = _command_of(arguments)
    with waiting("working"):
        return _run(lambda: command(arguments, settings))


def _opens_keystore(arguments: Arguments) -> bool:
    """Tell whether a command besides `pay` and `quote` needs the key, or its address."""
    if arguments.command == "wallet":
        return arguments.action != "create" and (arguments.wallet is None or arguments.wallet.of is None)
    if arguments.command == "agent-wallet":
        return True
    return arguments.command == "run" or (arguments.command, arguments.action) == ("audit", "export")


def _command_of(arguments: Arguments) -> "Callable[[Arguments, Settings], Awaitable[Outcome]]":
    if arguments.command in ("payments", "reconcile"):
        from paygent.cli import books

        return books.payments if arguments.command == "payments" else books.reconcile
    if arguments.command in ("audit", "policy", "db"):
        from paygent.cli import records

        return {
            "export": records.export,
            "check": records.check,
            "simulate": records.simulate,
            "upgrade": records.upgrade,
        }[arguments.action]
    if (home := _HOMES.get(arguments.command)) is not None:
        found: Callable[[Arguments, Settings], Awaitable[Outcome]] = getattr(
            import_module(home), arguments.command.replace("-", "_")
        )
        return found
    from paygent.cli import control

    return {
        "halt": control.halt,
        "resume": control.resume,
        "halts": control.halts,
        "approvals": control.approvals,
    }[arguments.command]


def _of_purchase(arguments: Arguments, settings: "Settings") -> Outcome:
    from paygent.cli import control
    from paygent.cli.purchase import Purchase

    purchase = Purchase(arguments, settings)
    doing = "asking" if arguments.command == "quote" else "asking, and paying if the policy agrees"
    try:
        with waiting(doing) as status:
            if arguments.command == "pay" and person_at_terminal() and not arguments.json:
                purchase.approvals = control.AtTerminal(arguments, status=status)
            return _run(purchase.pay if arguments.command == "pay" else purchase.quote)
    except KeyboardInterrupt as interrupt:
        return interrupted(interrupt, purchase.payment)


def _run(work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    import anyio

    return anyio.run(work)


def _with_password(settings: "Settings") -> "Settings":
    """Return the settings with the keystore's password; a person at a terminal is asked for it."""
    if settings.keystore is None or settings.keystore_password is not None:
        return settings
    from dataclasses import replace

    from paygent.runtime.settings import Secret

    password = ask_password(f"Password of {settings.keystore}: ")
    return settings if password is None else replace(settings, keystore_password=Secret(password))


def _demo() -> int:
    try:
        from paygent.devnet.demo import demo

        return demo()
    except ConfigurationError as missing:
        outcome = Outcome(exit_code=MISUSE, error=missing)
    except KeyboardInterrupt as interrupt:
        outcome = Outcome(exit_code=code_of_error(interrupt), error=interrupt)
    show(outcome, as_json=False)
    return outcome.exit_code
