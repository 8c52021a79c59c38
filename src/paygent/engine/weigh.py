"""Weigh a seller's offers: which can be read, what the policy says of each, and which goes first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.money import Amount, Asset
from paygent.core.requirements import PaymentRequired, Refusal
from paygent.core.verdict import Allow, Verdict
from paygent.engine.facts import FactFinder, Finding
from paygent.engine.order import Order
from paygent.engine.own_rules import NO_RULES, OwnRules
from paygent.engine.tokens import TokenBook
from paygent.policy.evaluate import Ask, evaluate
from paygent.policy.facts import Facts
from paygent.policy.policy import Policy
from paygent.ports.clock import Clock
from paygent.x402.extensions import declared_metadata
from paygent.x402.offers import Offer, read_offers
from paygent.x402.origin import foreign_resource
from paygent.x402.select import Preferences, Selection, select

REMEMBERED = 64
"""How many answers' weights are kept, to be found again when the same is asked again."""
_Ordinary: TypeAlias = tuple[int, str, Context, int, str | None]


class PolicySource(Protocol):
    """**Protocol:** the policy as it is now, such as a file that is read again while the program runs."""

    def current(self) -> Policy:
        """Return the policy for one payment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A seller's offers under one policy, for one order."""

    required: PaymentRequired
    policy: Policy
    asks: Mapping[int, Ask]
    """What the policy was asked, by the index of the offer."""
    findings: Mapping[int, Finding]
    """What the verdicts rest on, by the index of the offer."""
    selection: Selection
    refusals: tuple[Refusal, ...]
    """Why offers cannot be taken, whatever the wallet holds; in no order."""
    lasting: bool
    """No chain has to be asked once more what a token's domain is."""


class Weigher:
    """Weighs for one wallet under one policy. Reads what the policy wants to know, and decides nothing besides."""

    def __init__(
        self,
        *,
        payer: str,
        policy: PolicySource,
        tokens: TokenBook,
        clock: Clock,
        preferences: Preferences,
        finder: FactFinder | None,
        rules: OwnRules = NO_RULES,
    ) -> None:
        self._payer = payer
        self._policy = policy
        self._tokens = tokens
        self._clock = clock
        self._preferences = preferences
        self._finder = finder
        self._rules = rules
        self._known: dict[_Ordinary, Weighed] = {}

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self._policy.current()

    async def weigh(self, order: Order) -> Weighed:
        """Return every offer with the policy's word.

        Where that depends on nothing but the answer, the policy and the order, it is remembered: all three are values.

        Raises: AdapterError: the chain or the storage could not answer.
        """
        policy = self._policy.current()
        name = self._ordinary(order, policy)
        known = None if name is None else self._known.get(name)
        if known is not None and known.required is order.required and known.policy is policy:
            return known
        weighed = await self._weigh(order, policy)
        if name is not None and weighed.lasting:
            self._remember(name, weighed)
        return weighed

    def _ordinary(self, order: Order, policy: Policy) -> _Ordinary | None:
        """Return what names the order, or None where its verdict may be another one the next time."""
        if order.max_amount is not None or order.edited is not None or order.instead_of or self._rules:
            return None
        if self._finder is not None and not self._finder.is_silent(policy):
            return None
        return (id(order.required), order.url, order.context, order.quantity, order.metadata_uri)

    def _remember(self, name: _Ordinary, weighed: Weighed) -> None:
        self._known[name] = weighed
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    async def _weigh(self, order: Order, policy: Policy) -> Weighed:
        foreign = foreign_resource(order.required, order.url)
        if foreign is not None:
            return Weighed(
                required=order.required,
                policy=policy,
                asks={},
                findings={},
                selection=select((), lambda _: Allow()),
                refusals=(*order.required.refusals, foreign),
                lasting=True,
            )
        doubts = await self._tokens.confirm(order.required.requirements)
        offers, refusals = read_offers(order.required, self._tokens.tokens)
        doubtful = {doubt.index for doubt in doubts}
        sure = [offer for offer in offers if offer.requirements.index not in doubtful]
        asked = {offer.requirements.index: await self._ask(policy, order, offer) for offer in sure}
        verdicts = {index: await self._verdict(policy, *about) for index, about in asked.items()}
        selection = select(sure, lambda offer: verdicts[offer.requirements.index], self._preferences)
        return Weighed(
            required=order.required,
            policy=policy,
            asks={index: ask for index, (ask, _) in asked.items()},
            findings={index: finding for index, (_, finding) in asked.items()},
            selection=selection,
            refusals=(*refusals, *doubts, *selection.refusals),
            lasting=not doubts,
        )

    async def _verdict(self, policy: Policy, ask: Ask, finding: Finding) -> Verdict:
        facts = finding.facts
        verdict = evaluate(policy, ask, facts)
        now = self._clock.now() if facts.now is None else facts.now
        return await self._rules.judge(verdict, policy, ask, now=now) if self._rules else verdict

    async def _ask(self, policy: Policy, order: Order, offer: Offer) -> tuple[Ask, Finding]:
        """Return what the policy is asked, with what was found out about it."""
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
            return ask, Finding(facts=Facts(now=now))
        if (price := await self._finder.price(ask)) is not None:
            ask = replace(ask, price=price)
        return ask, await self._finder.find(policy, ask, now=now)


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
