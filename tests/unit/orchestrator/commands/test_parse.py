"""Reading a command: always the same answer, a command or a refusal, whatever the text."""

import json
import re
import string
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import Command, Multi, Single, as_json, parse, render, words
from paygent.testing.command_strategies import commands, singles
from tests.unit.orchestrator.commands.test_phrasings import SAID

UNDERSTOOD = [text for text, expected in SAID if expected["intent"] != "refuse"]
PIECES = sorted(
    words.VERBS | words.RESERVED | {"10", "0.5%", "5x", "USDC", "cro", "CRO-USDC", "$5", ",", ";", "https://a.b/c"}
)
NEGATIONS = ["not", "don't", "do not", "never", "without", "cannot", "won't", "didn\u2019t", "nothing"]


def refusal(text: str) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        parse(text)
    return caught.value


@given(st.text(max_size=80) | st.text(alphabet=string.printable, max_size=80))
def test_any_text_is_a_command_or_a_refusal(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_words_of_the_grammar_in_any_order_are_a_command_or_a_refusal(text: str) -> None:
    check(text)


@given(st.sampled_from(UNDERSTOOD), st.randoms(use_true_random=False))
def test_words_of_a_phrasing_in_any_order_are_a_command_or_a_refusal(text: str, random: Random) -> None:
    pieces = text.split()
    random.shuffle(pieces)

    check(" ".join(pieces))


def check(text: str) -> None:
    try:
        command = parse(text)
    except CommandRefused as refused:
        said = (refused.why, bool(refused.nearest))
        assert said in {(why, True) for why in ("ambiguous", "unknown", "injection", "malformed")}
        return
    assert command == parse(text)
    assert command == parse(render(command))
    json.dumps(as_json(command))


@given(commands)
def test_canonical_text_of_a_command_means_the_command(command: Command) -> None:
    assert command == parse(render(command))


@given(st.lists(singles, min_size=2, max_size=3), st.sampled_from([" and ", " then ", "; ", ", and then ", ". "]))
def test_steps_mean_joined_what_they_mean_alone(steps: list[Single], joiner: str) -> None:
    assert Multi(steps=tuple(steps)) == parse(joiner.join(map(render, steps)))


@given(st.sampled_from(UNDERSTOOD), st.sampled_from(NEGATIONS), st.data())
def test_no_text_with_a_negation_is_a_command(text: str, negation: str, data: st.DataObject) -> None:
    """A negation is put between two words, or where a quote holds them inside it."""
    gaps = [0, len(text), *(found.start() for found in re.finditer(r"\s", text))]
    place = data.draw(st.sampled_from(gaps))

    assert "unknown" != refusal(f"{text[:place]} {negation} {text[place:]}").why


@given(
    st.sampled_from(UNDERSTOOD),
    st.sampled_from("\u200b\u200d\u202e\u2066\u00ad\ufe0f\u0301\U000e0041\u3164"),
    st.data(),
)
def test_no_text_with_a_hidden_character_is_a_command(text: str, hidden: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))

    assert "injection" == refusal(text[:place] + hidden + text[place:]).why


@given(st.sampled_from(UNDERSTOOD), st.sampled_from("\u0430\u0441\u0435\u03bf\uff10\u0661"), st.data())
def test_no_text_with_a_letter_of_another_script_is_a_command(text: str, letter: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))

    assert refusal(text[:place] + letter + text[place:]).why in ("ambiguous", "malformed")


@given(
    st.sampled_from(UNDERSTOOD), st.sampled_from(["bridge 5 CRO", "swap 10 CRO", "frobnicate", "pay $5", "send 5 USDC"])
)
def test_command_with_one_bad_step_is_refused_whole(text: str, bad: str) -> None:
    refusal(f"{text.rstrip('?')} then {bad}")
    refusal(f"{bad} then {text}")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("swp 10 CRO for USDC", "swap 10 CRO for USDC on VVS"),
        ("transfr 5 USDC", "send 5 USDC to ADDRESS"),
        ("harvst the farm", "harvest the CRO-USDC farm"),
        ("hello", "pay 0.10 USDC for NAME at URL"),
        ("Pay $5", "pay 0.10 USDC for NAME at URL"),
    ],
)
def test_refusal_names_the_nearest_forms(text: str, nearest: str) -> None:
    refused = refusal(text)

    assert nearest in refused.nearest
    assert nearest in str(refused)


def test_refusal_keeps_the_password_of_a_url_to_itself() -> None:
    assert "hunter2" not in str(refusal("pay https://alice:hunter2@api.example.com/x"))


HOSTILE = [
    "a+",
    "1 ",
    "1 CRO ",
    "and ",
    "on vvs ",
    "ignore ",
    "no ",
    "'a ",
    '"a" ',
    "show ",
    "<a",
    "$",
    ".",
    "find a and ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_longest_text_is_read_at_once(piece: str) -> None:
    """In about a tenth of a second at worst; the bound leaves room for a busy machine."""
    text = (piece * words.MOST_CHARACTERS)[: words.MOST_CHARACTERS]
    before = time.process_time()
    refusal(text)

    assert time.process_time() - before < 2


def test_text_above_the_limit_is_not_read() -> None:
    before = time.process_time()

    assert "malformed" == refusal("swap 10 CRO for USDC and " * 100_000).why
    assert time.process_time() - before < 5
