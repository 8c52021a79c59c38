"""The parts that every composition of settings needs: a signer, a storage, chains, tokens."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

import anyio

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.requirements import Token
from paygent.engine.policy_log import PolicyLog
from paygent.engine.weigh import PolicySource
from paygent.evm.networks import NETWORKS
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.audit_log import AuditLog
from paygent.ports.clock import Clock
from paygent.ports.signer import Signer, TransactionSigner
from paygent.runtime.settings import Settings, default_storage

if TYPE_CHECKING:
    from paygent.adapters.sql import SqlJournal
    from paygent.runtime.policy_file import PolicyFile


def signer_of(settings: Settings) -> Signer:
    """Return the wallet's signer.

    Raises: ConfigurationError: no key, a keystore without its password, or a wrong one.
    """
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


def transaction_signer_of(signer: Signer, given: TransactionSigner | None) -> TransactionSigner | None:
    """Return what signs own transactions; None where only authorizations can be signed.

    Raises: ConfigurationError: it signs for another address than the signer of authorizations.
    """
    found = signer if given is None and isinstance(signer, LocalSigner) else given
    if found is not None and found.address != signer.address:
        raise ConfigurationError(
            f"transaction_signer signs for {found.address} and signer for {signer.address}; give both one account"
        )
    return found


def policy_of(settings: Settings, tokens: Mapping[AssetId, Token]) -> Policy | PolicySource:
    """Return the policy: the settings' limits, or their files, followed while the program runs.

    Raises: ConfigurationError: a file cannot be read or is no policy.
    """
    if not settings.policy:
        return settings.limits
    from paygent.runtime.policy_file import PolicyFile

    file = PolicyFile(*settings.policy, tokens=tokens)
    return file if settings.networks is None else _Narrowed(file, settings.networks)


def check_policy(given: object) -> None:
    """Make sure that an argument `policy=` can be judged by; the name of a file would break the first payment.

    Raises: ConfigurationError: it cannot.
    """
    if isinstance(given, str | PurePath):
        raise ConfigurationError(f"policy is {str(given)!r}; to follow a file give PolicyFile({str(given)!r})")
    if isinstance(given, Mapping):
        raise ConfigurationError("policy is a mapping; give a Policy(...), or a PolicyFile of a YAML file")


def policy_log_of(policy: Policy | PolicySource, log: AuditLog, clock: Clock, *, given: bool) -> PolicyLog:
    """Return what tells the audit log of the policy. Args: given: the program gave it, not the settings."""
    from paygent.runtime.policy_file import PolicyFile

    if isinstance(policy, PolicyFile | _Narrowed):
        return PolicyLog(log, clock=clock, source=policy.source, trouble=lambda: policy.error)
    return PolicyLog(log, clock=clock, source="program" if given else "settings")


class _Narrowed:
    """A policy that is not paid on other networks."""

    def __init__(self, source: "PolicyFile", networks: frozenset[ChainId]) -> None:
        self._source = source
        self._networks = networks
        self._seen = source.policy, self._narrowed(source.policy)

    @property
    def source(self) -> str:
        """The files' names, and the networks that the settings leave of them."""
        return f"{self._source.source}, on {', '.join(sorted(map(str, self._networks))) or 'no network'}"

    @property
    def error(self) -> ConfigurationError | None:
        """Why the files as they are now do not hold."""
        return self._source.error

    def current(self) -> Policy:
        """Return the policy as it is now, for these networks."""
        policy = self._source.current()
        before, narrowed = self._seen
        if policy is not before:
            narrowed = self._narrowed(policy)
            self._seen = policy, narrowed
        return narrowed

    def _narrowed(self, policy: Policy) -> Policy:
        allowed = self._networks if policy.networks is None else policy.networks & self._networks
        return replace(policy, networks=allowed)


def open_webhook(settings: Settings, clock: Clock, made: AsyncExitStack) -> ApprovalHandler | None:
    """Return what posts requests for approval, which `made` closes; None where the settings name no webhook."""
    if settings.approval_webhook is None or settings.approval_webhook_secret is None:
        return None
    from paygent.adapters.webhook import WebhookApprovals

    secret = settings.approval_webhook_secret.get_secret_value()
    webhook = WebhookApprovals(settings.approval_webhook, secret=secret, clock=clock)
    made.push_async_callback(webhook.aclose)
    return webhook


async def open_storage(storage: str, made: AsyncExitStack, *, busy_seconds: int = 10) -> "SqlJournal":
    """Open a storage, which `made` closes; the folder of the default one is made where it is missing.

    Args: busy_seconds: how long a call waits for other processes' transactions.

    Raises: ConfigurationError: it cannot be used. AdapterError: it does not answer.
    """
    from paygent.adapters.sql import open_journal

    own = default_storage()
    if storage == str(own):
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = await anyio.to_thread.run_sync(partial(open_journal, storage, busy_seconds=busy_seconds))
    made.push_async_callback(journal.aclose)
    return journal


async def open_chains(settings: Settings, made: AsyncExitStack) -> dict[ChainId, RpcChain]:
    """Return a chain for each endpoint; a single URL serves the only allowed network, or is asked which it serves."""
    chains: dict[ChainId, RpcChain] = {}
    for network, url in (await _urls(settings)).items():
        known = NETWORKS.get(network)
        chain = RpcChain(
            url,
            chain=network,
            instant_finality=known is not None and known.instant_finality,
            tips=known is None or known.tips,
            node_lag=settings.node_lag,
        )
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


def tokens_of(*lists: Sequence[Token]) -> dict[AssetId, Token]:
    """Return the built-in table with the tokens of some lists; a later one replaces an earlier one of the same id."""
    return {**TOKENS, **{token.asset.id: token for tokens in lists for token in tokens}}
