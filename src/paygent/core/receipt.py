"""What became of a payment."""

from dataclasses import dataclass
from html import escape

from paygent.core.caip import ChainId
from paygent.core.ids import PaymentId
from paygent.core.money import Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a payment: proven by the chain, or, while `proven` is false, as the seller claims it."""

    payment_id: PaymentId
    network: ChainId
    transaction: str | None
    """0x hash of the transaction that moved the money; None where the seller named none."""
    payer: str
    payee: str
    amount: Amount
    """What moved; for `upto` what was charged."""
    nonce: str
    """0x and 64 hexadecimal digits: the authorization that was used, or the account nonce of an own transaction."""
    block_number: int | None = None
    block_hash: str | None = None
    final: bool = False
    """The block cannot be reorganised away any more."""
    received: tuple[Amount, ...] = ()
    """What a trade brought in, as the transaction's events say."""
    fee: Amount | None = None
    """What the gas of one's own transactions cost, all steps together; None where somebody else paid it."""

    @property
    def proven(self) -> bool:
        """The transfer was found on chain."""
        return self.block_hash is not None

    def __str__(self) -> str:
        said = f"{self.amount} to {self.payee} on {self.network}"
        if not self.proven:
            return f"{said}, claimed in transaction {self.transaction}, not proven"
        return f"{said} in transaction {self.transaction}, block {self.block_number}{', final' if self.final else ''}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"
