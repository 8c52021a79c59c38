"""Settings: the only place that reads the environment and settings files.

Arguments come before the environment (`PAYGENT_…`), that before `paygent.toml` in the current directory (or the file
that `PAYGENT_CONFIG` names), that before the defaults.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from paygent.core.approval import approvers_fact
from paygent.core.caip import AssetId, ChainId
from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd
from paygent.core.requirements import Token
from paygent.evm.coins import USUAL_GAS, USUAL_GAS_PER_DAY
from paygent.policy.policy import Policy
from paygent.policy.risk import USUAL, Risk
from paygent.runtime import fields
from paygent.runtime.fields import PluginChoice, Secret
from paygent.runtime.toml_file import TomlFile, read_toml

__all__ = ["PluginChoice", "Secret", "Settings", "default_storage"]

_PREFIX = "PAYGENT_"
_CONFIG = "PAYGENT_CONFIG"
_FILE = "paygent.toml"
_ONE_DOLLAR = usd("1")
_TEN_DOLLARS = usd("10")
_TWENTY_DOLLARS = usd("20")


@dataclass(frozen=True, slots=True)
class _Field:
    read: Callable[[object], object]
    hint: str
    """How to write it."""
    secret: bool = False
    """It does not belong into a file that is easily committed."""
    in_environment: bool = True


_FIELDS: Mapping[str, _Field] = {
    "private_key": _Field(fields.private_key, "give the wallet's key as 0x and 64 hexadecimal digits", secret=True),
    "keystore": _Field(fields.path, "give the path of a keystore file (version 3)"),
    "keystore_password": _Field(fields.password, "give the keystore's password", secret=True),
    "relayer_key": _Field(
        fields.private_key, "give the key of an account with gas as 0x and 64 hexadecimal digits", secret=True
    ),
    "rpc": _Field(fields.rpc, "give a URL such as https://host/path, or a table of CAIP-2 id and URL"),
    "node_lag": _Field(fields.blocks, "give blocks such as 12"),
    "storage": _Field(fields.storage, "give a file's path, or an SQLAlchemy URL such as sqlite:///pay.db"),
    "policy": _Field(fields.paths, "give the policy's files, such as policy.yaml"),
    "max_per_payment": _Field(fields.dollars, 'give US dollars in quotes, such as "0.50"'),
    "per_day": _Field(fields.dollars, 'give US dollars in quotes, such as "20"'),
    "approve_above": _Field(fields.threshold, 'give US dollars in quotes, such as "10", or never'),
    "gas_per_transaction": _Field(fields.gas, 'give an amount and a coin such as "3 CRO", or never'),
    "gas_per_day": _Field(fields.gas, 'give an amount and a coin such as "30 CRO", or never'),
    "risk": _Field(fields.risk, "write usual, all or off"),
    "approvers": _Field(fields.approvers, "give how many people have to agree, 1 to 100"),
    "approver_names": _Field(fields.approver_names, "give names such as ada and ben, each without a comma"),
    "approvals": _Field(fields.word, "give the name of a way to ask people that a plugin brings"),
    "approval_webhook": _Field(fields.url, "give the URL that requests for approval are posted to"),
    "approval_webhook_secret": _Field(
        fields.webhook_secret, "give at least 16 bytes that the other side knows too", secret=True
    ),
    "agent": _Field(fields.word, "give the agent's name, as policies know it"),
    "project": _Field(fields.word, "give the project's name, as policies know it"),
    "networks": _Field(fields.networks, "give chains such as eip155:25 or cronos-mainnet"),
    "assets": _Field(fields.assets, "give CAIP-19 ids such as eip155:25/erc20:0x…"),
    "hosts": _Field(fields.hosts, "give hosts such as api.example.com, localhost:8000 or *.example.com"),
    "payees": _Field(fields.payees, "give addresses of 0x and 40 hexadecimal digits"),
    "max_validity_seconds": _Field(fields.validity, "give seconds such as 600"),
    "timeout_seconds": _Field(fields.timeout, "give seconds such as 30"),
    "tokens": _Field(fields.tokens, "give asset, symbol, decimals, name and version of each", in_environment=False),
    "plugins": _Field(fields.plugins, "give names such as vvs, or a table [plugins.NAME] of each one's options"),
}
_LIMITS = (
    "max_per_payment",
    "per_day",
    "approve_above",
    "gas_per_transaction",
    "gas_per_day",
    "risk",
    "assets",
    "hosts",
    "payees",
    "max_validity_seconds",
)
"""What a policy file says in place of the settings."""
_VARIABLES = {f"{_PREFIX}{name.upper()}": name for name, about in _FIELDS.items() if about.in_environment}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be configured, checked. None in a list allows any; an empty list allows none."""

    private_key: Secret | None = None
    """The wallet's key."""
    keystore: Path | None = None
    """A keystore file that holds the key; never set together with `private_key`."""
    keystore_password: Secret | None = None
    """What opens the keystore."""
    relayer_key: Secret | None = None
    """The key of an account that pays the gas of cancellations after a halt; it needs nothing but gas."""
    rpc: str | Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Where chains are read: one URL, or a URL by CAIP-2 id. URLs may hold API keys."""
    node_lag: int = 12
    """How many blocks the nodes behind one URL may be behind each other."""
    storage: str = field(repr=False)
    """A file's path or an SQLAlchemy URL; it may hold a password."""
    policy: tuple[Path, ...] = ()
    """The policy's files, read again when they change; empty where the limits and lists below are the policy."""
    max_per_payment: Amount | tuple[Amount, ...] = _ONE_DOLLAR
    """The most one payment may cost."""
    per_day: Amount | tuple[Amount, ...] = _TWENTY_DOLLARS
    """The most all payments of a day may cost."""
    approve_above: Amount | tuple[Amount, ...] | None = _TEN_DOLLARS
    """What a payment may cost without a person; None never asks."""
    gas_per_transaction: tuple[Amount, ...] = USUAL_GAS
    """The most that one own transaction may cost in gas, by coin; on a chain whose coin has none, nothing is sent."""
    gas_per_day: tuple[Amount, ...] = USUAL_GAS_PER_DAY
    """The most that gas may cost in a UTC day, by coin, reverted transactions included."""
    risk: Risk | None = USUAL
    """When a payment is odd enough to ask a person; None never."""
    approvers: int = 1
    """How many distinct people have to agree."""
    approver_names: tuple[str, ...] | None = None
    """Who may decide about what waits for approval; None for anybody."""
    approvals: str | None = None
    """The way to ask people, by the name that a loaded plugin gives it; never set together with a webhook."""
    approval_webhook: str | None = field(default=None, repr=False)
    """Where requests for approval are posted; the URL may hold a key. Set together with its secret."""
    approval_webhook_secret: Secret | None = None
    """What requests and decisions are signed with."""
    agent: str | None = None
    """Who pays, by the name that limits and halts know, unless a program says it by a `Context`."""
    project: str | None = None
    """What it is paid for, in the same way."""
    networks: frozenset[ChainId] | None = None
    """Chains that may be paid on."""
    assets: frozenset[AssetId] | None = None
    """Tokens that may be paid with."""
    hosts: frozenset[str] | None = None
    """Hosts that may be paid."""
    payees: frozenset[str] | None = None
    """Addresses that may be paid, in lower case."""
    max_validity_seconds: int = 600
    """The longest an authorization may be usable."""
    timeout_seconds: int = 30
    """How long an unpaid request may take."""
    tokens: tuple[Token, ...] = ()
    """Tokens that are known besides the built-in table."""
    plugins: tuple[PluginChoice, ...] = ()
    """Plugins that are loaded; one that is installed and not named here is not even imported."""

    def __post_init__(self) -> None:
        """Refuse what nobody could ever agree to."""
        if self.approver_names is not None:
            try:
                approvers_fact(self.approver_names, needed=self.approvers)
            except ValueError as exc:
                raise ConfigurationError(f"approvers and approver_names: {exc}") from exc

    @property
    def context(self) -> Context:
        """Who pays, and for what, where a program does not say."""
        return Context(agent=self.agent, project=self.project)

    @property
    def limits(self) -> Policy:
        """The limits and lists as a policy; what holds where no policy file is named."""
        return Policy(
            max_per_payment=self.max_per_payment,
            per_day=self.per_day,
            approve_above=self.approve_above,
            gas_per_transaction=self.gas_per_transaction or None,
            gas_per_day=self.gas_per_day or None,
            risk=self.risk,
            networks=self.networks,
            assets=self.assets,
            hosts=self.hosts,
            payees=self.payees,
            max_validity_seconds=self.max_validity_seconds,
        )

    @classmethod
    def load(
        cls, *, environ: Mapping[str, str] | None = None, file: Path | str | None = None, **overrides: object
    ) -> Self:
        """Read the settings. An argument that is None is as good as not given.

        Args: environ: instead of the process's environment. file: instead of `paygent.toml`; it must exist.

        Raises: ConfigurationError: something unknown, malformed or missing; the message says where and what to write.
        """
        variables = os.environ if environ is None else environ
        sources = (_arguments(overrides), _environment(variables), _file(variables, file))
        given: dict[str, object] = {}
        for source in sources:
            _one_key(source, given)
            for name in source.raw:
                if name not in given:
                    given[name] = source.read(name)
        _one_policy(given)
        _whole_webhook(given)
        given.setdefault("storage", str(default_storage(variables)))
        return cls(**{name: value for name, value in given.items() if value is not _SUPERSEDED})  # type: ignore[arg-type]  # each was read by its field


