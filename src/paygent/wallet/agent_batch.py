"""Paying several payees at once from an AgentWallet."""

from collections.abc import Sequence
from typing import Final

from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.evm import word
from paygent.evm.batch import MOST_SHARES, Share, batch_call
from paygent.wallet.agent_calls import AgentCalls
from paygent.wallet.agent_state import token_of
from paygent.wallet.wallet import address_of

NO_REF: Final = f"0x{'0' * 64}"
"""The reference of a payment that has none."""


class BatchPayer(AgentCalls):
    """The operator's batches: one transaction, all payments or none."""

    async def pay_batch(
        self,
        payments: Sequence[tuple[str, Amount]],
        *,
        ref: str = NO_REF,
        idempotency_key: str | None = None,
        new_payment: bool = False,
        context: Context | None = None,
    ) -> Payment:
        """Pay several payees in one asset, all or none, once, as an operator; return the one payment with its proof.

        Contract and policy count the sum once; the contract's maximum of a payment holds for each. The policy's lists
        of payees hold for every payee, and a policy with limits of a recipient refuses batches.

        Args: payments: payee and amount, at most 100. Others: as `pay`.

        Raises: LocalProtocolError: no payments, too many, of two assets, or one of nothing. Otherwise as `pay`.
        """
        amounts = _of_one_asset([amount for _, amount in payments])
        shares = [Share(address_of(to), amount.atomic) for to, amount in payments]
        total = Amount(sum(share.atomic for share in shares), amounts[0].asset)
        call = batch_call(self.address, token_of(total.asset), shares, bytes32(ref))
        summary = f"Pay {total} to {len(shares)} payees from AgentWallet {self.address}"
        action = self._payment(total, self.address, call, summary)
        await self._check(action, idempotency_key, context, largest=max(amounts, key=lambda each: each.atomic))
        return await self._execute(action, idempotency_key=idempotency_key, new=new_payment, context=context)


def bytes32(text: str) -> bytes:
    """Return 32 bytes. Raises: LocalProtocolError: it is not 0x and 64 hexadecimal digits."""
    try:
        return word.bytes32(text)
    except ValueError as wrong:
        raise LocalProtocolError(str(wrong)) from wrong


def _of_one_asset(amounts: Sequence[Amount]) -> Sequence[Amount]:
    if not 0 < len(amounts) <= MOST_SHARES:
        raise LocalProtocolError(f"a batch has 1 to {MOST_SHARES} payments, not {len(amounts)}; nothing was sent")
    if len({amount.asset for amount in amounts}) != 1:
        raise LocalProtocolError("a batch is of one asset; pay each asset in a batch of its own")
    if any(amount.atomic == 0 for amount in amounts):
        raise LocalProtocolError("each payment of a batch is of more than nothing; give amounts above zero")
    return amounts
