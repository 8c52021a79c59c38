"""Whether an approval took more out of the wallet than the transactions of its action show.

A spender may pull what it was approved in a transaction of its own, before the rest is taken back. Budget that such an
approval holds is free again only where the chain shows that nothing was pulled.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from paygent.core.errors import AdapterError
from paygent.core.transaction import Plan
from paygent.evm import erc20
from paygent.evm.calls import is_approval
from paygent.evm.reverts import selector_of
from paygent.ports.chain import Chain, Log
from paygent.ports.transactions import TransactionReceipt

_PULLS: Final = selector_of("transferFrom(address,address,uint256)")
_ATOMIC = slice(-64, None)


async def loose(chain: Chain, payer: str, plan: Plan, receipts: Mapping[str, TransactionReceipt]) -> bool:
    """Tell whether more of a mined approval was taken, or still can be, than what the plan's own transactions moved.

    Raises: AdapterError: the chain could not answer.
    """
    mined = [(step.call, receipts[each.hash]) for step in plan.steps for each in step.attempts if each.hash in receipts]
    done = [(call, receipt) for call, receipt in mined if receipt.succeeded and is_approval(call)]
    approved = sum(int(call.data[_ATOMIC], 16) for call, _ in done)
    if approved == 0:
        return False
    call, receipt = done[-1]
    if int(call.data[_ATOMIC], 16) != 0:
        return True
    token, block = plan.action.spend.asset.id.address, receipt.block_number
    try:
        said = await chain.call(token, erc20.allowance(payer, plan.action.counterparty), at=block - 1)
        topics = (erc20.TRANSFER, erc20.topic_address(payer))
        beside = await chain.logs(address=token, topics=topics, from_block=block, to_block=block)
        if any([await _pulled(chain, token, log) for log in beside if log.transaction not in receipts]):
            return True
        return erc20.uint(said) != approved - _moved(token, topics, (each for _, each in mined))
    except ValueError:
        return True
    except AdapterError as error:
        if error.retryable:
            raise
        return True  # the node has forgotten that block


async def _pulled(chain: Chain, token: str, log: Log) -> bool:
    """Tell whether a transfer may be a spender's: it is none that was asked of the token itself by its owner."""
    transaction = await chain.transaction(log.transaction)
    return transaction is None or transaction.to != token or transaction.input.startswith(_PULLS)


def _moved(token: str, topics: tuple[str, str], receipts: Iterable[TransactionReceipt]) -> int:
    logs = [log for receipt in receipts for log in receipt.logs]
    return sum(int(log.data, 16) for log in logs if log.address == token and log.topics[:2] == topics)
