"""This project's contracts as `npm run abi` wrote them down: functions, errors, code, and addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Literal, TypedDict, get_args

from paygent.evm import abi, word
from paygent.evm.tables import table

ContractName = Literal["AgentWallet", "AgentWalletFactory", "PaymentRouter", "ServiceRegistry"]
DEPLOYED_DIRECTLY: Final[tuple[ContractName, ...]] = ("AgentWalletFactory", "PaymentRouter", "ServiceRegistry")
"""In the order they are deployed in; the factory creates AgentWallet."""


class _Artifact(TypedDict):
    address: str
    runtimeCodeHash: str
    constructorArguments: list[str]
    abi: list[dict[str, Any]]
    bytecode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of a contract."""

    signature: str
    """Such as ``withdraw(address,address,uint256)``."""
    inputs: tuple[str, ...]
    """Types; structs as tuples of types."""
    outputs: tuple[str, ...]

    def call(self, *values: object) -> str:
        """Return the calldata, 0x and hexadecimal digits in lower case.

        Raises: ValueError: the values are not of the function's types.
        """
        return word.calldata(self.signature, abi.encode(self.inputs, values))

    def answers(self, data: str) -> tuple[Any, ...]:
        """Return what the function answered; addresses in lower case.

        Raises: ValueError: that is no answer of it.
        """
        return abi.decode(self.outputs, data.removeprefix("0x"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract that is deployed to the same address on every chain, or the code behind its clones."""

    name: ContractName
    address: str
    """Checksummed."""
    code_hash: str
    """Keccak-256 of the code at the address, 0x and 64 hexadecimal digits."""
    functions: Mapping[str, Function]
    """By name; this project's contracts have no two functions of one name."""
    errors: tuple[str, ...]
    """Signatures of its custom errors."""
    creation: bytes
    """Creation code with the constructor's arguments."""

    def __getitem__(self, function: str) -> Function:
        return self.functions[function]


@lru_cache(maxsize=4)
def contract(name: ContractName) -> Contract:
    """Return what is known of a contract."""
    found = table(f"artifacts/{name}.json", _Artifact)
    arguments = b"".join(map(word.address, found["constructorArguments"]))
    functions = {entry["name"]: _function(entry) for entry in found["abi"] if entry["type"] == "function"}
    return Contract(
        name=name,
        address=found["address"],
        code_hash=found["runtimeCodeHash"],
        functions=MappingProxyType(functions),
        errors=tuple(_signature(entry) for entry in found["abi"] if entry["type"] == "error"),
        creation=word.raw(found["bytecode"]) + arguments,
    )


@lru_cache(maxsize=1)
def own_errors() -> tuple[str, ...]:
    """Return the signatures of all custom errors of this project's contracts."""
    names = (each for name in get_args(ContractName) for each in contract(name).errors)
    return tuple(dict.fromkeys(names))


def _function(entry: dict[str, Any]) -> Function:
    return Function(
        signature=_signature(entry),
        inputs=tuple(map(_type, entry["inputs"])),
        outputs=tuple(map(_type, entry["outputs"])),
    )


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(map(_type, entry['inputs']))})"


def _type(of: dict[str, Any]) -> str:
    plain: str = of["type"]
    if not plain.startswith("tuple"):
        return plain
    return f"({','.join(map(_type, of['components']))}){plain.removeprefix('tuple')}"
