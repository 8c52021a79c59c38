"""What each setting may be: readers from what a person wrote to the value. Errors never show a secret.

Every complaint is a ValueError, whatever was wrong: it ends in the text of one ConfigurationError.
"""

# ruff: noqa: TRY004

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar, cast, runtime_checkable
from urllib.parse import urlsplit

from paygent.core.approval import approvers_fact
from paygent.core.caip import AssetId, ChainId, is_evm_address
from paygent.core.money import Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.evm.address import checksum
from paygent.evm.coins import coin as coin_of
from paygent.evm.coins import known_coins
from paygent.evm.networks import chain_of
from paygent.policy.risk import USUAL, Risk

_T = TypeVar("_T")
_RISKS: Mapping[str, Risk | None] = {"usual": USUAL, "all": Risk(), "off": None}
_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")
_YES_NO = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_PLUGIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_TOKEN_KEYS = ("asset", "symbol", "decimals", "name", "version", "usd", "eip3009", "test")


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that is never shown. Pydantic's SecretStr is taken in its place, by the same method."""

    _text: str = field(repr=False)

    def get_secret_value(self) -> str:
        """Return the text."""
        return self._text

    def __str__(self) -> str:
        return "********"


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """A plugin that is to be loaded."""

    name: str
    """As its entry point is called."""
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """What is configured for it; the plugin checks them."""


@runtime_checkable
class Revealing(Protocol):
    """**Protocol:** anything that holds a secret text, such as `Secret`."""

    def get_secret_value(self) -> str:
        """Return the text."""
        ...


def private_key(raw: object) -> Secret:
    """Read 0x and 64 hexadecimal digits; 0x may be left out."""
    text = _revealed(raw)
    if not isinstance(text, str) or not _KEY.fullmatch(text):
        raise ValueError("it is not 0x and 64 hexadecimal digits")
    return Secret(text if text.startswith("0x") else f"0x{text}")


def password(raw: object) -> Secret:
    """Read any text."""
    text = _revealed(raw)
    if not isinstance(text, str):
        raise ValueError("it is not text")
    return Secret(text)


def path(raw: object) -> Path:
    """Read the path of a file that exists."""
    if not isinstance(raw, str | Path):
        raise ValueError(f"{raw!r} is not a path")
    found = Path(raw).expanduser()
    if not found.is_file():
        raise ValueError(f"there is no file {str(found)!r}")
    return found


def paths(raw: object) -> tuple[Path, ...]:
    """Read the paths of files that exist; text may have several, separated by commas."""
    return tuple(path(each) for each in texts(raw))


def texts(raw: object) -> list[object]:
    """Return what a list holds; text is separated by commas."""
    if isinstance(raw, Path):
        return [raw]
    return _list(raw, lambda each: each)


def rpc(raw: object) -> str | Mapping[str, str]:
    """Read one URL, or a table of chain and URL (in the environment as JSON); chains become CAIP-2 ids."""
    if isinstance(raw, str) and not raw.lstrip().startswith("{"):
        return _url(raw)
    table = _json(raw) if isinstance(raw, str) else raw
    if not isinstance(table, Mapping):
        raise ValueError("it is neither a URL nor a table of chain and URL")
    urls = cast("Mapping[object, object]", table)
    return MappingProxyType({str(_chain(chain)): _url(url, chain) for chain, url in urls.items()})


def storage(raw: object) -> str:
    """Read a file's path or an SQLAlchemy URL."""
    if isinstance(raw, Path):
        return str(raw)
    if not isinstance(raw, str) or not raw:
        raise ValueError("it is neither a path nor a URL")
    return raw if "://" in raw else str(Path(raw).expanduser())


def dollars(raw: object) -> Amount | tuple[Amount, ...]:
    """Read US dollars such as "0.50"; arguments may be amounts too."""
    if isinstance(raw, Amount):
        return raw
    if isinstance(raw, tuple):
        amounts = cast("tuple[object, ...]", raw)
        if amounts and all(isinstance(amount, Amount) for amount in amounts):
            return cast("tuple[Amount, ...]", amounts)
        raise ValueError("a tuple of limits holds amounts only, and at least one")
    if type(raw) is int:
        return usd(str(raw))
    if not isinstance(raw, str | Decimal):
        raise ValueError(f"{raw!r} is not text: money is never a floating point number")
    return usd(raw)


