"""Pick the offer to take: what the seller asks, what the policy allows, what the wallet can pay."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, LocalProtocolError, NoAcceptableRequirements
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Authorization, PaymentRequired, Refusal
from paygent.core.verdict import Allow, Deny, Downgrade, Verdict
from paygent.engine.facts import FactFinder
from paygent.engine.facts import asks as asks_history
from paygent.engine.order import Order
from paygent.engine.policy_log import PolicyLog
from paygent.engine.tokens import TokenBook
from paygent.evm import eip2612, erc20, permit2
from paygent.policy.evaluate import Ask, evaluate, holds
from paygent.policy.facts import Facts
from paygent.policy.policy import Policy
from paygent.ports.chain import Chain, NextBlock
from paygent.ports.clock import Clock
from paygent.x402 import exact, upto
from paygent.x402.extensions import GAS_SPONSORING, declared_metadata
from paygent.x402.offers import Offer, read_offers
from paygent.x402.origin import foreign_resource
from paygent.x402.select import Judged, Preferences, Selection, select

MAX_CLOCK_DIFFERENCE_SECONDS = 86_400
"""How far the chain's clock and this machine's may be apart."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """All of a seller's offers, weighed."""

    judged: tuple[Judged, ...]
    """Every readable offer with the policy's verdict."""
    refusals: tuple[Refusal, ...]
    """Why each offer that is not taken is not, in the seller's order."""
    choice: Choice | None
    """What would be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Funds:
    refusal: Refusal | None = None
    permit_nonce: int | None = None


class PolicySource(Protocol):
    """**Protocol:** the policy as it is now, such as a file that is read again while the program runs."""

    def current(self) -> Policy:
        """Return the policy for one payment."""
        ...


@dataclass(frozen=True, slots=True)
class _Always:
    policy: Policy

    def current(self) -> Policy:
        return self.policy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cases:
    """What one order asks of one policy, by the index of the offer."""

    policy: Policy
    asks: Mapping[int, tuple[Ask, Facts]]


class Chooser:
    """Chooses offers for one wallet under one policy; reads the chain where there is an endpoint, signs nothing."""

    def __init__(
        self,
        *,
        payer: str,
        policy: "Policy | PolicySource",
        tokens: TokenBook,
        chains: Mapping[ChainId, Chain],
        clock: Clock,
        preferences: Preferences,
        finder: FactFinder | None = None,
        log: PolicyLog | None = None,
    ) -> None:
        self._payer = payer
        self._policy = _Always(policy) if isinstance(policy, Policy) else policy
        self._finder = finder
        self._log = log
        self._tokens = tokens
        self._chains = chains
        self._clock = clock
        self._preferences = preferences

    async def choose(self, order: Order) -> Choice:
        """Return the best offer. Where none can be taken: one that is downgraded, or the first with its denial.

        Raises:
            NoAcceptableRequirements: no offer can be taken, and no rule of the policy denied one.
            AdapterError: the chain could not answer.
        """
        cases, considered = await self._consider(order)
        if self._log is not None:
            await self._log.used(cases.policy)
        if considered.choice is not None:
            return considered.choice
        for judged in considered.judged:
            if isinstance(judged.verdict, Downgrade):
                return await self._chosen(order, judged, cases, None)
        denied = next((judged for judged in considered.judged if isinstance(judged.verdict, Deny)), None)
        if denied is not None:
            choice = await self._chosen(order, denied, cases, None)
            alone = len(considered.judged) == len(considered.refusals) == 1
            return choice if alone else replace(choice, refusals=considered.refusals)
        raise NoAcceptableRequirements(considered.refusals, resource=order.url)

    async def consider(self, order: Order) -> Considered:
        """Return what speaks for or against every offer, and the one that would be taken. Nothing is signed."""
        return (await self._consider(order))[1]

    async def _consider(self, order: Order) -> "tuple[_Cases, Considered]":
        cases, selection, refusals = await self._select(order)
        for judged in selection.judged[: len(selection.ranked)]:
            funds = await self._funds(order.required, judged.offer)
            if funds.refusal is None:
                choice = await self._chosen(order, judged, cases, funds.permit_nonce)
                return cases, Considered(judged=selection.judged, refusals=_sorted(refusals), choice=choice)
            refusals.append(funds.refusal)
        return cases, Considered(judged=selection.judged, refusals=_sorted(refusals), choice=None)

    async def _select(self, order: Order) -> "tuple[_Cases, Selection, list[Refusal]]":
        policy = self._policy.current()
        foreign = foreign_resource(order.required, order.url)
        if foreign is not None:
            nothing = _Cases(policy=policy, asks={})
            return nothing, select((), lambda _: Allow()), [*order.required.refusals, foreign]
        doubts = await self._tokens.confirm(order.required.requirements)
        offers, refusals = read_offers(order.required, self._tokens.tokens)
        doubtful = {doubt.index for doubt in doubts}
        sure = [offer for offer in offers if offer.requirements.index not in doubtful]
        asks = {offer.requirements.index: await self._ask(policy, order, offer) for offer in sure}
        selection = select(sure, lambda offer: evaluate(policy, *asks[offer.requirements.index]), self._preferences)
        return _Cases(policy=policy, asks=asks), selection, [*refusals, *doubts, *selection.refusals]

    async def _ask(self, policy: Policy, order: Order, offer: Offer) -> tuple[Ask, Facts]:
        """Return what the policy is asked, with what it wants to know besides."""
        now = self._clock.now()
        ask = Ask(
            payer=self._payer,
            payee=offer.payee,
            network=offer.requirements.network,
            token=offer.token,
            amount=offer.amount,
            host=order.host,
            max_amount=_ceiling(order.max_amount, offer.token.asset),
            edited=order.edited,
            context=order.context,
            quantity=order.quantity,
            metadata_uri=order.metadata_uri,
            declared_metadata=declared_metadata(order.required),
            instead_of=order.instead_of,
        )
        if self._finder is None:
            return ask, Facts(now=now)
        if (price := await self._finder.price(ask)) is not None:
            ask = replace(ask, price=price)
        if not asks_history(policy):
            return ask, Facts(now=now)
        funds = await self._balance(offer) if policy.index.ranked else None
        return ask, await self._finder.facts(policy, ask, now=now, funds=funds)

    async def _balance(self, offer: Offer) -> int | None:
        chain = self._chains.get(offer.requirements.network)
        if chain is None:
            return None
        return await _uint(chain, offer.token.asset.id.address, erc20.balance_of(self._payer))

    async def _chosen(self, order: Order, judged: Judged, cases: "_Cases", permit_nonce: int | None) -> Choice:
        offer, verdict = judged.offer, judged.verdict
        chain = self._chains.get(offer.requirements.network)
        block = None if chain is None or isinstance(verdict, Deny) else await chain.next_block()
        now = self._time(block)
        validity = min(offer.requirements.max_timeout_seconds, cases.policy.max_validity_seconds)
        return Choice(
            required=order.required,
            offer=offer,
            verdict=verdict,
            payer=self._payer,
            now=now,
            valid_before=now + validity,
            from_block=None if block is None else max(0, block.number - 1),
            permit_nonce=permit_nonce,
            ask=cases.asks[offer.requirements.index][0],
            policy=cases.policy,
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
        balance = await _uint(chain, token, erc20.balance_of(self._payer))
        if balance < offer.amount.atomic:
            held = Amount(balance, offer.token.asset)
            return _Funds(
                refusal=_refusal(offer, "insufficient_balance", f"{offer.amount} asked, the wallet has {held}")
            )
        return await self._allowance(chain, required, offer) if offer.method == "permit2" else _Funds()

    async def _allowance(self, chain: Chain, required: PaymentRequired, offer: Offer) -> _Funds:
        token = offer.token.asset.id.address
        allowed = await _uint(chain, token, erc20.allowance(self._payer, permit2.PERMIT2))
        if allowed >= offer.amount.atomic:
            return _Funds()
        if GAS_SPONSORING not in required.extensions:
            text = f"Permit2 may take {Amount(allowed, offer.token.asset)}, {offer.amount} asked; approve Permit2 first"
            return _Funds(refusal=_refusal(offer, "permit2_allowance", text))
        nonce = await _uint(chain, token, eip2612.nonces_call(self._payer))
        return _Funds(permit_nonce=nonce)


def _refusal(offer: Offer, code: str, text: str) -> Refusal:
    return Refusal(index=offer.requirements.index, code=code, text=text)


def _sorted(refusals: list[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.index))


def _ceiling(said: Amount | str | None, asset: Asset) -> Amount | None:
    """Return the caller's ceiling; text is in whole units of the asset, cut to its decimal places."""
    if said is None or isinstance(said, Amount):
        return said
    if not isinstance(said, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # types are not checked here
        raise LocalProtocolError(f"max_amount is an Amount, or text such as '0.10', not {said!r}")
    whole, dot, fraction = said.partition(".")
    try:
        return Amount.parse(f"{whole}{dot}{fraction[: asset.decimals] or '0' if dot else ''}", asset)
    except ValueError as exc:
        raise LocalProtocolError(f"max_amount: {exc}") from exc


async def _uint(chain: Chain, token: str, call: str) -> int:
    said = await chain.call(token, call)
    try:
        return erc20.uint(said)
    except ValueError as exc:
        raise AdapterError(f"token {token} on the configured chain: {exc}", retryable=False) from exc
