"""How a seller answers a paid request."""

from collections.abc import Callable
from typing import Any

from tests.interop.hostile.shop import SELLER, Shop, offer, transfer_call
from tests.interop.hostile.wire import Request, Wire, answer
from tests.interop.peers.anvil import RpcError, dev_account

Answering = Callable[[Shop, Request, Wire], None]
GOODS = b'{"bought": "it"}'


def sells(shop: Shop, request: Request, wire: Wire) -> None:
    """What an honest seller does."""
    transaction = shop.settle(request)
    wire.send(answer(200, GOODS, {"PAYMENT-RESPONSE": shop.settlement(transaction=transaction)}))


def settles_and(then: Answering) -> Answering:
    """Take the money, then do something else than selling."""

    def take(shop: Shop, request: Request, wire: Wire) -> None:
        shop.settle(request)
        then(shop, request, wire)

    return take


def says_nothing(shop: Shop, request: Request, wire: Wire) -> None:
    """Close without an answer."""


def resets(shop: Shop, request: Request, wire: Wire) -> None:
    wire.reset()


def hangs(shop: Shop, request: Request, wire: Wire) -> None:
    shop.hanging.set()
    wire.hang()


def resets_before_reading_the_body(shop: Shop, wire: Wire, paid: bool) -> bool:
    if paid:
        wire.reset()
    return paid


def breaks_off_in_the_head(shop: Shop, request: Request, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def breaks_off_in_the_body(shop: Shop, request: Request, wire: Wire) -> None:
    wire.send(answer(200, GOODS, length=len(GOODS) + 100))


def is_not_http(shop: Shop, request: Request, wire: Wire) -> None:
    wire.send(b"\x16\x03\x01 this is another protocol\r\n\r\n")


def status(code: int, body: bytes = b"no", **headers: str) -> Answering:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _shop, _request, wire: wire.send(answer(code, body, named))


def claims(code: int, **settlement: Any) -> Answering:
    """Answer with a claim about the settlement that may be anything."""
    return lambda shop, _, wire: wire.send(answer(code, GOODS, {"PAYMENT-RESPONSE": shop.settlement(**settlement)}))


def asks_again(**changes: Any) -> Answering:
    """Ask for money again, perhaps other money than before."""
    return lambda shop, _, wire: wire.send(offer(shop.required(shop.entry(**changes), error="insufficient_funds")))


def cannot_be_read(shop: Shop, request: Request, wire: Wire) -> None:
    wire.send(answer(402, b"{}", {"PAYMENT-REQUIRED": "%%%", "PAYMENT-RESPONSE": "%%%"}))


def reverts(shop: Shop, request: Request, wire: Wire) -> None:
    """Settle with too little gas, so that the transaction is mined and reverts; say so truthfully."""
    assert request.payment is not None
    call = {"from": dev_account(SELLER).address, "to": shop.chain.token, "data": transfer_call(request.payment)}
    transaction = shop.chain.anvil.call("eth_sendTransaction", call | {"gas": hex(60_000)})
    receipt = None
    while receipt is None:
        receipt = shop.chain.anvil.call("eth_getTransactionReceipt", transaction)
    if receipt["status"] != "0x0":
        raise RpcError("the settlement did not revert")
    claim = shop.settlement(success=False, errorReason="transaction_failed", transaction=transaction)
    wire.send(answer(402, b"{}", {"PAYMENT-RESPONSE": claim}))


def pends(shop: Shop, request: Request, wire: Wire) -> None:
    """Broadcast the settlement while nothing is mined, and say that it is pending."""
    assert request.payment is not None
    shop.chain.anvil.call("evm_setAutomine", False)
    call = {"from": dev_account(SELLER).address, "to": shop.chain.token, "data": transfer_call(request.payment)}
    transaction = shop.chain.anvil.call("eth_sendTransaction", call)
    claim = shop.settlement(success=False, errorReason="settlement_pending", transaction=transaction)
    wire.send(answer(402, b"{}", {"PAYMENT-RESPONSE": claim}))


def first(once: Answering, then: Answering) -> Answering:
    """Answer the first request one way, and all after it another way."""

    def answering(shop: Shop, request: Request, wire: Wire) -> None:
        shop.seen[id(answering)] += 1
        (once if shop.seen[id(answering)] == 1 else then)(shop, request, wire)

    return answering
