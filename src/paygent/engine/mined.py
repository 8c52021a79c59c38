"""What the chain says of an action's transactions: read here, decided without I/O in `decide_plan`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from paygent.core.action import Action
from paygent.core.caip import AssetId
from paygent.core.errors import AdapterError
from paygent.core.lifecycle import Event
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.transaction import Mined, Plan, Step
from paygent.engine.allowance import loose
from paygent.engine.proof import Finding, Proven, Unproven
from paygent.engine.revert import reverts
from paygent.evm import agent_wallet, erc20
from paygent.evm.batch import is_batch
from paygent.evm.calls import closes, is_approval, is_revocation
from paygent.evm.router import pays_service, router
from paygent.ports.chain import Block, Chain, Log
from paygent.ports.transactions import TransactionReceipt, Transactions

GRACE_SECONDS: Final = 600
"""How long after its deadline an action that stands still may be taken up again, to take an approval back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEvidence:
    """What was read from one chain about one plan."""

    head: Block
    final: Block
    receipts: Mapping[str, TransactionReceipt]
    """By hash: those in a block that is on the chain."""
    nonce_everywhere: int
    """How many transactions of the account are in final blocks that every node has; 0 where nobody had to know."""
    coin_received: int | None = None
    """What the last transaction brought of the chain's coin, in wei; None where that cannot be said."""
    loose: bool = False
    """More was taken of its approval, or still can be, than what its transactions moved."""
    reverts: Mapping[str, str] = field(default_factory=dict[str, str])
    """What contracts gave back in the transactions that reverted, by hash, where the chain says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFinding:
    """How far the plan is, and what that proves."""

    plan: Plan
    finding: Finding
    fulfilled: bool = False
    """What moved is what the action said."""


async def gather_plan(chain: Chain, writer: Transactions, payment: Payment, plan: Plan) -> PlanEvidence:
    """Return what the chain says about the transactions of a plan.

    Raises: AdapterError: the chain could not answer; nothing is known then.
    """
    receipts = await _receipts(chain, writer, plan, behind=True)
    final = await chain.block("finalized")  # after them: what was read is final where blocks are at once
    head = await chain.block("latest")
    nonce, open_nonces = 0, [step.nonce for step in plan.steps if step.nonce is not None and not _has(step, receipts)]
    if open_nonces:
        nonce = await _nonce_everywhere(writer, payment.intent.payer, min(final.number, head.number - writer.node_lag))
    if nonce > min(open_nonces, default=nonce):  # looked for once more, where every node has what took the nonce
        receipts = await _receipts(chain, writer, plan, behind=False)
    brought = await _coin_received(writer, payment, plan, receipts)
    return PlanEvidence(
        head=head,
        final=final,
        receipts=receipts,
        nonce_everywhere=nonce,
        coin_received=brought,
        loose=await loose(chain, payment.intent.payer, plan, receipts),
        reverts=await reverts(writer, payment.intent.payer, plan, receipts),
    )


async def _receipts(chain: Chain, writer: Transactions, plan: Plan, *, behind: bool) -> dict[str, TransactionReceipt]:
    """Return the receipts of a plan that are in a block of the chain, by hash.

    Args: behind: the node that is asked for the block may be behind the one that has the receipt.
    """
    found: dict[str, TransactionReceipt] = {}
    for attempt in plan.attempts:
        receipt = await writer.receipt(attempt.hash)
        if receipt is None:
            continue
        try:
            on_chain = (await chain.block(receipt.block_number)).hash == receipt.block_hash
        except AdapterError as error:
            if not (behind and error.retryable):
                raise
            continue
        if on_chain:
            found[attempt.hash] = receipt
    return found


def _has(step: Step, receipts: Mapping[str, TransactionReceipt]) -> bool:
    return any(attempt.hash in receipts for attempt in step.attempts)


async def _nonce_everywhere(writer: Transactions, payer: str, height: int) -> int:
    """Return how many transactions of an account are in blocks up to a height; 0 where no node says."""
    try:
        return 0 if height < 0 else await writer.mined_nonce(payer, at=height)
    except AdapterError as error:
        if error.retryable:
            raise
        return 0  # the node has forgotten that block


async def _coin_received(
    writer: Transactions, payment: Payment, plan: Plan, receipts: Mapping[str, TransactionReceipt]
) -> int | None:
    """Return what a trade brought of the coin, where its block has no other transaction of the account."""
    trade = plan.trading[-1]
    last = next((receipts[each.hash] for each in trade.attempts if each.hash in receipts), None)
    if last is None or not any(amount.asset.id.native for amount in plan.action.receive):
        return None
    payer, number = payment.intent.payer, last.block_number
    try:
        sent = await writer.mined_nonce(payer, at=number) - await writer.mined_nonce(payer, at=number - 1)
        after, before = await writer.balance(payer, at=number), await writer.balance(payer, at=number - 1)
    except AdapterError as error:
        if error.retryable:
            raise
        return None  # the node has forgotten the balances of that block
    return after - before + last.fee + trade.call.value if sent == 1 else None


def decide_plan(payment: Payment, plan: Plan, evidence: PlanEvidence) -> PlanFinding:
    """Return how far the plan is and what is proven. Money is freed only by what a final block says."""
    found = replace(plan, steps=tuple(_step(step, evidence) for step in plan.steps))
    return _ended(payment, found, evidence)


def approval_left(plan: Plan) -> Step | None:
    """Return the mined approval that no later step of the plan used or took back, or None."""
    done = [step for step in plan.steps if step.mined is not None and step.mined.succeeded and not _cancelled(step)]
    if not done or not is_approval(done[-1].call) or is_revocation(done[-1].call):
        return None
    return done[-1]


def _step(step: Step, evidence: PlanEvidence) -> Step:
    for attempt in step.attempts:
        if (receipt := evidence.receipts.get(attempt.hash)) is not None:
            mined = Mined(
                transaction=receipt.transaction,
                block_number=receipt.block_number,
                block_hash=receipt.block_hash,
                succeeded=receipt.succeeded,
                fee=receipt.fee,
                revert=evidence.reverts.get(receipt.transaction),
            )
            return replace(step, mined=mined, taken=False)
    if step.mined is not None and evidence.head.number < step.mined.block_number:
        return step  # a node that lags proves nothing
    nonce = step.nonce
    return replace(step, mined=None, taken=nonce is not None and evidence.nonce_everywhere > nonce)


def _ended(payment: Payment, plan: Plan, evidence: PlanEvidence) -> PlanFinding:
    over = evidence.final.timestamp > plan.action.deadline + GRACE_SECONDS
    closing = plan.closing
    closed = closing is None or closing.over or (over and not closing.attempts)
    if closed and all(_did(step) for step in plan.trading):
        return _confirmed(payment, plan, evidence)
    reverted = next((step for step in plan.trading if _reverted(step)), None)
    ended = any(step.taken or _cancelled(step) or step.cleanup for step in plan.trading)
    stopped = reverted is not None or ended
    open_step = plan.current is not None and plan.steps[plan.current].attempts
    waits = (plan.current is not None and not stopped) or approval_left(plan) is not None
    if (
        open_step
        or (waits and not over)
        or (plan.current is not None and plan.steps[plan.current].cleanup and not over)
    ):
        return PlanFinding(plan=plan, finding=Unproven(why=_where(plan)))
    if not all(_is_final(step, evidence) for step in plan.steps):
        return PlanFinding(plan=plan, finding=Unproven(why="in a block that is not final yet"))
    if evidence.loose or traded(plan):
        return _loose(payment, plan, _why(plan, reverted))
    event = Event.CANCELLED_UNUSED if reverted is None else Event.TRANSACTION_REVERTED
    return PlanFinding(plan=plan, finding=Proven(event=event, receipt=None, note=_why(plan, reverted)))


def _did(step: Step) -> bool:
    return step.mined is not None and step.mined.succeeded and not step.cleanup and not _cancelled(step)


def traded(plan: Plan) -> bool:
    """Tell whether a step that may have moved money was done, whatever became of the others."""
    return any(_did(step) and not is_approval(step.call) for step in plan.steps)


def _reverted(step: Step) -> bool:
    return step.mined is not None and not step.mined.succeeded


def _cancelled(step: Step) -> bool:
    """Tell whether a payment to oneself was mined in place of the step."""
    mined = step.mined
    return mined is not None and any(a.kind == "cancel" and a.hash == mined.transaction for a in step.attempts)


def _is_final(step: Step, evidence: PlanEvidence) -> bool:
    return step.mined is None or step.mined.block_number <= evidence.final.number


def _where(plan: Plan) -> str:
    place = plan.current
    if place is None:
        return "every transaction is mined, and an approval is left"
    word = "sent and not mined" if plan.steps[place].attempts else "not signed"
    return f"step {place + 1} of {len(plan.steps)} is {word}"


def _why(plan: Plan, reverted: Step | None) -> str:
    said = "what was left of it was not done"
    if reverted is not None and reverted.mined is not None:
        said = f"transaction {reverted.mined.transaction} reverted in block {reverted.mined.block_number}"
    elif any(step.taken for step in plan.steps):
        said = "another transaction of the account used its nonce"
    elif any(_cancelled(step) for step in plan.steps):
        said = "cancelled by a payment to oneself"
    left = approval_left(plan)
    if left is not None:
        return f"{said}; {plan.action.counterparty} can still take {plan.action.spend}: approve it to take 0"
    return f"{said}; its approval was taken back" if any(step.cleanup for step in plan.steps) else said


# --- what moved -------------------------------------------------------------------------------------------------------


def _confirmed(payment: Payment, plan: Plan, evidence: PlanEvidence) -> PlanFinding:
    trade = plan.trading[-1]
    mined = trade.mined
    assert mined is not None  # noqa: S101  every step is mined
    logs = [log for receipt in evidence.receipts.values() for log in receipt.logs]
    moved = _moved(payment, plan.action, logs)
    received = _received(payment, plan.action, logs, evidence.coin_received)
    receipt = Receipt(
        payment_id=payment.id,
        network=payment.intent.network,
        transaction=mined.transaction,
        payer=plan.action.account or payment.intent.payer,
        payee=payment.intent.payee,
        amount=plan.action.spend
        if evidence.loose or moved == 0
        else min(Amount(moved, plan.action.spend.asset), plan.action.spend),
        nonce=f"0x{trade.nonce or 0:064x}",
        block_number=mined.block_number,
        block_hash=mined.block_hash,
        final=mined.block_number <= evidence.final.number,
        received=received,
        fee=Amount(plan.gas_spent, plan.gas.asset),
    )
    proven = Proven(event=Event.CONFIRMED, receipt=receipt, note=f"in block {mined.block_number}")
    return PlanFinding(plan=plan, finding=proven, fulfilled=_whole(plan) and _fulfilled(plan.action, moved, received))


def _loose(payment: Payment, plan: Plan, why: str) -> PlanFinding:
    """Return what an action came to that ended between its steps, when money had moved, or can by its approval."""
    last = next(step for step in reversed(plan.steps) if _did(step))
    assert last.mined is not None  # noqa: S101  it was done
    receipt = Receipt(
        payment_id=payment.id,
        network=payment.intent.network,
        transaction=last.mined.transaction,
        payer=payment.intent.payer,
        payee=payment.intent.payee,
        amount=plan.action.spend,
        nonce=f"0x{last.nonce or 0:064x}",
        block_number=last.mined.block_number,
        block_hash=last.mined.block_hash,
        final=True,
        fee=Amount(plan.gas_spent, plan.gas.asset),
    )
    return PlanFinding(plan=plan, finding=Proven(event=Event.CONFIRMED, receipt=receipt, note=why))


def _only_approved(plan: Plan, receipt: Receipt) -> bool:
    of = (s for s in plan.steps if s.mined is not None and s.mined.transaction == receipt.transaction)
    return len(plan.action.calls) > 1 and any(is_approval(step.call) for step in of)


def shortfall(payment: Payment) -> str | None:
    """Return how what moved differs from what a settled action said, for people, or None."""
    plan, receipt = payment.plan, payment.receipt
    if plan is None or receipt is None or payment.delivered:
        return None
    if _only_approved(plan, receipt):
        who, most = plan.action.counterparty, plan.action.spend
        return f"nothing was done, and {who} took some of the {most} that it was approved, or still can"
    wanted = ", ".join(map(str, plan.action.receive)) or f"a transfer of {plan.action.spend}"
    return f"the transaction succeeded without what was agreed, {wanted}"


def _moved(payment: Payment, action: Action, logs: list[Log]) -> int:
    """Return how many atomic units left the wallet, by the token's events; of the coin, what the calls carry."""
    asset = action.spend.asset.id
    if asset.native and action.account is not None:
        return agent_wallet.coin_moved(action.account, action.counterparty, logs)
    if asset.native:
        return sum(call.value for call in action.calls)
    payer = erc20.topic_address(action.account or payment.intent.payer)
    taker = _taker(action)
    to = None if taker is None else erc20.topic_address(taker)
    return sum(
        amount for sender, recipient, amount in _transfers(asset, logs) if sender == payer and to in (None, recipient)
    )


