"""Put an orchestrator together: its engine, its tools, its graph, and where its sessions are kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from paygent.adapters.httpx import AsyncPaymentTransport
from paygent.adapters.httpx.clients import AsyncClient
from paygent.adapters.system import SystemClock, SystemEntropy
from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.money import Asset
from paygent.engine.pay import Engine
from paygent.engine.weigh import PolicySource
from paygent.evm.coins import coin
from paygent.orchestrator.actions import Actor, Transfers
from paygent.orchestrator.assets import AssetBook
from paygent.orchestrator.checkpoints import open_checkpoints
from paygent.orchestrator.fingerprint import fingerprint
from paygent.orchestrator.foresight import Foresight
from paygent.orchestrator.funds import Funds
from paygent.orchestrator.graph import compiled, start_of
from paygent.orchestrator.held import HeldAnswers
from paygent.orchestrator.limits import RunLimits
from paygent.orchestrator.mind import Mind, system_prompt
from paygent.orchestrator.nodes import Nodes
from paygent.orchestrator.payments import Payments
from paygent.orchestrator.plan import Grammar, grammar
from paygent.orchestrator.run_checkpoints import RunCheckpoints
from paygent.orchestrator.runs import LEASE_SECONDS, Runner, Works
from paygent.orchestrator.services import Finder, Services
from paygent.orchestrator.subagents import Crew, Subagent, default_crew
from paygent.orchestrator.tools import AnyTool, Toolbox
from paygent.orchestrator.trades import Trades
from paygent.policy.policy import Policy
from paygent.ports.service_store import ServiceStore
from paygent.registry import ServiceRegistry
from paygent.runtime.assemble import Wiring, assemble
from paygent.runtime.parts import open_chains, open_storage, policy_of, tokens_of
from paygent.runtime.plugged import chosen
from paygent.runtime.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from paygent.core.caip import AssetId
    from paygent.core.requirements import Token
    from paygent.ports.chain import Chain
    from paygent.ports.clock import Clock
    from paygent.ports.connector import Connector
    from paygent.ports.entropy import Entropy
    from paygent.ports.session_store import SessionStore
    from paygent.ports.storage import Storage
    from paygent.ports.transactions import Transactions

PAID_TIMEOUT_SECONDS: Final = 90.0
PROOF_SECONDS: Final = 30.0
_HTTP_SECONDS: Final = 30.0


class Conduct(Wiring, total=False):
    """What an orchestrator may be given, besides what a client may."""

    sessions: SessionStore
    """In place of the storage's own; needed with a `journal=` that is not one of `paygent.adapters.sql`."""
    checkpoints: Any
    """A LangGraph checkpointer, in place of one in the storage; needed with `journal=`."""
    model: BaseChatModel
    """A langchain-core chat model that can call tools; without one, commands are read by the grammar."""
    fallback_model: BaseChatModel
    """Asked where the model fails."""
    system_prompt: str | Path
    """In place of the one that comes along; a path is read once."""
    trust_links: bool
    """Let a model pay URLs and addresses that neither a person nor the registry named. Off where it is not given."""
    registry: Finder | None
    """Where services are found; the `ServiceRegistry` of the storage where it is not given, None for none."""
    connectors: Sequence[Connector]
    """Venues to trade at, besides those of plugins."""
    tools: Sequence[AnyTool]
    """More tools."""
    allow: Sequence[str]
    """The only tools that there are; all where it is not given."""
    subagents: Sequence[Subagent]
    """In place of those that come along; empty for none."""
    limits: RunLimits
    """Of every run, where it does not say its own."""
    transport: httpx.AsyncBaseTransport
    """What requests go through, below the payment layer."""
    grammar: Grammar
    """What reads commands, in place of the documented grammar."""
    proof_seconds: float
    """How long a call waits for the chain's proof; 30 where it is not given."""
    lease_seconds: int
    """How long a session stays taken by a process that died; 30 where it is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Everything that an orchestrator works with."""

    engine: Engine
    journal: Storage
    sessions: SessionStore
    clock: Clock
    entropy: Entropy
    toolbox: Toolbox
    grammar: Grammar
    runner: Runner
    has_model: bool
    limits: RunLimits | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What the settings and the arguments come to."""

    settings: Settings
    tokens: Mapping[AssetId, Token]
    policy: Policy | PolicySource
    chains: Mapping[ChainId, Chain]
    coins: Mapping[ChainId, tuple[Asset, Transactions]]
    writers: Mapping[ChainId, Transactions]
    journal: Storage
    sessions: SessionStore
    checkpoints: Any
    clock: Clock
    entropy: Entropy


@asynccontextmanager
async def assembled(conduct: Conduct) -> AsyncGenerator[Assembly]:
    """Yield what an orchestrator works with; close what was made at the end. Raises: ConfigurationError."""
    async with AsyncExitStack() as made:
        base = await _base(conduct, made)
        engine = await made.enter_async_context(_engine(conduct, base))
        http = await made.enter_async_context(_http(conduct, engine))
        connectors = _connectors(conduct, base)
        toolbox = _toolbox(conduct, base, engine, http, connectors)
        crew = Crew(conduct.get("subagents", default_crew(toolbox, venues=sorted(connectors))), toolbox)
        read = conduct.get("grammar", grammar)
        mind = _mind(conduct, toolbox, crew)
        foresight = Foresight(base.journal, _funds(base, engine))
        nodes = Nodes(toolbox=toolbox, crew=crew, grammar=read, mind=mind, approvals=base.journal, foresight=foresight)
        checkpoints = RunCheckpoints(base.checkpoints, await start_of(nodes, base.checkpoints))
        works = Works(
            graph=compiled(nodes, checkpoints),
            nodes=nodes,
            checkpoints=checkpoints,
            store=base.sessions,
            journal=base.journal,
            clock=base.clock,
            entropy=base.entropy,
            address=engine.address,
            context=engine.context,
            fingerprints=_fingerprints(base.policy, toolbox, crew, connectors),
            lease_seconds=conduct.get("lease_seconds", LEASE_SECONDS),
        )
        yield Assembly(
            engine=engine,
            journal=base.journal,
            sessions=base.sessions,
            clock=base.clock,
            entropy=base.entropy,
            toolbox=toolbox,
            grammar=read,
            runner=Runner(works),
            has_model=mind is not None,
            limits=conduct.get("limits"),
        )


# --- parts ------------------------------------------------------------------------------------------------------------


async def _base(conduct: Conduct, made: AsyncExitStack) -> _Base:
    settings = _settings(conduct)
    tokens = tokens_of(settings.tokens, conduct.get("tokens", ()))
    chains: Mapping[ChainId, Chain] | None = conduct.get("chains")
    writers: Mapping[ChainId, Transactions] | None = conduct.get("transactions")
    if chains is None:
        chains = writers = await open_chains(settings, made)
    journal = conduct.get("journal")
    if journal is None:
        journal = await open_storage(settings.storage, made)
    sessions = conduct.get("sessions") or _sessions_in(journal)
    checkpoints = conduct.get("checkpoints")
    if checkpoints is None:
        if "journal" in conduct:
            raise ConfigurationError("journal= comes with checkpoints=, a LangGraph checkpointer; or give storage=")
        checkpoints = await made.enter_async_context(open_checkpoints(settings.storage))
    return _Base(
        settings=settings,
        tokens=tokens,
        policy=conduct.get("policy") or policy_of(settings, tokens),
        chains=chains,
        coins={network: (coin(network), writer) for network, writer in (writers or {}).items()},
        writers=writers or {},
        journal=journal,
        sessions=sessions,
        checkpoints=checkpoints,
        clock=conduct.get("clock") or SystemClock(),
        entropy=conduct.get("entropy") or SystemEntropy(),
    )


def _settings(conduct: Conduct) -> Settings:
    given = conduct.get("settings")
    if given is not None:
        return given
    return Settings.load(private_key=conduct.get("private_key"), storage=conduct.get("storage"), rpc=conduct.get("rpc"))


def _sessions_in(journal: Storage) -> SessionStore:
    from paygent.adapters.sql import SqlJournal, SqlSessions

    if isinstance(journal, SqlJournal):
        return SqlSessions(journal)
    raise ConfigurationError(f"a {type(journal).__name__} keeps no sessions: pass sessions= with it, or give storage=")


def _engine(conduct: Conduct, base: _Base) -> Any:
    names = Wiring.__optional_keys__ - {"private_key", "storage", "rpc", "tokens"}
    given: Any = {name: value for name, value in conduct.items() if name in names}
    signer: Any = {}
    if "signer" not in conduct:
        from paygent.runtime.parts import signer_of

        signer = {"signer": signer_of(base.settings)}
    wires: Any = {
        **given,
        **signer,
        "settings": base.settings,
        "tokens": tuple(conduct.get("tokens", ())),
        "policy": base.policy,
        "chains": base.chains,
        **({"transactions": base.writers} if base.writers else {}),
        "journal": base.journal,
        "clock": base.clock,
        "entropy": base.entropy,
        "context": conduct.get("context", base.settings.context),
    }
    return assemble(**wires)


def _http(conduct: Conduct, engine: Engine) -> httpx.AsyncClient:
    inner = HeldAnswers(conduct.get("transport") or httpx.AsyncHTTPTransport())
    paying = AsyncPaymentTransport(engine, inner=inner, paid_timeout_seconds=PAID_TIMEOUT_SECONDS)
    return AsyncClient(transport=paying, trust_env=False, timeout=_HTTP_SECONDS)


def _connectors(conduct: Conduct, base: _Base) -> Mapping[str, Connector]:
    """Return the venues: those of the plugins that are named, and those that are given.

    Raises: PluginError, ConfigurationError: one cannot be used, or two have the same name.
    """
    choices = chosen(conduct.get("plugins"), base.settings)
    found: dict[str, Connector] = {}
    if choices:
        from paygent.runtime.plugins import Plugins

        found |= Plugins.load(choices).connectors(chains=base.chains, clock=base.clock)
    for connector in conduct.get("connectors", ()):
        name = connector.manifest.name
        if name in found:
            raise ConfigurationError(f"there are two connectors {name!r}; leave one of them out")
        found[name] = connector
    return found


def _funds(base: _Base, engine: Engine) -> Funds:
    return Funds(engine.address, chains=base.chains, tokens=base.tokens, coins=base.coins)


def _toolbox(
    conduct: Conduct, base: _Base, engine: Engine, http: httpx.AsyncClient, connectors: Mapping[str, Connector]
) -> Toolbox:
    registry = _registry(conduct, base)
    seconds = conduct.get("proof_seconds", PROOF_SECONDS)
    funds = _funds(base, engine)
    book, actor = AssetBook(funds.assets), Actor(engine, base.clock)
    payments = Payments(engine, http, clock=base.clock, registry=registry, book=book, proof_seconds=seconds)
    tools: list[AnyTool] = [*payments.tools, funds.tool, Transfers(actor, book, base.clock).tool]
    if registry is not None:
        tools.append(Services(registry).tool)
    if connectors:
        tools += Trades(actor, connectors, base.chains).tools
    box = Toolbox([*tools, *conduct.get("tools", ())])
    allow = conduct.get("allow")
    return box if allow is None else box.only(allow)


def _registry(conduct: Conduct, base: _Base) -> Finder | None:
    """Return the registry; that of the storage where none is given and the storage remembers services."""
    if "registry" in conduct:
        return conduct["registry"]
    if isinstance(base.journal, ServiceStore):
        return ServiceRegistry(storage=base.journal, clock=base.clock, tokens=base.tokens)
    return None


def _mind(conduct: Conduct, toolbox: Toolbox, crew: Crew) -> Mind | None:
    model = conduct.get("model")
    if model is None:
        return None
    prompt = conduct.get("system_prompt")
    text = prompt.read_text(encoding="utf-8") if isinstance(prompt, Path) else prompt
    return Mind(
        model,
        fallback=conduct.get("fallback_model"),
        toolbox=toolbox,
        crew=crew,
        prompt=system_prompt() if text is None else text,
        trust_links=conduct.get("trust_links", False),
    )


def _fingerprints(
    policy: Policy | PolicySource, toolbox: Toolbox, crew: Crew, connectors: Mapping[str, Connector]
) -> Callable[[], Mapping[str, str]]:
    tools = toolbox.fingerprint
    plugins = fingerprint({name: each.manifest for name, each in connectors.items()})
    subagents = fingerprint(crew.members)

    named: list[tuple[Policy, str]] = []  # the newest: a policy never changes, and takes a while to read through

    def now() -> Mapping[str, str]:
        current = policy if isinstance(policy, Policy) else policy.current()
        if not named or named[0][0] is not current:
            named[:] = [(current, fingerprint(current))]
        return {"policy": named[0][1], "tools": tools, "subagents": subagents, "plugins": plugins}

    return now
