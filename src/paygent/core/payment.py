"""A payment: its intent, where it stands, and everything that is known about the money."""

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Final

from paygent.core.context import NOBODY, Context
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import PaymentId
from paygent.core.intent import PaymentIntent
from paygent.core.lifecycle import FREED, HOLDING, OUT, TRANSITIONS, Event, State, advance
from paygent.core.mould import Mould
from paygent.core.receipt import Receipt
from paygent.core.requirements import Authorization, Settlement
from paygent.core.transaction import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One line of a payment's history."""

    event: Event
    state: State
    """The state the event led to."""
    at: int
    """Unix seconds by the clock of the process that wrote it."""
    note: str = ""
    """For people; no secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPayload:
    """The exact bytes that are sent, and sent again. Whoever has them can settle the payment."""

    header: str
    """The header's name."""
    value: str = field(repr=False)
    """The header's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment as the journal knows it. A value: `move` returns the next one."""

    id: PaymentId
    intent: PaymentIntent
    state: State
    version: int
    """How many moves it has made; the journal appends only to the version it was shown."""
    created_at: int
    """Unix seconds by the clock of the process that proposed it."""
    idempotency_key: str | None = None
    """The caller's own name for the purchase."""
    context: Context = NOBODY
    """Who pays and for what, by the names that limits, halts and statistics use."""
    quantity: int = 1
    """How many units of the service are bought, by the program's word."""
    authorization: Authorization | None = None
    """What is, or will be, signed; known from RESERVED on."""
    plan: Plan | None = None
    """The action on chain, its steps, and what was signed for each; None where something else is paid."""
    lease_until: int = 0
    """Unix seconds; until then nobody else may void a RESERVED payment."""
    from_block: int | None = None
    """The chain's height before signing: no settlement is in or before this block."""
    payload: SignedPayload | None = field(default=None, repr=False)
    """What is sent; durable before the first send."""
    claim: Settlement | None = None
    """What the seller or facilitator said; not proof."""
    delivered: bool = False
    """A 2xx answer to the paid request reached the caller."""
    receipt: Receipt | None = None
    """The proof of a SETTLED payment."""
    alarm: str | None = None
    """What contradicts an honest seller, facilitator or token, for people; None where nothing does."""
    history: tuple[Move, ...] = ()

    def __str__(self) -> str:
        amount = self.intent.amount if self.receipt is None else self.receipt.amount
        about = "".join(char if char.isprintable() else "?" for char in self.intent.resource)
        return f"{self.id} {self.state} {amount} to {self.intent.payee}, {about}"

    def move(self, *events: Event, at: int, note: str = "", **facts: Any) -> "Payment":
        """Return the payment after `events`, one after the other; `facts` are fields that they bring.

        Args: note: of the first event.

        Raises: LocalProtocolError: the lifecycle has no such move, or the payment is settled in a final block.
        """
        if self.receipt is not None and self.receipt.final:
            raise LocalProtocolError(f"payment {self.id} is settled in a final block; it cannot be {events[0].value!r}")
        state, lines = self.state, list(self.history)
        for event in events:
            state = advance(state, event)
            lines.append(Move(event=event, state=state, at=at, note=note))
            note = ""
        return self._with(state=state, version=self.version + len(events), history=tuple(lines), **facts)

    def learn(self, **facts: Any) -> "Payment":
        """Return the payment with more known about it, in the same state; a version of its own."""
        return self._with(version=self.version + 1, **facts)

    def out_of_budget(self, *, at: int, note: str) -> "Payment":
        """Return this RESERVED payment as it is recorded when a limit had no room, or it is halted: DENIED instead.

        Raises: LocalProtocolError: the payment was not just reserved.
        """
        if self.state is not State.RESERVED or not self.history or self.history[-1].state is not State.RESERVED:
            raise LocalProtocolError(f"payment {self.id} is {self.state} and was not just reserved")
        line = Move(event=Event.REFUSED, state=advance(State.APPROVED, Event.REFUSED), at=at, note=note)
        history = (*self.history[:-1], line)
        return self._with(state=line.state, history=history, authorization=None, lease_until=0)

    def check_successor(self, after: "Payment") -> None:
        """Make sure that `after` can be what becomes of this payment: later, and bound to the same offer.

        Raises: LocalProtocolError: another payment, intent or context, another authorization, or not a later version.
        """
        if self.id != after.id or (self.intent is not after.intent and self.intent != after.intent):
            raise LocalProtocolError(f"payment {self.id} is bound to one intent; it cannot become another payment")
        if self.context is not after.context and self.context != after.context:
            raise LocalProtocolError(f"payment {self.id} was made for {self.context}; that does not change")
        if self.quantity != after.quantity:
            raise LocalProtocolError(f"payment {self.id} buys {self.quantity} units; that does not change")
        signed = self.authorization
        if signed is not None and signed is not after.authorization and signed != after.authorization:
            raise LocalProtocolError(f"payment {self.id} has its authorization already; there is never a second one")
        if self.plan is not after.plan and not self._keeps_plan(after):
            raise LocalProtocolError(
                f"payment {self.id} has its action and what was signed for it; neither is replaced"
            )
        if after.version <= self.version or after.history[: len(self.history)] != self.history:
            raise LocalProtocolError(f"payment {self.id} goes on from version {self.version}, not to {after.version}")

    def _keeps_plan(self, after: "Payment") -> bool:
        if self.plan is None or after.plan is None:
            return False
        if self.state is State.AWAITING_APPROVAL:  # gas and nonce are settled when people have agreed
            return self.plan.action == after.plan.action and not after.plan.attempts
        return after.plan.continues(self.plan)

    def check_append(self, after: "Payment") -> None:
        """Make sure that a store may write `after` over this payment without reserving anything.

        Raises: LocalProtocolError: as `check_successor`; or it was just granted or reserved, which takes a reservation.
        """
        self.check_successor(after)
        reserved = [line for line in self.lines_to(after) if line.state is State.RESERVED]
        if after.state is State.APPROVED or reserved:
            raise LocalProtocolError(f"payment {self.id} becomes RESERVED only where its budget is reserved with it")

    def check_reserve(self, after: "Payment") -> None:
        """Make sure that `after` is this payment, granted and reserved.

        Raises: LocalProtocolError: as `check_successor`, or other moves lie between.
        """
        self.check_successor(after)
        events = [line.event for line in self.lines_to(after)]
        if self.state is not State.AWAITING_APPROVAL or events != [Event.GRANTED, Event.BUDGET_RESERVED]:
            said = ", ".join(events) or "nothing"
            raise LocalProtocolError(f"payment {self.id} is {self.state} and was {said}; a grant is reserved at once")

    def lines_to(self, after: "Payment") -> tuple[Move, ...]:
        """Return the moves from this payment to what became of it."""
        return after.history[len(self.history) :]

    def meets_halt(self, after: "Payment") -> bool:
        """Tell whether a halt stops what lies between this payment and `after`: each signature, and each send."""
        return any(line.state in STOPPED for line in self.lines_to(after))

    def _with(self, **facts: Any) -> "Payment":
        """Return a copy with other facts."""
        after = _COPIES.of(*_facts(self))
        for name, value in facts.items():
            object.__setattr__(after, name, value)
        return after

    @property
    def over(self) -> bool:
        """No move is left."""
        return not TRANSITIONS[self.state] or (self.receipt is not None and self.receipt.final)

    @property
    def blocks_repeat(self) -> bool:
        """Buying the same thing again might pay twice for one answer: it is out or settled, and was not delivered."""
        return not self.delivered and self.state in BLOCKING

    @property
    def unresolved(self) -> bool:
        """Reconciling may move it: reserved, out, or settled in a block that is not final."""
        return self.state in HOLDING or (self.state is State.SETTLED and not self.over)

    @property
    def blocks_key(self) -> bool:
        """Its idempotency key cannot be used for a new payment: it is under way, out, or settled."""
        return self.state not in FREED


_facts: Final = attrgetter(*(part.name for part in fields(Payment)))
_COPIES: Final = Mould(Payment)
STOPPED: Final = frozenset({State.RESERVED, State.SIGNED, State.SUBMITTED})
"""States that no halted payment moves into."""
BLOCKING: Final = OUT | {State.SETTLED, State.RESERVED}
"""States in which a payment that was not delivered blocks buying the same thing again."""
