"""What an EIP-712 signer signs: 32 bytes for any typed message.  Source: EIP-712."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias, cast

from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm import word
from paygent.evm.keccak import keccak256

_Encode: TypeAlias = Callable[[object], bytes]
_Types: TypeAlias = tuple[tuple[str, Fields], ...]

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_ARRAY = re.compile(r"(.+)\[([1-9][0-9]*)?\]")
_SIZED = re.compile(r"(uint|int|bytes)([1-9][0-9]{0,2})")
_DOMAIN: Fields = (("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"))


def digest(data: TypedData) -> bytes:
    """Return the 32 bytes that a signer of `data` signs.

    Raises: ValueError: the types are no EIP-712 types, or the message is not exactly of its type.
    """
    hash_message = _struct(data.primary_type, tuple(data.types.items()))
    return keccak256(b"\x19\x01" + domain_separator(data.domain) + hash_message(data.message))


@lru_cache(maxsize=1024)
def domain_separator(domain: Domain) -> bytes:
    """Return the 32 bytes that stand for a contract on a chain, from a cache.

    Raises: ValueError: the contract is no EVM address, or the chain number no uint256.
    """
    values: dict[str, object] = {
        "name": domain.name,
        "version": domain.version,
        "chainId": domain.chain_id,
        "verifyingContract": domain.verifying_contract,
    }
    fields = tuple((name, type_) for name, type_ in _DOMAIN if values[name] is not None)
    message = {name: values[name] for name, _ in fields}
    return _struct("EIP712Domain", (("EIP712Domain", fields),))(message)


@lru_cache(maxsize=256)
def _struct(primary: str, types: _Types) -> _Encode:
    """Return the function that hashes a struct; made once for a set of types."""
    known = dict(types)
    made: dict[str, _Encode] = {}
    for name in (primary, *sorted(_referenced(primary, known))):
        made[name] = _hash_struct(name, known, made)
    return made[primary]


def _hash_struct(name: str, types: Mapping[str, Fields], made: Mapping[str, _Encode]) -> _Encode:
    type_hash = keccak256(encode_type(name, types).encode())
    members = [(member, _encoder(type_, made)) for member, type_ in types[name]]

    def hash_struct(value: object) -> bytes:
        message = cast("Mapping[str, object]", value)
        if not (type(value) is dict or isinstance(value, Mapping)) or len(message) != len(members):
            raise _wrong(message, f"a {name} with exactly the members {', '.join(member for member, _ in members)}")
        try:
            return keccak256(b"".join([type_hash, *[encode(message[member]) for member, encode in members]]))
        except KeyError as missing:
            raise ValueError(f"a {name} needs the member {missing}") from missing

    return hash_struct


def encode_type(primary: str, types: Mapping[str, Fields]) -> str:
    """Return a struct as EIP-712 writes it, for example ``Mail(Person from)Person(string name)``.

    Raises: ValueError: a name or type is not one that EIP-712 knows, or a member has two types.
    """
    return "".join(
        f"{name}({','.join(f'{type_} {member}' for member, type_ in types[name])})"
        for name in (primary, *sorted(_referenced(primary, types)))
    )


def _referenced(primary: str, types: Mapping[str, Fields]) -> set[str]:
    """Return the structs that `primary` contains at any depth, without itself."""
    found = {primary}
    left = [primary]
    while left:
        name = left.pop()
        _check_struct(name, types)
        inner = {_base(type_) for _, type_ in types[name]}
        new = {type_ for type_ in inner if _atomic(type_) is None} - found
        found |= new
        left.extend(new)
    return found - {primary}


def _check_struct(name: str, types: Mapping[str, Fields]) -> None:
    if name not in types:
        raise ValueError(f"the type {name!r} is not defined")
    members = [member for member, _ in types[name]]
    if _atomic(name) is not None or not all(map(_IDENTIFIER.fullmatch, (name, *members))):
        raise ValueError(f"{name!r} and its members {members!r} need names that a Solidity struct can have")
    if len(set(members)) != len(members):
        raise ValueError(f"two members of {name!r} have the same name")


def _base(type_: str) -> str:
    while array := _ARRAY.fullmatch(type_):
        type_ = array[1]
    return type_


def _encoder(type_: str, made: Mapping[str, _Encode]) -> _Encode:
    if array := _ARRAY.fullmatch(type_):
        return _array(type_, _encoder(array[1], made), None if array[2] is None else int(array[2]))
    if atomic := _atomic(type_):
        return atomic

    def hash_struct_made_later(value: object) -> bytes:
        return made[type_](value)

    return hash_struct_made_later


def _array(type_: str, encode: _Encode, length: int | None) -> _Encode:
    def encode_array(value: object) -> bytes:
        items = cast("list[object] | tuple[object, ...]", value)
        if not isinstance(value, list | tuple) or length not in {None, len(items)}:
            raise _wrong(items, f"a list or tuple for {type_}")
        return keccak256(b"".join(map(encode, items)))

    return encode_array


@lru_cache(maxsize=256)
def _atomic(type_: str) -> _Encode | None:
    """Return how a value that is no struct and no array is written, or None for a name that is no such type."""
    if plain := _PLAIN.get(type_):
        return plain
    sized = _SIZED.fullmatch(type_)
    if sized is None:
        return None
    kind, size = sized[1], int(sized[2])
    if kind == "bytes":
        return _fixed_bytes(size) if size <= 32 else None
    return _integer(size, signed=kind == "int") if size % 8 == 0 and size <= 256 else None


def _fixed_bytes(size: int) -> _Encode:
    def encode(value: object) -> bytes:
        if len(content := word.raw(value)) != size:
            raise _wrong(value, f"a bytes{size}")
        return content.ljust(32, b"\0")

    return encode


def _integer(bits: int, *, signed: bool) -> _Encode:
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def encode(value: object) -> bytes:
        if type(value) is not int or not lowest <= value <= highest:
            raise _wrong(value, f"an integer of {bits} bits")
        return value.to_bytes(32, "big", signed=signed)

    return encode


def _bool(value: object) -> bytes:
    if type(value) is not bool:
        raise _wrong(value, "a bool")
    return value.to_bytes(32, "big")


def _string(value: object) -> bytes:
    if not isinstance(value, str):
        raise _wrong(value, "a string")
    return keccak256(value.encode())


def _bytes(value: object) -> bytes:
    return keccak256(word.raw(value))


def _wrong(value: object, wanted: str) -> ValueError:
    return ValueError(f"{word.excerpt(value)} is not {wanted}")


_PLAIN: dict[str, _Encode] = {
    "address": word.address,
    "uint256": word.uint256,
    "bytes32": word.bytes32,
    "bool": _bool,
    "string": _string,
    "bytes": _bytes,
}
