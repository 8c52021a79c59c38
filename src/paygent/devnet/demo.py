"""The main job in under a minute, on a local chain: trade and pay by a sentence, lose an answer, stay in the limits.

Every line it prints is checked against the chain or the journal before it is printed.
"""

import logging
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from rich.console import Console

from paygent.client import SyncX402Client
from paygent.core.errors import ConfigurationError, PaygentError
from paygent.devnet import Devnet
from paygent.devnet.stage import CONNECTOR, Stage
from paygent.runtime.plugins import announced

_NEXT = """\
Next: paygent quote URL          what a resource costs, and what would be refused
      paygent pay URL            pay it: the key is in PAYGENT_PRIVATE_KEY, the journal in --storage
      paygent run "COMMAND"      a sentence such as the one above; paygent parse "COMMAND" only says what it means
      paygent reconcile          what became of payments whose answer was lost
      docs/tutorial/first-payment.md and first-agent.md do the same in a few lines of Python"""


def demo(console: Console | None = None) -> int:
    """Run the stories; return 0 if everything in them is so, 1 otherwise.

    Raises: ConfigurationError: something that the demo needs is not installed.
    """
    out = _console() if console is None else console
    _check_installed()
    begun = monotonic()
    logging.getLogger("x402").addHandler(logging.NullHandler())  # the facilitator's log of the second try
    try:
        _tell(out)
    except PaygentError as wrong:
        out.print("[bold red]✗[/] ", end="")
        out.print(f"{type(wrong).__name__}: {wrong}", markup=False)
        return 1
    out.print(f"All of it was checked on chain, in {monotonic() - begun:.1f} seconds.\n\n{_NEXT}", markup=False)
    return 0


def _tell(out: Console) -> None:
    from paygent.devnet.errand import Errand
    from paygent.devnet.purchases import Purchases

    with out.status("starting a chain, a token, a pool, a facilitator and a seller"):
        net = Devnet().start()
    try:
        with tempfile.TemporaryDirectory(prefix="paygent-demo-") as folder:
            stage = Stage(out, net, Path(folder))
            _introduce(stage)
            proofs = Errand(stage).run()
            with SyncX402Client.open(settings=stage.settings, policy=stage.policy) as client:
                Purchases(stage, client, proofs).tell()
    finally:
        net.stop()


def _introduce(stage: Stage) -> None:
    net, has = stage.net, stage.balances()
    stage.say(f"A chain ({net.node_name}, {net.network}) at {net.rpc_url}, a seller at {net.seller.base_url}")
    stage.say(f"The wallet {net.payer.address} has {stage.dollars(has.dollars)} and {stage.coins(has.coins)}")


def _check_installed() -> None:
    """Raise ConfigurationError where the orchestrator or the connector is missing."""
    plugin = any(one.name == CONNECTOR for one in announced())
    if not plugin or find_spec("langgraph") is None:
        raise ConfigurationError(
            f"the demo runs a command and trades by the plugin {CONNECTOR!r}: run "
            'pip install ".[devnet,orchestrator]" ./plugins/paygent-vvs in a clone'
        )


def _console() -> Console:
    """Return the terminal, or plain text that is wide enough for a table."""
    terminal = Console(highlight=False, soft_wrap=True)
    return terminal if terminal.is_terminal else Console(highlight=False, soft_wrap=True, width=160)
