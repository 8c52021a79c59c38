"""A seller in memory: it speaks x402, checks what it is given, settles on a chain in memory, and fails as scripted."""

import base64
import gzip
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from paygent.core.money import Amount
from paygent.core.requirements import Authorization, Dialect, Scheme, Token, TransferMethod
from paygent.evm.address import checksum
from paygent.evm.deployments import EXACT_PROXY, UPTO_PROXY
from paygent.evm.networks import NETWORKS
from paygent.testing.chain import MemoryChain

Claim = Literal["honest", "failed", "pending", "invented", "garbage", "none"]
"""What an answer says of the settlement: the truth, or one of these."""
_INVENTED = f"0x{'ab' * 32}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How the seller answers one paid request."""

    status: int = 200
    body: bytes | None = None
    """None gives the seller's usual body."""
    headers: tuple[tuple[str, str], ...] = ()
    settle: bool = True
    """Send the transaction first. Without it the seller keeps the authorization in `kept`."""
    claim: Claim = "honest"
    lose: Exception | None = None
    """Raised instead of an answer, after settling."""
    cut: bool = False
    """The body breaks off half way."""


_USUAL = Reply()


@dataclass(kw_only=True)
class MemorySeller:
    """The handler of an `httpx.MockTransport`: `MockTransport(MemorySeller(...))`, synchronous or not.

    A request without payment is answered with 402, one with a payment is checked to the letter and settled.
    """

    chain: MemoryChain
    token: Token
    payee: str
    price: int = 1_000
    dialect: Dialect = Dialect.V2
    scheme: Scheme = "exact"
    method: TransferMethod = "eip3009"
    max_timeout_seconds: int = 300
    charge: int | None = None
    """What an `upto` payment is charged; None charges all of it, 0 sends no transaction."""
    facilitator: str | None = None
    extensions: dict[str, object] = field(default_factory=dict[str, object])
    body: bytes = b'{"paid": true}'
    compressed: bool = False
    """The 402 answer is in gzip, and says so."""
    replies: deque[Reply] = field(default_factory=deque[Reply])
    """Answers to the next paid requests; the usual one where there is none."""
    requests: list[httpx.Request] = field(default_factory=list[httpx.Request], repr=False)
    """Everything that was asked."""
    kept: list[tuple[Authorization, bytes]] = field(default_factory=list[tuple[Authorization, bytes]], repr=False)
    """Authorizations with their signatures, settled or not, in the order they came."""
    answered: dict[str, tuple[bool, str]] = field(default_factory=dict[str, tuple[bool, str]], repr=False)
    """By nonce: whether it settled, and the transaction or the reason."""

    @property
    def paid_requests(self) -> list[httpx.Request]:
        """The requests that carried an authorization."""
        return [request for request in self.requests if _payment_header(request) is not None]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        header = _payment_header(request)
        if header is None:
            return self.ask(request)
        return self._paid(request, header, self.replies.popleft() if self.replies else _USUAL)

    def ask(self, request: httpx.Request, **changes: object) -> httpx.Response:
        """Return the 402 answer; `changes` go into the offer as the wire has it."""
        required = self.required(str(request.url), **changes)
        if self.dialect is Dialect.V2:
            return self._asked({"PAYMENT-REQUIRED": _encoded(required)}, b"{}")
        return self._asked({}, json.dumps(required).encode())

    def required(self, url: str, **changes: object) -> dict[str, object]:
        """Return what a 402 answer says."""
        error = "payment required"
        if self.dialect is Dialect.V2:
            accepts = [self.offer(url) | changes]
            return {
                "x402Version": 2,
                "error": error,
                "resource": {"url": url, "description": "a test", "mimeType": "application/json"},
                "accepts": accepts,
                "extensions": self.extensions,
            }
        if self.dialect is Dialect.V1:
            return {"x402Version": 1, "error": error, "accepts": [self.offer(url) | changes]}
        return {"x402Version": 1, "error": error, "paymentRequirements": self.offer(url) | changes}

    def offer(self, url: str) -> dict[str, object]:
        """Return the one offer."""
        chain = self.token.asset.id.chain
        extra: dict[str, object] = {"name": self.token.name, "version": self.token.versions[0]}
        offer: dict[str, object] = {
            "scheme": self.scheme,
            "asset": checksum(self.token.asset.id.address),
            "payTo": self.payee,
            "maxTimeoutSeconds": self.max_timeout_seconds,
            "extra": extra,
        }
        if self.dialect is Dialect.V2:
            if self.method == "permit2":
                extra["assetTransferMethod"] = "permit2"
            if self.facilitator is not None:
                extra["facilitatorAddress"] = self.facilitator
            return offer | {"network": str(chain), "amount": str(self.price)}
        older = {"resource": url, "description": "a test", "mimeType": "application/json"}
        return offer | older | {"network": NETWORKS[chain].v1_names[0], "maxAmountRequired": str(self.price)}

    def _asked(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        if self.compressed:
            headers, body = headers | {"Content-Encoding": "gzip"}, gzip.compress(body)
        stream = httpx.ByteStream(body)
        return httpx.Response(402, headers=headers | {"Content-Type": "application/json"}, stream=stream)

    def _paid(self, request: httpx.Request, header: str, reply: Reply) -> httpx.Response:
        message = json.loads(base64.b64decode(header, validate=True))
        if (wrong := self._wrong(message, str(request.url))) is not None:
            return self._refused(request, wrong)
        authorization, signature = self._authorization(message["payload"])
        self.kept.append((authorization, signature))
        settled, said = self._settle(authorization, signature) if reply.settle else (False, "not sent")
        if reply.lose is not None:
            raise reply.lose
        if reply.settle and not settled:
            return self._refused(request, said)
        return self._answer(reply, authorization, settled, said)

    def _answer(self, reply: Reply, authorization: Authorization, settled: bool, said: str) -> httpx.Response:
        body = self.body if reply.body is None else reply.body
        headers = [*reply.headers, *self._claimed(reply.claim, authorization, settled, said)]
        stream: httpx.AsyncByteStream | httpx.SyncByteStream = CutStream(body) if reply.cut else httpx.ByteStream(body)
        return httpx.Response(reply.status, headers=headers, stream=stream)

    def _settle(self, authorization: Authorization, signature: bytes) -> tuple[bool, str]:
        if (before := self.answered.get(authorization.nonce)) is not None and before[0]:
            return before  # the same bytes again: the answer was lost
        if self.charge == 0:
            return True, ""
        try:
            result = True, self.chain.settle(authorization, amount=self.charge, signature=signature)
        except ValueError as error:  # it reverts, or the signature is none at all
            result = False, str(error)
        self.answered[authorization.nonce] = result
        return result

    def _refused(self, request: httpx.Request, why: str) -> httpx.Response:
        response = self.ask(request)
        response.headers["PAYMENT-RESPONSE"] = _encoded({"success": False, "errorReason": why, "transaction": ""})
        return response

    def _claimed(
        self, claim: Claim, authorization: Authorization, settled: bool, said: str
    ) -> Iterator[tuple[str, str]]:
        network = str(self.token.asset.id.chain)
        name = "PAYMENT-RESPONSE" if self.dialect is Dialect.V2 else "X-PAYMENT-RESPONSE"
        told: dict[str, object] = {"success": True, "network": network, "payer": authorization.payer}
        if claim == "garbage":
            yield name, "%%%"
        elif claim == "invented":
            yield name, _encoded(told | {"transaction": _INVENTED})
        elif claim in {"failed", "pending"}:
            reason = "settlement_pending" if claim == "pending" else "transaction_failed"
            yield name, _encoded({"success": False, "errorReason": reason, "transaction": "", "network": network})
        elif claim == "honest" and settled:
            amount = authorization.amount.atomic if self.charge is None else self.charge
            yield name, _encoded(told | {"transaction": said, "amount": str(amount)})

    def _wrong(self, message: Mapping[str, object], url: str) -> str | None:
        """Say what is not as it was asked for, to the letter."""
        if self.dialect is not Dialect.V2:
            asked = {"x402Version": 1, "scheme": self.scheme, "network": self.offer(url)["network"]}
            said = {key: value for key, value in message.items() if key != "payload"}
            return None if said == asked else f"{said} is not {asked}"
        if message.get("x402Version") != 2 or message.get("accepted") != self.offer(url):
            return "the offer is not the one that was made"
        return None

    def _authorization(self, payload: Any) -> tuple[Authorization, bytes]:
        """Read a payload as a facilitator does."""
        if self.method == "permit2":
            return self._permit2(payload["permit2Authorization"]), bytes.fromhex(payload["signature"][2:])
        said = payload if self.dialect is Dialect.CRONOS else payload["authorization"]
        authorization = Authorization(
            scheme="exact",
            method="eip3009",
            payer=said["from"],
            payee=said["to"],
            amount=Amount(int(said["value"]), self.token.asset),
            nonce=said["nonce"],
            valid_after=int(said["validAfter"]),
            valid_before=int(said["validBefore"]),
        )
        return authorization, bytes.fromhex(payload["signature"][2:])

    def _permit2(self, said: Any) -> Authorization:
        witness, permitted = said["witness"], said["permitted"]
        return Authorization(
            scheme=self.scheme,
            method="permit2",
            payer=str(said["from"]),
            payee=witness["to"],
            amount=Amount(int(permitted["amount"]), self.token.asset),
            nonce=f"0x{int(str(said['nonce'])):064x}",
            valid_after=int(witness["validAfter"]),
            valid_before=int(str(said["deadline"])) + 1,
            spender=EXACT_PROXY if self.scheme == "exact" else UPTO_PROXY,
            facilitator=witness.get("facilitator"),
        )


class CutStream(httpx.AsyncByteStream, httpx.SyncByteStream):
    """Half of a body, and then a broken connection."""

    def __init__(self, body: bytes) -> None:
        self._half = body[: len(body) // 2]

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise httpx.ReadError("the connection broke")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _payment_header(request: httpx.Request) -> str | None:
    header: str | None = request.headers.get("payment-signature") or request.headers.get("x-payment")
    return header


def _encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()
