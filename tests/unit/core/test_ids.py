"""The same input always gives the same id, and different input another one."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from paygent.core.ids import Nonces, digest, intent_id, payment_id, request_digest

PARTS = st.lists(st.binary(max_size=4) | st.text(max_size=4), max_size=4)


def raw(parts: list[bytes | str]) -> list[bytes]:
    return [part.encode() if isinstance(part, str) else part for part in parts]


@given(PARTS, PARTS)
def test_digest_is_equal_for_equal_parts_alone(left: list[bytes | str], right: list[bytes | str]) -> None:
    assert (raw(left) == raw(right)) == (digest(*left) == digest(*right))


def test_digest_does_not_join_its_parts() -> None:
    assert 4 == len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")})


def test_digest_is_the_sha256_of_parts_with_their_lengths() -> None:
    expected = hashlib.sha256(bytes(7) + b"\x02ab" + bytes(7) + b"\x01c").digest()

    assert expected == digest("ab", b"c")


@given(PARTS)
def test_ids_have_a_prefix_and_32_digits(parts: list[bytes | str]) -> None:
    intent = intent_id(*parts)
    payment = payment_id(intent)

    assert ("int_", 36) == (intent[:4], len(intent))
    assert ("pay_", 36) == (payment[:4], len(payment))
    assert intent == intent_id(*parts)
    assert intent[4:] != payment[4:]


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_nonce_is_keyed_with_the_secret(secret: bytes, intent: bytes) -> None:
    expected = hmac.new(secret, b"paygent authorization nonce" + intent, "sha256").digest()

    assert expected == Nonces(secret).of(intent)


def test_nonce_changes_with_secret_and_intent() -> None:
    nonces = {Nonces(bytes([secret]) * 32).of(bytes([intent])) for secret in (1, 2) for intent in (1, 2)}

    assert 4 == len(nonces)


def test_request_digest_ignores_case_of_the_method_and_the_fragment() -> None:
    assert request_digest("get", "https://a/b#c", b"") == request_digest("GET", "https://a/b", b"")


def test_request_digest_tells_method_url_and_body_apart() -> None:
    digests = {
        request_digest(method, url, body)
        for method in ("GET", "POST")
        for url in ("https://a/b", "https://a/b?c")
        for body in (b"", b"x")
    }

    assert 8 == len(digests)
    assert {64} == set(map(len, digests))
