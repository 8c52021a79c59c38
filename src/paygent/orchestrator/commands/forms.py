"""The nearest forms: what somebody could have meant, shown and never done."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from paygent.orchestrator.commands import words

_FORMS: Final[dict[str, str]] = {
    "pay": "pay 0.10 USDC for NAME at URL",
    "quote": "quote URL",
    "balance": "balance of CRO and USDC",
    "transfer": "send 5 USDC to ADDRESS",
    "swap": "swap 10 CRO for USDC on VVS",
    "buy": "buy 10 CRO with USDC",
    "add": "add liquidity 10 CRO and 5 USDC",
    "remove": "remove 50% liquidity from CRO-USDC",
    "stake": "stake 10 LP in the CRO-USDC farm",
    "harvest": "harvest the CRO-USDC farm",
    "discover": "find weather services under 0.10 USDC",
    "open": "long BTC with 100 USDC at 10x",
    "close": "close my BTC position",
    "stop-loss": "stop loss on BTC at 60000",
    "take-profit": "take profit on BTC at 90000",
    "funding": "funding rate of BTC",
    "predict": 'predict yes on "NAME" with 5 USDC',
    "claim": "claim winnings from NAME",
}
_OF_VERB: Final[dict[str, str]] = {
    **dict.fromkeys(words.PAY, "pay"),
    **dict.fromkeys(words.PRICE, "quote"),
    **dict.fromkeys(words.BALANCE, "balance"),
    **dict.fromkeys(words.TRANSFER, "transfer"),
    **dict.fromkeys(words.SWAP | words.SPEND, "swap"),
    **dict.fromkeys(words.BUY, "buy"),
    **dict.fromkeys(words.ADD, "add"),
    **dict.fromkeys(words.REMOVE, "remove"),
    "stake": "stake",
    "harvest": "harvest",
    **dict.fromkeys(words.DISCOVER, "discover"),
    **dict.fromkeys(words.OPEN, "open"),
    **dict.fromkeys(words.CLOSE, "close"),
    **dict.fromkeys((*words.STOP_LOSS, "stop"), "stop-loss"),
    **dict.fromkeys((*words.TAKE_PROFIT, "profit"), "take-profit"),
    "funding": "funding",
    **dict.fromkeys(words.PREDICT, "predict"),
    **dict.fromkeys(words.CLAIM, "claim"),
}
_MOST: Final = 3
_GENERAL: Final = ("pay", "swap", "balance")


def nearest(said: Sequence[str]) -> tuple[str, ...]:
    """Return up to three forms whose verbs are, or are spelt like, the first words of a text."""
    found: dict[str, None] = {}
    for word in said[:40]:
        close = [word] if word in _OF_VERB else get_close_matches(word, _OF_VERB, n=1, cutoff=0.75)
        found.update(dict.fromkeys(_FORMS[_OF_VERB[verb]] for verb in close if len(word) > 2))
    return tuple(found)[:_MOST] or tuple(_FORMS[verb] for verb in _GENERAL)