@dataclass(frozen=True, slots=True)
class _Source:
    """Some settings as they were written, and where each was."""

    raw: Mapping[str, object] = field(repr=False)
    where: Callable[[str], str]

    def read(self, name: str) -> object:
        about = _FIELDS[name]
        try:
            return about.read(self.raw[name])
        except (ValueError, TypeError) as wrong:
            raise ConfigurationError(f"{self.where(name)} cannot be used: {wrong}; {about.hint}") from None


def _one_policy(given: Mapping[str, object]) -> None:
    """Refuse limits beside policy files: one would be forgotten. Networks only narrow what the files allow."""
    both = [name for name in _LIMITS if name in given] if given.get("policy") else []
    if both:
        raise ConfigurationError(
            f"policy names files that say what may be paid, and {' and '.join(both)} would not hold beside them; "
            "take the settings out, or write them into the files"
        )


def _whole_webhook(given: Mapping[str, object]) -> None:
    if ("approval_webhook" in given) != ("approval_webhook_secret" in given):
        raise ConfigurationError(
            "approval_webhook and its secret go together: give the URL as approval_webhook and the secret as "
            "PAYGENT_APPROVAL_WEBHOOK_SECRET"
        )
    if "approvals" in given and "approval_webhook" in given:
        raise ConfigurationError("approvals and approval_webhook both say who is asked; keep one")


