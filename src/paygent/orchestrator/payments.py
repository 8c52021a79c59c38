"""The tools `pay` and `quote`: x402 resources, by the one client and the one engine."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import httpx
from idna import IDNAError
from pydantic import Field, field_validator, model_validator

from paygent.adapters.httpx import ASK, CONTEXT, FIRST, INTENT, KEY, MAX_AMOUNT, PAYMENT, QUOTE, RESUME
from paygent.core import ids
from paygent.core.approval_errors import ApprovalEdited
from paygent.core.caip import AssetId
from paygent.core.context import Context
from paygent.core.errors import (
    AdapterError,
    PaidUndelivered,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    RemoteProtocolError,
)
from paygent.core.fields import JSON
from paygent.core.ids import IntentId, PaymentId
from paygent.core.lifecycle import OUT, State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.run_errors import ToolRefused
from paygent.engine.handle import PaymentHandle
from paygent.orchestrator.assets import AssetBook
from paygent.orchestrator.held import HOLD, Held
from paygent.orchestrator.intents import intent_of
from paygent.orchestrator.services import Finder, found
from paygent.orchestrator.tools import Arguments, Call, Price, Tool, ToolOutcome
from paygent.ports.clock import Clock

if TYPE_CHECKING:
    from paygent.engine.pay import Engine
    from paygent.engine.quote import Quote

MOST_SAID: Final = 20_000
"""How many characters of an answer go into a result; the rest is cut off, and that is said."""
_NO_ASSETS: Final = AssetBook(())
_AMOUNT: Final = r"^(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?$"


class QuoteArguments(Arguments):
    """What to ask the price of."""

    url: str = Field(description="http or https URL of the resource", max_length=2000)

    @field_validator("url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        return checked_url(url)


class PayArguments(Arguments):
    """What to buy, and for how much at most."""

    url: str | None = Field(default=None, description="http or https URL of the resource", max_length=2000)
    service: str | None = Field(default=None, description="name or id of a registered service, without a url")
    amount: str | None = Field(
        default=None, description="the most it may cost, in whole units such as 0.10", pattern=_AMOUNT
    )
    asset: str | None = Field(default=None, description="symbol of the asset to pay in, such as USDC", max_length=32)

    @field_validator("url")
    @classmethod
    def _is_plain(cls, url: str | None) -> str | None:
        return None if url is None else checked_url(url)

    @model_validator(mode="after")
    def _says_what(self) -> "PayArguments":
        if (self.url is None) == (self.service is None):
            raise ValueError("give a url or a service, and not both")
        return self


@lru_cache(maxsize=128)
def _lacks(quote: "Quote") -> frozenset[AssetId]:
    """Return the assets of offers against which nothing speaks but the wallet's balance."""
    short = {refusal.index for refusal in quote.refusals if refusal.code == "insufficient_balance"}
    return frozenset(offer.amount.asset.id for offer in quote.offers if offer.index in short)


def _read(url: str) -> httpx.URL:
    """Return a URL as httpx reads it: `judge` and `act` request the same one."""
    return httpx.URL(url)


