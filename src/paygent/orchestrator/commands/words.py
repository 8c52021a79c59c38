"""The words of the grammar, in lower case; docs/reference/commands.md is their page."""

import re
from typing import Final

SYMBOLS: Final = frozenset(
    "AAVE ADA APT ARB ATOM AVAX BCH BNB BTC BUSD CDCBTC CDCETH CRO DAI DEVUSDC.E DOGE DOT DUSD ETC ETH EURC "
    "FDUSD FER FIL FRAX LCRO LTC MATIC MEGAUSD MNT MUSD PEPE POL PYUSD SBC SHIB SOL STETH TONIC TRX TUSD UNI "
    "USAT USDC USDC.E USDT USDT0 VVS WBTC WCRO WETH WSTETH XAUT XLM XRP ZKCRO".split()
)
"""Symbols in whatever case they are written."""
DOLLARS: Final = frozenset("usd dollar dollars buck bucks".split())
MONEY_WITHOUT_ASSET: Final = DOLLARS | frozenset(
    "euro euros eur cent cents pound pounds gbp coin coins token tokens".split()
)
STABLE: Final = frozenset({"USDC", "USDT"})
CHAINS: Final = frozenset(
    "cronos ethereum base polygon arbitrum optimism avalanche bsc binance solana bitcoin zkevm zksync linea scroll "
    "mainnet testnet goerli sepolia".split()
)

PAY: Final = frozenset("pay purchase unlock access fetch".split())
BUY: Final = frozenset("buy get".split())
SPEND: Final = frozenset("spend use".split())
SWAP: Final = frozenset("swap exchange convert trade sell".split())
TRANSFER: Final = frozenset("transfer send move remit wire".split())
PRICE: Final = frozenset("quote price cost".split())
ASK: Final = frozenset("check show get see view list tell give what what's which how".split())
BALANCE: Final = frozenset("balance balances holdings funds".split())
OWN: Final = frozenset("have hold own".split())
ADD: Final = frozenset("add provide supply deposit".split())
REMOVE: Final = frozenset("remove withdraw".split())
LIQUIDITY: Final = frozenset("liquidity lp pool".split())
HARVEST: Final = frozenset("harvest".split())
STAKE: Final = frozenset("stake".split())
CLAIM: Final = frozenset("claim redeem collect".split())
REWARDS: Final = frozenset("reward rewards".split())
DISCOVER: Final = frozenset("discover find search look browse".split())
SERVICES: Final = frozenset(
    "service services api apis provider providers endpoint endpoints seller sellers tool tools server servers".split()
)
OPEN: Final = frozenset("open go long short".split())
CLOSE: Final = frozenset("close exit".split())
SET: Final = frozenset("set put place".split())
STOP_LOSS: Final = frozenset("stop-loss sl".split())
TAKE_PROFIT: Final = frozenset("take-profit tp".split())
FUNDING: Final = frozenset({"funding"})
PREDICT: Final = frozenset("predict bet wager".split())
OUTCOMES: Final = frozenset("yes no up down over under higher lower".split())

VERBS: Final = (
    PAY | BUY | SPEND | SWAP | TRANSFER | PRICE | ASK | BALANCE | ADD | REMOVE | HARVEST | STAKE | CLAIM | DISCOVER
    | OPEN | CLOSE | SET | STOP_LOSS | TAKE_PROFIT | FUNDING | PREDICT
)  # fmt: skip
"""Whatever a step can begin with."""
QUESTIONS: Final = frozenset(
    "how what what's why when which who where should can could may might is are do does did was am would will".split()
)

ARTICLES: Final = frozenset("a an the my our please pls kindly just now immediately asap".split())
"""Words that say nothing between parts."""
PHRASES: Final = ("right now", "right away", "for me", "from my wallet")
COURTESIES: Final = ("can you", "could you", "would you", "will you")
OPENINGS: Final = (
    *COURTESIES, "i want to", "i want you to", "i would like to", "i'd like to", "i would like you to",
    "i'd like you to", "i need to", "i need you to", "let us", "let's", "go ahead and", "help me to", "help me",
    "make", "do", "perform", "execute", "hi", "hello", "hey", "ok", "okay", "paygent", "so", "also", "first", "next",
    "finally", "lastly",
)  # fmt: skip
ENDINGS: Final = ("thank you", "thanks")
PREPOSITIONS: Final = frozenset("on via at using through with to for from in into of against about under below".split())

