"""Put an engine together from arguments and settings: the composition root."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TypedDict, Unpack

from paygent.adapters.system import SystemClock, SystemEntropy
from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.requirements import Token
from paygent.engine.acting import Hands
from paygent.engine.actions import ActionJudge
from paygent.engine.background import Background
from paygent.engine.choose import Chooser
from paygent.engine.facts import FactFinder
from paygent.engine.own_rules import NO_RULES, OwnRules
from paygent.engine.pay import Engine
from paygent.engine.policy_log import PolicyLog
from paygent.engine.reconcile import Reconciler
from paygent.engine.reserve import People
from paygent.engine.sign import AuthorizationSigner, PaymentSigner
from paygent.engine.tokens import TokenBook
from paygent.engine.transact import Patience
from paygent.engine.watch import MOST_SECONDS, Watch
from paygent.engine.weigh import PolicySource
from paygent.policy.policy import LONGEST_VALIDITY_SECONDS, Policy
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.entropy import Entropy
from paygent.ports.price_oracle import PriceOracle
from paygent.ports.signer import Signer, TransactionSigner
from paygent.ports.storage import Storage
from paygent.ports.transactions import Transactions
from paygent.runtime import fields
from paygent.runtime.parts import (
    check_policy,
    open_chains,
    open_webhook,
    policy_log_of,
    policy_of,
    signer_of,
    tokens_of,
    transaction_signer_of,
)
from paygent.runtime.plugged import Plugged, chosen
from paygent.runtime.settings import PluginChoice, Settings
from paygent.x402.select import Preferences


class Wiring(TypedDict, total=False):
    """What may be given in place of settings. What is given is the giver's to close."""

    settings: Settings
    """In place of what `Settings.load` finds in the environment and in paygent.toml."""
    plugins: Sequence[str | PluginChoice]
    """The plugins to load, by name, in place of the settings'; nothing that is not named is loaded."""
    policy: Policy | PolicySource
    """In place of the settings' limits and lists; the rules of plugins are judged beside it."""
    private_key: str
    """0x and 64 hexadecimal digits, in place of the settings' key or keystore."""
    signer: Signer
    """In place of a key."""
    transaction_signer: TransactionSigner
    """Signs own transactions, in place of the key; of the same address as `signer`."""
    storage: str | PathLike[str]
    """A file or an SQLAlchemy URL."""
    journal: Storage
    """In place of a storage."""
    rpc: str | Mapping[str, str]
    """One endpoint's URL, or a URL for each network, named by CAIP-2 id or x402 name."""
    chains: Mapping[ChainId, Chain]
    """In place of endpoints; empty for none: nothing can be proven then."""
    transactions: Mapping[ChainId, Transactions]
    """The writing side of `chains`; where that is not given, the settings' endpoints are."""
    patience: Patience
    """How long own transactions are waited for."""
    tokens: Sequence[Token]
    """Tokens to know besides the table's and the settings'."""
    preferences: Preferences
    """Which offers to take first."""
    oracle: PriceOracle
    """What tokens are worth that are not dollars; without one they cannot be counted in dollars."""
    approvals: ApprovalHandler
    """Who is asked at once when the policy wants a person, in place of the settings' plugin or webhook; without any,
    requests wait in the storage."""
    approvers: int
    """How many distinct people have to agree, in place of the settings' number."""
    approver_names: Sequence[str] | None
    """Who may decide, in place of the settings' names; None for anybody."""
    reconcile_every_seconds: float
    """Decide open payments in the background, resting so long between passes; without it only when asked."""
    context: Context
    """Who pays, for limits, halts and statistics."""
    clock: Clock
    entropy: Entropy


@asynccontextmanager
async def assemble(**wiring: Unpack[Wiring]) -> AsyncGenerator[Engine]:
    """Yield an engine made of what is given, and of settings for the rest; close what was made at the end.

    Raises: ConfigurationError: something is missing or wrong. AdapterError: an endpoint or the storage does not answer.
    """
    async with open_parts(wiring) as parts, AsyncExitStack() as made:
        engine = parts.engine()
        every = wiring.get("reconcile_every_seconds")
        if every is not None:
            watch = Watch(engine.reconciler, every_seconds=every, most_seconds=max(every, MOST_SECONDS))
            background = Background()
            made.push_async_callback(background.aclose)
            background.start(watch.forever)
        yield engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What engines of one key are made of; several engines may share them."""

    signer: Signer
    sender: TransactionSigner | None
    policy: Policy | PolicySource
    tokens: TokenBook
    chains: Mapping[ChainId, Chain]
    writers: Mapping[ChainId, Transactions]
    journal: Storage
    clock: Clock
    entropy: Entropy
    finder: FactFinder
    people: People
    context: Context
    patience: Patience
    preferences: Preferences
    log: PolicyLog
    rules: OwnRules = NO_RULES

    def engine(self) -> Engine:
        """Return the engine that pays with the key's own money."""
        signer = AuthorizationSigner(self.signer, max_validity_seconds=LONGEST_VALIDITY_SECONDS)
        return self.engine_for(signer, self.chooser(self.signer.address), hands=self._hands())

    def engine_for(self, signer: PaymentSigner, chooser: Chooser, *, hands: Hands | None = None) -> Engine:
        """Return an engine that pays x402 through another signer."""
        return Engine(
            signer=signer,
            chooser=chooser,
            journal=self.journal,
            chains=self.chains,
            clock=self.clock,
            entropy=self.entropy,
            people=self.people,
            context=self.context,
            hands=hands,
        )

    def chooser(self, payer: str, kind: type[Chooser] = Chooser) -> Chooser:
        """Return what chooses offers for a payer."""
        return kind(
            payer=payer,
            policy=self.policy,
            finder=self.finder,
            tokens=self.tokens,
            chains=self.chains,
            clock=self.clock,
            preferences=self.preferences,
            log=self.log,
            rules=self.rules,
        )

    def _hands(self) -> Hands | None:
        if self.sender is None or not self.writers:
            return None
        judge = ActionJudge(
            payer=self.signer.address,
            policy=self.policy,
            tokens=self.tokens,
            writers=self.writers,
            clock=self.clock,
            finder=self.finder,
            log=self.log,
            rules=self.rules,
        )
        return Hands(signer=self.sender, judge=judge, writers=self.writers, patience=self.patience)


