"""What somebody wants done on chain once: a transfer, a swap, a position, as decoded and unsigned calls."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, get_args

from paygent.core.caip import ChainId, is_evm_address
from paygent.core.ids import digest
from paygent.core.intent import Purpose
from paygent.core.money import MAX_ATOMIC, Amount

ActionJSON: TypeAlias = dict[str, Any]
"""What `Action.facts` is made of: text, lists, objects and None."""
MOST_CALLS: Final = 8
"""How many calls one action may have."""
CALL_COLLECTOR: Final = "callCollector(address,bytes)"
"""The function by which an AgentWallet asks a contract such as the PaymentRouter for something."""
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")
_SELECTOR_DIGITS: Final = 10
_FUNCTION = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,99}\([a-z0-9,()\[\]]{0,900}\)")
_VENUE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One unsigned contract call, decoded; or a plain payment of the chain's coin."""

    to: str
    """Checksummed address of the contract, or of who gets the coin."""
    data: str = "0x"
    """0x and the calldata in lower case; ``0x`` pays the coin and calls nothing."""
    value: int = 0
    """Atomic units (wei) of the chain's coin that go with it."""
    function: str = ""
    """What is called, such as ``approve(address,uint256)``; empty where nothing is."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Names and decoded values as text, for people; nothing is decided by them."""
    returns: tuple[str, ...] = ()
    """ABI types of the outputs, so that a simulation can be decoded."""

    def __post_init__(self) -> None:
        _check_address("to", self.to)
        if not _DATA.fullmatch(self.data) or 2 < len(self.data) < _SELECTOR_DIGITS:
            raise ValueError("calldata is 0x and whole bytes in lower case, at least a selector of four")
        if type(self.value) is not int or not 0 <= self.value <= MAX_ATOMIC:
            raise ValueError(f"the value of a call is from 0 to 2**256 - 1 atomic units, not {self.value!r}")
        if (self.data == "0x") is not (self.function == ""):
            raise ValueError("a call names its function (approve(address,uint256)), a plain payment none")
        if self.function and not _FUNCTION.fullmatch(self.function):
            raise ValueError(f"{self.function[:120]!r} is not a signature such as 'approve(address,uint256)'")
        for name, said in self.arguments:
            _check_line("argument", name, 100)
            _check_line(f"argument {name}", said, 2_000)

    @property
    def selector(self) -> str:
        """0x and the first eight digits of the calldata, or ``0x``."""
        return self.data[:_SELECTOR_DIGITS]

    @property
    def facts(self) -> ActionJSON:
        """Everything about the call, as JSON."""
        return {
            "to": self.to,
            "data": self.data,
            "value": str(self.value),
            "function": self.function,
            "arguments": [list(pair) for pair in self.arguments],
            "returns": list(self.returns),
        }

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.function.partition('(')[0] or 'pay'}({said}) at {self.to}, value {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody wants done on chain, once. Any other byte is another action."""

    purpose: Purpose
    """``transfer``, ``swap`` or ``position``."""
    network: ChainId
    """The chain it is done on."""
    venue: str = ""
    """The connector's name, such as ``vvs``; empty for a transfer."""
    spend: Amount
    """The most that leaves the wallet, in the coin or a token of the chain; gas is not counted."""
    receive: tuple[Amount, ...] = ()
    """The least that must come back."""
    counterparty: str
    """Checksummed: the recipient of a transfer, the router or spender of a trade; of a batch, `account`."""
    calls: tuple[Call, ...]
    """In order; an exact approval first where one is needed."""
    deadline: int
    """Unix seconds by block time; nothing of it is signed at or after it."""
    summary: str
    """One line for people, such as ``Swap 100 USDC for at least 1,234.5 WCRO on VVS``."""
    slippage_bps: int | None = None
    """How far below the quote `receive` is, in hundredths of a percent; None where nothing was quoted."""
    account: str | None = None
    """Checksummed: the AgentWallet whose money moves in a transfer, or is promised; None: the signer's own money."""
    fee: Amount | None = None
    """The most of the chain's coin that the calls carry beside a token that is spent, such as an execution fee."""

    def __post_init__(self) -> None:
        if self.purpose not in get_args(Purpose) or self.purpose == "x402":
            raise ValueError(f"an action is a transfer, a swap or a position, not {self.purpose!r}")
        _check_address("counterparty", self.counterparty)
        if not 1 <= len(self.calls) <= MOST_CALLS:
            raise ValueError(f"an action has 1 to {MOST_CALLS} calls, not {len(self.calls)}")
        if (self.purpose == "transfer") is not (self.venue == "") or (self.venue and not _VENUE.fullmatch(self.venue)):
            raise ValueError(f"a trade names its venue in lower case and a transfer has none, not {self.venue[:80]!r}")
        for amount in (self.spend, *self.receive):
            if amount.asset.id.chain != self.network:
                raise ValueError(f"{amount.asset.id} is not an asset of {self.network}")
        if type(self.deadline) is not int or self.deadline <= 0:
            raise ValueError(f"the deadline is in unix seconds, not {self.deadline!r}")
        if self.slippage_bps is not None and not 0 <= self.slippage_bps <= 10_000:
            raise ValueError(f"slippage is from 0 to 10,000 hundredths of a percent, not {self.slippage_bps}")
        _check_line("summary", self.summary, 300)
        self._check_account()
        self._check_fee()

    def _check_account(self) -> None:
        if self.account is None:
            return
        _check_address("account", self.account)
        if self.purpose == "swap":
            raise ValueError("an AgentWallet's money moves in a transfer, or is promised in a position, not in a swap")

    def _check_fee(self) -> None:
        if self.fee is None:
            return
        coin, spent = self.fee.asset.id, self.spend.asset.id
        if not (coin.native and coin.chain == self.network and self.fee.atomic and self.venue) or spent.native:
            raise ValueError(f"a trade of a token pays a fee above zero in the coin of {self.network}, not {self.fee}")

    @property
    def facts(self) -> ActionJSON:
        """Everything about the action, as JSON; amounts as in the journal's records."""
        seldom: ActionJSON = {} if self.account is None else {"account": self.account}
        seldom |= {} if self.fee is None else {"fee": _amount(self.fee)}
        return seldom | {
            "purpose": self.purpose,
            "network": self.network.text,
            "venue": self.venue,
            "spend": _amount(self.spend),
            "receive": [_amount(amount) for amount in self.receive],
            "counterparty": self.counterparty,
            "calls": [call.facts for call in self.calls],
            "deadline": str(self.deadline),
            "summary": self.summary,
            "slippage_bps": None if self.slippage_bps is None else str(self.slippage_bps),
        }

    def canonical(self) -> bytes:
        """Return the bytes that stand for the action: JSON, sorted keys, no blanks, ASCII (within RFC 8785)."""
        return _encode(self.facts).encode()

    @property
    def digest(self) -> bytes:
        """32 bytes that change when anything about the action changes; what people agree to."""
        return digest("action/1", self.canonical())

    @property
    def wish(self) -> str:
        """64 hexadecimal digits of what makes a second action the same wish again, whatever its quote and deadline."""
        assets = sorted(str(amount.asset.id) for amount in self.receive)
        whose: tuple[str, ...] = () if self.account is None else (self.account.lower(),)
        batch = whose == (self.counterparty.lower(),)  # whose payees are in its call, as a paid request is
        if whose and (batch or self.calls[0].function == CALL_COLLECTOR):
            whose += (self.calls[0].data,)
        what = (*whose, self.purpose, self.network.text, self.venue, self.counterparty.lower())
        return digest("wish/1", *what, str(self.spend.atomic), str(self.spend.asset.id), *assets).hex()


def _amount(amount: Amount) -> list[str]:
    asset = amount.asset
    return [str(amount.atomic), str(asset.id), asset.symbol, str(asset.decimals)]


def _check_address(what: str, address: object) -> None:
    if not is_evm_address(address) or address == f"0x{'0' * 40}":
        raise ValueError(f"{what} is {str(address)[:90]!r}, which is nobody's address")


def _check_line(what: str, text: str, most: int) -> None:
    if not text or len(text) > most or not text.isprintable():
        raise ValueError(f"{what} is {text[:90]!r}; it is one line of 1 to {most} printable characters")
