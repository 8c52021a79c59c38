"""Where the venue is, as data: the networks that come with the plugin, and those of the settings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from typing import cast

from paygent.plugin import Abi, Asset, ChainId, ConfigurationError, checksum, erc20, native


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """A pool of a Craftsman."""

    id: str
    """``v1:0``, ``v2:3``: the Craftsman's version and the number of the pool."""
    version: int
    pid: int
    craftsman: str
    name: str
    asset: Asset
    """What is staked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """One exchange on one network."""

    network: ChainId
    title: str
    """For people."""
    router: str
    smart_router: str | None
    """Takes swaps by `multicall` alone; None where the plain router takes them."""
    factory: str
    init_code_hash: bytes
    coin: Asset
    wrapped: Asset
    reward: Asset | None
    tokens: tuple[Asset, ...]
    hubs: tuple[Asset, ...]
    """What routes may go through."""
    share_symbol: str
    max_block_age_seconds: int | None
    """How old the newest block may be; None where blocks come only with transactions."""
    farms: tuple[Farm, ...] = ()

    def token_of(self, asset: Asset) -> Asset:
        """Return what an asset is inside of pools: the coin is wrapped there."""
        return self.wrapped if asset == self.coin else asset

    def pair(self, first: Asset, second: Asset) -> str:
        """Return the address of the pool of two tokens, whether it exists or not.  Source: EIP-1014."""
        return pair_address(self.factory, self.init_code_hash, first.id.address, second.id.address)

    def share_of(self, first: Asset, second: Asset) -> Asset:
        """Return the token that is a share of a pool."""
        names = "-".join(sorted((self._spoken(first), self._spoken(second))))
        symbol = f"{names} {self.share_symbol}"[:32]
        return Asset(id=erc20(self.network, self.pair(first, second)), symbol=symbol, decimals=18)

    def pairs(self) -> Sequence[tuple[Asset, Asset]]:
        """Return every two of the known tokens."""
        return tuple(combinations(self.tokens, 2))

    def _spoken(self, token: Asset) -> str:
        return self.coin.symbol if token == self.wrapped else token.symbol


def pair_address(factory: str, init_code_hash: bytes, first: str, second: str) -> str:
    """Return where a factory puts the pool of two token addresses, checksummed."""
    from eth_utils.crypto import keccak

    low, high = sorted((bytes.fromhex(first[2:]), bytes.fromhex(second[2:])))
    place = keccak(b"\xff" + bytes.fromhex(factory[2:]) + keccak(low + high) + init_code_hash)
    return checksum(f"0x{place[12:].hex()}")


@lru_cache(maxsize=16)
def abi(name: str) -> Abi:
    """Return one of the ABIs of the package."""
    return Abi(json.loads(files("paygent_vvs").joinpath("abi", f"{name}.json").read_text("utf-8")))


def builtin() -> dict[str, object]:
    """Return the networks that come with the plugin, by CAIP-2 id."""
    return cast("dict[str, object]", json.loads(files("paygent_vvs").joinpath("networks.json").read_text("utf-8")))


def venue(network: str, described: object) -> Venue:
    """Read the description of one network.

    Raises: ConfigurationError: something is missing or wrong; the message says what.
    """
    if not isinstance(described, Mapping):
        raise ConfigurationError(f"vvs: {network} is not described by a table")
    row = _Row(network, cast("Mapping[str, object]", described))
    try:
        return _venue(ChainId(network), row)
    except (ValueError, KeyError, TypeError) as wrong:
        raise ConfigurationError(f"vvs: the description of {network} is wrong: {wrong}") from wrong


class _Row:
    """A table whose fields are read with their names in every complaint."""

    def __init__(self, name: str, values: Mapping[str, object]) -> None:
        self._name = name
        self._values = values

    def text(self, field: str) -> str:
        value = self._values.get(field)
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"vvs: {self._name} needs {field}, a text")
        return value

    def address(self, field: str) -> str:
        return checksum(self.text(field))

    def optional_address(self, field: str) -> str | None:
        return self.address(field) if field in self._values else None

    def number(self, field: str) -> int:
        value = self._values.get(field)
        if type(value) is not int or value < 0:
            raise ConfigurationError(f"vvs: {self._name} needs {field}, a whole number")
        return value

    def optional_number(self, field: str) -> int | None:
        return self.number(field) if field in self._values else None

    def rows(self, field: str) -> "list[_Row]":
        listed = self._values.get(field, [])
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            raise ConfigurationError(f"vvs: {field} of {self._name} is no list of tables")
        tables = cast("Sequence[Mapping[str, object]]", listed)
        return [_Row(f"{field} of {self._name}", table) for table in tables]

    def texts(self, field: str) -> list[str]:
        listed = self._values.get(field, [])
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            raise ConfigurationError(f"vvs: {field} of {self._name} is no list")
        return [str(one) for one in cast("Sequence[object]", listed)]

    def switch(self, field: str) -> bool:
        value = self._values.get(field, False)
        if not isinstance(value, bool):
            raise ConfigurationError(f"vvs: {field} of {self._name} is true or false, not {value!r}")
        return value

    def has(self, field: str) -> bool:
        return field in self._values


def _venue(network: ChainId, row: _Row) -> Venue:
    tokens = {token.symbol: token for token in (_token(network, one) for one in row.rows("tokens"))}
    made = Venue(
        network=network,
        title=row.text("title"),
        router=row.address("router"),
        smart_router=row.optional_address("smart_router") if row.switch("through_smart_router") else None,
        factory=row.address("factory"),
        init_code_hash=_hash(row.text("init_code_hash")),
        coin=Asset(id=native(network), symbol=row.text("coin"), decimals=18),
        wrapped=tokens[row.text("wrapped")],
        reward=tokens[row.text("reward")] if row.has("reward") else None,
        tokens=tuple(tokens.values()),
        hubs=tuple(tokens[symbol] for symbol in row.texts("hubs")),
        share_symbol=row.text("share_symbol"),
        max_block_age_seconds=row.optional_number("max_block_age_seconds"),
    )
    versions = {1: row.optional_address("craftsman_v1"), 2: row.optional_address("craftsman_v2")}
    farms = (
        _farm(made, tokens, version, craftsman, one, both=versions[2] is not None)
        for version, craftsman in versions.items()
        if craftsman is not None
        for one in row.rows("farms")
        if (version, one.number("pid")) != (2, 0)
    )
    return _with_farms(made, tuple(farms))


def _with_farms(made: Venue, farms: tuple[Farm, ...]) -> Venue:
    from dataclasses import replace

    return replace(made, farms=farms)


def _farm(made: Venue, tokens: Mapping[str, Asset], version: int, craftsman: str, row: _Row, *, both: bool) -> Farm:
    pid = row.number("pid")
    if row.has("token"):
        asset = tokens[row.text("token")]
        name = asset.symbol
    else:
        first, second = row.texts("pair")
        asset = made.share_of(tokens[first], tokens[second])
        name = asset.symbol.partition(" ")[0]
    older = " (V1)" if both and version == 1 and pid else ""
    return Farm(
        id=f"v{version}:{pid}", version=version, pid=pid, craftsman=craftsman, name=f"{name}{older}", asset=asset
    )


def _token(network: ChainId, row: _Row) -> Asset:
    return Asset(id=erc20(network, row.address("address")), symbol=row.text("symbol"), decimals=row.number("decimals"))


def _hash(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 32:
        raise ValueError("init_code_hash is 0x and 64 hexadecimal digits")
    return raw
