"""Contracts by their ABI: decoded calls to build, and answers to read.  Source: Solidity ABI specification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict, cast

from paygent.core.action import Call
from paygent.core.caip import is_evm_address
from paygent.core.errors import AdapterError
from paygent.ports.chain import BlockTag, Chain


class _Parameter(TypedDict, total=False):
    name: str
    type: str
    components: "list[_Parameter]"


class _Entry(TypedDict, total=False):
    type: str
    name: str
    inputs: list[_Parameter]
    outputs: list[_Parameter]


@dataclass(frozen=True)
class Function:
    """One function of an ABI."""

    name: str
    inputs: tuple[str, ...]
    """Types of the arguments, tuples written as ``(address,uint256)``."""
    names: tuple[str, ...]
    """Names of the arguments; an unnamed one is called by its place."""
    outputs: tuple[str, ...]

    @property
    def signature(self) -> str:
        """For example ``approve(address,uint256)``."""
        return f"{self.name}({','.join(self.inputs)})"

    @cached_property
    def selector(self) -> bytes:
        """The first four bytes of a call."""
        from eth_utils.crypto import keccak

        return keccak(text=self.signature)[:4]

    def encode(self, arguments: Sequence[object]) -> str:
        """Return the calldata, lower case.

        Raises: ValueError: the arguments do not fit.
        """
        from eth_abi.abi import encode
        from eth_abi.exceptions import EncodingError

        try:
            return f"0x{(self.selector + encode(self.inputs, arguments)).hex()}"
        except (EncodingError, ValueError, TypeError) as unfit:
            raise ValueError(f"{self.signature} does not take {arguments!r}: {unfit}") from unfit

    def decode(self, answer: str) -> tuple[object, ...]:
        """Read what the function answered.

        Raises: AdapterError: it is something else; `0x` means that there is no such contract.
        """
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        try:
            return cast("tuple[object, ...]", decode(self.outputs, bytes.fromhex(answer.removeprefix("0x"))))
        except (DecodingError, ValueError, OverflowError) as unreadable:
            raise AdapterError(
                f"{self.signature} answered what is no {', '.join(self.outputs)}: is there such a contract?",
                retryable=False,
            ) from unreadable


class Abi:
    """The functions of a contract, by name."""

    def __init__(self, entries: Sequence[Mapping[str, object]]) -> None:
        rows = (cast("_Entry", entry) for entry in entries if entry.get("type") == "function")
        self._functions = [_function(row) for row in rows]

    def function(self, name: str) -> Function:
        """Return a function by its name, or by its signature where several have the name.

        Raises: KeyError: there is none, or there are several.
        """
        found = [one for one in self._functions if name in (one.name, one.signature)]
        if len(found) != 1:
            raise KeyError(f"the ABI has {len(found)} functions {name!r}; name one by its signature")
        return found[0]

    def call(self, to: str, name: str, *arguments: object, value: int = 0) -> Call:
        """Return an unsigned call with its meaning.

        Args: to: the contract. value: wei that go with it.

        Raises: ValueError: the arguments do not fit. KeyError: as `function`.
        """
        function = self.function(name)
        told = ((label, said(argument)) for label, argument in zip(function.names, arguments, strict=False))
        return Call(
            to=checksum(to),
            data=function.encode(arguments),
            value=value,
            function=function.signature,
            arguments=tuple(told),
            returns=function.outputs,
        )

    async def read(
        self, chain: Chain, to: str, name: str, *arguments: object, at: str | BlockTag = "latest"
    ) -> tuple[object, ...]:
        """Return what a view function answers, decoded; addresses in lower case.

        Raises: AdapterError: the chain does not answer, the contract reverts, or it is another contract.
        """
        function = self.function(name)
        return function.decode(await chain.call(to, function.encode(arguments), at=at))

    async def number(self, chain: Chain, to: str, name: str, *arguments: object, at: str | BlockTag = "latest") -> int:
        """Return the first value that a view function answers, an integer.

        Raises: AdapterError: as `read`, or it is no integer.
        """
        first = (await self.read(chain, to, name, *arguments, at=at))[0]
        if not isinstance(first, int):
            raise AdapterError(f"{name} answered {first!r}, which is no integer", retryable=False)
        return first

    async def address(self, chain: Chain, to: str, name: str, *arguments: object, at: str | BlockTag = "latest") -> str:
        """Return the first value that a view function answers, an address, checksummed.

        Raises: AdapterError: as `read`, or it is no address.
        """
        first = (await self.read(chain, to, name, *arguments, at=at))[0]
        if not isinstance(first, str) or not is_evm_address(first):
            raise AdapterError(f"{name} answered {first!r}, which is no address", retryable=False)
        return checksum(first)


def checksum(address: str) -> str:
    """Return an address in the mixed case of ERC-55.

    Raises: ValueError: it is not 0x and 40 hexadecimal digits.
    """
    from eth_utils.crypto import keccak

    if not is_evm_address(address):
        raise ValueError(f"{address[:90]!r} is not an EVM address: 0x and 40 hexadecimal digits")
    digits = address[2:].lower()
    marks = keccak(text=digits).hex()
    return "0x" + "".join(
        digit.upper() if mark in "89abcdef" else digit for digit, mark in zip(digits, marks, strict=False)
    )


def said(argument: object) -> str:
    """Return an argument as text for people."""
    if isinstance(argument, bytes):
        return f"0x{argument.hex()}"
    if isinstance(argument, list | tuple):
        return f"[{', '.join(said(one) for one in cast('Sequence[object]', argument))}]"
    return str(argument)


def _function(row: _Entry) -> Function:
    inputs = row.get("inputs") or []
    return Function(
        name=row.get("name") or "",
        inputs=tuple(map(_type, inputs)),
        names=tuple(one.get("name") or f"argument {place}" for place, one in enumerate(inputs, 1)),
        outputs=tuple(map(_type, row.get("outputs") or [])),
    )


def _type(parameter: _Parameter) -> str:
    written = parameter.get("type") or ""
    if not written.startswith("tuple"):
        return written
    inner = ",".join(map(_type, parameter.get("components") or []))
    return f"({inner}){written.removeprefix('tuple')}"
