"""httpx's clients, with cookies that cost little, and with errors that name their request: it knows its payment."""

from itertools import takewhile
from traceback import walk_tb
from types import TracebackType
from typing import Any, cast

import httpx
import idna

from paygent.adapters.httpx.cookies import Keeping

_HTTPX = {httpx.Client.send.__code__.co_filename, httpx.DigestAuth.auth_flow.__code__.co_filename}
_REDIRECTING, _SENDING = "_build_redirect_request", "_send_single_request"
_ANSWERING = frozenset({"_parse_challenge", "_build_auth_header"})
"""Functions of httpx in which a place, an address or a digest challenge is found wrong."""


class AsyncClient(Keeping, httpx.AsyncClient):
    """httpx's asynchronous client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cookies = options.get("cookies")

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request; see httpx."""
        with _Named(request):
            return await super().send(request, **how)


class Client(Keeping, httpx.Client):
    """httpx's synchronous client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cookies = options.get("cookies")

    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request; see httpx."""
        with _Named(request):
            return super().send(request, **how)


class _Named:
    """A block that sends a request: what httpx stumbles over in an answer becomes its own error, with the request."""

    __slots__ = ("_request",)

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    def __enter__(self) -> None:
        """Nothing is done until something breaks: a generator would cost as much as the firewall."""

    def __exit__(self, _: object, broken: BaseException | None, __: TracebackType | None) -> None:
        if broken is not None and (told := self._told(broken)) is not None:
            raise told from broken

    def _told(self, bare: BaseException) -> httpx.RequestError | None:
        """Return httpx's error for one that it lets through; None for somebody else's, such as a hook's."""
        passed = _passed(bare)
        if _REDIRECTING in passed and isinstance(bare, httpx.RemoteProtocolError):
            bare.request = self._request
        elif _REDIRECTING in passed and isinstance(bare, httpx.InvalidURL | idna.IDNAError):
            return httpx.RemoteProtocolError(f"Invalid URL in location header: {bare}", request=self._request)
        elif _SENDING in passed and isinstance(bare, ExceptionGroup):  # asyncio's; trio says the other
            no_port = cast("ExceptionGroup[Exception]", bare).subgroup(OverflowError) is not None
            return httpx.ConnectError("there is no such port", request=self._request) if no_port else None
        elif not _ANSWERING.isdisjoint(passed) and isinstance(bare, ValueError | KeyError | NotImplementedError):
            said = f"Digest challenge that cannot be answered: {bare!r:.80}"
            return httpx.RemoteProtocolError(said, request=self._request)
        return None


def _passed(error: BaseException) -> list[str]:
    """Return what of httpx's clients an error has passed through, before anybody else's code such as a hook."""
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)][1:]  # the first is our own
    return [code.co_name for code in takewhile(lambda code: code.co_filename in _HTTPX, codes)]
