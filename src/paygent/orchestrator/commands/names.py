"""Names in free text: of services and markets."""

from collections.abc import Callable
from typing import Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.tokens import Kind

_IN_NAMES: Final = frozenset({Kind.WORD, Kind.SYMBOL, Kind.PAIR})


def take_name(step: Step, *, what: str, at_ends: frozenset[str], beside_quotes: frozenset[str]) -> str | None:
    """Return the name that is left in a step, as typed; None where there is none.

    Args: at_ends: words that lead up to a name and do not belong to it. beside_quotes: what may
            stand beside a name in quotes.
    Raises: CommandRefused: there are two, or it has what no name has.
    """
    step.refuse_bare_amounts()
    if step.all(Kind.QUOTED):
        name = step.one(Kind.QUOTED, f"name of a {what}").value
        step.finish(at_ends | beside_quotes)
        return name
    _refuse_strangers(step)
    runs = [run for run in _runs(step, at_ends) if run]
    if len(runs) > 1:
        said = " and ".join(repr(_text(step, run)) for run in runs[:3])
        raise CommandRefused("ambiguous", f"which {what} is meant, {said}?")
    if not runs:
        step.use(step.left)
        return None
    _refuse_pronouns(step, runs[0], what)
    _check(step, runs[0], what)
    step.use(runs[0])
    step.finish(at_ends)
    return _text(step, runs[0])


def _refuse_pronouns(step: Step, run: list[int], what: str) -> None:
    first = step.word(run[0])
    if first in ("with", "using") or (len(run) == 1 and first in words.PRONOUNS):
        raise CommandRefused("ambiguous", f"{first!r} names no {what}; quotes make it part of a name")


def _refuse_strangers(step: Step) -> None:
    """Refuse words that lead up to no name: before the verb without a preposition, or "and" behind another part."""
    begins = True
    for at, token in enumerate(step.tokens):
        if step.used(at):
            begins = True
        elif not step.silent(at):
            early = at < step.head and step.word(at) not in words.PREPOSITIONS
            if begins and (early or step.word(at) in ("and", "&")):
                raise CommandRefused("unknown", f"{token.text[:60]!r} is not understood here")
            begins = False


def refuse_strays(step: Step) -> None:
    """Refuse words that no preposition joins to the part before them: they do not describe the URL.

    Raises: CommandRefused: there is one.
    """
    begins = False
    for at, token in enumerate(step.tokens):
        if step.used(at):
            begins = at > step.head
        elif begins and not step.silent(at) and token.kind is not Kind.QUOTED:
            if step.word(at) not in words.PREPOSITIONS:
                raise CommandRefused("unknown", f"{token.text[:60]!r} is not understood here")
            begins = False


def _runs(step: Step, at_ends: frozenset[str]) -> list[list[int]]:
    """Return what is left in runs that nothing understood interrupts, without the words at their ends."""
    runs: list[list[int]] = [[]]
    for at in range(len(step.tokens)):
        if step.used(at):
            runs.append([])
        else:
            runs[-1].append(at)
    return [_trimmed(step, run, at_ends) for run in runs]


def _trimmed(step: Step, run: list[int], at_ends: frozenset[str]) -> list[int]:
    start, end = 0, len(run)
    outside: Callable[[int], bool] = lambda at: step.silent(at) or step.word(at) in at_ends  # noqa: E731
    while start < end and outside(run[start]):
        start += 1
    while start < end and outside(run[end - 1]):
        end -= 1
    return run[start:end]


def _check(step: Step, run: list[int], what: str) -> None:
    for at in run:
        token = step.tokens[at]
        if token.kind not in _IN_NAMES and token.value != "&":
            raise CommandRefused(
                "unknown", f"{token.text[:60]!r} is not understood here; quotes make it part of a name"
            )
    if len(run) > words.MOST_WORDS:
        raise CommandRefused(
            "unknown", f"the name of a {what} has {words.MOST_WORDS} words at most; quotes make more of them a name"
        )


def _text(step: Step, run: list[int]) -> str:
    return " ".join(step.tokens[at].text for at in run)