def _taker(action: Action) -> str | None:
    """Return the only account that the tokens of an action go to from the wallet; None where they go to several."""
    if action.purpose != "transfer" or is_batch(action):
        return None
    return router() if pays_service(action.calls[0], action) else action.counterparty


def _received(payment: Payment, action: Action, logs: list[Log], coin: int | None) -> tuple[Amount, ...]:
    payer = erc20.topic_address(payment.intent.payer)
    found: list[Amount] = []
    for least in action.receive:
        if not least.asset.id.native:
            brought = sum(amount for _, to, amount in _transfers(least.asset.id, logs) if to == payer)
            found.append(Amount(brought, least.asset))
        elif coin is not None:
            found.append(Amount(max(0, coin), least.asset))
    return tuple(found)


def _transfers(asset: AssetId, logs: list[Log]) -> list[tuple[str, str, int]]:
    """Return sender, recipient and atomic units of each transfer of a token."""
    return [
        (log.topics[1], log.topics[2], int(log.data, 16))
        for log in logs
        if log.address == asset.address
        and len(log.topics) == 3
        and log.topics[0] == erc20.TRANSFER
        and len(log.data) == 66
    ]


def _whole(plan: Plan) -> bool:
    """Tell whether no call of the action was given up, but for one that takes its approval back."""
    return len(plan.trading) >= len(plan.action.calls) - int(closes(plan.action))


def _fulfilled(action: Action, moved: int, received: tuple[Amount, ...]) -> bool:
    if action.purpose == "transfer":
        return moved == action.spend.atomic
    if moved > action.spend.atomic:  # an older approval was used besides
        return False
    brought = {amount.asset.id: amount.atomic for amount in received}
    return all(brought.get(least.asset.id, least.atomic) >= least.atomic for least in action.receive)
