"""Where the demo plays: a devnet, a screen, a policy, and claims that are looked up before they are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from paygent.core.errors import PaygentError
from paygent.core.money import Amount, usd
from paygent.core.receipt import Receipt
from paygent.core.requirements import Token
from paygent.devnet.exchange import NAME, DevExchange
from paygent.devnet.net import Devnet, TokenTransfer
from paygent.policy.policy import Policy
from paygent.runtime.fields import PluginChoice
from paygent.runtime.settings import Secret, Settings

CONNECTOR = "vvs"
"""The plugin whose connector trades with exchanges of the devnet's kind."""


class ClaimFailed(PaygentError):
    """What the demo was about to say is not so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What the wallet and the seller have, in atomic units."""

    dollars: int
    coins: int
    """Of the wallet, in wei."""
    seller: int
    """Dollars of the seller."""


class Stage:
    """The devnet and the screen, and what the wallet is opened with."""

    def __init__(self, out: Console, net: Devnet, folder: Path) -> None:
        self.out = out
        self.net = net
        self.exchange: DevExchange = net.exchange()
        token = Token(asset=net.asset, name=net.token.name, versions=(net.token.version,), usd=True, test=True)
        self.settings = Settings(
            private_key=Secret(net.payer.private_key),
            rpc={net.network: net.rpc_url},
            storage=str(folder / "payments.db"),
            tokens=(token,),
            plugins=(PluginChoice(CONNECTOR, self.exchange.options),),
        )
        self.policy = policy_on(self.exchange)

    # --- what is so -------------------------------------------------------------------------------------------------

    def balances(self) -> Balances:
        """Ask the chain."""
        wallet, net = self.net.payer.address, self.net
        return Balances(
            dollars=net.balance(wallet), coins=net.coin_balance(wallet), seller=net.balance(net.seller.payee)
        )

    def on_chain(self, receipt: Receipt) -> bool:
        """Look for a payment's transfer with the devnet's own eyes, not the engine's."""
        wanted = (receipt.payer, receipt.payee, receipt.amount.atomic)
        return receipt.proven and [(t.sender, t.recipient, t.value) for t in self.transfers_in(receipt)] == [wanted]

    def transfers_in(self, receipt: Receipt) -> Sequence[TokenTransfer]:
        """Return the transfers of dollars in a receipt's transaction."""
        return [each for each in self.net.transfers() if each.transaction == receipt.transaction]

    def dollars(self, atomic: int) -> Amount:
        """Return atomic units of dUSD as an amount."""
        return Amount(atomic, self.net.asset)

    def coins(self, wei: int) -> Amount:
        """Return wei as an amount."""
        return Amount(wei, self.exchange.coin)

    # --- the screen -------------------------------------------------------------------------------------------------

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.out.print(f"\n[bold]{title}[/]")

    def say(self, text: str) -> None:
        """Print text as it is."""
        self.out.print(text, markup=False)

    def so(self, so: bool, claim: str) -> None:
        """Claim what was looked up. Raises: ClaimFailed: it is not so."""
        if not so:
            raise ClaimFailed(f"not so: {claim}")
        self.out.print("[green]✓[/] ", end="")
        self.say(claim)

    def table(self, *columns: str, rows: Sequence[Sequence[str]]) -> None:
        """Print a table."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.out.print(table)


def policy_on(exchange: DevExchange) -> Policy:
    """Return what the demo's wallet may do: trades have limits of their own, and a large one asks a person."""
    return Policy(
        max_per_payment=usd("0.20"),
        per_day=usd("1"),
        max_per_trade=usd("100"),
        trade_per_day=usd("120"),
        gas_per_transaction=Amount.parse("0.01", exchange.coin),
        gas_per_day=Amount.parse("0.1", exchange.coin),
        approve_above=usd("50"),
        venues=frozenset({NAME}),
        networks=frozenset({exchange.network}),
    )
