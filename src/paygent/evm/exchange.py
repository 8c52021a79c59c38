"""What calls of exchanges like Uniswap V2 really do, read from their calldata: how much, for whom, until when. Pure.

A connector says what a trade spends and brings; for these functions its word is compared with the bytes. Functions that
are not listed are not read.  Source: IUniswapV2Router02; VVS SmartRouter `multicall(uint256,bytes[])`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from paygent.core.action import Action, Call
from paygent.core.money import Amount
from paygent.evm import word
from paygent.evm.reverts import selector_of

_WORD: Final = 32
_MULTICALL: Final = selector_of("multicall(uint256,bytes[])")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Where the words of a function's arguments are, by their number."""

    to: int
    deadline: int | None
    gives: int | None = None
    brings: int | None = None
    path: int | None = None


_TOKENS: Final = "uint256,uint256,address[],address"
_BOTH: Final = _Shape(gives=0, brings=1, path=2, to=3, deadline=4)
_REVERSED: Final = _Shape(gives=1, brings=0, path=2, to=3, deadline=4)
_OF_COIN: Final = _Shape(brings=0, path=1, to=2, deadline=3)
_SHAPES: Final = {
    selector_of(signature): shape
    for signature, shape in (
        (f"swapExactTokensForTokens({_TOKENS},uint256)", _BOTH),
        (f"swapTokensForExactTokens({_TOKENS},uint256)", _REVERSED),
        (f"swapExactTokensForETH({_TOKENS},uint256)", _BOTH),
        (f"swapTokensForExactETH({_TOKENS},uint256)", _REVERSED),
        ("swapExactETHForTokens(uint256,address[],address,uint256)", _OF_COIN),
        ("swapETHForExactTokens(uint256,address[],address,uint256)", _OF_COIN),
        (f"swapExactTokensForTokensSupportingFeeOnTransferTokens({_TOKENS},uint256)", _BOTH),
        (f"swapExactTokensForETHSupportingFeeOnTransferTokens({_TOKENS},uint256)", _BOTH),
        ("swapExactETHForTokensSupportingFeeOnTransferTokens(uint256,address[],address,uint256)", _OF_COIN),
        (f"swapExactTokensForTokens({_TOKENS})", _Shape(gives=0, brings=1, path=2, to=3, deadline=None)),
        (f"swapTokensForExactTokens({_TOKENS})", _Shape(gives=1, brings=0, path=2, to=3, deadline=None)),
        (
            "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)",
            _Shape(to=6, deadline=7),
        ),
        ("addLiquidityETH(address,uint256,uint256,uint256,address,uint256)", _Shape(to=4, deadline=5)),
        ("removeLiquidity(address,address,uint256,uint256,uint256,address,uint256)", _Shape(to=5, deadline=6)),
        ("removeLiquidityETH(address,uint256,uint256,uint256,address,uint256)", _Shape(to=4, deadline=5)),
    )
}


def misstatements(action: Action, payer: str) -> Iterator[tuple[str, str]]:
    """Yield where an action says something else than its calls to an exchange, as a stable word and a sentence."""
    for call in action.calls:
        try:
            yield from _judged(action, call, payer)
        except (IndexError, ValueError):
            yield "call_unreadable", f"the arguments of {call.function} are not laid out as its signature says"


def _judged(action: Action, call: Call, payer: str) -> Iterator[tuple[str, str]]:
    raw = bytes.fromhex(call.data[2:])
    if call.selector != _MULTICALL:
        yield from _stated(action, raw, payer)
        return
    words = raw[4:]
    yield from _deadline(action, _number(words, 0))
    parts = words[_number(words, 1) :]
    count = _number(parts, 0)
    if count > len(parts) // _WORD:
        raise ValueError(count)
    for place in range(count):
        part = parts[_WORD + _number(parts, 1 + place) :]
        inner = part[_WORD : _WORD + _number(part, 0)]
        if f"0x{inner[:4].hex()}" not in _SHAPES:
            yield "call_unreadable", f"a call hides 0x{inner[:4].hex()}, which is no swap that can be read"
        yield from _stated(action, inner, payer)


def _stated(action: Action, raw: bytes, payer: str) -> Iterator[tuple[str, str]]:
    shape = _SHAPES.get(f"0x{raw[:4].hex()}")
    if shape is None:
        return
    words = raw[4:]
    if _at(words, shape.to) != word.address(payer):
        to = _at(words, shape.to)[12:].hex()
        yield "brings_to_another", f"what the trade brings goes to 0x{to}, not to the wallet {payer}"
    if shape.deadline is not None:
        yield from _deadline(action, _number(words, shape.deadline))
    if shape.gives is not None and _number(words, shape.gives) > action.spend.atomic:
        yield "gives_more", f"the trade gives up to {_number(words, shape.gives)}, and the action says {action.spend}"
    if shape.path is not None and shape.brings is not None:
        path = words[_number(words, shape.path) :]
        last = _at(path, _number(path, 0))
        yield from _minimum(action, last, _number(words, shape.brings), native=_pays_coin(raw))


def _minimum(action: Action, token: bytes, atomic: int, *, native: bool) -> Iterator[tuple[str, str]]:
    for least in action.receive:
        if _is(least, token, native=native) and atomic < least.atomic:
            yield "minimum_not_kept", f"the trade may bring as little as {atomic}, and the action says {least} at least"
    if not any(_is(least, token, native=native) for least in action.receive):
        yield "brings_another", f"the trade brings 0x{token[12:].hex()}, which the action does not name"


def _is(amount: Amount, token: bytes, *, native: bool) -> bool:
    asset = amount.asset.id
    return native if asset.native else not native and word.address(asset.address) == token


def _deadline(action: Action, until: int) -> Iterator[tuple[str, str]]:
    if until > action.deadline:
        yield "deadline_not_kept", f"the trade may be mined until {until}, and the action says {action.deadline}"


_TO_COIN: Final = frozenset(
    bytes.fromhex(selector_of(signature)[2:])
    for signature in (
        f"swapExactTokensForETH({_TOKENS},uint256)",
        f"swapTokensForExactETH({_TOKENS},uint256)",
        f"swapExactTokensForETHSupportingFeeOnTransferTokens({_TOKENS},uint256)",
    )
)


def _pays_coin(raw: bytes) -> bool:
    return raw[:4] in _TO_COIN


def _at(words: bytes, place: int) -> bytes:
    found = words[place * _WORD : (place + 1) * _WORD]
    if len(found) != _WORD:
        raise IndexError(place)
    return found


def _number(words: bytes, place: int) -> int:
    return int.from_bytes(_at(words, place))
