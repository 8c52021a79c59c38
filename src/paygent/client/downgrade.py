"""What is asked for instead, where the policy would rather pay for something cheaper: one decision for both clients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paygent.client.options import Cheaper

if TYPE_CHECKING:
    import httpx

    from paygent.client.options import RequestOptions
    from paygent.core.context import Context
    from paygent.core.errors import PolicyDenied
    from paygent.core.verdict import Alternative

DOWNGRADED = "paygent.downgraded"
"""In an answer's `extensions`: the alternatives that were taken, a tuple, where there were any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request on the way from what was asked for first to what is paid."""

    method: str
    url: httpx.URL | str
    options: RequestOptions
    context: Context
    """Who pays, where the options do not say."""
    downgraded: tuple[Alternative, ...] = ()
    """The alternatives that led here."""

    def after(self, denied: PolicyDenied) -> Attempt | None:
        """Return the request for the alternative of a denial; None where there is none or it is not wanted.

        It is a new intent: it meets the whole policy again, and that offers no alternative a second time.
        """
        from paygent.core.verdict import Downgrade

        follow, verdict = self.options.get("downgrade"), denied.verdict
        if follow is None or not isinstance(verdict, Downgrade) or verdict.alternative in self.downgraded:
            return None
        said = follow(verdict.alternative)
        if said is None:
            return None
        return self._instead(said if isinstance(said, Cheaper) else Cheaper(url=said), verdict.alternative)

    def told(self, response: httpx.Response) -> httpx.Response:
        """Return the answer with what it is instead of."""
        if self.downgraded:
            response.extensions[DOWNGRADED] = self.downgraded
        return response

    def _instead(self, cheaper: Cheaper, alternative: Alternative) -> Attempt:
        from paygent.adapters.httpx import INSTEAD_OF

        downgraded = (*self.downgraded, alternative)
        options: RequestOptions = {**self.options}
        options.pop("params", None)
        if cheaper.content is not None or cheaper.json is not None:
            _put_body(options, cheaper)
        if alternative.kind == "service":
            options["context"] = replace(options.get("context") or self.context, service=alternative.value)
        elif alternative.kind == "quantity":
            options["quantity"] = int(alternative.value)
        options["extensions"] = {**options.get("extensions", {}), INSTEAD_OF: downgraded}
        method = self.method if cheaper.method is None else cheaper.method
        return replace(self, method=method, url=cheaper.url, options=options, downgraded=downgraded)


def _put_body(options: RequestOptions, cheaper: Cheaper) -> None:
    """Put the new body in the place of the old one."""
    options.pop("content", None)
    options.pop("data", None)
    options.pop("files", None)
    options.pop("json", None)
    if cheaper.content is not None:
        options["content"] = cheaper.content
    else:
        options["json"] = cheaper.json
