"""ABIs become calls with their meaning, and answers that are what they should be or an error."""

from typing import Any

import pytest

from paygent.core.errors import AdapterError
from paygent.evm import address as evm_address
from paygent.plugin import Abi, checksum
from paygent.plugin.contract import said

VENUE = f"0x{'1a' * 20}"
ENTRIES: list[dict[str, Any]] = [
    {"type": "event", "name": "Traded"},
    {"type": "function", "name": "total", "inputs": [], "outputs": [{"type": "uint256"}]},
    {"type": "function", "name": "owner", "inputs": [], "outputs": [{"type": "address"}]},
    {"type": "function", "name": "name", "inputs": [], "outputs": [{"type": "string"}]},
    {"type": "function", "name": "put", "inputs": [{"name": "id", "type": "uint256"}]},
    {"type": "function", "name": "put", "inputs": [{"name": "id", "type": "bytes32"}]},
    {
        "type": "function",
        "name": "trade",
        "inputs": [
            {"type": "uint256"},
            {"name": "legs", "type": "tuple[]", "components": [{"type": "address"}, {"type": "bytes"}]},
        ],
        "outputs": [{"type": "uint256[]"}],
    },
]
ABI = Abi(ENTRIES)


class Answers:
    """A chain that answers every call the same."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, object]] = []

    async def call(self, to: str, data: str, *, at: object = "latest") -> str:
        self.asked.append((to, data, at))
        return self.answer


def chain(answer: str) -> Any:
    return Answers(answer)


def test_call_has_its_signature_meaning_and_outputs() -> None:
    call = ABI.call(VENUE, "trade", 7, [(VENUE, b"\x01")], value=5)

    assert "trade(uint256,(address,bytes)[])" == call.function
    assert (("argument 1", "7"), ("legs", f"[[{VENUE}, 0x01]]")) == call.arguments
    assert (checksum(VENUE), 5, ("uint256[]",)) == (call.to, call.value, call.returns)


def test_overloaded_function_is_named_by_its_signature() -> None:
    with pytest.raises(KeyError, match="2 functions"):
        ABI.function("put")
    with pytest.raises(KeyError, match="0 functions"):
        ABI.function("take")

    assert ("put(bytes32)", ()) == (ABI.function("put(bytes32)").signature, ABI.function("put(bytes32)").outputs)


@pytest.mark.parametrize("arguments", [(-1,), ("one",), (), (2**256,)])
def test_argument_that_does_not_fit_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="does not take"):
        ABI.function("put(uint256)").encode(arguments)


@pytest.mark.anyio
async def test_answers_are_read_at_the_block() -> None:
    here = chain("0x" + "00" * 31 + "2a")

    assert 42 == await ABI.number(here, VENUE, "total", at=9)
    assert [(VENUE, "0x2ddbd13a", 9)] == here.asked
    assert checksum(VENUE) == await ABI.address(chain("0x" + "00" * 12 + "1a" * 20), VENUE, "owner")


@pytest.mark.anyio
@pytest.mark.parametrize("answer", ["0x", "0x2a"])
async def test_answer_that_is_none_is_an_adapter_error(answer: str) -> None:
    with pytest.raises(AdapterError, match="is there such a contract"):
        await ABI.number(chain(answer), VENUE, "total")


@pytest.mark.anyio
async def test_answer_of_another_type_is_an_adapter_error() -> None:
    word = "0x" + "00" * 31 + "2a"
    with pytest.raises(AdapterError, match="no integer"):
        await ABI.number(chain("0x" + "00" * 12 + "1a" * 20), VENUE, "owner")
    with pytest.raises(AdapterError, match="no address"):
        await ABI.address(chain(word), VENUE, "total")


def test_checksum_is_the_one_of_the_rest_of_paygent() -> None:
    for digits in ("0f" * 20, "e9" * 20, "Ab" * 20):
        assert evm_address.checksum(f"0x{digits}") == checksum(f"0x{digits}")
    with pytest.raises(ValueError, match="not an EVM address"):
        checksum("0x12")


def test_arguments_are_said_as_text() -> None:
    assert ["1", "True", "0xff", "[1, [0x00]]"] == [said(one) for one in (1, True, b"\xff", [1, (b"\x00",)])]
