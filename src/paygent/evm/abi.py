"""Encoding and decoding by types, where the shape is not fixed; `word` is for the calls that are made often."""

from collections.abc import Sequence


def types_of(signature: str) -> tuple[str, ...]:
    """Return the types of the arguments of a function or error such as ``swap(uint256,(address,bool)[])``."""
    inner = signature[signature.index("(") + 1 : signature.rindex(")")]
    found: list[str] = []
    depth, start = 0, 0
    for place, char in enumerate(inner):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            found.append(inner[start:place])
            start = place + 1
    return (*found, inner[start:]) if inner else ()


def encode(types: Sequence[str], values: Sequence[object]) -> bytes:
    """Return the values as contracts take them, without a selector.

    Raises: ValueError: a value is not of its type.
    """
    from eth_abi.abi import encode as encode_abi
    from eth_abi.exceptions import EncodingError, ParseError

    try:
        return encode_abi(list(types), list(values))
    except (EncodingError, ParseError, ValueError, TypeError) as wrong:
        raise ValueError(f"not values of ({','.join(types)}): {wrong}") from wrong


def decode(types: Sequence[str], content: str) -> tuple[object, ...]:
    """Return the values in hexadecimal digits without 0x or selector; addresses in lower case.

    Raises: ValueError: the content is not of these types.
    """
    from eth_abi.abi import decode as decode_abi
    from eth_abi.exceptions import DecodingError, ParseError

    try:
        return tuple(decode_abi(list(types), bytes.fromhex(content)))
    except (DecodingError, ParseError, ValueError, OverflowError, UnicodeDecodeError) as wrong:
        raise ValueError(f"not an encoding of ({','.join(types)})") from wrong