_SUPERSEDED = object()
"""Stands for the other kind of key, which a higher source has replaced."""


def _one_key(source: _Source, given: dict[str, object]) -> None:
    """Let a key replace the keystore of a lower source, and the other way round; in one source they clash."""
    both = [name for name in ("private_key", "keystore") if name in source.raw]
    if len(both) == 2:
        places = " and ".join(source.where(name) for name in both)
        raise ConfigurationError(f"{places} are both set; keep the one that holds the wallet's key")
    for name in both:
        given.setdefault("keystore" if name == "private_key" else "private_key", _SUPERSEDED)


def _arguments(overrides: Mapping[str, object]) -> _Source:
    for name in overrides:
        if name not in _FIELDS:
            raise ConfigurationError(f"{name!r} is no setting; {fields.near(name, _FIELDS)}")
    present = {name: value for name, value in overrides.items() if value is not None}
    return _Source(present, lambda name: f"the argument {name}")


def _environment(variables: Mapping[str, str]) -> _Source:
    present: dict[str, object] = {}
    for variable, text in variables.items():
        if not variable.startswith(_PREFIX) or variable == _CONFIG:
            continue
        if variable not in _VARIABLES:
            known = [*_VARIABLES, _CONFIG]
            raise ConfigurationError(
                f"the environment has {variable}, which is no setting; {fields.near(variable, known)}"
            )
        name = _VARIABLES[variable]
        if not text.strip():
            raise ConfigurationError(f"{variable} is empty; unset it, or {_FIELDS[name].hint}")
        present[name] = text if name == "keystore_password" else text.strip()
    return _Source(present, lambda name: f"{_PREFIX}{name.upper()}")


def _file(variables: Mapping[str, str], file: Path | str | None) -> _Source:
    named = variables.get(_CONFIG) if file is None else file
    path = Path(_FILE if named is None else named).expanduser()
    if named is None and not path.is_file():
        return _Source({}, str)
    content = read_toml(path)
    for name in content.values:
        _check_key(content, name)
    present = {name: _beside(path, name, value) for name, value in content.values.items()}
    return _Source(present, lambda name: f"{content.at(name)}: {name}")


def _check_key(content: TomlFile, name: str) -> None:
    if name not in _FIELDS:
        raise ConfigurationError(f"{content.at(name)}: {name} is no setting; {fields.near(name, _FIELDS)}")
    if _FIELDS[name].secret:
        raise ConfigurationError(
            f"{content.at(name)}: {name} does not belong into a file that may be committed; "
            f"take it out and set {_PREFIX}{name.upper()}"
        )


def _beside(file: Path, name: str, value: object) -> object:
    """Read paths in a settings file from where the file is."""
    if name == "policy":
        return [_beside(file, "keystore", each) for each in fields.texts(value)]
    if name not in ("keystore", "storage") or not isinstance(value, str) or not value or "://" in value:
        return value
    return str(file.parent / Path(value).expanduser())


def default_storage(environ: Mapping[str, str] | None = None) -> Path:
    """Return the journal's file where no setting names another; its folder is made when it is opened."""
    return _data_home(os.environ if environ is None else environ, sys.platform) / "paygent" / "payments.db"


def _data_home(variables: Mapping[str, str], platform: str) -> Path:
    """Return where this user's programs keep their data.  Source: XDG Base Directory Specification."""
    if platform == "win32":
        local = variables.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    given = Path(variables.get("XDG_DATA_HOME", "."))
    if given.is_absolute():
        return given
    home = Path(variables["HOME"]) if variables.get("HOME") else Path.home()
    return home / "Library" / "Application Support" if platform == "darwin" else home / ".local" / "share"
