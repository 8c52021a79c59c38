"""Account nonces in memory: one owner each, given out once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from paygent.core.lifecycle import FREED, State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce


class MemoryNonces:
    """The nonces of every account, by chain and address in lower case. Whoever calls it owns the transaction."""

    def __init__(self) -> None:
        self._held: defaultdict[tuple[str, str], dict[int, HeldNonce]] = defaultdict(dict)

    def claim(self, payment: Payment, step: int, at_least: int) -> int:
        """Return the nonce of a step: the one it has, else the lowest free one, else the next."""
        known = self._held[_account(payment)]
        held = self.held(*_account(payment), at_least)
        for each in held:
            if (each.payment_id, each.step, each.free) == (payment.id, step, False):
                return each.nonce
        nonce = next((each.nonce for each in held if each.free), max(at_least, max(known, default=-1) + 1))
        known[nonce] = HeldNonce(nonce=nonce, payment_id=payment.id, step=step, free=False)
        return nonce

    def settle(self, after: Payment) -> None:
        """Free the nonces of a payment that is over, for which nothing was signed."""
        if after.plan is None or (after.state not in FREED and after.state is not State.SETTLED):
            return
        signed = {attempt.nonce for attempt in after.plan.attempts}
        known = self._held[_account(after)]
        for each in list(known.values()):
            if each.payment_id == after.id and each.nonce not in signed:
                known[each.nonce] = replace(each, free=True)

    def held(self, network: str, account: str, at_least: int) -> Sequence[HeldNonce]:
        """Return what was given out, lowest first."""
        known = self._held[network, account.lower()]
        return tuple(known[nonce] for nonce in sorted(known) if nonce >= at_least)


def _account(payment: Payment) -> tuple[str, str]:
    return payment.intent.network.text, payment.intent.payer.lower()
