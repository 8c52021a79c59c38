"""A seller under a test's command, which can settle for real."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from eth_account import Account

from tests.interop.hostile.wire import RawServer, Request, Wire, answer
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.chain import TokenChain, call_data

TRANSFER = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
TRANSFER_OF_CONTRACT = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
PRICE = 1000
SELLER, SOMEBODY = 5, 6
"""Development accounts that settle: the seller, and somebody who has nothing to do with it."""
JSON = dict[str, Any]


def encode(value: object) -> str:
    """Return base64 of JSON, as headers carry it."""
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def decode(header: str) -> JSON:
    value: JSON = json.loads(base64.b64decode(header))
    return value


@dataclass(slots=True, kw_only=True)
class Shop:
    """Sells one thing at any path: `unpaid` and `paid` say how requests without and with a payment are answered."""

    chain: TokenChain
    paid: Callable[["Shop", Request, Wire], None]
    unpaid: Callable[["Shop", Request, Wire], None] = field(default_factory=lambda: ORDINARY)
    before_body: Callable[["Shop", Wire, bool], bool] = lambda _shop, _wire, _paid: False
    """Called after the head; True where it has answered."""
    payee: str = field(default_factory=lambda: Account.create().address)
    requests: list[Request] = field(default_factory=list)
    seen: Counter[int] = field(default_factory=Counter)
    """How often each of the answers that change came up."""
    server: RawServer = field(init=False)
    hanging: threading.Event = field(default_factory=threading.Event)
    """Set once a paid request waits for an answer that never comes."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _settled: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = RawServer(serve=self._serve)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, error, trace)

    def url(self, path: str = "/paid", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.port}{path}"

    def _serve(self, wire: Wire) -> None:
        if (head := wire.head()) is None:
            return
        method, target, headers = head
        carries = "payment-signature" in headers or "x-payment" in headers
        if self.before_body(self, wire, carries):
            return
        request = Request(method=method, target=target, headers=headers, body=wire.body(headers))
        self.requests.append(request)
        (self.paid if carries else self.unpaid)(self, request, wire)

    @property
    def payments(self) -> list[str]:
        """Every payment header that came, in order."""
        return [request.payment for request in self.requests if request.payment is not None]

    @property
    def authorization(self) -> JSON:
        """The one authorization that was ever sent here."""
        (header,) = set(self.payments)
        authorization: JSON = decode(header)["payload"]["authorization"]
        return authorization

    def settle(self, request: Request) -> str:
        """Settle on chain, once for equal bytes; return the transaction."""
        assert request.payment is not None
        return self.settle_bytes(request.payment, dev_account(SELLER).address)

    def settle_bytes(self, header: str, sender: str) -> str:
        with self._lock:
            if header not in self._settled:
                self._settled[header] = self.chain.anvil.send(sender, self.chain.token, transfer_call(header))
            return self._settled[header]

    def settle_later(self) -> str:
        """Somebody else settles the bytes that were sent."""
        (header,) = set(self.payments)
        return self.settle_bytes(header, dev_account(SOMEBODY).address)

    # offers -----------------------------------------------------------------------------------------------------

    def entry(self, **changes: Any) -> JSON:
        """Return a version 2 offer with changed fields; None takes a field away."""
        entry: JSON = {
            "scheme": "exact",
            "network": self.chain.network,
            "asset": self.chain.token,
            "amount": str(PRICE),
            "payTo": self.payee,
            "maxTimeoutSeconds": 60,
            "extra": {"name": self.chain.token_name, "version": self.chain.token_version},
        }
        entry |= changes
        return {name: value for name, value in entry.items() if value is not None}

    def required(self, *entries: JSON, **changes: Any) -> JSON:
        required: JSON = {"x402Version": 2, "error": "Payment required", "resource": {"url": self.url()}}
        return required | {"accepts": list(entries or (self.entry(),))} | changes

    def entry_v1(self, **changes: Any) -> JSON:
        entry = self.entry(amount=None) | {"network": "base-sepolia", "maxAmountRequired": str(PRICE)}
        return entry | {"resource": self.url(), "description": "", "mimeType": ""} | changes

    def settlement(self, **changes: Any) -> str:
        """Return a PAYMENT-RESPONSE header's value."""
        claim = {"success": True, "transaction": "", "network": self.chain.network}
        return encode(claim | changes)


def offering(**changes: Any) -> Callable[[Shop, Request, Wire], None]:
    """Ask for money with one version 2 offer."""
    return lambda shop, _, wire: wire.send(offer(shop.required(shop.entry(**changes))))


ORDINARY: Callable[[Shop, Request, Wire], None] = offering()
"""Asks for the usual price."""


def offer(required: JSON, body: bytes = b"{}") -> bytes:
    """Return a version 2 answer that asks for money."""
    return answer(402, body, {"PAYMENT-REQUIRED": encode(required)})


def transfer_call(header: str) -> str:
    """Return the calldata that settles a payment header."""
    payload = decode(header)["payload"]
    signed, signature = payload["authorization"], bytes.fromhex(payload["signature"][2:])
    numbers = (int(signed[name]) for name in ("value", "validAfter", "validBefore"))
    said = (signed["from"], signed["to"], *numbers, bytes.fromhex(signed["nonce"][2:]))
    if len(signature) != 65:
        return call_data(TRANSFER_OF_CONTRACT, *said, signature)
    return call_data(TRANSFER, *said, signature[64], signature[:32], signature[32:64])
