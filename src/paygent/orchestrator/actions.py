"""Actions on chain, each done once: the tool `transfer`, and what the tools of connectors share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from paygent.core.action import Action
from paygent.core.errors import LocalProtocolError
from paygent.core.fields import JSON
from paygent.core.ids import IntentId
from paygent.core.lifecycle import State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.run_errors import ToolRefused
from paygent.core.verdict import Deny, Downgrade
from paygent.engine.order import ActionOrder
from paygent.orchestrator.assets import AssetBook, amount_of
from paygent.orchestrator.intents import intent_of
from paygent.orchestrator.payments import amount_as_json
from paygent.orchestrator.tools import Arguments, Call, Price, Tool, ToolOutcome
from paygent.ports.clock import Clock

if TYPE_CHECKING:
    from paygent.engine.pay import Engine

AMOUNT = r"^(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?$"
ADDRESS = r"^0x[0-9a-fA-F]{40}$"


class Actor:
    """Does actions through the engine."""

    def __init__(self, engine: "Engine", clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @property
    def address(self) -> str:
        """The wallet that acts."""
        return self._engine.address

    async def earlier(self, call: Call) -> Payment | None:
        """Return the payment of a call that was made before and is not over unpaid."""
        _, payment = await intent_of(call, self.address, self._engine.journal, self._clock)
        return payment

    async def judge(self, call: Call, action: Callable[[], Action]) -> None:
        """Let the policy judge what `do` would do, and ask people where it wants them; what is out goes on by itself.

        Raises: as `Engine.ask`.
        """
        intent, earlier = await intent_of(call, self.address, self._engine.journal, self._clock)
        if earlier is None:
            await self._engine.ask(_order(intent, action(), call))
        elif earlier.state is State.AWAITING_APPROVAL and earlier.plan is not None:
            await self._engine.ask(_order(intent, earlier.plan.action, call))

    async def price(
        self, text: str, call: Call, actions: Sequence[Action], *, brings: tuple[Amount, ...] = ()
    ) -> Price:
        """Return what a call comes to that does these actions, as the policy sees them now.

        Raises: as `Engine.weigh`.
        """
        orders = [_order(part(call, number).intent(), each, call) for number, each in enumerate(actions)]
        weighed = [await self._engine.weigh(order) for order in orders]
        spends = tuple(action.spend for action in actions)
        refused = [each.verdict for each in weighed if isinstance(each.verdict, Deny | Downgrade)]
        return Price(
            text=text,
            acceptable=not refused,
            amounts=spends,
            why="; ".join(verdict.explain() for verdict in refused),
            spends=spends,
            brings=brings,
            holds=tuple(hold for each in weighed for hold in each.holds(self._clock.now())),
        )

    async def do(self, call: Call, action: Callable[[], Action]) -> Payment:
        """Do an action, or go on with the one that the same call began: that one counts, not a new one.

        Raises: as `Engine.execute`.
        """
        intent, earlier = await intent_of(call, self.address, self._engine.journal, self._clock)
        if earlier is not None:
            return await self._engine.go_on(earlier.id)
        return await self._engine.execute(_order(intent, action(), call))


def _order(intent: IntentId, action: Action, call: Call) -> ActionOrder:
    return ActionOrder(intent_id=intent, action=action, context=call.context, idempotency_key=call.key, new_action=True)


class TransferArguments(Arguments):
    """Whom to pay, and how much."""

    amount: str = Field(description="in whole units, such as 0.10", pattern=AMOUNT)
    asset: str = Field(description="symbol, such as USDC", max_length=32)
    to: str = Field(description="address of the recipient", pattern=ADDRESS)


class Transfers:
    """Pays addresses."""

    def __init__(self, actor: Actor, book: AssetBook, clock: Clock) -> None:
        self._actor = actor
        self._book = book
        self._clock = clock

    @property
    def tool(self) -> Tool[TransferArguments]:
        """The tool."""
        return Tool(
            name="transfer",
            description="Pay a token or the chain's coin to an address that the person named.",
            arguments=TransferArguments,
            run=self.transfer,
            price=self.price,
            judge=self.judge,
            spends=True,
            named=("to",),
            title=lambda asked: f"Transfer {asked.amount} {self._book.spelled(asked.asset)} to {asked.to}",
        )

    async def price(self, asked: TransferArguments, call: Call) -> Price:
        """Return what leaves the wallet. Raises: ToolRefused: it is no amount, asset or recipient of this wallet's."""
        action = self._action(asked)
        return await self._actor.price(f"{action.spend} to {asked.to}", call, [action])

    async def judge(self, asked: TransferArguments, call: Call) -> None:
        """Meet the policy before the transfer. Raises: ToolRefused; and as `Engine.ask`."""
        await self._actor.judge(call, lambda: self._action(asked))

    async def transfer(self, asked: TransferArguments, call: Call) -> ToolOutcome:
        """Pay an address once. Raises: ToolRefused; and as `Engine.execute`."""
        payment = await self._actor.do(call, lambda: self._action(asked))
        return done(f"transferred {payment.intent.amount} to {payment.intent.payee}", [payment])

    def _action(self, asked: TransferArguments) -> Action:
        from paygent.wallet.wallet import TRANSFER_SECONDS, transfer_action

        amount = amount_of("transfer", asked.amount, self._book.one("transfer", asked.asset))
        try:
            return transfer_action(amount, asked.to, deadline=self._clock.now() + TRANSFER_SECONDS)
        except LocalProtocolError as wrong:
            raise ToolRefused("transfer", str(wrong), code="bad_arguments") from wrong


def done(text: str, payments: Sequence[Payment]) -> ToolOutcome:
    """Return what settled actions came to."""
    transactions = [each.receipt.transaction for each in payments if each.receipt is not None]
    data: dict[str, JSON] = {"payments": [_payment(each) for each in payments]}
    where = f" in transaction {' and '.join(map(str, transactions))}" if transactions else ""
    return ToolOutcome(text=f"{text}{where}", data=data, payments=tuple(payments))


def _payment(payment: Payment) -> JSON:
    receipt = payment.receipt
    said: dict[str, JSON] = {
        "id": payment.id,
        "state": payment.state.value,
        "spent": amount_as_json(payment.intent.amount if receipt is None else receipt.amount),
        "received": [] if receipt is None else [amount_as_json(amount) for amount in receipt.received],
        "fee": None if receipt is None or receipt.fee is None else amount_as_json(receipt.fee),
        "transaction": None if receipt is None else receipt.transaction,
    }
    return said


def part(call: Call, number: int) -> Call:
    """Return one of several actions of a call; the first has the call's own key."""
    return call if number == 0 else replace(call, key=f"{call.key}.{number}")
