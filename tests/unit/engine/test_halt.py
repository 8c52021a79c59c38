"""The kill switch: what it stops, what it calls back, and what it says about the rest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from paygent.adapters.local_signer import LocalSigner
from paygent.core.audit import first_break
from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.errors import AdapterError, ConfigurationError, Halted
from paygent.core.halt import EVERYTHING, Halt
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization
from paygent.core.typed_data import TypedData
from paygent.core.utc import utc
from paygent.engine.halt import HaltReport, KillSwitch
from paygent.engine.reconcile import Reconciler
from paygent.engine.tokens import TokenBook
from paygent.evm import eip3009
from paygent.evm.audit_export import signer_of
from paygent.evm.tokens import TOKENS, domain
from paygent.ports.relayer import Relayer
from paygent.ports.signer import Signer
from paygent.testing.chain import MemoryChain, TransactionReverts
from paygent.testing.clock import START, VirtualClock
from paygent.testing.conformance import payments
from paygent.testing.engine import NETWORK, TOKEN, MemoryEngine, memory_engine
from paygent.testing.journal import MemoryJournal
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio


class MemoryRelayer:
    """Submits cancellations to a chain in memory, which believes only the payer's signature."""

    def __init__(self, chain: MemoryChain, known: list[Authorization], *, before: Callable[[], object] = int) -> None:
        self._chain = chain
        self._known = {authorization.nonce: authorization for authorization in known}
        self._before = before
        self.sent: list[str] = []

    async def send(self, chain: ChainId, to: str, data: str) -> str:
        assert (NETWORK, TOKEN.asset.id.address) == (chain, to)
        self.sent.append(data)
        self._before()
        words = [data[10 + 64 * place : 74 + 64 * place] for place in range(5)]
        authorization = self._known[f"0x{words[1]}"]
        signature = bytes.fromhex(words[3] + words[4] + words[2][-2:])
        signed = eip3009.cancel_typed_data(f"0x{words[0][24:]}", f"0x{words[1]}", domain(TOKEN))
        assert authorization.payer == signer_of(signed, signature)
        try:
            return self._chain.cancel(authorization)
        except TransactionReverts as error:
            raise AdapterError(f"the contract reverted: {error}", retryable=False) from error


def switch(
    memory: MemoryEngine, *, relayer: Relayer | None = None, signers: tuple[Signer, ...] | None = None
) -> KillSwitch:
    mine = (LocalSigner(dev_accounts()[0].private_key),)
    return KillSwitch(
        storage=memory.journal,
        reconciler=memory.engine.reconciler,
        tokens=TokenBook({TOKEN.asset.id: TOKEN}, {NETWORK: memory.chain}),
        clock=memory.clock,
        signers=mine if signers is None else signers,
        relayer=relayer,
    )


async def stop(switches: KillSwitch, scope: str = EVERYTHING) -> HaltReport:
    return await switches.halt(scope, by="ada", reason="odd")


async def test_halt_cancels_what_is_out_on_chain() -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()

    report = await stop(switch(memory, relayer=MemoryRelayer(memory.chain, [authorization])))

    [cancelled] = report.cancelled
    assert (payment.id, State.CANCELLED, True) == (cancelled.payment.id, cancelled.payment.state, cancelled.proven)
    assert cancelled.transaction is not None
    assert f"cancelled in {cancelled.transaction}" == cancelled.payment.history[-1].note
    assert report.complete
    assert (0, 0) == memory.held()
    with pytest.raises(TransactionReverts):
        memory.chain.settle(authorization)


async def test_halt_stores_the_halt_before_it_cancels() -> None:
    memory = memory_engine()
    _, authorization = await memory.sent()
    seen: list[Any] = []
    relayer = MemoryRelayer(memory.chain, [authorization], before=lambda: seen.extend(memory.journal._halts))

    await stop(switch(memory, relayer=relayer))

    assert [EVERYTHING] == seen


async def test_halt_calls_back_many_payments() -> None:
    memory = memory_engine()
    sent = [await memory.sent() for _ in range(20)]
    relayer = MemoryRelayer(memory.chain, [authorization for _, authorization in sent])

    report = await stop(switch(memory, relayer=relayer))

    assert {payment.id for payment, _ in sent} == {each.payment.id for each in report.cancelled}
    assert 20 == len(relayer.sent)


async def test_halt_reports_a_payment_that_settled_just_before_the_cancellation() -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()
    relayer = MemoryRelayer(memory.chain, [authorization], before=lambda: memory.chain.settle(authorization))

    report = await stop(switch(memory, relayer=relayer))

    assert [(payment.id, State.SETTLED)] == [(each.id, each.state) for each in report.settled]
    assert ((), (), True) == (report.cancelled, report.uncancelled, report.complete)
    assert (0, 1_000) == memory.held()


