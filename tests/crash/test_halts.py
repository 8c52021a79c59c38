"""A halt is stored while a process pays, or by a process that is killed: nothing is paid after it."""

from paygent.core.lifecycle import State
from tests.crash.town import Books, Purse, Town, killed_everywhere

STOPPED = frozenset({"Halted", "PaymentOutcomeUnknown", "DuplicatePurchase", "PaidUndelivered", "paid before"})


def halted(books: Books) -> bool:
    return any(entry.kind == "halt" for entry in books.entries)


def test_payer_killed_at_any_call_pays_nothing_once_a_halt_is_stored(town: Town) -> None:
    purses: list[Purse] = []
    for purse in killed_everywhere(town, key="one", when="before"):
        assert "halted" == town.run(purse, "halt")[0].outcome
        paid = len(town.transfers(purse))
        outcome = town.run(purse)[0].outcome
        assert outcome in STOPPED, purse.said
        assert paid == len(town.transfers(purse))
        purses.append(purse)

    ends = town.end(purses)

    assert all(halted(end) for end in ends)


def test_payer_that_is_overtaken_by_a_halt_at_any_call_begins_nothing(town: Town) -> None:
    """The payer stands still before a call, the halt is stored by another process, and the payer goes on."""
    payer, halter = town.nurseries
    purses: list[Purse] = []
    calls = town.run(town.purse())[0].calls
    for at in range(len(calls)):
        purse = town.purse()
        payer.start(town.job(purse, at=at, when="pause"))
        if not payer.paused():  # a call of the background that was cancelled
            continue
        halter.start(town.job(purse, "halt"))
        said, _ = halter.wait()
        assert "halted" == said.outcome
        purse.write_down(said, f"halt before call {at}")
        payer.go_on()
        purse.write_down(payer.wait()[0], "pay")
        purses.append(purse)

    ends = town.end(purses)

    assert len(purses) > calls.index("signer.sign") + 2  # the paid send included; nothing runs beside it until then
    assert all(halted(end) for end in ends)
    states = [payment.state for end in ends for payment in end.payments]
    assert {State.DENIED, State.VOIDED, State.SETTLED} <= set(states)


def test_halt_killed_at_any_call_stops_every_payer_or_none(town: Town) -> None:
    """An authorization is out when it is halted, so that the halt has something to call back."""
    purses: list[Purse] = []

    calls = town.run(town.purse())[0].calls
    paid = [number for number, call in enumerate(calls) if call == "http.send"][1]

    def out(town: Town, purse: Purse) -> None:
        assert town.run(purse, at=paid)[1]

    for purse in killed_everywhere(town, key=None, when="after", work="halt", prepare=out):
        outcome = town.run(purse)[0].outcome
        assert outcome in {"Halted", "DuplicatePurchase"}
        purses.append(purse)

    ends = town.end(purses)

    assert all(halted(end) for end in ends)
    assert not [transfer for purse in purses for transfer in town.transfers(purse)]
    assert {State.EXPIRED, State.DENIED} >= {payment.state for end in ends for payment in end.payments}
