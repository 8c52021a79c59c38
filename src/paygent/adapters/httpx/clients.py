"""httpx's clients, with cookies that cost little, and with errors that name their request: it knows its payment."""

from typing import Any

import httpx
import idna

from paygent.adapters.httpx.cookies import Keeping


class AsyncClient(Keeping, httpx.AsyncClient):
    """httpx's asynchronous client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cookies = options.get("cookies")

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request; see httpx."""
        try:
            return await super().send(request, **how)
        except httpx.RemoteProtocolError as nameless:
            _name(request, nameless)
            raise
        except idna.IDNAError as unreadable:
            raise _not_a_url(request, unreadable) from unreadable
        except ExceptionGroup as several:
            if several.subgroup(OverflowError) is None:
                raise
            raise httpx.ConnectError("there is no such port", request=request) from several  # as trio says


class Client(Keeping, httpx.Client):
    """httpx's synchronous client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cookies = options.get("cookies")

    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request; see httpx."""
        try:
            return super().send(request, **how)
        except httpx.RemoteProtocolError as nameless:
            _name(request, nameless)
            raise
        except idna.IDNAError as unreadable:
            raise _not_a_url(request, unreadable) from unreadable


def _name(request: httpx.Request, nameless: httpx.RemoteProtocolError) -> None:
    """Name the request of a redirect that cannot be followed; httpx does not."""
    try:
        _ = nameless.request
    except RuntimeError:
        nameless.request = request


def _not_a_url(request: httpx.Request, why: idna.IDNAError) -> httpx.RemoteProtocolError:
    """Return httpx's error for a redirect to a name that is none; it leaks the one of idna."""
    return httpx.RemoteProtocolError(f"Invalid URL in location header: {why}", request=request)
