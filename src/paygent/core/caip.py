"""Chain-agnostic identifiers: CAIP-2 chains, CAIP-10 accounts, CAIP-19 assets."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

_CHAIN = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")
_ADDRESS = re.compile(r"[-.%a-zA-Z0-9]{1,128}")
_ASSET_NAME = re.compile(r"[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}")
_EVM_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def is_evm_address(text: object) -> bool:
    """Tell whether `text` is 0x and 40 hexadecimal digits, in any case."""
    return isinstance(text, str) and _EVM_ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ChainId:
    """A CAIP-2 chain id, for example ``eip155:25``.  Source: CAIP-2."""

    text: str
    """Namespace, colon, reference."""

    def __post_init__(self) -> None:
        if not _CHAIN.fullmatch(self.text):
            raise ValueError(f"{self.text!r} is not a CAIP-2 chain id such as 'eip155:25'")

    def __eq__(self, other: object) -> bool:  # asked for with every payment, a dozen times; the generated one is slow
        return self is other or (isinstance(other, ChainId) and self.text == other.text)

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def evm(cls, number: int) -> Self:
        """Return the id of the EVM chain `number`."""
        return cls(f"eip155:{number}")

    @property
    def namespace(self) -> str:
        """The part before the colon, ``eip155`` for every EVM chain."""
        return self.text.partition(":")[0]

    @property
    def reference(self) -> str:
        """The part behind the colon."""
        return self.text.partition(":")[2]

    @property
    def evm_number(self) -> int:
        """The EIP-155 chain number.

        Raises: ValueError: this is not an EVM chain, or the reference is not a plain decimal number.
        """
        number = self.reference
        if self.namespace != "eip155" or not number.isascii() or not number.isdigit() or number != str(int(number)):
            raise ValueError(f"{self.text!r} is not an EVM chain id such as 'eip155:25'")
        return int(number)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class AccountId:
    """A CAIP-10 account: an address on a chain."""

    chain: ChainId
    """The chain."""
    address: str
    """The address as the chain writes it; EVM addresses compare without case."""

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise ValueError(f"{self.address!r} is not a CAIP-10 account address")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccountId) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[ChainId, str]:
        return (self.chain, self.address.lower() if self.chain.namespace == "eip155" else self.address)

    def __str__(self) -> str:
        return f"{self.chain}:{self.address}"


@dataclass(frozen=True, slots=True)
class AssetId:
    """A CAIP-19 asset type, for example ``eip155:25/erc20:0x…``; equal whatever the case of an EVM address."""

    chain: ChainId
    """The chain the asset lives on."""
    name: str
    """Asset namespace, colon, reference, for example ``erc20:0x…`` or ``slip44:394``; EVM addresses in lower case."""
    text: str = field(init=False, repr=False, compare=False)
    """Chain, slash, name: written once, because the sums of limits are called by it."""

    def __post_init__(self) -> None:
        if not _ASSET_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a CAIP-19 asset name such as 'erc20:0x…'")
        if self.name.startswith("erc20:"):
            object.__setattr__(self, "name", self.name.lower())
        object.__setattr__(self, "text", f"{self.chain}/{self.name}")

    def __eq__(self, other: object) -> bool:  # as that of `ChainId`
        if self is other:
            return True
        return isinstance(other, AssetId) and self.name == other.name and self.chain == other.chain

    def __hash__(self) -> int:
        return hash(self.name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``<chain>/<namespace>:<reference>``.

        Raises: ValueError: the text is not a CAIP-19 asset type.
        """
        chain, slash, name = text.partition("/")
        if not slash:
            raise ValueError(f"{text!r} is not a CAIP-19 asset id such as 'eip155:25/erc20:0x…'")
        return cls(ChainId(chain), name)

    @property
    def native(self) -> bool:
        """The chain's own coin, which pays for gas."""
        return self.name.startswith("slip44:")

    @property
    def address(self) -> str:
        """The token's address in lower case.

        Raises: ValueError: the asset is not an ERC-20 token.
        """
        if not self.name.startswith("erc20:"):
            raise ValueError(f"{self} is not an ERC-20 token")
        return self.name[6:]

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=512)
def chain_id(text: str) -> ChainId:
    """Return the parsed CAIP-2 id, from a cache.

    Raises: ValueError: the text is not a CAIP-2 chain id.
    """
    return ChainId(text)


@lru_cache(maxsize=4096)
def erc20(chain: ChainId, address: str) -> AssetId:
    """Return the asset id of the token at `address`, from a cache.

    Raises: ValueError: the address is not 0x and 40 hexadecimal digits.
    """
    if not is_evm_address(address):
        raise ValueError(f"{address!r} is not an EVM address")
    return AssetId(chain, f"erc20:{address.lower()}")


def native(chain: ChainId) -> AssetId:
    """Return the asset id of an EVM chain's own coin, whatever its name: ``slip44:60``, the coin type of EVM accounts.

    Paygent calls the coin of every EVM chain so; documents that say ``slip44:394`` for CRO mean the same coin.
    """
    return AssetId(chain, "slip44:60")