async def test_halt_submits_nothing_for_what_is_settled_already() -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    relayer = MemoryRelayer(memory.chain, [authorization])

    report = await stop(switch(memory, relayer=relayer))

    assert [payment.id] == [each.id for each in report.settled]
    assert [] == relayer.sent


async def test_halt_reports_what_expired_and_what_was_cancelled_before() -> None:
    memory = memory_engine()
    expired, authorization = await memory.sent()
    memory.clock.advance(authorization.valid_before - memory.clock.now())
    cancelled, authorization = await memory.sent()
    memory.chain.cancel(authorization)

    report = await stop(switch(memory))

    assert [(expired.id, State.EXPIRED)] == [(each.id, each.state) for each in report.ended]
    assert [(cancelled.id, None, True)] == [
        (each.payment.id, each.transaction, each.proven) for each in report.cancelled
    ]


@pytest.mark.parametrize("scheme", ["exact", "upto"])
async def test_halt_cannot_cancel_permit2_and_says_so(scheme: str) -> None:
    memory = memory_engine()
    facilitator = dev_accounts()[2].address if scheme == "upto" else None
    payment, authorization = await memory.sent(scheme=scheme, method="permit2", facilitator=facilitator)
    relayer = MemoryRelayer(memory.chain, [authorization])

    report = await stop(switch(memory, relayer=relayer))

    [left] = report.uncancelled
    assert payment.id == left.payment.id
    assert "only a transaction of the payer itself can invalidate a Permit2 nonce" in left.reason
    assert f"it can settle until {utc(payment.intent.deadline)} by block time" in left.reason
    assert ([], False) == (relayer.sent, report.complete)


async def test_halt_reports_what_is_out_when_there_is_no_relayer() -> None:
    memory = memory_engine()
    await memory.sent()

    report = await stop(switch(memory))

    assert ["no relayer pays for the cancellation"] == [left.reason.partition(";")[0] for left in report.uncancelled]


async def test_halt_reports_what_is_out_when_the_wallet_s_key_is_not_here() -> None:
    memory = memory_engine()
    _, authorization = await memory.sent()
    other = LocalSigner(dev_accounts()[4].private_key)

    report = await stop(switch(memory, relayer=MemoryRelayer(memory.chain, [authorization]), signers=(other,)))

    assert [f"the key of {memory.payer} is not here to sign"] == [
        left.reason.partition(";")[0] for left in report.uncancelled
    ]


class Signing:
    """A signer of the wallet that goes wrong."""

    def __init__(self, signature: bytes) -> None:
        self._signature = signature
        self.address = dev_accounts()[0].address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        assert "CancelAuthorization" == data.primary_type
        return self._signature


async def test_halt_reports_what_is_out_when_the_signer_breaks() -> None:
    memory = memory_engine()
    _, authorization = await memory.sent()
    relayer = MemoryRelayer(memory.chain, [authorization])

    report = await stop(switch(memory, relayer=relayer, signers=(Signing(bytes(64)),)))

    assert ["the signer returned 64 bytes, a signature has 65"] == [left.reason for left in report.uncancelled]
    assert [] == relayer.sent


class Broken:
    """A signer of the wallet, or a relayer, of somebody who does not know Paygent's errors."""

    def __init__(self) -> None:
        self.address = dev_accounts()[0].address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        raise RuntimeError(f"the key service said {data.primary_type}")

    async def send(self, chain: ChainId, to: str, data: str) -> str:
        raise OSError(f"{chain} {to} {len(data)}")


@pytest.mark.parametrize("broken", ["signer", "relayer"])
async def test_halt_reports_all_that_is_out_whatever_a_signer_or_relayer_raises(broken: str) -> None:
    memory = memory_engine()
    sent = [await memory.sent() for _ in range(3)]
    relayer: Relayer = Broken() if broken == "relayer" else MemoryRelayer(memory.chain, [each for _, each in sent])
    signers: tuple[Signer, ...] | None = (Broken(),) if broken == "signer" else None

    report = await stop(switch(memory, relayer=relayer, signers=signers))

    assert {payment.id for payment, _ in sent} == {left.payment.id for left in report.uncancelled}
    name = "RuntimeError" if broken == "signer" else "OSError"
    assert {f"the wallet's signer or the relayer broke: {name}"} == {left.reason for left in report.uncancelled}


class OutOfReach:
    """A relayer whose endpoint does not answer."""

    async def send(self, chain: ChainId, to: str, data: str) -> str:
        raise AdapterError(f"no answer from {chain}: {to} {len(data)}", retryable=True)


