"""A request as something that may have to be bought."""

from dataclasses import dataclass
from typing import Self, TypedDict

import httpx

from paygent.adapters.httpx.bodies import replayable
from paygent.core import ids
from paygent.core.context import Context
from paygent.core.errors import NoAcceptableRequirements, PaymentNotAttempted
from paygent.core.ids import IntentId, PaymentId
from paygent.core.money import Amount
from paygent.core.requirements import PaymentRequired, Refusal
from paygent.engine.handle import PaymentHandle
from paygent.engine.order import Order
from paygent.ports.entropy import Entropy
from paygent.x402.origin import origin, same_origin

MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""A longer request body is streamed once; the request cannot be paid for then, because it cannot be sent again."""
KEY, NEW_PURCHASE, MAX_AMOUNT = "paygent.idempotency_key", "paygent.new_purchase", "paygent.max_amount"
CONTEXT, RESUME, INTENT = "paygent.context", "paygent.resume", "paygent.intent"
QUANTITY, INSTEAD_OF, METADATA_URI = "paygent.quantity", "paygent.instead_of", "paygent.metadata_uri"
FIRST = "paygent.first"
"""What a caller may put into `request.extensions`."""
QUOTE = "paygent.quote"
"""In a request's `extensions`: True to price only. In the answer's: the `Quote`."""
ASK = "paygent.ask"
"""In a request's `extensions`: True to meet the policy, and to ask people where it wants them, and not to pay yet."""
PAYMENT, RECEIPT = "paygent.payment", "paygent.receipt"
"""What a paid answer's `extensions` carry."""
_WISH = "paygent.purchase"


class _Wish(TypedDict):
    """Travels with the request through redirects and challenges."""

    intent: IntentId
    origin: str
    """The URL that was asked first."""
    paid: PaymentHandle | None
    paid_request: str
    """The digest of the request that was paid."""


def paid_by(request: httpx.Request) -> PaymentId | None:
    """Return the payment that a request has by now, or None."""
    wish: _Wish | None = request.extensions.get(_WISH)
    return None if wish is None or wish["paid"] is None else wish["paid"].id


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One request on its way through the transport."""

    request: httpx.Request
    url: str
    """Without credentials and fragment."""
    digest: str | None
    """`core.ids.request_digest`; None where the body cannot be sent again."""
    wish: _Wish

    @classmethod
    async def of(cls, request: httpx.Request, entropy: Entropy) -> Self:
        """Read a request, and mark it so that it is known when httpx brings it again."""
        body = await replayable(request, MAX_REQUEST_BYTES)
        url = str(request.url)
        if request.url.userinfo:
            url = str(request.url.copy_with(username=None, password=None))
        url = url.partition("#")[0]
        wish: _Wish | None = request.extensions.get(_WISH)
        if wish is None:
            named: IntentId | None = request.extensions.get(INTENT)
            intent = ids.intent_id(entropy.token()) if named is None else named
            wish = _Wish(intent=intent, origin=url, paid=None, paid_request="")
            request.extensions[_WISH] = wish
        digest = None if body is None else ids.request_digest(request.method, url, body)
        return cls(request=request, url=url, digest=digest, wish=wish)

    @property
    def paid(self) -> PaymentHandle | None:
        """The payment that the purchase already has."""
        return self.wish["paid"]

    @property
    def only_quote(self) -> bool:
        """The caller wants to know the price and nothing else."""
        return bool(self.request.extensions.get(QUOTE))

    @property
    def only_asks(self) -> bool:
        """The caller wants the policy's word, and people asked where it needs them, before it pays."""
        return bool(self.request.extensions.get(ASK))

    @property
    def repeatable(self) -> bool:
        """The method changes nothing at the seller."""
        return self.request.method in {"GET", "HEAD"}

    @property
    def may_repeat(self) -> bool:
        """The signed bytes may go out with this request: same origin, and the same request or one that only reads."""
        if not same_origin(self.wish["origin"], self.url):
            return False
        return self.repeatable or self.digest == self.wish["paid_request"]

    def order(self, required: PaymentRequired, context: Context) -> Order:
        """Return what the engine is asked to pay; `context` is who pays where the request does not say.

        Raises: PaymentNotAttempted: the request was redirected to another origin, its host can be read in two ways, or
            its body cannot be sent again.
        """
        if not same_origin(self.wish["origin"], self.url):
            raise NoAcceptableRequirements([self._elsewhere()], resource=self.url)
        if self.digest is None:
            raise PaymentNotAttempted(
                f"{self.url} asks for money, and the request's body is longer than {MAX_REQUEST_BYTES} bytes, so it "
                "cannot be sent again with the payment"
            )
        extensions = self.request.extensions
        max_amount: Amount | str | None = extensions.get(MAX_AMOUNT)
        return Order(
            intent_id=self.wish["intent"],
            required=required,
            method=self.request.method,
            url=self.url,
            request=self.digest,
            idempotency_key=extensions.get(KEY),
            new_purchase=extensions.get(NEW_PURCHASE) is True,
            max_amount=max_amount,
            context=extensions.get(CONTEXT, context),
            quantity=extensions.get(QUANTITY, 1),
            metadata_uri=extensions.get(METADATA_URI),
            instead_of=extensions.get(INSTEAD_OF, ()),
            resume=extensions.get(RESUME),
            first=extensions.get(FIRST, False),
        )

    def _elsewhere(self) -> Refusal:
        if origin(self.url) is None:
            text = (
                f"whom {self.url} asks can be read in two ways; write its host in letters, digits, dots and hyphens, "
                "or as an address such as 127.0.0.1 or [::1]"
            )
            return Refusal(index=-1, code="unclear_host", text=text)
        text = f"{self.wish['origin']} redirected to {self.url}, which asks for money; request it by its own URL"
        return Refusal(index=-1, code="redirected", text=text)

    def paid_by(self, handle: PaymentHandle) -> None:
        """Remember the payment for when httpx brings the request again."""
        self.wish["paid"] = handle
        self.wish["paid_request"] = self.digest or ""

    def paid_request(self, headers: tuple[tuple[str, str], ...], timeout_seconds: float) -> httpx.Request:
        """Return a copy of the request with the payment's headers, which waits long enough for a settlement."""
        request = self.request
        timeout: dict[str, float | None] = {**request.extensions.get("timeout", {})}
        read = timeout.get("read", timeout_seconds)
        timeout["read"] = None if read is None else max(read, timeout_seconds)
        paying = request.headers.copy()
        for name, value in headers:
            paying[name] = value
        return httpx.Request(
            request.method,
            request.url,
            headers=paying,
            stream=request.stream,
            extensions={**request.extensions, "timeout": timeout},
        )
