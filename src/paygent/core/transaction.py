"""An action under way: its steps, what was signed for each, and what the chain did with it."""

from dataclasses import dataclass, replace
from typing import Literal

from paygent.core.action import Action, Call
from paygent.core.ids import PaymentId
from paygent.core.money import Amount

AttemptKind = Literal["step", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One signed transaction. Several of one step have the same account nonce, so at most one is ever mined."""

    hash: str
    """0x and 64 hexadecimal digits, lower case."""
    nonce: int
    """The account nonce."""
    gas_limit: int
    max_fee: int
    """The most that each gas may cost, in atomic units of the chain's coin; the gas price of a legacy transaction."""
    tip: int | None
    """The priority fee for each gas; None for a legacy transaction."""
    kind: AttemptKind = "step"
    """`cancel` pays nothing to the wallet itself in place of the step."""

    @property
    def ceiling(self) -> int:
        """The most its gas may cost, in atomic units of the coin."""
        return self.gas_limit * self.max_fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """What a block says of a step."""

    transaction: str
    block_number: int
    block_hash: str
    succeeded: bool
    """It did not revert."""
    fee: int
    """What its gas cost, in atomic units of the coin."""
    revert: str | None = None
    """What the contract gave back where it reverted, 0x and hexadecimal digits; None where the chain does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transaction of an action."""

    call: Call
    cleanup: bool = False
    """It takes an approval back that is left: the action does not go on, or it has such an end (`Plan.closing`)."""
    attempts: tuple[Attempt, ...] = ()
    mined: Mined | None = None
    taken: bool = False
    """Another transaction of the account used its nonce, in a final block: it is never mined."""

    @property
    def over(self) -> bool:
        """Nothing more becomes of it."""
        return self.mined is not None or self.taken

    @property
    def nonce(self) -> int | None:
        """The account nonce, once something was signed."""
        return self.attempts[0].nonce if self.attempts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An action and how far it has come."""

    action: Action
    steps: tuple[Step, ...]
    gas: Amount
    """The most that the gas of all steps may cost: what is reserved for it."""
    first_nonce: int
    """What the chain said the account's next nonce is, before anything was reserved; the store gives at least it."""

    @classmethod
    def of(cls, action: Action, *, gas: Amount, first_nonce: int, closes: bool = False) -> "Plan":
        """Return the plan of an action of which nothing is signed. Args: closes: its last call is `closing`."""
        last = len(action.calls) - 1
        steps = tuple(Step(call=call, cleanup=closes and place == last) for place, call in enumerate(action.calls))
        return cls(action=action, steps=steps, gas=gas, first_nonce=first_nonce)

    @property
    def closing(self) -> Step | None:
        """The last of the action's own calls, if it takes back what is left of its approval.

        What becomes of it changes nothing about what the calls before it did.
        """
        calls, last = self.action.calls, self.steps[-1] if self.steps else None
        if last is None or len(self.steps) != len(calls) or not last.cleanup or last.call != calls[-1]:
            return None
        return last

    @property
    def trading(self) -> tuple[Step, ...]:
        """The steps that do what the action is for, and what goes before them."""
        return self.steps if self.closing is None else self.steps[:-1]

    @property
    def gas_spent(self) -> int:
        """What the mined steps cost in gas, reverted ones included, in atomic units of the coin."""
        return sum(step.mined.fee for step in self.steps if step.mined is not None)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Everything that was signed, in the order of the steps."""
        return tuple(attempt for step in self.steps for attempt in step.attempts)

    @property
    def current(self) -> int | None:
        """The place of the first step that is not over, or None."""
        return next((place for place, step in enumerate(self.steps) if not step.over), None)

    def with_step(self, place: int, step: Step) -> "Plan":
        """Return the plan with another step at `place`."""
        return replace(self, steps=(*self.steps[:place], step, *self.steps[place + 1 :]))

    def with_attempt(self, place: int, attempt: Attempt) -> "Plan":
        """Return the plan with one more signed transaction for the step at `place`."""
        step = self.steps[place]
        return self.with_step(place, replace(step, attempts=(*step.attempts, attempt)))

    def continues(self, before: "Plan") -> bool:
        """Tell whether this is what may become of `before`: nothing that was signed is forgotten or signed anew.

        A step is signed again only with its own account nonce, and only what was not signed makes room for a cleanup.
        """
        if (before.action, before.gas, before.first_nonce) != (self.action, self.gas, self.first_nonce):
            return False
        for place, earlier in enumerate(before.steps):
            later = self.steps[place] if place < len(self.steps) else None
            if later is None or later.call != earlier.call:
                if earlier.attempts:
                    return False
                continue
            if later.attempts[: len(earlier.attempts)] != earlier.attempts:
                return False
        return all(len({attempt.nonce for attempt in step.attempts}) <= 1 for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNonce:
    """An account nonce that a store has given out."""

    nonce: int
    payment_id: PaymentId
    """Whose it is, or was."""
    step: int
    """Which step of the payment."""
    free: bool
    """The payment ended without signing for it: the next payment takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedTransaction:
    """Everything that a transaction's signature covers.  Source: EIP-1559, EIP-155."""

    chain_number: int
    nonce: int
    to: str
    """Checksummed address."""
    value: int
    data: str
    """0x and lower case hexadecimal digits."""
    gas_limit: int
    max_fee: int
    """The most for each gas, in atomic units of the coin; the gas price of a legacy transaction."""
    tip: int | None
    """The priority fee for each gas; None makes a legacy transaction."""
