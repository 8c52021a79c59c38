"""One call of the program, as a value."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paygent.cli.agent_wallet_arguments import AgentWalletArguments
from paygent.cli.run_arguments import RunArguments
from paygent.cli.service_arguments import ServiceArguments
from paygent.cli.wallet_arguments import WalletArguments
from paygent.core.errors import ConfigurationError

if TYPE_CHECKING:
    from paygent.runtime.settings import Settings


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
    agent: str | None = None
    project: str | None = None
    service: str | None = None
    """Who pays and what for, by the names that policies know."""
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
    treasury: str | None = None
    """What there was to spend before them, in dollars."""
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
        settings = Settings.load(
            rpc=self.rpc,
            storage=self.storage,
            keystore=self.keystore,
            policy=policy,
            agent=self.agent,
            project=self.project,
        )
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
