"""Account nonces inside one transaction: one owner each, given out once."""

from collections.abc import Sequence

from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import NonceStatements
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import FREED, State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce


class Nonces:
    """The table of nonces on one connection."""

    def __init__(self, cursor: Cursor, statements: NonceStatements) -> None:
        self._cursor = cursor
        self._sql = statements

    def claim(self, payment: Payment, step: int, at_least: int) -> int:
        """Return the nonce of a step: the one it has, else the lowest free one, else the next."""
        network, account = payment.intent.network.text, payment.intent.payer.lower()
        held = self.held(network, account, at_least)
        for each in held:
            if (each.payment_id, each.step, each.free) == (payment.id, step, False):
                return each.nonce
        where = {"network": network, "account": account}
        owner = {"payment_id": payment.id, "step": step}
        if (free := next((each for each in held if each.free), None)) is not None:
            self._sql.take.run(
                self._cursor, **{f"{name}_": said for name, said in where.items()}, nonce_=free.nonce, **owner
            )
            return free.nonce
        nonce = max(at_least, self._last(network, account) + 1)
        self._sql.add.run(self._cursor, **where, nonce=nonce, **owner, free=0)
        return nonce

    def settle(self, after: Payment) -> None:
        """Free the nonces of a payment that is over, for which nothing was signed."""
        if after.plan is None or (after.state not in FREED and after.state is not State.SETTLED):
            return
        signed = {attempt.nonce for attempt in after.plan.attempts}
        for row in self._sql.of_payment.run(self._cursor, payment_id_=after.id).fetchall():
            if int(row[2]) not in signed:
                self._sql.free.run(self._cursor, network_=row[0], account_=row[1], nonce_=row[2], payment_id_=after.id)

    def held(self, network: str, account: str, at_least: int) -> Sequence[HeldNonce]:
        rows = self._sql.held.run(
            self._cursor, network_=network, account_=account.lower(), at_least=at_least
        ).fetchall()
        return tuple(
            HeldNonce(nonce=int(row[0]), payment_id=PaymentId(str(row[1])), step=int(row[2]), free=bool(row[3]))
            for row in rows
        )

    def _last(self, network: str, account: str) -> int:
        row = self._sql.last.run(self._cursor, network_=network, account_=account, limit=1).fetchone()
        return -1 if row is None else int(row[0])