async def test_halt_reports_what_is_out_when_the_relayer_fails_and_again_cancels_it() -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()

    first = await stop(switch(memory, relayer=OutOfReach()))
    memory.clock.advance(5)
    second = await stop(switch(memory, relayer=MemoryRelayer(memory.chain, [authorization])))

    assert [payment.id] == [left.payment.id for left in first.uncancelled]
    assert "no answer from" in first.uncancelled[0].reason
    assert [payment.id] == [each.payment.id for each in second.cancelled]
    assert first.halt == second.halt


async def test_halt_says_that_a_cancellation_is_not_final_and_again_does_not_pay_twice() -> None:
    memory = memory_engine(confirmations=2)
    payment, authorization = await memory.sent()
    relayer = MemoryRelayer(memory.chain, [authorization])

    first = await stop(switch(memory, relayer=relayer))
    second = await stop(switch(memory, relayer=relayer))
    memory.chain.mine()
    memory.chain.mine()
    third = await stop(switch(memory, relayer=relayer))

    transactions = {report.cancelled[0].transaction for report in (first, second)}
    assert (1, {payment.id}) == (len(transactions), {report.cancelled[0].payment.id for report in (first, second)})
    assert [False, False, True] == [report.complete for report in (first, second, third)]
    assert State.CANCELLED is third.cancelled[0].payment.state


async def test_halt_without_an_endpoint_says_that_nothing_is_proven() -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()
    relayer = MemoryRelayer(memory.chain, [authorization])
    blind = switch(memory, relayer=relayer)
    blind._reconciler = Reconciler(journal=memory.journal, chains={}, clock=memory.clock)

    first = await stop(blind)
    second = await stop(blind)

    assert [(payment.id, False)] == [(each.payment.id, each.proven) for each in first.cancelled]
    assert ["the contract reverted: EIP3009: authorization is used or canceled"] == [
        left.reason for left in second.uncancelled
    ]


async def test_halt_asks_the_chain_which_domain_a_disputed_token_has() -> None:
    memory = memory_engine()
    disputed = replace(TOKEN, versions=("9", *TOKEN.versions))
    book = TokenBook({TOKEN.asset.id: disputed}, {NETWORK: memory.chain})

    assert domain(TOKEN) == await book.domain(TOKEN.asset.id)
    with pytest.raises(ConfigurationError, match="is not a known token"):
        await book.domain(next(iter(TOKENS)))
    with pytest.raises(ConfigurationError, match="configure an endpoint"):
        await TokenBook({TOKEN.asset.id: disputed}, {}).domain(TOKEN.asset.id)


# --- scopes ---------------------------------------------------------------------------------------------------------


async def journal_of(*contexts: Context) -> tuple[MemoryJournal, list[Payment]]:
    """Return a journal of a sent payment for each context, and the payments."""
    journal, sent = MemoryJournal(), []
    for number, context in enumerate(contexts):
        reserved = replace(payments.reserved(number), context=context)
        await journal.open(reserved, (), now=START, new_purchase=True)
        await journal.append(reserved, payments.sent(reserved))
        sent.append(payments.sent(reserved))
    return journal, sent


def blind(journal: MemoryJournal) -> KillSwitch:
    clock = VirtualClock()
    return KillSwitch(
        storage=journal,
        reconciler=Reconciler(journal=journal, chains={}, clock=clock),
        tokens=TokenBook({}, {}),
        clock=clock,
    )


CONTEXTS = (Context(), Context(agent="a"), Context(agent="a", session="s"), Context(session="s"), Context(agent="b"))


@pytest.mark.parametrize(
    ("scope", "places"),
    [
        (EVERYTHING, {0, 1, 2, 3, 4}),
        (f"wallet:{payments.PAYER.upper().replace('X', 'x')}", {0, 1, 2, 3, 4}),
        ("wallet:0x" + "99" * 20, set()),
        ("agent:a", {1, 2}),
        ("agent:b", {4}),
        ("agent:c", set()),
        ("session:s", {2, 3}),
    ],
)
async def test_halt_calls_back_its_own_scope_only(scope: str, places: set[int]) -> None:
    journal, sent = await journal_of(*CONTEXTS)

    report = await stop(blind(journal), scope)

    assert {sent[place].id for place in places} == {left.payment.id for left in report.uncancelled}


async def test_halt_finds_payments_on_every_page() -> None:
    journal, sent = await journal_of(*[Context()] * 230)

    report = await stop(blind(journal))

    assert {payment.id for payment in sent} == {left.payment.id for left in report.uncancelled}


@pytest.mark.parametrize("scope", ["", "all", "agent:", "tool:x", "everything "])
async def test_halt_refuses_what_is_no_scope(scope: str) -> None:
    journal, _ = await journal_of()
    with pytest.raises(ConfigurationError, match="is not a scope"):
        await stop(blind(journal), scope)


