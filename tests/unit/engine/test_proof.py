"""What each combination of facts proves, walked through completely."""

from itertools import product

import pytest

from paygent.core.ids import intent_id, payment_id
from paygent.core.intent import PaymentIntent
from paygent.core.lifecycle import Event, State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization, Scheme, Settlement, TransferMethod
from paygent.engine.proof import Evidence, Finding, Proven, Unproven, decide, lie
from paygent.evm import word
from paygent.ports.chain import Block, Log
from paygent.testing.engine import NETWORK, TOKEN

END = 1_000
CEILING = 500
FINAL = 10
PAYER, PAYEE = f"0x{'11' * 20}", f"0x{'22' * 20}"
KINDS: tuple[tuple[Scheme, TransferMethod], ...] = (("exact", "eip3009"), ("exact", "permit2"), ("upto", "permit2"))


def log(height: int, data: str = "0x") -> Log:
    return Log(
        address=f"0x{'33' * 20}",
        topics=(),
        data=data,
        block_number=height,
        block_hash=f"0x{height:064x}",
        transaction=f"0x{'cd' * 32}",
    )


def transfer(amount: int) -> Log:
    return log(FINAL, f"0x{word.uint256(amount).hex()}")


def signed(scheme: Scheme, method: TransferMethod, claim: Settlement | None = None) -> tuple[Payment, Authorization]:
    amount = Amount(CEILING, TOKEN.asset)
    authorization = Authorization(
        scheme=scheme,
        method=method,
        payer=PAYER,
        payee=PAYEE,
        amount=amount,
        nonce=f"0x{'44' * 32}",
        valid_after=0,
        valid_before=END,
    )
    intent = PaymentIntent(
        id=intent_id("x"),
        purpose="x402",
        network=NETWORK,
        payer=PAYER,
        payee=PAYEE,
        amount=amount,
        scheme=f"{scheme}/{method}",
        resource="http://s.test/",
        method="GET",
        request="00" * 32,
        deadline=END,
    )
    payment = Payment(
        id=payment_id(intent.id),
        intent=intent,
        state=State.SUBMITTED,
        version=4,
        created_at=0,
        authorization=authorization,
        claim=claim,
    )
    return payment, authorization


def _event(finding: Finding) -> Event | None:
    return finding.event if isinstance(finding, Proven) else None


def _expected(scheme: Scheme, method: TransferMethod, evidence: Evidence) -> tuple[Event | None, bool]:
    """The rules once more, as DESIGN says them: the event, and whether it is an alarm."""
    amounts = [int(each.data, 16) for each in evidence.transfers if each.data != "0x"]
    over = evidence.final.timestamp >= END
    if evidence.used is not None:
        paid = CEILING in amounts if scheme == "exact" else any(0 < amount <= CEILING for amount in amounts)
        return (Event.CONFIRMED, False) if paid else (None, True)
    if evidence.cancelled is not None:
        return (Event.CANCELLED_UNUSED if evidence.cancelled.block_number <= FINAL else None), False
    if not over:
        return None, False
    if evidence.spent_at_final is False:
        return Event.EXPIRED_UNUSED, False
    if evidence.spent_at_final and evidence.searched_to_end and method == "permit2":
        return Event.CANCELLED_UNUSED, False
    return None, bool(evidence.spent_at_final)


@pytest.mark.parametrize(("scheme", "method"), KINDS)
def test_decide_follows_the_rules_for_every_combination_of_facts(scheme: Scheme, method: TransferMethod) -> None:
    """SETTLED by use and transfer, CANCELLED and EXPIRED by final facts, everything else proves nothing."""
    payment, authorization = signed(scheme, method)
    facts = product(
        (None, log(FINAL), log(FINAL + 1)),
        ((), (transfer(CEILING),), (transfer(1),), (transfer(CEILING + 1),), (log(FINAL),), (transfer(0),)),
        (None, log(FINAL), log(FINAL + 1)),
        (None, False, True),
        (False, True),
        (END - 1, END, END + 1),
    )
    for used, transfers, cancelled, spent, searched, time in facts:
        evidence = Evidence(
            final=Block(number=FINAL, hash="0x", timestamp=time),
            used=used,
            transfers=transfers,
            cancelled=cancelled,
            spent_at_final=spent,
            searched_to_end=searched,
        )
        finding = decide(payment, authorization, evidence)

        assert _expected(scheme, method, evidence) == (_event(finding), isinstance(finding, Unproven) and finding.alarm)
        if isinstance(finding, Proven) and finding.receipt is not None:
            assert used is not None
            assert (used.block_number <= FINAL) == finding.receipt.final


def test_decide_counts_the_largest_transfer_when_one_transaction_settles_two_payments() -> None:
    """A budget must not be freed by pointing at another payment's smaller transfer."""
    payment, authorization = signed("upto", "permit2")
    evidence = Evidence(
        final=Block(number=FINAL, hash="0x", timestamp=0), used=transfer(1), transfers=(transfer(1), transfer(400))
    )

    finding = decide(payment, authorization, evidence)

    assert isinstance(finding, Proven)
    assert finding.receipt is not None
    assert 400 == finding.receipt.amount.atomic


CLAIM = Settlement(
    success=True, transaction=f"0x{'CD' * 32}", network=None, payer=None, amount=CEILING, error=None, pending=False
)
OTHER = Settlement(success=True, transaction=f"0x{'ee' * 32}", network=None, payer=None, amount=None, error=None)
LESS = Settlement(success=True, transaction=None, network=None, payer=None, amount=1, error=None)
FAILED = Settlement(success=False, transaction=None, network=None, payer=None, amount=None, error="no")


@pytest.mark.parametrize(
    ("claim", "told"),
    [(None, None), (CLAIM, None), (FAILED, None), (OTHER, "and happened in"), (LESS, "1 atomic units were claimed")],
)
def test_lie_is_told_when_the_claim_contradicts_the_transfer(claim: Settlement | None, told: str | None) -> None:
    """A claim is compared with the proof in what it says, and only in that."""
    payment, authorization = signed("exact", "eip3009", claim)
    evidence = Evidence(
        final=Block(number=FINAL, hash="0x", timestamp=0), used=log(FINAL), transfers=(transfer(CEILING),)
    )
    finding = decide(payment, authorization, evidence)
    assert isinstance(finding, Proven)

    said = lie(payment, finding)

    assert (said is None) == (told is None)
    assert told is None or (said is not None and told in said)


def test_lie_is_told_when_success_was_claimed_of_what_expired() -> None:
    """Success that the chain disproves is the plainest lie."""
    payment, _ = signed("exact", "eip3009", CLAIM)

    said = lie(payment, Proven(event=Event.EXPIRED_UNUSED, receipt=None, note=""))

    assert said is not None
    assert "the chain proves it expired unused" in said
