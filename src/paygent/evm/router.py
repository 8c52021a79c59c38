"""What an AgentWallet asks of the PaymentRouter: paid requests and subscriptions. Pure.  Source: IPaymentRouter.sol.

The wallet calls the router as `callCollector`, and the router asks it for the money in the same call, or when a
subscription is charged. What a call pays or agrees to is read from its bytes, and from nowhere else.
"""

from dataclasses import dataclass
from typing import Final

from paygent.core.action import CALL_COLLECTOR, Action, Call
from paygent.core.money import Amount, Asset
from paygent.evm import word
from paygent.evm.agent_wallet import NATIVE, wallet_call
from paygent.evm.contracts import contract

NOTHING: Final = f"0x{'0' * 64}"
"""32 bytes that say nothing."""
PAY: Final = "payForServiceFromSource"
SUBSCRIBE: Final = "subscribe"
CANCEL: Final = "cancel"
_WORD: Final = 64
_WORDS: Final = 8
"""A payment and a subscription's terms are eight words each."""
_PADDING: Final = "0" * 56
"""What fills a selector and eight words up to whole words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePayment:
    """A payment for one request. Everything but provider and amount names the request, which is paid once for ever."""

    provider: str
    """Who is paid, checksummed."""
    amount: Amount
    request_hash: str
    """0x and 64 hexadecimal digits: hash of the request, as provider and payer agree to compute it."""
    service: str = NOTHING
    """Its id in the ServiceRegistry."""
    agent: str = NATIVE
    """Who asks, and may rate and dispute for the payer; the zero address is nobody."""
    task: str = NOTHING
    """What it is paid for; any 32 bytes."""
    quantity: int = 1
    """Units of the service."""

    @property
    def words(self) -> tuple[object, ...]:
        """As it is called. Raises: ValueError: a hash is none."""
        service, task, request = map(word.bytes32, (self.service, self.task, self.request_hash))
        amount = self.amount.atomic
        return (_token(self.amount.asset), self.provider, amount, service, self.agent, task, self.quantity, request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The terms of a subscription; nobody can change them."""

    payee: str
    """Who is paid, checksummed."""
    amount: Amount
    """What anybody may have the router take once in each period; a period that nobody charged is lost."""
    cap: Amount
    """The most that is taken in all."""
    period_seconds: int
    start: int = 0
    """Unix seconds; the first period begins then, or at the subscription if that is later."""
    salt: str = NOTHING
    """Tells equal subscriptions apart."""

    def __post_init__(self) -> None:
        if self.amount.asset != self.cap.asset or not 0 < self.amount.atomic <= self.cap.atomic:
            raise ValueError(
                f"a subscription takes more than nothing and at most its cap, not {self.amount} of {self.cap}"
            )
        if not (0 < self.period_seconds < 1 << 40 and 0 <= self.start < 1 << 40):
            raise ValueError("a period is at least a second, and the start is in unix seconds")

    @property
    def words(self) -> tuple[object, ...]:
        """As it is called: charged by asking the wallet. Raises: ValueError: the salt is no 32 bytes."""
        money = (_token(self.cap.asset), self.payee, self.amount.atomic, self.cap.atomic)
        return (*money, self.start, self.period_seconds, True, word.bytes32(self.salt))

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        """As it is told to people."""
        money = (("payee", self.payee), ("amount", str(self.amount)), ("cap", str(self.cap)))
        return (*money, ("period", f"{self.period_seconds} seconds"), ("start", str(self.start)), ("salt", self.salt))


def service_call(wallet: str, payment: ServicePayment) -> Call:
    """Return the call by which a wallet pays for a request."""
    said = (("provider", payment.provider), ("amount", str(payment.amount)), ("request", payment.request_hash))
    return _router_call(wallet, PAY, payment.words, said)


def subscription_call(wallet: str, terms: Subscription) -> Call:
    """Return the call by which a wallet subscribes."""
    return _router_call(wallet, SUBSCRIBE, terms.words, terms.said)


def cancellation(terms: Subscription) -> bytes:
    """Return what a wallet has to hand to the router to end a subscription."""
    return _handed(CANCEL, terms.words)


def pays_service(call: Call, action: Action) -> bool:
    """Tell whether a call pays for a request what its action says, from the wallet that it names, and no more."""
    token, payee, amount, *_ = _inner(call, action.account, PAY) or (None, None, None)
    return (token, payee, amount) == _money(action)


def subscribes(call: Call, action: Action) -> bool:
    """Tell whether a call agrees to what its action says: a payee, and the most that is ever taken."""
    words = _inner(call, action.account, SUBSCRIBE)
    if not words:
        return False
    token, payee, amount, cap, _, _, from_source, _ = words
    return (token, payee, cap) == _money(action) and 0 < int(amount, 16) <= int(cap, 16) and int(from_source, 16) == 1


def cancels(call: Call) -> bool:
    """Tell whether a call ends a subscription, and does nothing else."""
    return bool(_inner(call, call.to, CANCEL))


def router() -> str:
    """Return the address of the PaymentRouter, the same on every chain."""
    return contract("PaymentRouter").address


def _router_call(wallet: str, function: str, words: tuple[object, ...], said: tuple[tuple[str, str], ...]) -> Call:
    handed = (("router", function), *said)
    return wallet_call(wallet, "callCollector", router(), _handed(function, words), said=handed)


def _handed(function: str, words: tuple[object, ...]) -> bytes:
    return word.raw(contract("PaymentRouter")[function].call(words))


def _inner(call: Call, wallet: str | None, function: str) -> tuple[str, ...]:
    """Return the words that a wallet hands to a function of the router; nothing where the call is any other."""
    inside = word.calldata(contract("PaymentRouter")[function].signature).removeprefix("0x")
    size = len(inside) // 2 + _WORDS * _WORD // 2
    head = word.calldata(CALL_COLLECTOR, word.address(router()), word.uint256(64), word.uint256(size)) + inside
    body = call.data[len(head) :]
    fits = call.data.startswith(head) and len(body) == _WORDS * _WORD + len(_PADDING) and body.endswith(_PADDING)
    if not fits or call.value or wallet is None or call.to.lower() != wallet.lower():
        return ()
    return tuple(body[place : place + _WORD] for place in range(0, _WORDS * _WORD, _WORD))


def _money(action: Action) -> tuple[str, str, str]:
    token, payee = map(word.address, (_token(action.spend.asset), action.counterparty))
    return token.hex(), payee.hex(), word.uint256(action.spend.atomic).hex()


def _token(asset: Asset) -> str:
    return NATIVE if asset.id.native else asset.id.address
