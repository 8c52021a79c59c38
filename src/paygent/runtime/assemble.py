"""Put an engine together from arguments and settings: the composition root."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TypedDict, Unpack

import anyio

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock, SystemEntropy
from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.requirements import Token
from paygent.engine.choose import Chooser
from paygent.engine.pay import Engine
from paygent.engine.reconcile import Reconciler
from paygent.engine.sign import AuthorizationSigner
from paygent.engine.tokens import TokenBook
from paygent.evm.networks import NETWORKS
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.entropy import Entropy
from paygent.ports.signer import Signer
from paygent.ports.storage import PaymentJournal
from paygent.runtime.settings import Settings, default_storage
from paygent.x402.select import Preferences


class Wiring(TypedDict, total=False):
    """What may be given in place of settings. What is given is the giver's to close."""

    settings: Settings
    """In place of what `Settings.load` finds in the environment and in paygent.toml."""
    policy: Policy
    """In place of the settings' limits and lists."""
    private_key: str
    """0x and 64 hexadecimal digits, in place of the settings' key or keystore."""
    signer: Signer
    """In place of a key."""
    storage: str | PathLike[str]
    """A file or an SQLAlchemy URL."""
    journal: PaymentJournal
    """In place of a storage."""
    rpc: str | Mapping[str, str]
    """One endpoint's URL, or a URL for each network, named by CAIP-2 id or x402 name."""
    chains: Mapping[ChainId, Chain]
    """In place of endpoints; empty for none: nothing can be proven then."""
    tokens: Sequence[Token]
    """Tokens to know besides the table's and the settings'."""
    preferences: Preferences
    """Which offers to take first."""
    clock: Clock
    entropy: Entropy


@asynccontextmanager
async def assemble(**wiring: Unpack[Wiring]) -> AsyncIterator[Engine]:
    """Yield an engine made of what is given, and of settings for the rest; close what was made at the end.

    Raises: ConfigurationError: something is missing or wrong. AdapterError: an endpoint or the storage does not answer.
    """
    settings = _settings(wiring)
    policy = wiring.get("policy") or settings.policy
    clock = wiring.get("clock") or SystemClock()
    async with AsyncExitStack() as made:
        signer = wiring.get("signer") or _signer(settings)
        chains = wiring.get("chains")
        if chains is None:
            chains = await _chains(settings, made)
        journal = wiring.get("journal") or await _journal(settings.storage, made)
        book = TokenBook(_tokens(settings.tokens, wiring.get("tokens", ())), chains)
        authorizing = AuthorizationSigner(signer, max_validity_seconds=policy.max_validity_seconds)
        chooser = Chooser(
            payer=signer.address,
            policy=policy,
            tokens=book,
            chains=chains,
            clock=clock,
            preferences=wiring.get("preferences") or Preferences(),
        )
        yield Engine(
            signer=authorizing,
            chooser=chooser,
            journal=journal,
            chains=chains,
            clock=clock,
            entropy=wiring.get("entropy") or SystemEntropy(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is known of earlier payments, and how to find out more; nothing can be paid with it."""

    journal: PaymentJournal
    reconciler: Reconciler


@asynccontextmanager
async def open_books(settings: Settings, *, chains: bool = True) -> AsyncGenerator[Books]:
    """Yield the journal and a reconciler without a wallet's key; close them at the end.

    Args: chains: read the settings' endpoints; without them only what needs no proof can be decided.

    Raises: as `assemble`.
    """
    async with AsyncExitStack() as made:
        known = await _chains(settings, made) if chains else {}
        journal = await _journal(settings.storage, made)
        yield Books(journal=journal, reconciler=Reconciler(journal=journal, chains=known, clock=SystemClock()))


def _settings(wiring: Wiring) -> Settings:
    given = wiring.get("settings")
    if given is None:
        key, storage, rpc = wiring.get("private_key"), wiring.get("storage"), wiring.get("rpc")
        return Settings.load(private_key=key, storage=storage, rpc=rpc)
    if wiring.keys() & {"private_key", "storage", "rpc"}:
        raise ConfigurationError("give settings=, or private_key=, storage= and rpc=, not both")
    return given


def _signer(settings: Settings) -> Signer:
    if settings.private_key is not None:
        return LocalSigner(settings.private_key.get_secret_value())
    if settings.keystore is None:
        raise ConfigurationError(
            "no key to pay with: set PAYGENT_PRIVATE_KEY, or PAYGENT_KEYSTORE and PAYGENT_KEYSTORE_PASSWORD, or pass "
            "private_key= or signer="
        )
    from paygent.adapters.keystore import load_keystore

    if settings.keystore_password is None:
        raise ConfigurationError("the keystore needs its password: set PAYGENT_KEYSTORE_PASSWORD")
    return load_keystore(settings.keystore, settings.keystore_password.get_secret_value())


async def _journal(storage: str, made: AsyncExitStack) -> PaymentJournal:
    from paygent.adapters.sql import open_journal

    own = default_storage()
    if storage == str(own):
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = await anyio.to_thread.run_sync(open_journal, storage)
    made.push_async_callback(journal.aclose)
    return journal


async def _chains(settings: Settings, made: AsyncExitStack) -> dict[ChainId, Chain]:
    """Return a chain for each endpoint; a single URL serves the only allowed network, or is asked which it serves."""
    chains: dict[ChainId, Chain] = {}
    for network, url in (await _urls(settings)).items():
        known = NETWORKS.get(network)
        chain = RpcChain(url, chain=network, instant_finality=known is not None and known.instant_finality)
        made.push_async_callback(chain.aclose)
        chains[network] = chain
    return chains


async def _urls(settings: Settings) -> dict[ChainId, str]:
    if not isinstance(settings.rpc, str):
        return {ChainId(name): url for name, url in settings.rpc.items()}
    if settings.networks is not None and len(settings.networks) == 1:
        return {next(iter(settings.networks)): settings.rpc}
    async with RpcChain(settings.rpc, chain=ChainId.evm(1)) as unknown:
        return {ChainId.evm(await unknown.chain_number()): settings.rpc}


def _tokens(*lists: Sequence[Token]) -> dict[AssetId, Token]:
    return {**TOKENS, **{token.asset.id: token for tokens in lists for token in tokens}}
