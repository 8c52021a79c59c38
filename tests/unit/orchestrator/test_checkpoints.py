"""Checkpoints are JSON: what is not is refused, and reading runs nothing."""

from typing import Any

import pytest
from langgraph.types import Interrupt

from paygent.orchestrator.checkpoints import JsonSerializer


@pytest.mark.parametrize(
    "value",
    [None, True, "é", 2**70, [1, {"a": [None]}], (Interrupt(value={"approval": "a"}, id="i"),), ((1, 2), [3])],
)
def test_what_langgraph_writes_is_read_as_it_was(value: Any) -> None:
    serializer = JsonSerializer()

    assert value == serializer.loads_typed(serializer.dumps_typed(value))


def test_error_is_kept_by_its_name_alone() -> None:
    serializer = JsonSerializer()
    kind, raw = serializer.dumps_typed(ValueError("with a secret"))

    assert b"secret" not in raw
    assert "ValueError" == str(serializer.loads_typed((kind, raw)))


@pytest.mark.parametrize("value", [{1, 2}, object(), b"raw", float("nan"), {"a": {3}}])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        JsonSerializer().dumps_typed(value)


@pytest.mark.parametrize("written", [("pickle", b"cos\nsystem\n"), ("msgpack", b"\x80"), ("paygent-json-1", b"{")])
def test_what_another_serializer_wrote_is_refused(written: tuple[str, bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the words are the reader's
        JsonSerializer().loads_typed(written)


def test_what_was_changed_since_is_refused() -> None:
    kind, raw = JsonSerializer().dumps_typed({"ordinal": 0})

    with pytest.raises(ValueError, match="other bytes"):
        JsonSerializer().loads_typed((kind, raw.replace(b"0", b"1")))
