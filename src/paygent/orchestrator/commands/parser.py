"""From a text to a command, or to a refusal."""

import re

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import check, words
from paygent.orchestrator.commands.forms import nearest
from paygent.orchestrator.commands.heads import Head, head_of
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.steps import split
from paygent.orchestrator.commands.text import pieces
from paygent.orchestrator.commands.tokens import Kind, Token
from paygent.orchestrator.commands.values import Command, Multi, Single


def parse(text: str) -> Command:
    """Return what a command means.

    Nothing is looked up and nothing is done; the same text always means the same.

    Raises: CommandRefused: it is an attack, has a value that cannot be, is not certain, or is not understood.
    """
    try:
        return _parse(text)
    except CommandRefused as refused:
        forms = nearest(re.findall(r"[a-z-]+", text[: words.MOST_CHARACTERS].lower()))
        raise CommandRefused(refused.why, refused.problem, nearest=forms) from None


def _parse(text: str) -> Command:
    parts = split(pieces(text))
    heads = [_headed(Step(tokens)) for tokens in parts.steps]
    if not heads:
        raise CommandRefused("unknown", "there is no verb of a command in it")
    steps = tuple(_read(step, head, courteous=parts.courteous) for step, head in heads)
    return steps[0] if len(steps) == 1 else Multi(steps=steps)


def _headed(step: Step) -> tuple[Step, Head]:
    head = head_of(step)
    if head is not None:
        return step, head
    if step.all(Kind.DOLLARS):
        step.refuse_bare_amounts()
    said = " ".join(token.text for token in step.tokens)
    raise CommandRefused("unknown", f"there is no verb of a command in {_short(said)}")


def _read(step: Step, head: Head, *, courteous: bool) -> Single:
    _refuse_all_and_no(step, head)
    if not head.only_reads:
        _refuse_questions(step, head, courteous=courteous)
    _refuse_nothing(step)
    step.refuse_networks()
    if not head.takes_names:
        _refuse_strangers(step)
    return head.reader(step)


def _refuse_all_and_no(step: Step, head: Head) -> None:
    for token in step.tokens:
        if _is(token, "all") and not head.only_reads:
            raise CommandRefused("ambiguous", "'all' is not a certain quantity: write a number")
        if _is(token, "no") and not head.has_outcome:
            raise CommandRefused("ambiguous", "'no' negates: leave out what is not to be done")


def _refuse_strangers(step: Step) -> None:
    """Refuse quotes, and a word of no rule behind "and", which would be a step of its own."""
    for at in step.all(Kind.QUOTED):
        raise CommandRefused("unknown", f"{step.tokens[at].text[:60]!r} is a name, and no name belongs here")
    for at in step.left:
        behind = step.after(at) if step.word(at) in ("and", "&") else -1
        if step.word(behind) and step.word(behind).isalpha() and step.word(behind) not in words.RESERVED:
            raise CommandRefused("unknown", f"no step begins with {step.word(behind)[:60]!r}")


def _refuse_nothing(step: Step) -> None:
    for at in step.all(Kind.MONEY):
        check.amount(step.tokens[at].value)


def _is(token: Token, word: str) -> bool:
    return token.kind is Kind.WORD and token.value == word


def _refuse_questions(step: Step, head: Head, *, courteous: bool) -> None:
    asked = any(step.word(at) in words.QUESTIONS for at in step.left if at < head.at)
    if asked or (step.asks and not courteous):
        raise CommandRefused("ambiguous", "it asks about something that spends, which is no order to do it")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