@asynccontextmanager
async def open_parts(wiring: Wiring) -> AsyncGenerator[Parts]:
    """Yield the parts of engines, of what is given, and of settings for the rest; close what was made at the end.

    Raises: as `assemble`.
    """
    settings = _settings(wiring)
    clock = wiring.get("clock") or SystemClock()
    async with AsyncExitStack() as made:
        signer = wiring.get("signer") or signer_of(settings)
        chains, writers = wiring.get("chains"), wiring.get("transactions")
        if chains is None:
            chains = opened = await open_chains(settings, made)
            writers = opened if writers is None else writers
        plugged = Plugged.load(chosen(wiring.get("plugins"), settings), chains=chains, clock=clock)
        tokens = {
            **{token.asset.id: token for token in plugged.tokens()},
            **tokens_of(settings.tokens, wiring.get("tokens", ())),
        }
        check_policy(wiring.get("policy"))
        policy = wiring.get("policy") or policy_of(settings, tokens)
        journal = wiring.get("journal") or await plugged.open_storage(settings.storage, made)
        journal = plugged.told(journal, made)
        yield Parts(
            signer=signer,
            sender=transaction_signer_of(signer, wiring.get("transaction_signer")),
            policy=policy,
            tokens=TokenBook(tokens, chains),
            chains=chains,
            writers={} if writers is None else writers,
            journal=journal,
            clock=clock,
            entropy=wiring.get("entropy") or SystemEntropy(),
            finder=FactFinder(history=journal, chains=chains, coins=writers, oracle=wiring.get("oracle")),
            people=People(
                handler=wiring.get("approvals")
                or plugged.handler(settings.approvals)
                or open_webhook(settings, clock, made),
                needed=_number(wiring.get("approvers", settings.approvers)),
                approvers=_names(wiring.get("approver_names", settings.approver_names)),
            ),
            context=wiring.get("context", settings.context),
            patience=wiring.get("patience") or Patience(),
            preferences=wiring.get("preferences") or Preferences(),
            log=policy_log_of(policy, journal, clock, given="policy" in wiring),
            rules=plugged.rules(),
        )


def _number(given: object) -> int:
    try:
        return fields.approvers(given)
    except ValueError as wrong:
        raise ConfigurationError(f"approvers: {wrong}") from wrong


def _names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    return (given,) if isinstance(given, str) else None if given is None else tuple(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is known of earlier payments, and how to find out more; nothing can be paid with it."""

    journal: Storage
    reconciler: Reconciler


@asynccontextmanager
async def open_books(settings: Settings, *, chains: bool = True) -> AsyncGenerator[Books]:
    """Yield the journal and a reconciler without a wallet's key; close them at the end.

    Args: chains: read the settings' endpoints; without them only what needs no proof can be decided.

    Raises: as `assemble`.
    """
    async with AsyncExitStack() as made:
        known = await open_chains(settings, made) if chains else {}
        clock = SystemClock()
        plugged = Plugged.load(settings.plugins, chains=known, clock=clock)
        journal = plugged.told(await plugged.open_storage(settings.storage, made), made)
        reconciler = Reconciler(journal=journal, chains=known, clock=clock, writers=known)
        yield Books(journal=journal, reconciler=reconciler)


def _settings(wiring: Wiring) -> Settings:
    given = wiring.get("settings")
    if given is None:
        key, storage, rpc = wiring.get("private_key"), wiring.get("storage"), wiring.get("rpc")
        return Settings.load(private_key=key, storage=storage, rpc=rpc)
    if wiring.keys() & {"private_key", "storage", "rpc"}:
        raise ConfigurationError("give settings=, or private_key=, storage= and rpc=, not both")
    return given
