"""httpx's clients, with cookies that cost little, and with errors that name their request: it knows its payment."""

from collections.abc import Generator
from contextlib import contextmanager
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
        with _named(request):
            return await super().send(request, **how)


class Client(Keeping, httpx.Client):
    """httpx's synchronous client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cookies = options.get("cookies")

    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request; see httpx."""
        with _named(request):
            return super().send(request, **how)


@contextmanager
def _named(request: httpx.Request) -> Generator[None]:
    """Name the request of a redirect that cannot be read; httpx does not, and leaks idna's own error."""
    try:
        yield
    except httpx.RemoteProtocolError as nameless:
        try:
            _ = nameless.request
        except RuntimeError:
            nameless.request = request
        raise
    except idna.IDNAError as no_name:
        raise httpx.RemoteProtocolError(f"Invalid URL in location header: {no_name}", request=request) from no_name
