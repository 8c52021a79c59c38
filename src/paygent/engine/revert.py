"""Why transactions of an action that were mined reverted: their calls, made once more around their blocks."""

from collections.abc import Mapping
from typing import Final

from paygent.core.action import Call
from paygent.core.errors import AdapterError
from paygent.core.ids import PaymentId
from paygent.core.transaction import Plan
from paygent.core.transaction_errors import TransactionReverted
from paygent.evm.contracts import own_errors
from paygent.evm.reverts import custom_error, reason
from paygent.ports.transactions import TransactionReceipt, Transactions

_LONGEST: Final = 2_050
"""Characters of revert data that are kept: a selector and 32 words are less."""


async def reverts(
    writer: Transactions, payer: str, plan: Plan, receipts: Mapping[str, TransactionReceipt]
) -> dict[str, str]:
    """Return what contracts gave back in the transactions that reverted, by hash, where the chain still says it.

    Raises: AdapterError: the chain could not answer.
    """
    found: dict[str, str] = {}
    for step in plan.steps:
        if step.mined is not None and step.mined.revert is not None:
            found[step.mined.transaction] = step.mined.revert
        for receipt in (receipts[each.hash] for each in step.attempts if each.hash in receipts):
            if not receipt.succeeded and receipt.transaction not in found:
                said = await _again(writer, payer, step.call, receipt.block_number)
                found |= {} if said is None else {receipt.transaction: said[:_LONGEST]}
    return found


async def _again(writer: Transactions, payer: str, call: Call, number: int) -> str | None:
    """Return what a call reverts with before its block; else after it, as others in the block may have caused it."""
    for block in (number - 1, number):
        try:
            simulated = await writer.simulate(payer, call.to, call.data, value=call.value, at=block)
        except AdapterError as error:
            if error.retryable:
                raise
            return None  # the node has forgotten that block
        if not simulated.succeeded:
            return simulated.data
    return None


def reverted(message: str, plan: Plan, errors: tuple[str, ...], *, payment_id: PaymentId) -> TransactionReverted:
    """Return what to raise of an action of which a transaction reverted.

    Args: errors: custom errors by signature, besides those of this project's contracts.
    """
    data = next((step.mined.revert for step in plan.steps if step.mined is not None and step.mined.revert), None)
    if data is None:
        return TransactionReverted(message, payment_id=payment_id)
    known = (*errors, *own_errors())
    name, values = custom_error(data, known)
    why = reason(data, known)
    return TransactionReverted(f"{message}: {why}", reason=why, error=name, arguments=values, payment_id=payment_id)
