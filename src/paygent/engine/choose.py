"""Pick the offer to take: what the seller asks, what the policy allows, what the wallet can pay."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, NoAcceptableRequirements
from paygent.core.ids import IntentId
from paygent.core.money import Amount
from paygent.core.requirements import Authorization, PaymentRequired, Refusal
from paygent.core.verdict import Deny, Downgrade, Verdict
from paygent.engine.facts import FactFinder, Finding
from paygent.engine.guard import guard
from paygent.engine.order import Order
from paygent.engine.own_rules import NO_RULES, OwnRules
from paygent.engine.policy_log import PolicyLog
from paygent.engine.tokens import TokenBook, read_uint
from paygent.engine.weigh import PolicySource, Weighed, Weigher
from paygent.evm import eip2612, erc20, permit2
from paygent.policy.evaluate import Ask, holds
from paygent.policy.policy import Policy
from paygent.ports.chain import Chain, NextBlock
from paygent.ports.clock import Clock
from paygent.ports.history import Guard
from paygent.x402 import exact, upto
from paygent.x402.extensions import GAS_SPONSORING
from paygent.x402.offers import Offer
from paygent.x402.select import Judged, Preferences

MAX_CLOCK_DIFFERENCE_SECONDS = 86_400
"""How far the chain's clock and this machine's may be apart."""
KEPT, KEPT_SECONDS = 256, 1
"""How many choices are kept for the payments that follow them, and how old one may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The offer that is taken, or the one whose denial is told."""

    required: PaymentRequired
    offer: Offer
    verdict: Verdict
    payer: str
    now: int
    """Unix seconds, by the chain's clock where there is an endpoint."""
    valid_before: int
    """Unix seconds by block time."""
    from_block: int | None
    """No settlement is below this block; None without an endpoint."""
    permit_nonce: int | None
    """The nonce of the EIP-2612 permit that the facilitator redeems first; None where no permit is needed."""
    ask: Ask
    finding: Finding
    policy: Policy
    refusals: tuple[Refusal, ...] = ()
    """Where several offers are refused, each with its reason; the one told here is the first that a rule denied."""

    @property
    def payee(self) -> str:
        """Checksummed address."""
        return self.offer.payee

    def authorization(self, nonce: bytes, *, until: int) -> Authorization:
        """Return what will be signed, with the intent's nonce; it ends with the intent at the latest."""
        build = upto.authorization if self.offer.scheme == "upto" else exact.authorization
        return build(
            self.offer, payer=self.payer, nonce=nonce, valid_after=0, valid_before=min(self.valid_before, until)
        )

    def holds(self, now: int) -> tuple[Hold, ...]:
        """Return what the payment takes from the limits."""
        return holds(self.policy, self.ask, now=now)

    def guard(self, now: int) -> Guard | None:
        """Return what has to hold of other payments where this one is reserved; None where nothing has to."""
        return guard(self.verdict, self.policy, self.ask, self.finding, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """All of a seller's offers, weighed."""

    judged: tuple[Judged, ...]
    """Every readable offer with the policy's verdict."""
    refusals: tuple[Refusal, ...]
    """Why each offer that is not taken is not, in the seller's order."""
    choice: Choice | None
    """What would be taken."""
    holds: tuple[Hold, ...] = ()
    """What that would take from the limits; where the wallet has too little for all that may be taken, what the first
    of these would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Funds:
    refusal: Refusal | None = None
    permit_nonce: int | None = None


class _Kept:
    """What was chosen a moment ago to ask people about, for the payment that follows at once; each is found once."""

    def __init__(self) -> None:
        self._choices: dict[IntentId, tuple[Order, Choice, int]] = {}

    def put(self, order: Order, choice: Choice, now: int) -> None:
        self._choices[order.intent_id] = (order, choice, now)
        if len(self._choices) > KEPT:
            del self._choices[next(iter(self._choices))]

    def take(self, order: Order, policy: Policy, now: int) -> Choice | None:
        kept = self._choices.pop(order.intent_id, None)
        if kept is None or kept[0] != order or kept[1].policy is not policy or now - kept[2] > KEPT_SECONDS:
            return None
        return kept[1]


@dataclass(frozen=True, slots=True)
class _Always:
    policy: Policy

    def current(self) -> Policy:
        return self.policy


class Chooser:
    """Chooses offers for one wallet under one policy; reads the chain where there is an endpoint, signs nothing."""

    def __init__(  # noqa: PLR0913  everything a choice depends on is given
        self,
        *,
        payer: str,
        policy: Policy | PolicySource,
        tokens: TokenBook,
        chains: Mapping[ChainId, Chain],
        clock: Clock,
        preferences: Preferences,
        finder: FactFinder | None = None,
        log: PolicyLog | None = None,
        rules: OwnRules = NO_RULES,
    ) -> None:
        self._payer = payer
        self._kept = _Kept()
        self._chains = chains
        self._clock = clock
        self._log = log
        self._weigher = Weigher(
            payer=payer,
            policy=_Always(policy) if isinstance(policy, Policy) else policy,
            tokens=tokens,
            clock=clock,
            preferences=preferences,
            finder=finder,
            rules=rules,
        )

    async def choose(self, order: Order, *, keep: bool = False) -> Choice:
        """Return the best offer. Where none can be taken: one that is downgraded, or the first with its denial.

        Args: keep: the next choice for the very same order and policy is this one, if it is asked for at once.

        Raises:
            NoAcceptableRequirements: no offer can be taken, and no rule of the policy denied one.
            AdapterError: the chain could not answer.
        """
        if (kept := self._kept.take(order, self._weigher.policy, self._clock.now())) is not None:
            return kept
        choice = await self._choose(order)
        if keep:
            self._kept.put(order, choice, self._clock.now())
        return choice

    async def _choose(self, order: Order) -> Choice:
        weighed = await self._weigher.weigh(order)
        considered = await self._consider(order, weighed)
        if self._log is not None:
            await self._log.used(weighed.policy)
        if considered.choice is not None:
            return considered.choice
        for judged in considered.judged:
            if isinstance(judged.verdict, Downgrade):
                return await self._chosen(order, judged, weighed, None)
        denied = next((judged for judged in considered.judged if isinstance(judged.verdict, Deny)), None)
        if denied is not None:
            choice = await self._chosen(order, denied, weighed, None)
            alone = len(considered.judged) == len(considered.refusals) == 1
            return choice if alone else replace(choice, refusals=considered.refusals)
        raise NoAcceptableRequirements(considered.refusals, resource=order.url)

    async def consider(self, order: Order) -> Considered:
        """Return what speaks for or against every offer, and the one that would be taken. Nothing is signed."""
        weighed = await self._weigher.weigh(order)
        considered = await self._consider(order, weighed)
        return replace(considered, holds=self._holds(considered, weighed))

    def _holds(self, considered: Considered, weighed: Weighed) -> tuple[Hold, ...]:
        offer = weighed.selection.chosen if considered.choice is None else considered.choice.offer
        if offer is None:
            return ()
        return holds(weighed.policy, weighed.asks[offer.requirements.index], now=self._clock.now())

    async def _consider(self, order: Order, weighed: Weighed) -> Considered:
        selection, refusals = weighed.selection, list(weighed.refusals)
        for judged in selection.judged[: len(selection.ranked)]:
            funds = await self._funds(order.required, judged.offer)
            if funds.refusal is None:
                choice = await self._chosen(order, judged, weighed, funds.permit_nonce)
                return Considered(judged=selection.judged, refusals=_sorted(refusals), choice=choice)
            refusals.append(funds.refusal)
        return Considered(judged=selection.judged, refusals=_sorted(refusals), choice=None)

    async def _chosen(self, order: Order, judged: Judged, weighed: Weighed, permit_nonce: int | None) -> Choice:
        offer, verdict = judged.offer, judged.verdict
        chain = self._chains.get(offer.requirements.network)
        block = None if chain is None or isinstance(verdict, Deny) else await chain.next_block()
        now = self._time(block)
        validity = min(offer.requirements.max_timeout_seconds, weighed.policy.max_validity_seconds)
        return Choice(
            required=order.required,
            offer=offer,
            verdict=verdict,
            payer=self._payer,
            now=now,
            valid_before=now + validity,
            from_block=None if block is None else max(0, block.number - 1),
            permit_nonce=permit_nonce,
            ask=weighed.asks[offer.requirements.index],
            finding=weighed.findings[offer.requirements.index],
            policy=weighed.policy,
        )

    def _time(self, block: NextBlock | None) -> int:
        """Return the chain's time, if known; an endpoint that is days off could make a signature valid for long."""
        ours = self._clock.now()
        if block is not None and abs(block.timestamp - ours) > MAX_CLOCK_DIFFERENCE_SECONDS:
            raise AdapterError(
                f"the chain says it is {block.timestamp} and this machine {ours} (unix seconds); correct the wrong one",
                retryable=False,
            )
        return ours if block is None else block.timestamp

    async def _funds(self, required: PaymentRequired, offer: Offer) -> _Funds:
        chain = self._chains.get(offer.requirements.network)
        if chain is None:
            return _Funds()
        token = offer.token.asset.id.address
        balance = await read_uint(chain, token, erc20.balance_of(self._payer))
        if balance < offer.amount.atomic:
            held = Amount(balance, offer.token.asset)
            return _Funds(
                refusal=_refusal(offer, "insufficient_balance", f"{offer.amount} asked, the wallet has {held}")
            )
        return await self._allowance(chain, required, offer) if offer.method == "permit2" else _Funds()

    async def _allowance(self, chain: Chain, required: PaymentRequired, offer: Offer) -> _Funds:
        token = offer.token.asset.id.address
        allowed = await read_uint(chain, token, erc20.allowance(self._payer, permit2.PERMIT2))
        if allowed >= offer.amount.atomic:
            return _Funds()
        if GAS_SPONSORING not in required.extensions:
            text = f"Permit2 may take {Amount(allowed, offer.token.asset)}, {offer.amount} asked; approve Permit2 first"
            return _Funds(refusal=_refusal(offer, "permit2_allowance", text))
        nonce = await read_uint(chain, token, eip2612.nonces_call(self._payer))
        return _Funds(permit_nonce=nonce)


def _refusal(offer: Offer, code: str, text: str) -> Refusal:
    return Refusal(index=offer.requirements.index, code=code, text=text)


def _sorted(refusals: list[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.index))
