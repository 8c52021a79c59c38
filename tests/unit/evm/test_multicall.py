"""Multicall3's encoding is that of the ABI, and nothing that a node answers is believed without a look."""

import pytest
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from paygent.evm import multicall
from paygent.evm.multicall import Read

ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
DATA = st.binary(max_size=80)


@given(st.lists(st.tuples(ADDRESSES, DATA), max_size=8))
def test_call_is_encoded_as_the_abi_says(reads: list[tuple[str, bytes]]) -> None:
    made = multicall.aggregate([Read(to=to, data=f"0x{data.hex()}") for to, data in reads])
    (found,) = decode(["(address,bool,bytes)[]"], bytes.fromhex(made[10:]))

    assert "0x82ad56cb" == made[:10]
    assert [(to, True, data) for to, data in reads] == list(found)


@given(st.lists(st.tuples(st.booleans(), DATA), max_size=8))
def test_answers_are_read_as_the_abi_says(results: list[tuple[bool, bytes]]) -> None:
    said = encode(["(bool,bytes)[]"], [results])

    expected = [f"0x{data.hex()}" if succeeded else None for succeeded, data in results]
    assert expected == multicall.answers(f"0x{said.hex()}", len(results))


@given(st.binary(max_size=300), st.integers(0, 5))
def test_nonsense_is_refused_or_read_and_never_more(said: bytes, count: int) -> None:
    try:
        found = multicall.answers(f"0x{said.hex()}", count)
    except ValueError:
        return
    assert count == len(found)


@given(st.data())
def test_answer_with_a_changed_byte_is_refused_or_of_the_same_number(data: st.DataObject) -> None:
    said = bytearray(encode(["(bool,bytes)[]"], [[(True, b"x" * 32), (False, b""), (True, b"y" * 5)]]))
    said[data.draw(st.integers(0, len(said) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert 3 == len(multicall.answers(f"0x{said.hex()}", 3))
    except ValueError:
        return


@pytest.mark.parametrize(
    "said",
    [
        "0x",
        "0x00",
        "nonsense",
        f"0x{encode(['(bool,bytes)[]'], [[(True, b'')]]).hex()}",
        f"0x{encode(['(bool,bytes)[]'], [[(True, b'a'), (True, b'b')]]).hex()[:-64]}",
        f"0x{encode(['(uint256,bytes)[]'], [[(2, b''), (1, b'')]]).hex()}",
        f"0x{'ff' * 320}",
    ],
)
def test_answer_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the caller says which chain it was
        multicall.answers(said, 2)
