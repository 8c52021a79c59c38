"""Transfers and actions of one account, through the same engine as x402 payments."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self, Unpack

from paygent.core import ids
from paygent.core.action import Action, Call
from paygent.core.errors import LocalProtocolError
from paygent.core.money import PAYMENTS, USD, Amount
from paygent.engine.order import ActionOrder
from paygent.evm.address import checksum
from paygent.evm.calls import approve_call, transfer_call

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from paygent.core.context import Context
    from paygent.core.ids import IntentId, PaymentId
    from paygent.core.payment import Payment
    from paygent.engine.pay import Engine
    from paygent.runtime.assemble import Wiring

TRANSFER_SECONDS = 900
"""How long a transfer may wait for its block."""


class Wallet:
    """One account, under one policy, with one journal. Works under asyncio and trio."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine; `open` makes one from settings."""
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, **wiring: Unpack[Wiring]) -> AsyncGenerator[Self]:
        """Make a wallet, with its key, journal and chains from arguments, else from settings; close all at the end.

        Args: wiring: see `runtime.assemble.Wiring`.

        Raises: ConfigurationError: something is missing or wrong; the message says how to configure it.
        """
        from paygent.runtime.assemble import assemble

        async with assemble(**wiring) as engine:
            yield cls(engine)

    @property
    def address(self) -> str:
        """The account, an EIP-55 checksummed address."""
        return self._engine.address

    @property
    def engine(self) -> Engine:
        """What everything goes through."""
        return self._engine

    async def transfer(
        self,
        amount: Amount,
        to: str,
        *,
        idempotency_key: str | None = None,
        new_transfer: bool = False,
        context: Context | None = None,
    ) -> Payment:
        """Pay a token or the chain's coin to an address, once, and return the payment with its proof.

        Args:
            amount: of a token that is known, or of `evm.coins.coin(chain)`.
            to: an address; one in mixed case has to have the right checksum.
            idempotency_key: the caller's own name for the transfer: the same key never pays twice.
            new_transfer: pay even where the same transfer is under way or unknown.

        Raises: as `Engine.execute`.
        """
        action = transfer_action(amount, to, deadline=self._engine.now() + TRANSFER_SECONDS)
        return await self.execute(action, idempotency_key=idempotency_key, new_action=new_transfer, context=context)

    async def approve(
        self,
        amount: Amount,
        spender: str,
        *,
        idempotency_key: str | None = None,
        new_approval: bool = False,
        context: Context | None = None,
    ) -> Payment:
        """Let a contract such as Permit2 take exactly so much of a token, in place of what it may take now.

        It counts as spent when it is approved, because the contract may take it at any time; 0 takes it back. There is
        no unlimited approval.

        Raises: LocalProtocolError: the chain's own coin has no approvals. Else as `Engine.execute`.
        """
        action = approve_action(amount, spender, deadline=self._engine.now() + TRANSFER_SECONDS)
        return await self.execute(action, idempotency_key=idempotency_key, new_action=new_approval, context=context)

    async def execute(
        self,
        action: Action,
        *,
        intent_id: IntentId | None = None,
        idempotency_key: str | None = None,
        new_action: bool = False,
        context: Context | None = None,
        errors: tuple[str, ...] = (),
    ) -> Payment:
        """Do an action on chain once, and return the payment with its proof.

        Args:
            intent_id: names the wish; the same id is never done twice. Made at random where it is not given.
            errors: custom errors of the contracts by signature, to read reverts by.

        Raises: as `Engine.execute`.
        """
        order = ActionOrder(
            intent_id=ids.intent_id(self._engine.entropy.token()) if intent_id is None else intent_id,
            action=action,
            context=self._engine.context if context is None else context,
            idempotency_key=idempotency_key,
            new_action=new_action,
            errors=errors,
        )
        return await self._engine.execute(order)

    async def go_on(self, payment_id: PaymentId) -> Payment:
        """Go on with an action that was interrupted, or that people have agreed to by now. Raises: as `execute`."""
        return await self._engine.go_on(payment_id)

    async def cancel(self, payment_id: PaymentId) -> Payment:
        """Try to cancel a transaction that waits, by a payment of nothing to oneself with the same account nonce."""
        return await self._engine.call_off(payment_id)


def transfer_action(amount: Amount, to: str, *, deadline: int) -> Action:
    """Return the action that pays `amount` to an address.

    Raises: LocalProtocolError: that is no address, its checksum is wrong, or there is nothing that can be paid.
    """
    _check_amount(amount)
    payee, asset = address_of(to), amount.asset.id
    if amount.atomic == 0:
        raise LocalProtocolError("a transfer pays more than nothing; give an amount above zero")
    if asset.native:
        call = Call(to=payee, value=amount.atomic)
    else:
        call = transfer_call(checksum(asset.address), payee, amount.atomic)
    return Action(
        purpose="transfer",
        network=asset.chain,
        spend=amount,
        counterparty=payee,
        calls=(call,),
        deadline=deadline,
        summary=f"Transfer {amount} to {payee}",
    )


def approve_action(amount: Amount, spender: str, *, deadline: int) -> Action:
    """Return the action that approves `amount` for a contract.

    Raises: LocalProtocolError: that is no address, its checksum is wrong, or the asset is the chain's coin.
    """
    _check_amount(amount)
    taker, asset = address_of(spender), amount.asset.id
    if asset.native:
        raise LocalProtocolError(f"{amount.asset.symbol} is the chain's coin, which nobody can be approved to take")
    return Action(
        purpose="position",
        network=asset.chain,
        venue="wallet",
        spend=amount,
        counterparty=taker,
        calls=(approve_call(checksum(asset.address), taker, amount.atomic),),
        deadline=deadline,
        summary=f"Approve {amount} for {taker}",
    )


def _check_amount(given: object) -> None:
    if not isinstance(given, Amount) or given.asset in (USD, PAYMENTS):
        raise LocalProtocolError(
            f"{given} is no amount of a token or coin; give one such as Amount.parse('2.50', token.asset)"
        )


def address_of(to: str) -> str:
    """Return an address with its checksum.

    Raises: LocalProtocolError: it is none, mistyped, or nobody's.
    """
    try:
        payee = checksum(to)
    except ValueError as wrong:
        raise LocalProtocolError(str(wrong)) from wrong
    if to not in (payee, to.lower()) or payee == f"0x{'0' * 40}":
        raise LocalProtocolError(
            f"{to} is mistyped or nobody's address: its checksum does not fit, so nothing was sent"
        )
    return payee