NEGATIONS: Final = frozenset(
    "not dont never none nothing neither nor cannot without nobody nowhere hardly barely scarcely wont cant doesnt "
    "didnt isnt arent wasnt wouldnt shouldnt couldnt mustnt".split()
)
RETREATS: Final = frozenset(
    "except but avoid stop cancel abort refrain instead rather wait fail fails failing unlikely".split()
)
QUANTITIES: Final = frozenset(
    "everything half some any rest remaining entire whole quarter third few several much most max maximum "
    "double".split()
)
ROUGHLY: Final = frozenset("about around approximately roughly nearly almost minus negative minimum min".split())
"""What makes a number right behind it no certain quantity."""
MISLEADING: Final = frozenset(
    "least over under above below than beyond exceeding selling giving paying spending swapping trading".split()
)
"""What makes an amount right behind it no ceiling of a payment."""
PRONOUNS: Final = frozenset(
    "it this that these those them him her he she they us we someone somebody anyone anybody everyone everybody".split()
)
"""Words that name no service by themselves."""
CURRENCIES: Final = DOLLARS | frozenset("euro euros eur cent cents pound pounds gbp credit free".split())
CONDITIONS: Final = frozenset(
    "if unless when whenever whether should maybe perhaps might suppose imagine or either until before later tomorrow "
    "tonight again twice every each daily weekly monthly hourly recurring "
    "monday tuesday wednesday thursday friday saturday sunday".split()
)
NUMBER_WORDS: Final = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion "
    "dozen".split()
)
_OTHERS: Final = frozenset(
    "and then afterwards after followed by worth exactly exact times basis points leverage leveraged margin "
    "collateral position slippage tolerance bps percent farm harvest rate reputation rated mcp x perp "
    "perpetual market winnings payout all me i you it is are be do does thanks thank hi hello hey ok okay "
    "paygent so also first next finally lastly right away usd up least above over more less than better "
    "cheaper as plus pools bp loss profit take rates wallet account prediction predictions finance dex make "
    "perform execute payment current go goes would".split()
)
RESERVED: Final = frozenset(
    VERBS | QUESTIONS | ARTICLES | PREPOSITIONS | NEGATIONS | RETREATS | QUANTITIES | ROUGHLY | CONDITIONS
    | NUMBER_WORDS | MONEY_WITHOUT_ASSET | CHAINS | SERVICES | REWARDS | LIQUIDITY | OUTCOMES | OWN | _OTHERS
)  # fmt: skip
"""Words that are no symbol, though they may be written in capitals."""

NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]{0,77})(?:\.[0-9]{1,77})?", re.ASCII)
_COINED: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{1,11}", re.ASCII)
MOST_CHARACTERS: Final = 2_000
MOST_STEPS: Final = 16
MOST_WORDS: Final = 12
"""Of a name without quotes."""


def symbol_of(word: str, *, by_capitals: bool) -> str | None:
    """Return the symbol that a word is, in upper case; `by_capitals` lets two capital letters make one."""
    upper = word.upper()
    if upper in SYMBOLS:
        return upper
    capitals = sum(letter.isupper() for letter in word)
    coined = by_capitals and capitals >= 2 and _COINED.fullmatch(word) is not None
    return upper if coined and word.lower() not in RESERVED else None


def pair_of(word: str, *, by_capitals: bool) -> str | None:
    """Return the pair that a word such as cro/usdc is, as CRO-USDC; the second half may be the dollar."""
    halves = re.split(r"[-/]", word)
    if len(halves) != 2:
        return None
    base = symbol_of(halves[0], by_capitals=by_capitals)
    quote = "USD" if halves[1].upper() == "USD" else symbol_of(halves[1], by_capitals=by_capitals)
    return None if base is None or quote is None else f"{base}-{quote}"