@pytest.mark.parametrize("scope", ["wallet:0xab", "wallet:main", "agent:a\nb", "session:\ud800"])
async def test_halt_refuses_a_name_that_no_payment_has(scope: str) -> None:
    journal, _ = await journal_of()
    with pytest.raises(ConfigurationError, match=r"is no wallet|names are printable"):
        await stop(blind(journal), scope)
    assert [] == list(await journal.halts())


@pytest.mark.parametrize(("by", "reason"), [("", "odd"), ("a\nb", "odd"), ("ada", "\x1b[2J")])
async def test_halt_and_lift_refuse_when_nobody_is_named_in_plain_words(by: str, reason: str) -> None:
    journal, _ = await journal_of()
    with pytest.raises(ConfigurationError, match="say who halts or lifts"):
        await blind(journal).halt(EVERYTHING, by=by, reason=reason)
    with pytest.raises(ConfigurationError, match="say who halts or lifts"):
        await blind(journal).lift(EVERYTHING, by=by, reason=reason)


# --- what the storage sees ------------------------------------------------------------------------------------------


async def test_nothing_is_paid_while_halted_and_everything_once_lifted() -> None:
    memory = memory_engine()
    switches = switch(memory)
    await stop(switches, f"wallet:{memory.payer}")

    with pytest.raises(Halted):
        await memory.sent()
    assert [f"wallet:{memory.payer.lower()}"] == [halt.scope for halt in await switches.halts()]

    lifted = await switches.lift(f"wallet:{memory.payer}", by="bob", reason="checked")
    assert Halt(scope=f"wallet:{memory.payer}", by="ada", reason="odd", at=memory.clock.now()) == lifted
    assert await switches.lift(f"wallet:{memory.payer}", by="bob", reason="checked") is None
    assert () == await switches.halts()
    await memory.sent()


async def test_a_halt_and_what_it_called_back_are_in_the_audit_log() -> None:
    memory = memory_engine()
    payment, _ = await memory.sent()
    switches = switch(memory)
    await stop(switches)
    await switches.lift(EVERYTHING, by="bob", reason="checked")

    entries = await memory.journal.entries()

    halts = [entry for entry in entries if entry.kind in {"halt", "lift"}]
    assert ["halt", "halt", "lift"] == [entry.kind for entry in halts]
    assert {"scope": EVERYTHING, "uncancelled": payment.id} == halts[1].facts
    assert first_break(entries) is None


async def test_halt_reports_a_payment_without_an_authorization() -> None:
    """No engine writes one; a storage that another program wrote to may hold one all the same."""
    journal = MemoryJournal()
    reserved = replace(payments.reserved(), authorization=None)
    await journal.open(reserved, (), now=START, new_purchase=True)
    await journal.append(reserved, payments.sent(reserved))

    report = await stop(blind(journal))

    assert [reserved.id] == [left.payment.id for left in report.uncancelled]


# --- what people read -----------------------------------------------------------------------------------------------


async def test_explain_says_what_became_of_every_payment() -> None:
    memory = memory_engine(confirmations=1)
    expired, authorization = await memory.sent()
    memory.clock.advance(authorization.valid_before - memory.clock.now())
    settled, authorization = await memory.sent()
    memory.chain.settle(authorization)
    memory.chain.mine()
    permit2, _ = await memory.sent(method="permit2")
    cancelled, authorization = await memory.sent()

    report = await stop(switch(memory, relayer=MemoryRelayer(memory.chain, [authorization])), f"wallet:{memory.payer}")
    memory.chain.mine()
    again = await stop(switch(memory), f"wallet:{memory.payer}")

    said = replace(report, denied=(settled.id,), troubles=("no key",)).explain().split("\n")
    assert f"wallet:{memory.payer.lower()} is halted since {utc(memory.clock.now())} by ada: odd" == said[0]
    assert f"{settled.id} waited for approval and is denied" == said[1]
    assert f"{cancelled.id} is cancelled in transaction {report.cancelled[0].transaction}, not proven" in said[2]
    assert f"{settled.id} was settled before: {report.settled[0].receipt}" == said[3]
    assert f"{expired.id} was EXPIRED already" == said[4]
    assert said[5].startswith(f"{permit2.id} CAN STILL SETTLE: only a transaction of the payer")
    assert "trouble: no key" == said[6]
    assert f"{cancelled.id} is cancelled" == again.explain().split("\n")[1]


async def test_report_names_no_trouble_where_nothing_can_settle_any_more() -> None:
    report = await stop(switch(memory_engine()), "agent:idle")

    said = replace(report, troubles=("no relayer",)).explain()
    assert ("agent:idle is halted since", True, False) == (said[:26], report.complete, "trouble" in said)
