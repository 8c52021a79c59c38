"""The demo's first story: one sentence, carried out by an `Orchestrator` without a model."""

from collections.abc import AsyncIterator, Sequence

from paygent.core.approval import ApprovalRequest
from paygent.core.errors import BudgetExceeded
from paygent.core.events import ApprovalRequired, Complete, Failure, RunEvent, Thinking, ToolCall, ToolResult
from paygent.core.ids import ApprovalId
from paygent.core.intent import Purpose
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.session import SessionId
from paygent.devnet.exchange import NAME, TITLE
from paygent.devnet.seller import PREMIUM_PRICE
from paygent.devnet.stage import Balances, ClaimFailed, Stage
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.portal import Portal
from paygent.orchestrator import Orchestrator

APPROVER = "the demo's script"
_TRADE = 100_000_000
"""100 dUSD."""
_SHOWN = ("summary", "reasons", "gas_at_most", "slippage_bps")
"""The facts of the request that the screen has room for, besides the limit of trades."""


class Errand:
    """A swap and a payment in one sentence, and a second swap that the first one leaves no room for."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._url = stage.net.seller.url("/premium")
        self._swap = f"Swap 100 {stage.net.token.symbol} to {stage.exchange.coin.symbol} on {NAME}"
        self._second = self._swap.replace("100", "50")
        self._told = 0

    def run(self) -> Sequence[Receipt]:
        """Do it; return the proofs, oldest first.

        Raises: PaygentError: something is not as it should be.
        """
        with Portal() as portal:  # a loop of its own: the caller may have one running
            return portal.call(self._run)

    async def _run(self) -> Sequence[Receipt]:
        stage = self._stage
        self._introduce()
        async with Orchestrator.open(settings=stage.settings, policy=stage.policy) as agent:
            before, transfers = stage.balances(), len(stage.net.transfers())
            asked = await self._until_asked(agent.stream(f"{self._swap} and pay for the market data at {self._url}"))
            unmoved = (stage.balances(), len(stage.net.transfers())) == (before, transfers)
            stage.so(unmoved, "the run waits for a person; until then no token and no coin moved")
            await self._agree(ApprovalDesk(store=agent.journal, clock=agent.clock), asked)
            await self._until_done(agent.stream_resumed(asked.run))
            proofs = self._prove(await agent.payments(asked.session), before)
            await self._again(agent, asked.session)
        return proofs

    def _introduce(self) -> None:
        stage, policy, coin = self._stage, self._stage.policy, self._stage.exchange.coin.symbol
        stage.chapter("1. One sentence: trade and pay")
        stage.say(f"> {self._swap} and pay for the market data at {self._url}")
        stage.say(f"  No model reads it, but a grammar. {NAME!r} is {TITLE}: not VVS, and no real money.")
        stage.say(f"  The connector vvs would trade on VVS; {coin} is the devnet's coin.")
        rows = [
            ("a payment", str(policy.max_per_payment), str(policy.per_day)),
            ("a trade, by what goes in", str(policy.max_per_trade), str(policy.trade_per_day)),
            ("gas of a transaction", str(policy.gas_per_transaction), str(policy.gas_per_day)),
        ]
        stage.table("policy", "at most", "in a day", rows=rows)
        stage.say(f"  A person decides about more than {policy.approve_above}.")

    # --- the run ----------------------------------------------------------------------------------------------------

    async def _until_asked(self, events: AsyncIterator[RunEvent]) -> ApprovalRequired:
        asked = await self._tell(events)
        if not isinstance(asked, ApprovalRequired):
            raise ClaimFailed("a trade above the threshold did not ask a person")
        return asked

    async def _until_done(self, events: AsyncIterator[RunEvent]) -> None:
        if not isinstance(ended := await self._tell(events), Complete):
            raise ClaimFailed(f"the run did not end well: {ended.facts}")

    async def _agree(self, desk: ApprovalDesk, asked: ApprovalRequired) -> None:
        """Show what a person would be shown, and agree in the name of the script."""
        request = await desk.show(ApprovalId(asked.approval))
        shown = [name for name in request.facts if name in _SHOWN or name.startswith("limit trades")]
        for name in shown:
            self._stage.say(f"  | {name.replace('_', ' ')}: {request.facts[name]}")
        self._stage.say(f"  | and {len(request.facts) - len(shown)} lines more, among them both calls")
        self._stage.say("  The person is scripted: this demo says yes by itself, to exactly this request.")
        granted = await desk.approve(request.id, approver=APPROVER, digest=request.digest)
        self._stage.so(_agreed(granted), f"the approval is written down in the name of {APPROVER!r}")

    async def _tell(self, events: AsyncIterator[RunEvent]) -> RunEvent:
        """Print each event once, as it comes; return the last one. A resumed run tells its newest step once more."""
        last: RunEvent | None = None
        async for event in events:
            last = event
            if event.sequence > self._told:
                self._told = event.sequence
                self._stage.say(
                    f"  {event.sequence:2} {event.kind:17} {event.agent or 'orchestrator':12} {_line(event)}"
                )
        if last is None:
            raise ClaimFailed("the orchestrator told nothing")
        return last

    # --- what is so -------------------------------------------------------------------------------------------------

    def _prove(self, payments: Sequence[Payment], before: Balances) -> Sequence[Receipt]:
        stage, after = self._stage, self._stage.balances()
        swap, paid = _receipt(payments, "swap"), _receipt(payments, "x402")
        self._show(before, after)
        spent = before.dollars - after.dollars
        stage.so(
            spent == _TRADE + PREMIUM_PRICE, f"the wallet has {stage.dollars(spent)} less: the trade and the price"
        )
        stage.so(after.seller - before.seller == PREMIUM_PRICE, f"the seller has {stage.dollars(PREMIUM_PRICE)} more")
        [brought], fee = swap.received, swap.fee
        net = None if fee is None else brought.atomic - fee.atomic
        stage.so(after.coins - before.coins == net, f"{brought} came in, less {fee} for gas")
        left = [(each.sender, each.value) for each in stage.transfers_in(swap)]
        where = f"transaction {swap.transaction}, block {swap.block_number}"
        stage.so(swap.proven and left == [(swap.payer, _TRADE)], f"proven on chain: the trade in {where}")
        stage.so(stage.on_chain(paid), f"proven on chain: {paid}")
        return swap, paid

    def _show(self, before: Balances, after: Balances) -> None:
        stage = self._stage
        rows = [
            ("wallet", stage.dollars(before.dollars), stage.dollars(after.dollars)),
            ("wallet", stage.coins(before.coins), stage.coins(after.coins)),
            ("seller", stage.dollars(before.seller), stage.dollars(after.seller)),
        ]
        stage.table("balance of", "before", "after", rows=[[str(cell) for cell in row] for row in rows])

    async def _again(self, agent: Orchestrator, session: SessionId) -> None:
        """Show that what went into the trade counts against the limit of trades, and of nothing else."""
        stage, before = self._stage, self._stage.balances()
        stage.say(f"> {self._second}")
        refused = await agent.run(self._second, session=session)
        error = refused.error
        if not isinstance(error, BudgetExceeded):
            raise ClaimFailed(f"a second swap was not refused: {refused.text}")
        stage.say(f"  BudgetExceeded: {error}")
        counted = (error.committed + error.reserved).to_decimal() == stage.dollars(_TRADE).to_decimal()
        stage.so(counted, f"the {stage.dollars(_TRADE)} that went in count against the {error.limit} a day for trades")
        stage.so(stage.balances() == before, "the second swap was refused: no token moved, no gas was spent")


def _agreed(request: ApprovalRequest) -> bool:
    return [(each.approver, each.granted) for each in request.decisions] == [(APPROVER, True)]


def _receipt(payments: Sequence[Payment], purpose: Purpose) -> Receipt:
    [found] = [each for each in payments if each.intent.purpose == purpose]
    if found.state is not State.SETTLED or found.receipt is None:
        raise ClaimFailed(f"payment {found.id} is {found.state}")
    return found.receipt


def _line(event: RunEvent) -> str:
    """Return what fits on a line."""
    match event:
        case Thinking(text=text) | ToolResult(text=text) | Failure(message=text):
            return text
        case ToolCall(tool=tool, arguments=arguments):
            return f"{tool}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
        case ApprovalRequired(approval=approval, payment=payment):
            return f"{approval} about {payment}"
        case Complete():
            return "all of it is done"
        case _:
            return ""
