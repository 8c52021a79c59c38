"""httpx's clients, with cookies that cost little, and with errors that name their request: it knows its payment."""

from traceback import walk_tb
from typing import Any

import httpx
import idna

from paygent.adapters.httpx.cookies import Keeping

_BARE = (idna.IDNAError, ValueError, KeyError, NotImplementedError)
"""What httpx lets through of a redirect to a host whose name is none, and of a digest challenge that is none."""
_DIGEST = httpx.DigestAuth.auth_flow.__code__.co_filename


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
        except _BARE as bare:
            if (told := _protocol_error(request, bare)) is None:
                raise
            raise told from bare
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
        except _BARE as bare:
            if (told := _protocol_error(request, bare)) is None:
                raise
            raise told from bare


def _name(request: httpx.Request, nameless: httpx.RemoteProtocolError) -> None:
    """Name the request of a redirect that cannot be followed; httpx does not."""
    try:
        _ = nameless.request
    except RuntimeError:
        nameless.request = request


def _protocol_error(request: httpx.Request, bare: Exception) -> httpx.RemoteProtocolError | None:
    """Return httpx's error for what a server wrote and httpx stumbles over; None where the error is somebody else's."""
    if isinstance(bare, idna.IDNAError):
        return httpx.RemoteProtocolError(f"Invalid URL in location header: {bare}", request=request)
    *_, (innermost, _) = walk_tb(bare.__traceback__)
    if innermost.f_code.co_filename != _DIGEST:
        return None
    return httpx.RemoteProtocolError(f"Digest challenge that cannot be answered: {bare!r:.80}", request=request)