def threshold(raw: object) -> Amount | tuple[Amount, ...] | None:
    """Read US dollars as `dollars` does, or the word never, which is None."""
    return None if raw == "never" else dollars(raw)


def gas(raw: object) -> tuple[Amount, ...]:
    """Read limits on gas, each in a coin: "3 CRO", or "3 eip155:25/slip44:60"; the word never allows no transactions.

    A symbol means the coin of every chain that is known to have it.
    """
    if raw == "never":
        return ()
    parts = [raw] if isinstance(raw, Amount) else _list(raw, lambda each: each)
    return tuple(limit for part in parts for limit in ((part,) if isinstance(part, Amount) else _gas(part)))


def _gas(raw: object) -> tuple[Amount, ...]:
    if not isinstance(raw, str) or len(words := raw.split()) != 2:
        raise ValueError(f"{raw!r} is not an amount and a coin")
    number, name = words
    if "/" in name:
        found = [coin for coin in [coin_of(AssetId.parse(name).chain)] if str(coin.id) == name]
    else:
        found = [coin for coin in known_coins() if coin.symbol == name]
    if not found:
        raise ValueError(f"{name!r} is no coin that pays for gas")
    return tuple(Amount.parse(number, coin) for coin in found)


def risk(raw: object) -> Risk | None:
    """Read how watchful to be: usual (bursts, and large first payments), all, or off; arguments may be a Risk."""
    if isinstance(raw, Risk):
        return raw
    if not isinstance(raw, str) or raw not in _RISKS:
        raise ValueError(f"{raw!r} is not one of {', '.join(_RISKS)}")
    return _RISKS[raw]


def approvers(raw: object) -> int:
    """Read how many people have to agree, 1 to 100."""
    number = int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 4 else raw
    if type(number) is not int or not 1 <= number <= 100:
        raise ValueError(f"{raw!r} is not a number of people from 1 to 100")
    return number


def approver_names(raw: object) -> tuple[str, ...]:
    """Read names of people, one at least; case, width and spaces make no other name."""
    names = tuple(_list(raw, _name))
    approvers_fact(names, needed=1)
    return names


def word(raw: object) -> str:
    """Read a name of letters, digits, dots, dashes and underscores."""
    if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", raw):
        raise ValueError(f"{raw!r} is no name")
    return raw


def url(raw: object) -> str:
    """Read a URL of HTTP; an error does not show it, because it may hold a key."""
    return _url(raw)


def webhook_secret(raw: object) -> Secret:
    """Read a text of at least 16 bytes."""
    secret = password(raw)
    if len(secret.get_secret_value().encode()) < 16:
        raise ValueError("it is shorter than 16 bytes")
    return secret


def networks(raw: object) -> frozenset[ChainId]:
    """Read chains by CAIP-2 id or name."""
    return frozenset(_list(raw, _chain))


def assets(raw: object) -> frozenset[AssetId]:
    """Read tokens by CAIP-19 id."""
    return frozenset(_list(raw, _asset))


def hosts(raw: object) -> frozenset[str]:
    """Read hosts with or without a port; `*.` in front means every subdomain."""
    return frozenset(_list(raw, _host))


def payees(raw: object) -> frozenset[str]:
    """Read addresses; one in mixed case must have the right checksum."""
    return frozenset(_list(raw, _payee))


def validity(raw: object) -> int:
    """Read 10 to 86,400 seconds."""
    return _whole(raw, 10, 86_400, "seconds")


def timeout(raw: object) -> int:
    """Read 1 to 3,600 seconds."""
    return _whole(raw, 1, 3_600, "seconds")


def blocks(raw: object) -> int:
    """Read 0 to 10,000 blocks."""
    return _whole(raw, 0, 10_000, "blocks")


