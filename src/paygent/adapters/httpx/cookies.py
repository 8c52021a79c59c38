"""Cookies that look only into answers that set one.

httpx puts every answer and its request into the words of urllib before it looks, which takes as long as signing a
payment does.
"""

from typing import Any

import httpx


class SetCookies(httpx.Cookies):
    """Cookies that leave alone what sets none."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take the cookies of an answer, if it has any."""
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


class Keeping:
    """A client that keeps its cookies as `SetCookies`, in the same jar as httpx would make of what it is given."""

    _kept: SetCookies

    @property
    def cookies(self) -> httpx.Cookies:
        """Sent with requests, and taken from answers."""
        return self._kept

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._kept = SetCookies(cookies)
