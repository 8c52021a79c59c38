import base64
import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.x402.strict_json import MAX_DEPTH, MAX_HEADER, as_object, decode_base64, excerpt, parse_json, words

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_parse_json_returns_what_was_written(value: object) -> None:
    assert value == parse_json(json.dumps(value).encode())


@given(st.binary())
def test_parse_json_raises_only_value_errors(raw: bytes) -> None:
    with suppress(ValueError):
        assert json.loads(raw.decode()) == parse_json(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a":1,"a":2}', "a key twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', "a key twice"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "too large"),
        (b"[-1e999]", "too large"),
        (b"1" * 5000, "4300"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b"[1] 2", "Extra data"),
        (b"", "Expecting value"),
        (b"[" * 100_000, "deeper"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper"),
    ],
)
def test_parse_json_refuses_what_can_be_misread(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_json(raw)


def test_parse_json_takes_surrogate_pairs() -> None:
    assert {"a": "\N{GRINNING FACE}"} == parse_json(b'{"a":"\\ud83d\\ude00"}')


def test_parse_json_takes_the_deepest_nesting_allowed() -> None:
    raw = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b" " * 5

    assert json.loads(raw) == parse_json(raw)


def test_depth_does_not_count_brackets_inside_text() -> None:
    value = {"a": "[[[{{{" * 20, "b": 'quote " and \\ [' * 20, "c": [[], {}, []] * 20}

    assert value == parse_json(json.dumps(value).encode())


def test_depth_is_counted_in_linear_time_when_text_never_ends() -> None:
    raw = b"[" * 20 + b'"\\' * 500_000 + b"[" * 20
    began = time.perf_counter()

    with pytest.raises(ValueError, match="Invalid"):
        parse_json(raw)

    assert time.perf_counter() - began < 2


@given(st.binary(max_size=200))
def test_decode_base64_returns_what_was_encoded(raw: bytes) -> None:
    assert raw == decode_base64(base64.b64encode(raw).decode())


@pytest.mark.parametrize(
    "text", ["YQ", "YQ=", "YQ==\n", "YQ== ", " YQ==", "Y Q==", "-_-_", "YQ==YQ==", "YQ==, YQ==", "=", "\N{EURO SIGN}"]
)
def test_decode_base64_refuses_another_alphabet(text: str) -> None:
    with pytest.raises(ValueError, match="standard base64"):
        decode_base64(text)


def test_decode_base64_refuses_more_than_a_header_holds() -> None:
    with pytest.raises(ValueError, match="65540 characters"):
        decode_base64("A" * (MAX_HEADER + 4))


def test_as_object_returns_objects_only() -> None:
    assert {"a": 1} == as_object({"a": 1})
    assert as_object([1]) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, None),
        ("", None),
        (7, None),
        ("no funds", "no funds"),
        ("a\x1b[31mred\r\n", "a\N{REPLACEMENT CHARACTER}[31mred" + "\N{REPLACEMENT CHARACTER}" * 2),
        ("x" * 501, "x" * 497 + "..."),
    ],
)
def test_words_are_fit_to_be_shown(said: object, shown: str | None) -> None:
    assert shown == words(said)


@pytest.mark.parametrize("value", ["x" * 1000, {"k": "x" * 1000}, "\x1b[31m", None, [1]])
def test_excerpt_is_short_and_printable(value: object) -> None:
    assert len(excerpt(value)) <= 80
    assert excerpt(value).isprintable()
