"""A journal and a model of it live through the same random histories, and never disagree.

Few wallets, agents, purchases, keys, and limits that fill up soon, so that most refusals there are happen. The long
form, some minutes, is `nox -s machine`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paygent.adapters.sql import open_journal
from paygent.core.approval import ApprovalRequest, ApprovalState, decision_note
from paygent.core.audit import first_break
from paygent.core.budget import Hold, WindowKey
from paygent.core.context import Context
from paygent.core.edit import Edit
from paygent.core.errors import (
    BudgetExceeded,
    JournalConflict,
    PaygentError,
)
from paygent.core.halt import Halt
from paygent.core.lifecycle import Event, State
from paygent.core.money import USD, Amount
from paygent.core.payment import Payment, SignedPayload
from paygent.core.receipt import Receipt
from paygent.core.transaction import Attempt, Mined, Plan, Step
from paygent.ports.storage import Storage
from paygent.testing.conformance.journal_nonces import COIN, acting
from paygent.testing.conformance.payments import (
    CHAIN,
    OTHER_PAYER,
    PAYER,
    START,
    TOKEN,
    authorization_of,
    decision_on,
    proposed,
    request_for,
)
from paygent.testing.journal import MemoryJournal
from tests.conformance.ledger_model import EVENTS, Model, ends, key_of, stops, told

T = TypeVar("T")
HOURS = ("hour:1", "hour:2", "hour:3")
LIMITS = {"wallet": 150, "agent": 140, "treasury": 180, "token": 250, "gas": 260}
PAYERS, AGENTS, KEYS = st.sampled_from([PAYER, OTHER_PAYER]), st.sampled_from(["ann", "bob"]), st.integers(1, 4)
SCOPES = st.sampled_from(["everything", f"wallet:{PAYER}", "agent:ann", "agent:bob"])
PICK = st.integers(0, 1_000)
WISHES = st.fixed_dictionaries(
    {
        "payer": PAYERS,
        "agent": AGENTS,
        "amount": st.integers(1, 80),
        "thing": st.integers(1, 8),
        "key": st.none() | KEYS,
        "acts": st.none() | st.integers(0, 6),
        "taking": st.fixed_dictionaries(
            {
                "day": st.integers(1, 2),
                "hour": st.integers(0, 2),
                "dollars": st.integers(0, 70),
                "twice": st.booleans(),
            }
        ),
    }
)
OPENED = frozenset({State.RESERVED, State.SIGNED, State.SUBMITTED, State.OUTCOME_UNKNOWN})


def holds_of(payment: Payment, *, day: int, hour: int, dollars: int, twice: bool) -> list[Hold]:
    """Return what one payment takes: dollars of three scopes, tokens, gas, and of a window that nobody shares."""
    context, asked, token = payment.context, Amount(dollars, USD), payment.intent.amount

    def dollar(scope: str, window: str, limit: int, also: tuple[str, ...] = ()) -> Hold:
        return Hold(scope=scope, window=window, amount=asked, limit=Amount(limit, USD), also=also)

    others = tuple(name for name in HOURS if name != HOURS[hour])
    holds = [
        dollar(f"wallet:{payment.intent.payer}", f"day:{day}", LIMITS["wallet"]),
        dollar(f"agent:{context.agent}", f"day:{day}", LIMITS["agent"]),
        dollar("treasury", HOURS[hour], LIMITS["treasury"], others),
        Hold(scope="token", window="day", amount=token, limit=Amount(LIMITS["token"], TOKEN)),
        dollar(f"payment:{payment.id}", "ever", 10_000),
    ]
    if twice:
        holds.append(holds[0])
    if payment.plan is not None:
        gas = payment.plan.gas
        holds.append(Hold(scope="gas", window="day", amount=gas, limit=Amount(LIMITS["gas"], COIN), gas=True))
    return holds


class LedgerMachine(RuleBasedStateMachine):
    """The rules; `journal` says of which storage."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.store = self.journal()
        self.model = Model()
        self.now = START
        self.names = 0
        self.overdrawn: set[WindowKey] = set()
        """What a reorganisation took back over its limit: only that can."""

    def journal(self) -> Storage:
        raise NotImplementedError

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def heard(self, work: Coroutine[Any, Any, object]) -> PaygentError | None:
        try:
            self.run(work)
        except PaygentError as error:
            return error
        return None

    def agree(self, expected: PaygentError | None, work: Coroutine[Any, Any, object]) -> bool:
        """Do it, and make sure that it is refused as the model says; return whether it was done."""
        heard = self.heard(work)
        assert repr(expected) == repr(heard)
        return heard is None

    # --- opening ------------------------------------------------------------------------------------------------------

    def fresh(self, *, payer: str, agent: str, amount: int, thing: int, key: int | None, acts: int | None) -> Payment:
        """Return a payment that is about to be judged; `acts` is the account nonce the chain knows, for an action."""
        self.names += 1
        about: dict[str, Any] = {
            "payer": payer,
            "amount": amount,
            "resource": f"https://seller.example/{thing}",
            "key": None if key is None else f"key {key}",
            "context": Context(agent=agent),
            "at": self.now,
        }
        payment = proposed(self.names, **about)
        return payment if acts is None else replace(payment, plan=acting(self.names, first_nonce=acts, **about).plan)

    def reserving(self, payment: Payment, *events: Event) -> Payment:
        """Return the payment after `events` and its reservation."""
        facts: dict[str, Any] = {} if payment.plan is not None else {"authorization": authorization_of(payment)}
        return payment.move(*events, Event.BUDGET_RESERVED, at=self.now, lease_until=self.now + 60, **facts)

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=4), new_purchase=st.booleans())
    def open(self, wishes: list[dict[str, Any]], new_purchase: bool) -> None:
        """Open some payments at once; they are asked for in one order, and a database may write them in one commit."""
        asked = [self.wished(**wish) for wish in wishes]
        expected = [self.opened(payment, holds, new_purchase) for payment, holds in asked]

        async def all_at_once() -> list[BaseException | None]:
            works = [self.store.open(*each, now=self.now, new_purchase=new_purchase) for each in asked]
            return await asyncio.gather(*works, return_exceptions=True)

        heard = self.run(all_at_once())
        assert [repr(each) for each in expected] == [repr(each) for each in heard]

    def wished(self, *, taking: dict[str, Any], **about: Any) -> tuple[Payment, list[Hold]]:
        payment = self.reserving(self.fresh(**about), Event.ALLOWED)
        return payment, holds_of(payment, **taking)

    def opened(self, payment: Payment, holds: Sequence[Hold], new_purchase: bool) -> PaygentError | None:
        """Open it in the model; return the refusal."""
        if (stopped := self.model.stopped(payment)) is not None:
            self.model.put(payment.out_of_budget(at=self.now, note=str(stopped)))
            return stopped
        if (repeated := self.model.repeated(payment, self.now, new_purchase)) is not None:
            return repeated
        if (room := self.model.without_room(payment, holds)) is not None:
            self.model.put(payment.out_of_budget(at=self.now, note=str(room)))
            return room
        self.took(payment, holds)
        return None

    def took(self, payment: Payment, holds: Sequence[Hold]) -> None:
        self.model.put(payment, holds)
        if payment.plan is not None:
            self.model.claim(payment, 0, payment.plan.first_nonce)

    @precondition(lambda self: len(self.model.payments) % 4 == 3)
    @rule(payer=PAYERS, event=st.sampled_from([Event.REFUSED, Event.REPLACED]))
    def open_what_is_over(self, payer: str, event: Event) -> None:
        payment = self.fresh(payer=payer, agent="ann", amount=5, thing=1, key=None, acts=None)
        payment = payment.move(event, at=self.now)
        self.agree(None, self.store.open(payment, (), now=self.now, new_purchase=False))
        self.model.put(payment)

    @precondition(lambda self: len(self.model.payments) % 4 == 2)
    @rule(pick=PICK)
    def open_again(self, pick: int) -> None:
        """An id is never opened twice, whatever became of it."""
        payment = self.picked(pick, lambda payment: True)
        again = self.reserving(replace(payment, state=State.APPROVED, history=(), receipt=None))
        self.agree(JournalConflict(payment.id), self.store.open(again, (), now=self.now, new_purchase=True))

    # --- approvals ----------------------------------------------------------------------------------------------------

    @rule(
        payer=PAYERS,
        agent=AGENTS,
        amount=st.integers(2, 80),
        thing=st.integers(1, 2),
        key=st.none() | KEYS,
        acts=st.none() | st.integers(0, 6),
        needed=st.integers(1, 2),
    )
    def ask(self, needed: int, **about: Any) -> None:
        payment = self.fresh(**about).move(Event.APPROVAL_NEEDED, at=self.now)
        request = request_for(payment, needed=needed, at=self.now, seconds=100)
        if (stopped := self.model.stopped(payment)) is not None:
            self.agree(stopped, self.store.ask(payment, request))
            return
        waiting = self.model.asked_already(payment, self.now)
        if waiting is not None:
            assert waiting == self.run(self.store.ask(payment, request))
        elif self.agree(self.model.repeated(payment, self.now, new_purchase=True), self.store.ask(payment, request)):
            self.model.requests[request.id] = request
            self.model.put(payment)

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, said=st.lists(st.sampled_from(["yes", "yes", "yes", "no", "less"]), min_size=1, max_size=2))
    def decide(self, pick: int, said: list[str]) -> None:
        """Let people speak about one request, mostly one that waits."""
        requests = list(self.model.requests.values())
        waiting = [each for each in requests if each.state is ApprovalState.PENDING]
        asked = requests if pick % 5 == 0 or not waiting else waiting
        request_id = asked[pick % len(asked)].id
        for approver, word in zip(("ann", "ben"), said, strict=False):
            self.hear(self.model.requests[request_id], approver, word)

    def hear(self, request: ApprovalRequest, approver: str, said: str) -> None:
        edit = Edit(atomic_units=1) if said == "less" else None
        decision = decision_on(request, approver=approver, granted=said == "yes", at=self.now, edit=edit)
        try:
            after: ApprovalRequest | None = request.decided(decision)
            refusal = None
        except PaygentError as error:
            after, refusal = None, error
        if not self.agree(refusal, self.store.decide(request.id, decision)) or after is None:
            return
        self.model.requests[request.id] = after
        if said != "yes":
            event = Event.REFUSED if said == "no" else Event.REPLACED
            payment = self.model.payments[request.payment_id]
            self.model.put(payment.move(event, at=self.now, note=decision_note(decision)))

    @precondition(lambda self: self.some(State.AWAITING_APPROVAL))
    @rule(
        pick=PICK, dollars=st.integers(0, 70), new_purchase=st.booleans(), agreed=st.sampled_from([True, True, False])
    )
    def reserve(self, pick: int, dollars: int, new_purchase: bool, agreed: int) -> None:
        before = self.picked(pick, lambda payment: payment.state is State.AWAITING_APPROVAL, self.granted)
        for approver in ("cat", "dan") if agreed else ():
            self.hear(self.model.request_of(before), approver, "yes")
        after = self.reserving(before, Event.GRANTED)
        holds = holds_of(after, day=1, hour=pick % 3, dollars=dollars, twice=False)
        request, used = self.model.request_of(before), None
        refusal: PaygentError | None = self.model.stopped(after)
        if refusal is None:
            try:
                used = request.used(after.id, now=self.now)
            except PaygentError as error:
                refusal = error
        room = self.model.without_room(after, holds)
        refusal = refusal or self.model.repeated(after, self.now, new_purchase) or room
        work = self.store.reserve(before, after, holds, approval=request.id, now=self.now, new_purchase=new_purchase)
        if self.agree(refusal, work):
            assert used is not None
            self.model.requests[request.id] = used
            self.took(after, holds)
        elif refusal is room:
            self.model.put(after.out_of_budget(at=self.now, note=str(refusal)))

    # --- moving -------------------------------------------------------------------------------------------------------

    def picked(
        self, pick: int, wanted: Callable[[Payment], bool], rather: Callable[[Payment], bool] | None = None
    ) -> Payment:
        """Return one of the payments that are wanted, four times of five one that is wanted rather."""
        found = [payment for payment in self.model.payments.values() if wanted(payment)]
        best = [payment for payment in found if rather is None or rather(payment)]
        found = found if pick % 5 == 0 or not best else best
        return found[pick % len(found)]

    def granted(self, payment: Payment) -> bool:
        return self.model.request_of(payment).state is ApprovalState.GRANTED

    def some(self, *states: State) -> bool:
        return any(payment.state in states for payment in self.model.payments.values())

    def movable(self) -> bool:
        return any(not ends(payment) for payment in self.model.payments.values())

    @precondition(movable)
    @rule(pick=PICK, ways=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 120), st.booleans()), min_size=1))
    def move(self, pick: int, ways: list[tuple[int, int, bool]]) -> None:
        """Let a payment go on, as far as its ways lead."""
        before = self.picked(pick, lambda payment: not ends(payment), lambda payment: payment.id in self.model.holds)
        for which, charged, final in ways:
            fitting = [event for event in EVENTS.get(before.state, ()) if fits(before, event)]
            if ends(before) or not fitting:
                return
            event = fitting[which % len(fitting)]
            self.append(before, self.after(before, event, charged, final), event)
            before = self.model.payments[before.id]

    def append(self, before: Payment, after: Payment, event: Event | None) -> None:
        halted = self.model.stopped(after) if stops(before, after) else None
        if not self.agree(halted, self.store.append(before, after)):
            return
        self.model.put(after)
        if event is Event.REORGANISED:
            self.overdrawn |= self.beyond()

    def after(self, payment: Payment, event: Event, charged: int, final: bool) -> Payment:
        """Return the payment after an event, with what the chain or the signer brings."""
        facts: dict[str, Any] = {}
        if event in {Event.SIGNATURE_MADE, Event.STEP_SIGNED}:
            facts = self.signature(payment)
        if event in {Event.CONFIRMED, Event.TRANSACTION_REVERTED} and payment.plan is not None:
            facts["plan"] = mined(payment.plan, charged, succeeded=event is Event.CONFIRMED)
        if event is Event.CONFIRMED:
            amount = charged % (payment.intent.amount.atomic + 1) if payment.plan is None else None
            facts["receipt"] = receipt_of(payment, amount, final=final)
        if event is Event.REORGANISED:
            facts = {"receipt": None, "plan": payment.plan and unmined(payment.plan)}
        return payment.move(event, at=self.now, **facts)

    def signature(self, payment: Payment) -> dict[str, Any]:
        if payment.plan is None:
            return {"payload": SignedPayload(header="X-PAYMENT", value=f"bytes {payment.id}")}
        made = payment.plan.attempts
        nonce = made[0].nonce if made else self.model.nonce_of(payment)
        attempt = Attempt(hash=f"0x{self.names:032x}{len(made):032x}", nonce=nonce, gas_limit=1, max_fee=1, tip=None)
        return {"plan": payment.plan.with_attempt(0, attempt)}

    @precondition(lambda self: self.some(State.SUBMITTED, State.SETTLED))
    @rule(pick=PICK)
    def deliver(self, pick: int) -> None:
        before = self.picked(pick, lambda payment: payment.state in {State.SUBMITTED, State.SETTLED})
        self.append(before, before.learn(delivered=True), None)

    @precondition(lambda self: self.model.earlier)
    @rule(pick=PICK)
    def append_to_what_was(self, pick: int) -> None:
        """A writer that was overtaken writes nothing."""
        stale = self.model.earlier[pick % len(self.model.earlier)]
        self.agree(JournalConflict(stale.id), self.store.append(stale, stale.learn(alarm="late")))

    @precondition(lambda self: any(each.plan and each.state in OPENED for each in self.model.payments.values()))
    @rule(pick=PICK, step=st.integers(0, 2), at_least=st.integers(0, 8))
    def claim_nonce(self, pick: int, step: int, at_least: int) -> None:
        payment = self.picked(pick, lambda payment: payment.plan is not None and payment.state in OPENED)
        given = self.run(self.store.claim_nonce(payment, step=step, at_least=at_least))
        assert self.model.claim(payment, step, at_least) == given

    # --- the world ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.payments) % 5 == 4)
    @rule(scope=SCOPES)
    def halt(self, scope: str) -> None:
        """Stop something; seldom, because what is stopped does not do much."""
        self.model.halts.add(scope)
        waiting = [each for each in self.model.payments.values() if each.state is State.AWAITING_APPROVAL]
        denied = {each.id for each in waiting if self.model.stopped(each)}
        said = self.run(self.store.halt(Halt(scope=scope, by="ann", reason="odd", at=self.now)))
        assert denied == set(said)
        for payment in waiting:
            if payment.id in denied:
                stopped = payment.move(Event.REFUSED, at=self.now, note=str(self.model.stopped(payment)))
                self.model.put(stopped)

    @precondition(lambda self: self.model.halts)
    @rule(pick=PICK)
    def lift(self, pick: int) -> None:
        scope = sorted(self.model.halts)[pick % len(self.model.halts)]
        self.model.halts.remove(scope)
        lifted = self.run(self.store.lift(scope, by="bob", reason="fine", at=self.now))
        assert lifted is not None

    @rule(seconds=st.sampled_from([1, 20, 70]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    # --- what holds always --------------------------------------------------------------------------------------------

    def beyond(self) -> set[WindowKey]:
        """Return the windows that hold more than their limit; those of a rolling one count together."""
        shares = self.model.shares()
        sums = {key: share.reserved + share.committed for key, share in shares.items()}
        rolling = sum(taken for (scope, _, _), taken in sums.items() if scope == "treasury")
        for key in [key for key in sums if key[0] == "treasury"]:
            sums[key] = rolling
        return {key for key, taken in sums.items() if taken > LIMITS.get(key[0].split(":")[0], 10_000)}

    @invariant()
    def sums_are_those_of_the_model(self) -> None:
        shares = self.model.shares()
        expected = {key: share.reserved + share.committed for key, share in shares.items()}
        assert expected == dict(self.run(self.store.sums(list(expected))))

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        beyond = self.beyond()
        assert beyond <= self.overdrawn
        self.overdrawn &= beyond

    # --- in the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self.check_end()
        finally:
            self.run(self.store.aclose())
            self.loop.close()

    def check_end(self) -> None:
        """Compare all that can be read: payments, pages, requests, nonces, statistics, audit log, each sum's parts."""
        stored = {payment_id: self.run(self.store.get(payment_id)) for payment_id in self.model.payments}
        assert self.model.payments == stored
        newest = list(reversed(self.model.payments))
        assert newest == [payment.id for payment in self.run(self.store.page(limit=1000)).payments]
        unresolved = self.run(self.store.unresolved(limit=1000))
        assert list(self.model.unresolved()) == [payment.id for payment in unresolved.payments]
        for request in self.model.requests.values():
            assert request == self.run(self.store.approval(request.id))
        for payer in (PAYER, OTHER_PAYER):
            known = self.model.nonces[payer]
            assert [known[nonce] for nonce in sorted(known)] == list(self.run(self.store.nonces(CHAIN, payer)))
        self.check_totals()
        self.check_audit()
        self.check_parts()

    def check_totals(self) -> None:
        totals: Counter[tuple[State, str]] = Counter()
        for total in self.run(self.store.statistics()):
            totals[total.state, str(total.asset)] += total.amount
        assert self.model.totals() == totals

    def check_audit(self) -> None:
        """The chain is whole, and tells each payment's moves."""
        rows = self.run(self.store.entries(limit=10_000))
        assert first_break(rows) is None
        moves: dict[str, list[str]] = {payment_id: [] for payment_id in self.model.payments}
        for row in rows:
            if row.kind == "payment":
                moves[row.facts["payment"]] += [each for each in row.facts["events"].split(", ") if each != "learned"]
        assert {payment.id: told(payment) for payment in self.model.payments.values()} == moves

    def check_parts(self) -> None:
        """Ask each window for more than there can be: the refusal tells what is reserved, and what is spent."""
        if self.model.halts:
            return
        for (scope, window, _), share in self.model.shares().items():
            asset = next(
                hold.amount.asset for holds in self.model.holds.values() for hold in holds if key_of(hold)[0] == scope
            )
            probe = Hold(scope=scope, window=window, amount=Amount(10**9, asset), limit=Amount(1, asset))
            payment = self.fresh(payer=PAYER, agent="ann", amount=1, thing=9, key=None, acts=None)
            opening = self.store.open(self.reserving(payment, Event.ALLOWED), [probe], now=self.now, new_purchase=True)
            refusal = self.heard(opening)
            assert isinstance(refusal, BudgetExceeded)
            assert (share.reserved, share.committed) == (refusal.reserved.atomic, refusal.committed.atomic)


def fits(payment: Payment, event: Event) -> bool:
    """Tell whether the event is one of an action, or of an authorization, as the payment is."""
    if payment.plan is None:
        return event not in {Event.STEP_SIGNED, Event.TRANSACTION_REVERTED}
    return event is not Event.EXPIRED_UNUSED


def mined(plan: Plan, fee: int, *, succeeded: bool) -> Plan:
    found = Mined(
        transaction=plan.attempts[-1].hash, block_number=8, block_hash=f"0x{8:064x}", succeeded=succeeded, fee=fee
    )
    return plan.with_step(0, replace(plan.steps[0], mined=found))


def unmined(plan: Plan) -> Plan:
    step: Step = replace(plan.steps[0], mined=None)
    return plan.with_step(0, step)


def receipt_of(payment: Payment, charged: int | None, *, final: bool) -> Receipt:
    """Return the proof of a payment, for `charged` atomic units or all of them."""
    moved = payment.intent.amount if charged is None else replace(payment.intent.amount, atomic=charged)
    return Receipt(
        payment_id=payment.id,
        network=CHAIN,
        transaction=f"0x{'aa' * 32}",
        payer=payment.intent.payer,
        payee=payment.intent.payee,
        amount=moved,
        nonce=f"0x{payment.intent.digest.hex()}",
        block_number=8,
        block_hash=f"0x{'bb' * 32}",
        final=final,
    )


class OfMemory(LedgerMachine):
    def journal(self) -> Storage:
        return MemoryJournal()


class OfSQLite(LedgerMachine):
    def journal(self) -> Storage:
        return open_journal("sqlite://")


LONG = settings.get_current_profile_name() == "long"
LIKE_HERE = settings(settings.default, stateful_step_count=50, phases=(Phase.reuse, Phase.generate, Phase.shrink))
"""No explanations: they trace every line of every library."""
TestMemoryJournalLikeTheModel = OfMemory.TestCase
TestMemoryJournalLikeTheModel.settings = settings(LIKE_HERE, max_examples=5_000 if LONG else 80)
TestSqlJournalLikeTheModel = OfSQLite.TestCase
TestSqlJournalLikeTheModel.settings = settings(
    LIKE_HERE,
    max_examples=2_000 if LONG else 40,
    phases=LIKE_HERE.phases if LONG else (Phase.reuse, Phase.generate),  # making it small takes minutes on a database
)
