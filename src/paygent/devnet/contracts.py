"""The compiled contracts of the devnet, and how their functions are called.

The artifacts are written by ``contracts/compile.mjs``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A compiled contract."""

    abi: Sequence[Any]
    """As the Solidity compiler writes it."""
    bytecode: bytes
    """Deploys the contract."""
    deployed_bytecode: bytes
    """Runs at the contract's address; complete only for a contract without immutable values."""


@lru_cache(maxsize=8)
def artifact(name: str) -> Artifact:
    """Return the contract `name` of the devnet."""
    stored = _read(f"{name}.json")
    return Artifact(
        abi=stored["abi"],
        bytecode=bytes.fromhex(stored["bytecode"][2:]),
        deployed_bytecode=bytes.fromhex(stored["deployedBytecode"][2:]),
    )


def multicall_address() -> str:
    """Return the address at which every published chain has Multicall3."""
    address: str = _read("addresses.json")["multicall3"]
    return address


def topic(event: str) -> str:
    """Return the first topic of an event such as ``Transfer(address,address,uint256)``."""
    return "0x" + keccak(text=event).hex()


def calldata(function: str, *arguments: object) -> str:
    """Return the input that calls a function such as ``mint(address,uint256)``; tuples are not supported."""
    types = [part for part in function.partition("(")[2].rstrip(")").split(",") if part]
    return "0x" + (keccak(text=function)[:4] + encode(types, arguments)).hex()


def _read(file: str) -> Any:
    return json.loads(files("paygent.devnet").joinpath("artifacts", file).read_text("utf-8"))
