"""Ask for approval by a webhook, and take the decision that comes back.

Request, a POST to the configured URL: the body is the request's canonical JSON (`ApprovalRequest.canonical`), so that
its SHA-256 is the digest a decision repeats. Headers, the same in both directions:

- ``Paygent-Timestamp``: unix seconds, decimal;
- ``Paygent-Signature``: 64 hexadecimal digits, HMAC-SHA256 by the shared secret over ``<kind>.<timestamp>.<body>``; the
  kind is ``request`` or ``decision``, so that what was sent one way is never good the other way;
- ``Paygent-Digest``: the request's digest (requests only).

Decision, a body that the program receives by its own web server and hands to `decision`::

    {"approval": "apr_…", "approver": "ada", "digest": "<64 hexadecimal digits>", "granted": true, "reason": "…"}

One that agrees to less has ``"granted": false`` and ``"edit": {"atomic_units": "2500000", "quantity": "3"}``, one of
the two or both.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from paygent.adapters._http import Answer, Endpoint
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.edit import Edit
from paygent.core.errors import AdapterError, ConfigurationError, RemoteProtocolError
from paygent.core.ids import ApprovalId
from paygent.ports.clock import Clock
from paygent.x402.strict_json import as_object, parse_json

TIMESTAMP, SIGNATURE, DIGEST = "Paygent-Timestamp", "Paygent-Signature", "Paygent-Digest"
MAX_DECISION = 16 * 1024
"""Bytes of a decision's body."""
WINDOW_SECONDS = 300
"""How far a decision's timestamp may be from now."""
_SHORTEST_SECRET = 16
_APPROVAL = re.compile(r"apr_[0-9a-f]{32}")
_HEX32 = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[1-9][0-9]{0,15}")
_NUMBER = re.compile(r"[1-9][0-9]{0,77}", re.ASCII)
_MEMBERS = {"approval", "approver", "digest", "granted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDecision:
    """A decision whose sender has the secret, for `ApprovalDesk.decide`."""

    approval_id: ApprovalId
    decision: ApprovalDecision


class WebhookApprovals:
    """An `ApprovalHandler` that posts the request to a URL; the decision comes back by `decision`.

    Args: secret: shared with the other side, at least 16 bytes. clock: None takes the machine's. client: shared, and
    stays the giver's to close.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: bytes | str,
        clock: Clock | None = None,
        client: httpx.AsyncClient | None = None,
        timeout_seconds: float = 10,
    ) -> None:
        self._secret = secret.encode() if isinstance(secret, str) else secret
        if len(self._secret) < _SHORTEST_SECRET:
            raise ConfigurationError(f"the webhook's secret has to have at least {_SHORTEST_SECRET} bytes")
        self._endpoint = Endpoint(url, noun="approval webhook", client=client, timeout_seconds=timeout_seconds)
        self._clock = clock

    def __repr__(self) -> str:
        return f"WebhookApprovals({self._endpoint!r})"

    async def aclose(self) -> None:
        """Close the connections, unless the client was given. Safe to call twice."""
        await self._endpoint.aclose()

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Post the request, again a few times while the other side is out of reach, and return None.

        Raises: AdapterError: it was not taken; the request is still pending.
        """
        body = request.canonical

        async def once() -> Answer:
            answer = await self._endpoint.exchange("POST", body=body, headers=self._headers(request, body))
            if not 200 <= answer.status < 300:
                raise AdapterError(
                    f"{self._endpoint.name} answered the request for approval with HTTP {answer.status}",
                    retryable=answer.transient,
                    payment_id=request.payment_id,
                )
            return answer

        await self._endpoint.retried(once)
        return None

    def decision(self, body: bytes, headers: Mapping[str, str]) -> SignedDecision:
        """Return the decision in a body that the other side sent, if it did.

        It counts once: the store takes one decision of an approver about a request, so the same body changes nothing
        when it comes again.

        Raises: RemoteProtocolError: a wrong signature, a timestamp out of the window, or no decision.
        """
        now = self._now()
        sent_at = self._authentic(body, headers)
        if abs(now - sent_at) > WINDOW_SECONDS:
            raise RemoteProtocolError(
                f"the decision says it was sent at {sent_at}, more than {WINDOW_SECONDS} seconds from now ({now})"
            )
        return _decision(body, now)

    def _headers(self, request: ApprovalRequest, body: bytes) -> dict[str, str]:
        now = self._now()
        return {
            TIMESTAMP: str(now),
            SIGNATURE: signature(self._secret, "request", now, body),
            DIGEST: request.digest,
        }

    def _authentic(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the timestamp that the sender signed."""
        if len(body) > MAX_DECISION:
            raise RemoteProtocolError(f"a decision has at most {MAX_DECISION} bytes, not {len(body)}")
        stamp, signed = _header(headers, TIMESTAMP), _header(headers, SIGNATURE)
        if not _SECONDS.fullmatch(stamp) or not _HEX32.fullmatch(signed):
            raise RemoteProtocolError(f"{TIMESTAMP} has to be unix seconds and {SIGNATURE} 64 hexadecimal digits")
        if not hmac.compare_digest(signature(self._secret, "decision", int(stamp), body), signed):
            raise RemoteProtocolError("the decision is not signed with the webhook's secret")
        return int(stamp)

    def _now(self) -> int:
        return int(time.time()) if self._clock is None else self._clock.now()


def signature(secret: bytes, kind: str, timestamp: int, body: bytes) -> str:
    """Return what `Paygent-Signature` says: 64 hexadecimal digits."""
    return hmac.new(secret, f"{kind}.{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _header(headers: Mapping[str, str], name: str) -> str:
    found = [said for key, said in headers.items() if key.lower() == name.lower()]
    if len(found) != 1:
        raise RemoteProtocolError(f"the decision has {len(found)} headers {name}, it needs one")
    return found[0]


def _decision(body: bytes, now: int) -> SignedDecision:
    try:
        said = as_object(parse_json(body))
    except ValueError as error:
        raise RemoteProtocolError(f"the decision is not JSON: {error}") from error
    if said is None or {*said} - {"reason", "edit"} != _MEMBERS:
        members = ", ".join(sorted(_MEMBERS))
        raise RemoteProtocolError(f"a decision is an object of {members} and perhaps a reason and an edit")
    granted = said["granted"]
    if not isinstance(granted, bool) or (granted and "edit" in said):
        raise RemoteProtocolError("granted has to be true or false, and false with an edit")
    return SignedDecision(
        approval_id=ApprovalId(_text(said, "approval", _APPROVAL)),
        decision=ApprovalDecision(
            approver=_words(said["approver"], "approver", least=1, most=200),
            granted=granted,
            digest=_text(said, "digest", _HEX32),
            at=now,
            reason=_words(said["reason"], "reason", least=0, most=500) if "reason" in said else "",
            edit=_edit(said["edit"]) if "edit" in said else None,
        ),
    )


def _edit(said: object) -> Edit:
    found = as_object(said)
    if not found or {*found} - {"atomic_units", "quantity"}:
        raise RemoteProtocolError("an edit is an object of atomic_units, quantity, or both")
    numbers = {name: int(_text(found, name, _NUMBER)) for name in found}
    return Edit(atomic_units=numbers.get("atomic_units"), quantity=numbers.get("quantity"))


def _text(said: Mapping[str, object], name: str, form: re.Pattern[str]) -> str:
    text = said[name]
    if not isinstance(text, str) or not form.fullmatch(text):
        raise RemoteProtocolError(f"{name} is not of the form {form.pattern}")
    return text


def _words(text: object, name: str, *, least: int, most: int) -> str:
    if not isinstance(text, str) or not least <= len(text) <= most or not text.isprintable():
        raise RemoteProtocolError(f"{name} has to be {least} to {most} printable characters")
    return text