def truth(raw: object) -> bool:
    """Read true or false."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and (known := _YES_NO.get(raw.lower())) is not None:
        return known
    raise ValueError(f"{raw!r} is neither true nor false")


def tokens(raw: object) -> tuple[Token, ...]:
    """Read tables that describe tokens."""
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise ValueError("it is not a list of tables; write [[tokens]]")
    return tuple(_token(entry, place) for place, entry in enumerate(cast("Iterable[object]", raw), 1))


def plugins(raw: object) -> tuple[PluginChoice, ...]:
    """Read names, or a table of names and options."""
    if isinstance(raw, Mapping):
        table = cast("Mapping[object, object]", raw)
        return tuple(PluginChoice(_plugin(name), _options(name, said)) for name, said in table.items())
    return tuple(_list(raw, lambda each: each if isinstance(each, PluginChoice) else PluginChoice(_plugin(each))))


def _plugin(raw: object) -> str:
    if not isinstance(raw, str) or not _PLUGIN.fullmatch(raw):
        raise ValueError(f"{raw!r} is not the name of a plugin, such as vvs")
    return raw


def _options(name: object, raw: object) -> Mapping[str, object]:
    if not isinstance(raw, Mapping):
        raise ValueError(f"the options of {name} are no table; write [plugins.{name}]")
    return MappingProxyType(dict(cast("Mapping[str, object]", raw)))


def near(name: str, known: Iterable[str]) -> str:
    """Return what may have been meant, as the end of a sentence; otherwise all there is."""
    from difflib import get_close_matches

    names = sorted(known)
    if close := get_close_matches(name, names, n=3):
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(names)}"


def _token(entry: object, place: int) -> Token:
    if isinstance(entry, Token):
        return entry
    if not isinstance(entry, Mapping):
        raise ValueError(f"token {place} is not a table")
    row = cast("Mapping[str, object]", entry)
    for name in row:
        if name not in _TOKEN_KEYS:
            raise ValueError(f"token {place} has the unknown key {name!r}; {near(name, _TOKEN_KEYS)}")
    decimals = row.get("decimals")
    if type(decimals) is not int:
        raise ValueError(f"token {place} needs decimals, an integer")
    try:
        asset = Asset(id=_asset(row.get("asset")), symbol=_text(row, "symbol"), decimals=decimals)
        _ = asset.id.address
        flags = {name: truth(row[name]) for name in ("usd", "eip3009", "test") if name in row}
        return Token(asset=asset, name=_text(row, "name"), versions=(_text(row, "version"),), **flags)
    except ValueError as wrong:
        raise ValueError(f"token {place}: {wrong}") from wrong


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing, or no text")
    return value


def _list(raw: object, read: Callable[[object], _T]) -> list[_T]:
    if isinstance(raw, str):
        return [read(part.strip()) for part in raw.split(",")]
    if not isinstance(raw, Iterable):
        raise ValueError(f"{raw!r} is not a list")
    return [read(part) for part in cast("Iterable[object]", raw)]


def _name(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{raw!r} is no name")
    return raw.strip()


def _chain(raw: object) -> ChainId:
    if isinstance(raw, ChainId):
        return raw
    if not isinstance(raw, str):
        raise ValueError(f"{raw!r} is not a chain")
    return chain_of(raw)


def _asset(raw: object) -> AssetId:
    if isinstance(raw, AssetId):
        return raw
    if not isinstance(raw, str):
        raise ValueError(f"{raw!r} is not a CAIP-19 asset id such as 'eip155:25/erc20:0x…'")
    return AssetId.parse(raw)


def _host(raw: object) -> str:
    if not isinstance(raw, str) or not _HOST.fullmatch(raw.lower()):
        raise ValueError(f"{raw!r} is not a host; write it without https:// and path")
    return raw.lower()


def _payee(raw: object) -> str:
    if not isinstance(raw, str) or not is_evm_address(raw):
        raise ValueError(f"{raw!r} is not an address")
    digits = raw[2:]
    if digits not in (digits.lower(), digits.upper()) and raw != checksum(raw):
        raise ValueError(f"{raw!r} has a wrong checksum: there is a typing error in it")
    return raw.lower()


def _whole(raw: object, least: int, most: int, of: str) -> int:
    number = int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 10 else raw
    if type(number) is not int or not least <= number <= most:
        raise ValueError(f"{raw!r} is not a whole number of {of} from {least} to {most}")
    return number


def _url(raw: object, chain: object = None) -> str:
    text = raw if isinstance(raw, str) else ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"the URL{'' if chain is None else f' of {chain}'} is not like https://host/path")
    return text


def _revealed(raw: object) -> object:
    return raw.get_secret_value() if isinstance(raw, Revealing) else raw


def _json(text: str) -> object:
    from paygent.x402.strict_json import parse_json

    try:
        return parse_json(text.encode())
    except ValueError:
        raise ValueError("it begins like JSON and is not") from None
