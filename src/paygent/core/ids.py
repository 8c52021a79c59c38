"""Identifiers, and how one is derived from another: the same input always gives the same id."""

import hashlib
import hmac
from functools import lru_cache
from typing import NewType

IntentId = NewType("IntentId", str)
"""``int_`` and 32 hexadecimal digits: one wish to pay once."""
PaymentId = NewType("PaymentId", str)
"""``pay_`` and 32 hexadecimal digits: what the journal calls the payment of an intent."""
ApprovalId = NewType("ApprovalId", str)
"""``apr_`` and 32 hexadecimal digits."""


def digest(*parts: bytes | str) -> bytes:
    """Return the SHA-256 of the parts, each preceded by its length, so that no two lists of parts collide."""
    written = bytearray()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        written += len(raw).to_bytes(8, "big") + raw
    return hashlib.sha256(written).digest()


def intent_id(*parts: bytes | str) -> IntentId:
    """Derive an intent id from what makes the intent the same one: a key and a count, or 16 random bytes."""
    return IntentId(f"int_{digest('intent', *parts).hex()[:32]}")


def payment_id(intent: IntentId) -> PaymentId:
    """Return the id of the one payment that `intent` can have."""
    return PaymentId(f"pay_{digest('payment', intent).hex()[:32]}")


def approval_id(payment: PaymentId) -> ApprovalId:
    """Return the id of the one request for approval that `payment` can have."""
    return ApprovalId(f"apr_{digest('approval', payment).hex()[:32]}")


class Nonces:
    """The nonces of one installation's authorizations.

    The same intent always gets the same nonce, so the token contract itself refuses a second transfer; without the
    installation's secret (32 bytes) nobody can foresee it.
    """

    def __init__(self, secret: bytes) -> None:
        self._begun = hmac.new(secret, b"paygent authorization nonce", "sha256")

    def of(self, intent_digest: bytes) -> bytes:
        """Return the 32-byte nonce of an intent's only authorization."""
        made = self._begun.copy()
        made.update(intent_digest)
        return made.digest()


def request_digest(method: str, url: str, body: bytes) -> str:
    """Return 64 hexadecimal digits that name a request: method, URL without its fragment, body."""
    return _request_digest(method, url, body) if body else _bodyless_digest(method, url)


def _request_digest(method: str, url: str, body: bytes) -> str:
    return digest("request", method.upper(), url.partition("#")[0], hashlib.sha256(body).digest()).hex()


@lru_cache(maxsize=256)
def _bodyless_digest(method: str, url: str) -> str:
    """Return the digest of a request without a body, which is often one that was made before."""
    return _request_digest(method, url, b"")