@lru_cache(maxsize=128)
def checked_url(url: str) -> str:
    """Return the URL; only one that is fine is remembered.

    Raises: ValueError: it is none that may be requested, or has credentials in it.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme.lower() in ("http", "https") and bool(_read(url).host) and (parts.port or 1) > 0
    except (ValueError, httpx.InvalidURL):  # idna's error for no host name is a ValueError
        fine = False
        parts = None
    if parts is not None and (parts.username is not None or parts.password is not None):
        raise ValueError("a URL with credentials is not taken: what is written here is kept and shown")
    if not fine or not url.isprintable() or " " in url:
        raise ValueError("not a URL such as https://host/path")
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class _Purchase:
    """What one execution of a call is about."""

    url: str
    context: Context
    """Who pays, and for which registered service."""
    intent: IntentId
    earlier: Payment | None
    """The payment that the call goes on with."""
    hold: object
    """The name under which the unpaid answer is held, from `judge` to `act`."""


class Payments:
    """Buys and quotes through one client."""

    def __init__(
        self,
        engine: "Engine",
        http: httpx.AsyncClient,
        *,
        clock: Clock,
        registry: Finder | None = None,
        book: AssetBook = _NO_ASSETS,
        proof_seconds: float = 30,
        most_said: int = MOST_SAID,
    ) -> None:
        self._engine = engine
        self._http = http
        self._clock = clock
        self._registry = registry
        self._book = book
        self._proof_seconds = proof_seconds
        self._most_said = most_said
        self._held: Held[object] = Held()
        self._prepared: Held[_Purchase] = Held()
        self._judged: Held[tuple[_Purchase, Mapping[str, object]]] = Held()

    @property
    def tools(self) -> tuple[Tool[PayArguments], Tool[QuoteArguments]]:
        """The two tools."""
        return (
            Tool(
                name="pay",
                description="Fetch a paid resource and pay what it asks, if the wallet's policy agrees.",
                arguments=PayArguments,
                run=self.pay,
                price=self.price,
                judge=self.judge,
                prepare=self.prepare,
                spends=True,
                named=("url",),
                title=self._title,
            ),
            Tool(
                name="quote",
                description="Ask what a resource costs. Nothing is paid.",
                arguments=QuoteArguments,
                run=self.quote,
                named=("url",),
                title=lambda asked: f"Ask what {asked.url} costs",
            ),
        )

    async def quote(self, asked: QuoteArguments, call: Call) -> ToolOutcome:
        """Return every offer of a resource, and which would be taken."""
        quote = await self._quote(*await self._goods(asked.url, None, call), object())
        taken = None if quote.taken is None else amount_as_json(quote.taken.amount)
        return ToolOutcome(text=str(quote), data={"url": quote.url, "free": quote.free, "taken": taken})

    async def price(self, asked: PayArguments, call: Call) -> Price:
        """Return what a purchase would cost now."""
        hold = object()
        quote = await self._quote(*await self._goods(asked.url, asked.service, call), hold, asked.amount)
        self._held.put(call.key, hold)
        if quote.free:
            return Price(text=f"{quote.url} is free", acceptable=True)
        if quote.taken is None:
            why = "; ".join(str(each) for each in quote.refusals) or f"it answered {quote.status}"
            told = f"{quote.url} would not be paid"
            return Price(text=told, acceptable=False, why=why, lacks=_lacks(quote), holds=quote.holds)
        if asked.asset is not None and quote.taken.amount.asset.symbol.upper() != asked.asset.upper():
            why = f"it would be paid in {quote.taken.amount.asset.symbol}, and {asked.asset} was asked for"
            return Price(text=str(quote), acceptable=False, why=why, amounts=(quote.taken.amount,))
        sure = quote.taken.kind.startswith("exact/")  # what `upto` will take is not known before
        return Price(
            text=f"{quote.url} costs {quote.taken.amount}",
            acceptable=True,
            amounts=(quote.taken.amount,),
            spends=(quote.taken.amount,) if sure else (),
            holds=quote.holds if sure else (),
        )

    async def prepare(self, asked: PayArguments, call: Call) -> None:
        """Look up what a call buys, and the payment that it goes on with, for `judge`. Raises: as that."""
        self._prepared.put(call.key, await self._purchase(asked, call))

    async def judge(self, asked: PayArguments, call: Call) -> None:
        """Meet the policy with the seller's offer, and ask people where it wants them; what is out goes on by itself.

        Raises: as `pay`, as far as nothing was signed.
        """
        self._judged.take(call.key)  # what an attempt before this one left
        bought = self._prepared.take(call.key) or await self._purchase(asked, call)
        if bought.earlier is None or bought.earlier.state is State.AWAITING_APPROVAL:
            wishes = await self._wishes(bought, asked, call)
            await self._bought(bought, {**wishes, ASK: True}, call)
            self._judged.put(call.key, (bought, {**wishes, FIRST: bought.earlier is None}))

    async def pay(self, asked: PayArguments, call: Call) -> ToolOutcome:
        """Buy a resource once; made again, the same call fetches what it bought.

        Raises: PaygentError: see `core.errors`; RemoteProtocolError: the seller's answer is neither an offer nor 2xx.
        """
        judged = self._judged.take(call.key)
        bought = await self._purchase(asked, call) if judged is None else judged[0]
        wishes = await self._wishes(bought, asked, call) if judged is None else judged[1]
        response, url = await self._bought(bought, wishes, call), bought.url
        handle: PaymentHandle | None = response.extensions.get(PAYMENT)
        if handle is None:
            return self._unpaid(url, response)
        return await self._paid(url, response, handle)

    def _title(self, asked: PayArguments) -> str:
        most = " ".join([asked.amount or "", *([] if asked.asset is None else [self._book.spelled(asked.asset)])])
        return f"Pay for {asked.url or asked.service}{'' if asked.amount is None else f', at most {most}'}"

    # --- one purchase -----------------------------------------------------------------------------------------------

    async def _purchase(self, asked: PayArguments, call: Call) -> _Purchase:
        goes_on = intent_of(call, self._engine.address, self._engine.journal, self._clock)
        goods = self._goods(asked.url, asked.service, call)
        if call.fresh:  # only the goods are looked up
            (intent, earlier), (url, context) = await goes_on, await goods
        else:
            (intent, earlier), (url, context) = await asyncio.gather(goes_on, goods)
        hold = self._held.take(call.key) or object()
        return _Purchase(url=url, context=context, intent=intent, earlier=earlier, hold=hold)

    async def _wishes(self, bought: _Purchase, asked: PayArguments, call: Call) -> dict[str, object]:
        """Return how the request is to be paid: the same for every execution of the call."""
        wishes: dict[str, object] = {KEY: call.key, CONTEXT: bought.context, INTENT: bought.intent, HOLD: bought.hold}
        ceiling: Amount | str | None = asked.amount
        if asked.asset is not None and bought.earlier is None:
            ceiling = await self._in_asset(bought, asked.asset, asked.amount)
        if ceiling is not None:
            wishes[MAX_AMOUNT] = ceiling
        return wishes

    async def _bought(self, bought: _Purchase, wishes: Mapping[str, object], call: Call) -> httpx.Response:
        """Request what is bought; where people have agreed to less, ask for a new offer with that as the ceiling."""
        try:
            return await self._get(bought.url, wishes)
        except ApprovalEdited as edited:
            again = {RESUME: edited.payment_id, INTENT: call.intent(edited.payment_id), HOLD: object()}
            return await self._get(bought.url, {**wishes, **again})

    async def _in_asset(self, bought: _Purchase, symbol: str, amount: str | None) -> Amount | str | None:
        """Return a ceiling that only an offer in that asset keeps.

        Raises: ToolRefused: the seller would be paid in another one.
        """
        quote = await self._quote(bought.url, bought.context, bought.hold)
        if quote.free or quote.taken is None:
            return amount
        asset = quote.taken.amount.asset
        if asset.symbol.upper() != symbol.upper():
            raise ToolRefused(
                "pay", f"{bought.url} would be paid in {asset.symbol}, not in {symbol}", code="other_asset"
            )
        return quote.taken.amount if amount is None else Amount.parse(amount, asset)

    async def _get(self, url: str, extensions: Mapping[str, object]) -> httpx.Response:
        try:
            return await self._http.get(_read(url), extensions=dict(extensions))
        except (httpx.HTTPError, httpx.InvalidURL, IDNAError) as broken:  # the last two of a service's own URL
            if (payment := await self._out(extensions)) is not None:
                raise await self._engine.lost(payment, broken) from broken
            raise PaymentNotAttempted(
                f"{url} cannot be reached, and nothing was paid: {type(broken).__name__}"
            ) from broken

    async def _out(self, extensions: Mapping[str, object]) -> Payment | None:
        """Return what a request has paid, or may have, whose answer the client broke on above the payment.

        Raises: PaymentOutcomeUnknown: the journal does not say.
        """
        key = extensions.get(KEY)
        if not isinstance(key, str):
            return None
        try:
            payment = await self._engine.journal.by_key(self._engine.address, key)
        except AdapterError as silent:
            intent = ids.payment_id(cast("IntentId", extensions[INTENT]))
            raise PaymentOutcomeUnknown(intent, nonce="", expires_at=0, why=str(silent)) from silent
        return payment if payment is not None and payment.state in {*OUT, State.SETTLED} else None

    async def _quote(self, url: str, context: Context, hold: object, ceiling: str | None = None) -> "Quote":
        from paygent.engine.quote import Quote

        wishes: dict[str, object] = {QUOTE: True, CONTEXT: context, HOLD: hold}
        if ceiling is not None:
            wishes[MAX_AMOUNT] = ceiling
        response = await self._get(url, wishes)
        quote: Quote | None = response.extensions.get(QUOTE)
        return Quote(url=url, free=response.is_success, status=response.status_code) if quote is None else quote

    async def _goods(self, url: str | None, service: str | None, call: Call) -> tuple[str, Context]:
        """Return where to buy, and who pays for which service: however that is named, it is the one that is registered.

        Raises: ToolRefused: no service, or no one service, is meant.
        """
        if url is not None:
            listing = None if self._registry is None else await self._registry.at(url)
        elif self._registry is not None and service is not None:
            listing = await found(self._registry, service)
            url = listing.service.url
        else:
            raise ToolRefused("pay", "there is no registry to look a service up in: pass registry=", code="no_registry")
        return url, call.context if listing is None else replace(call.context, service=listing.service.id)

    def _unpaid(self, url: str, response: httpx.Response) -> ToolOutcome:
        if not response.is_success:
            raise RemoteProtocolError(f"{url} answered {response.status_code} without an offer that can be read")
        return ToolOutcome(
            text=f"{url} is free: nothing was paid", data=self._answer(url, response), said=self._said(response)
        )

    async def _paid(self, url: str, response: httpx.Response, handle: PaymentHandle) -> ToolOutcome:
        await self._prove(handle)
        payment = handle.payment
        if not response.is_success:
            why = f"the seller answers {response.status_code}"
            if payment.receipt is not None:
                raise PaidUndelivered(payment.id, receipt=payment.receipt, why=why, delivered=payment.delivered)
            raise await self._engine.lost(payment, why)
        proven = "proven" if payment.state is State.SETTLED else "not proven on chain yet"
        amount = payment.intent.amount if payment.receipt is None else payment.receipt.amount
        data = self._answer(url, response) | {"payment": payment_as_json(handle)}
        text = f"paid {amount} to {payment.intent.payee} for {url}, {proven}"
        return ToolOutcome(text=text, data=data, payments=(payment,), said=self._said(response))

    async def _prove(self, handle: PaymentHandle) -> None:
        """Wait for the chain, as long as that is promised; whoever answered is not made to wait for ever."""
        if self._engine.can_prove(handle.payment):
            try:
                await handle.settled(timeout_seconds=self._proof_seconds)
            except PaymentOutcomeUnknown:
                return

    def _answer(self, url: str, response: httpx.Response) -> dict[str, JSON]:
        kind = response.headers.get("content-type")
        return {"url": url, "status": response.status_code, "content_type": kind, "body": self._said(response)}

    def _said(self, response: httpx.Response) -> str:
        text = response.text
        return text if len(text) <= self._most_said else f"{text[: self._most_said]}… (cut off)"


def amount_as_json(amount: Amount) -> dict[str, JSON]:
    """Return an amount as JSON, without loss."""
    asset = amount.asset
    return {
        "asset": str(asset.id),
        "symbol": asset.symbol,
        "decimals": asset.decimals,
        "atomic": str(amount.atomic),
        "text": str(amount),
    }


def payment_as_json(handle: PaymentHandle) -> dict[str, JSON]:
    """Return what anybody may know of a payment."""
    payment, receipt = handle.payment, handle.receipt
    return {
        "id": PaymentId(payment.id),
        "state": payment.state.value,
        "amount": amount_as_json(payment.intent.amount),
        "payee": payment.intent.payee,
        "network": str(payment.intent.network),
        "transaction": None if receipt is None else receipt.transaction,
        "proven": receipt is not None and receipt.proven,
    }
