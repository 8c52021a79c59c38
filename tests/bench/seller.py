"""A seller in memory that asks for money, settles what it is sent on a chain in memory, and counts its own time."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter
from typing import Final

import httpx

from paygent.adapters.system import SystemClock
from paygent.core.caip import ChainId
from paygent.core.money import Amount
from paygent.core.requirements import Authorization, Token
from paygent.evm.tokens import TOKENS
from paygent.testing.chain import MemoryChain
from paygent.testing.keys import dev_accounts

NETWORK: Final = ChainId.evm(8453)
PAYER, PAYEE = dev_accounts()[0], dev_accounts()[3]
PRICE: Final = 1_000
URL: Final = "https://seller.example/report"
_BODY: Final = b'{"report": "the weather is fine"}'


def token() -> Token:
    """Return the dollar token of the network."""
    return next(token for token in TOKENS.values() if token.asset.id.chain == NETWORK and token.usd)


def required_header(url: str = URL) -> str:
    """Return what the seller wants, as the header of version 2."""
    sold = token()
    offer = {
        "scheme": "exact",
        "network": str(NETWORK),
        "asset": sold.asset.id.address,
        "amount": str(PRICE),
        "payTo": PAYEE.address,
        "maxTimeoutSeconds": 60,
        "extra": {"name": sold.name, "version": sold.versions[0]},
    }
    resource = {"url": url, "description": "A report", "mimeType": "application/json"}
    said = {"x402Version": 2, "error": "payment required", "resource": resource, "accepts": [offer], "extensions": {}}
    return b64encode(json.dumps(said).encode()).decode()


class _Body(httpx.AsyncByteStream):
    """Comes after the head, as from a network."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


class _Wire(httpx.AsyncBaseTransport):
    def __init__(self, answer: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._answer(request)


class Seller:
    """Answers 402, or settles and answers 200. `took` is the time of settling, which is nobody's client's."""

    def __init__(self) -> None:
        self.chain = MemoryChain(chain=NETWORK, tokens=[token()], clock=SystemClock())
        self.chain.mint(token(), PAYER.address, 10**15)
        self.took = 0.0
        self.before_settling: Callable[[], Awaitable[None]] | None = None
        """Awaited with every paid request in hand."""
        self._required = required_header()

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return the seller as a transport."""
        return _Wire(self.answer)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        signed = request.headers.get("payment-signature")
        if signed is None and request.url.path != "/free":
            return httpx.Response(402, headers={"payment-required": self._required}, stream=_Body(b"{}"))
        if self.before_settling is not None:
            await self.before_settling()
        begun = perf_counter()
        headers = {} if signed is None else {"payment-response": self._settle(signed)}
        self.took += perf_counter() - begun
        return httpx.Response(200, headers=headers, stream=_Body(_BODY))

    def _settle(self, signed: str) -> str:
        paid = json.loads(b64decode(signed))["payload"]
        transaction = self.chain.settle(
            _authorization(paid["authorization"]), signature=bytes.fromhex(paid["signature"][2:])
        )
        said = {"success": True, "transaction": transaction, "network": str(NETWORK), "payer": PAYER.address}
        return b64encode(json.dumps(said).encode()).decode()


def _authorization(wire: dict[str, str]) -> Authorization:
    return Authorization(
        scheme="exact",
        method="eip3009",
        payer=wire["from"],
        payee=wire["to"],
        amount=Amount(int(wire["value"]), token().asset),
        nonce=wire["nonce"],
        valid_after=int(wire["validAfter"]),
        valid_before=int(wire["validBefore"]),
    )
