"""Which intent a step has: its verb, and for verbs of several intents the noun that goes with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from paygent.orchestrator.commands import discovery, markets, purchases, trades, words
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.tokens import Kind
from paygent.orchestrator.commands.values import Single

Reader = Callable[[Step], Single]
_READS: Final[frozenset[Reader]] = frozenset({purchases.quote, purchases.balance, discovery.discover, markets.funding})
"""What only looks: it may be a question."""
_NAMES: Final[frozenset[Reader]] = frozenset({purchases.pay, discovery.discover, markets.predict, markets.claim})
"""What names a service, a category or a market; nowhere else may a quote stand."""
_SIMPLE: Final[tuple[tuple[frozenset[str], Reader], ...]] = (
    (words.PAY | {"payment"}, purchases.pay),
    (words.TRANSFER, purchases.transfer),
    (words.SWAP, trades.swap),
    (words.PRICE, purchases.quote),
    (words.BALANCE, purchases.balance),
    (words.STAKE, trades.stake),
    (words.HARVEST, trades.harvest),
    (words.DISCOVER, discovery.discover),
    (words.OPEN, markets.perp_open),
    (words.CLOSE, markets.perp_close),
    (words.STOP_LOSS, markets.stop_loss),
    (words.TAKE_PROFIT, markets.take_profit),
    (words.FUNDING, markets.funding),
    (words.PREDICT, markets.predict),
)


_SPENDING: Final = words.SPEND | words.BUY | words.PREPOSITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a step is about."""

    reader: Reader
    at: int
    """Where its verb stands."""

    @property
    def takes_names(self) -> bool:
        """Tell whether free text can belong to it."""
        return self.reader in _NAMES

    @property
    def has_outcome(self) -> bool:
        """Tell whether `no` can be what is predicted."""
        return self.reader is markets.predict

    @property
    def only_reads(self) -> bool:
        """Tell whether nothing is spent, so that a question may ask for it."""
        return self.reader in _READS


def head_of(step: Step) -> Head | None:
    """Use the step's verb and return what it is about; None where it has none."""
    for at in step.left:
        step.head = at
        if (reader := _exits(step, at)) is not None:
            return Head(reader=reader, at=at)
        if (reader := _by_noun(step, at) or _simple(step.word(at))) is not None:
            step.use([at])
            return Head(reader=reader, at=at)
    return None


def _exits(step: Step, at: int) -> Reader | None:
    phrase = (step.word(at), step.word(step.after(at)))
    if phrase == ("stop", "loss"):
        return markets.stop_loss
    return markets.take_profit if phrase == ("take", "profit") else None


def _simple(word: str) -> Reader | None:
    return next((reader for verbs, reader in _SIMPLE if word in verbs), None)


def _by_noun(step: Step, at: int) -> Reader | None:
    word = step.word(at)
    if (word in words.ASK or word == "get") and (asked := _asked(step, at, word)) is not None:
        return asked
    if word in words.BUY:
        return _bought(step, at)
    if word in words.SPEND:
        return _spent(step)
    if word in words.ADD or word in words.SET:
        return _put(step, word)
    return _given(step, word)


def _given(step: Step, word: str) -> Reader | None:
    if word == "give" and step.all(Kind.ADDRESS):
        return purchases.transfer
    if word in words.REMOVE and step.has(words.LIQUIDITY):
        return trades.remove_liquidity
    if word in words.CLAIM:
        return trades.harvest if step.has(words.REWARDS) else markets.claim
    return None


def _asked(step: Step, at: int, word: str) -> Reader | None:
    """Return what is asked for: the first noun decides."""
    for place in (place for place in step.left if place > at):
        noun = step.word(place)
        if noun in words.FUNDING:
            return markets.funding
        if noun in words.BALANCE or noun == "wallet" or (word in ("how", "what") and noun in words.OWN):
            return purchases.balance
        if noun in words.PRICE or (word == "how" and step.tokens[place].kind is Kind.URL):
            return purchases.quote
        if noun in words.SERVICES and word in ("list", "show", "what", "what's", "which"):
            return discovery.discover
        if noun in words.VERBS - words.ASK - words.LIQUIDITY:
            return None
    return None


def _bought(step: Step, at: int) -> Reader:
    """An asset is bought by a swap, anything else is paid for."""
    behind = step.after(at)
    while step.word(behind) in ("me", "exactly"):
        behind = step.after(behind)
    kinds = (Kind.SYMBOL, Kind.MONEY, Kind.NUMBER, Kind.DOLLARS)
    if step.all(Kind.URL) or behind < 0 or step.tokens[behind].kind not in kinds:
        return purchases.pay
    following = step.after(behind)
    of_swap = following < 0 or step.tokens[following].kind is not Kind.WORD
    return trades.buy if of_swap or step.word(following) in words.PREPOSITIONS | {"worth"} else purchases.pay


def _spent(step: Step) -> Reader:
    """An asset is spent on another by a swap; on anything else it is paid."""
    others = [at for at in step.left if step.tokens[at].kind is Kind.WORD and step.word(at) not in _SPENDING]
    assets = step.all(Kind.MONEY, Kind.SYMBOL)
    return purchases.pay if step.all(Kind.URL) or (others and len(assets) == 1) else trades.spend


def _put(step: Step, word: str) -> Reader | None:
    if step.has(words.STOP_LOSS) or step.has(["stop"]):
        return markets.stop_loss
    if step.has(words.TAKE_PROFIT) or step.has(["profit"]):
        return markets.take_profit
    if word not in words.ADD:
        return markets.predict if word != "set" and step.has(words.PREDICT | words.OUTCOMES) else None
    if word == "deposit" and step.has(["farm"]):
        return trades.stake
    return trades.add_liquidity if step.has(words.LIQUIDITY) else None
