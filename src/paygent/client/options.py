"""What clients and requests take, and what of it is for httpx."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paygent.core.context import Context
    from paygent.core.history import PaymentFilter
    from paygent.core.ids import PaymentId
    from paygent.core.money import Amount
    from paygent.core.payment import Payment
    from paygent.core.verdict import Alternative
    from paygent.engine.quote import Quote

PAID_TIMEOUT_SECONDS = 90.0  # that of `adapters.httpx`, without loading it


class ConnectionOptions(TypedDict, total=False):
    """How httpx connects; the payment layer goes on top of every transport that comes of it."""

    verify: Any
    cert: Any
    http1: bool
    http2: bool
    limits: httpx.Limits
    proxy: httpx.Proxy | httpx.URL | str | None


class ClientOptions(ConnectionOptions, total=False):
    """What an httpx client takes."""

    auth: Any
    params: Any
    headers: Any
    cookies: Any
    timeout: Any
    follow_redirects: bool
    max_redirects: int
    event_hooks: Mapping[str, Sequence[Any]]
    base_url: httpx.URL | str
    default_encoding: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheaper:
    """The request for an alternative. What is not given stays as it was; `params` are dropped with the old URL."""

    url: httpx.URL | str
    method: str | None = None
    content: bytes | str | None = None
    """The new body."""
    json: Any = None
    """The new body, as JSON."""


Follow: TypeAlias = "Callable[[Alternative], Cheaper | httpx.URL | str | None]"
"""Returns how to ask for an alternative; None where it is not wanted, and the denial is raised then."""


class RequestOptions(TypedDict, total=False):
    """What a request takes; the first seven are about paying for it, the rest is httpx's."""

    idempotency_key: str | None
    """The caller's own name for the purchase: the same key and request is paid once, and fetched again by it."""
    new_purchase: bool
    """Buy even where the same request has a payment that is unknown or undelivered."""
    max_amount: Amount | str | None
    """The most this request may cost, if that is less than the policy allows; text is in units of the token."""
    context: Context | None
    """Who pays and what for, in place of the client's; limits, halts and statistics know the payment by it."""
    quantity: int
    """How many units of the service are bought; a service's agreed price is for one. 1 where it is not given."""
    metadata_uri: str | None
    """Where the service's description was found, such as a registry's entry; a policy may know the only right one."""
    downgrade: Follow | None
    """What to ask for where the policy would rather pay something cheaper; without it, or for None, that is denied."""
    content: Any
    data: Any
    files: Any
    json: Any
    params: Any
    headers: Any
    cookies: Any
    auth: Any
    follow_redirects: Any
    timeout: Any
    extensions: Mapping[str, Any]


_CONNECTION = frozenset(ConnectionOptions.__annotations__)


def split(options: ClientOptions, transport: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the inner transport takes, and what the client takes.

    Raises: ConfigurationError: `transport`, where one is given, would take the place of what is said of connecting.
    """
    connection = {name: value for name, value in options.items() if name in _CONNECTION}
    unused = [name for name, value in connection.items() if value is not None]
    if transport is not None and unused:
        from paygent.core.errors import ConfigurationError

        raise ConfigurationError(
            f"{' and '.join(unused)} would not be used beside transport=: give that to the transport itself, such as "
            "httpx.AsyncHTTPTransport(proxy=...), or give no transport"
        )
    return connection, {name: value for name, value in options.items() if name not in _CONNECTION}


def parsed(url: httpx.URL | str) -> httpx.URL:
    """Return a URL that httpx does not have to parse once more: the same ones are asked for again and again."""
    return url if isinstance(url, httpx.URL) else _parsed(url)


_parsed = lru_cache(maxsize=256)(httpx.URL)


def asked(client: httpx.Client | httpx.AsyncClient, url: httpx.URL | str) -> str:
    """Return a URL as the payments for it know it: whole, as httpx writes it, without credentials."""
    found = parsed(url)
    if not (found.is_absolute_url and found.query):  # a client's own params would take the place of a query
        found = client.build_request("GET", found).url
    return str(found.copy_with(username=None, password=None) if found.userinfo else found)


def paying(options: RequestOptions) -> dict[str, Any]:
    """Return the options as httpx takes them: how to pay goes into the extensions."""
    if not options:
        return {}
    from paygent.adapters.httpx import CONTEXT, KEY, MAX_AMOUNT, METADATA_URI, NEW_PURCHASE, QUANTITY

    names = {
        "idempotency_key": KEY,
        "new_purchase": NEW_PURCHASE,
        "max_amount": MAX_AMOUNT,
        "context": CONTEXT,
        "quantity": QUANTITY,
        "metadata_uri": METADATA_URI,
    }
    rest = {name: value for name, value in options.items() if name not in names and name != "downgrade"}
    wishes = {names[name]: value for name, value in options.items() if name in names and value is not None}
    if wishes:
        rest["extensions"] = {**options.get("extensions", {}), **wishes}
    return rest


def resuming(
    waiting: Payment | None, payment_id: PaymentId, options: RequestOptions
) -> tuple[str, str, dict[str, Any]]:
    """Return method, URL and options of the request that a payment waits for; it stays the payment of who asked."""
    from paygent.adapters.httpx import RESUME
    from paygent.core.errors import ConfigurationError

    if waiting is None:
        raise ConfigurationError(f"this storage has no payment {payment_id}; open the storage that made it")
    rest = paying(options)
    rest["extensions"] = {**rest.get("extensions", {}), RESUME: payment_id}
    return waiting.intent.method, waiting.intent.resource, rest


def meant(wanted: PaymentFilter | None) -> PaymentFilter:
    """Return which payments are looked back at."""
    from paygent.core.history import EVERY_PAYMENT

    return EVERY_PAYMENT if wanted is None else wanted


def quoting(options: RequestOptions) -> dict[str, Any]:
    from paygent.adapters.httpx import QUOTE

    rest = paying(options)
    return {**rest, "extensions": {**rest.get("extensions", {}), QUOTE: True}}


def quoted(response: httpx.Response) -> Quote:
    from paygent.adapters.httpx import QUOTE
    from paygent.engine.quote import Quote

    quote: Quote | None = response.extensions.get(QUOTE)
    if quote is not None:
        return quote
    url = response.request.url.copy_with(username=None, password=None)
    return Quote(url=str(url), free=response.is_success, status=response.status_code)
