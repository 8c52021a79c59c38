"""An action that somebody wants done on chain, judged by the policy: its decoded calls, what it spends, and its gas."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from paygent.core.action import Action
from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError, LocalProtocolError
from paygent.core.money import Amount
from paygent.core.requirements import Token
from paygent.core.verdict import Allow, Deny, Verdict
from paygent.engine.facts import FactFinder, Finding
from paygent.engine.guard import guard
from paygent.engine.order import ActionOrder
from paygent.engine.own_rules import NO_RULES, OwnRules
from paygent.engine.policy_log import PolicyLog
from paygent.engine.tokens import TokenBook
from paygent.engine.weigh import PolicySource
from paygent.evm.calls import is_approval
from paygent.evm.coins import coin, coin_token
from paygent.policy.ask import Ask
from paygent.policy.evaluate import evaluate, holds
from paygent.policy.facts import UNKNOWN
from paygent.policy.fee import fee_of, judged, with_fee
from paygent.policy.gas import gas_cap, gas_hold
from paygent.policy.policy import Policy
from paygent.ports.clock import Clock
from paygent.ports.history import Guard
from paygent.ports.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChoice:
    """An action, judged."""

    action: Action
    ask: Ask
    finding: Finding
    policy: Policy
    verdict: Verdict
    fee: Ask | None
    """What the policy was asked about the coins that it pays beside a token; None where it pays none."""
    gas: Amount
    """The most that the gas of all its transactions may cost; zero where the policy names no limit."""
    first_nonce: int
    """What the chain says the account's next nonce is."""

    def holds(self, now: int) -> tuple[Hold, ...]:
        """Return what the action takes from the limits: what it spends, its fee, and gas."""
        spent = () if self.ask.amount.atomic == 0 else holds(self.policy, self.ask, now=now)
        if self.fee is not None:
            spent = with_fee(spent, holds(self.policy, self.fee, now=now))
        return (*spent, gas_hold(self.policy, self.ask.payer, self.gas, now=now))

    def guard(self, now: int) -> Guard | None:
        """Return what has to hold of other payments where this one is reserved; None where nothing has to."""
        return guard(self.verdict, self.policy, self.ask, self.finding, now=now)


class ActionJudge:
    """Judges actions of one wallet under one policy."""

    def __init__(
        self,
        *,
        payer: str,
        policy: Policy | PolicySource,
        tokens: TokenBook,
        writers: Mapping[ChainId, Transactions],
        clock: Clock,
        finder: FactFinder,
        log: PolicyLog | None = None,
        rules: OwnRules = NO_RULES,
    ) -> None:
        self._payer = payer
        self._policy = policy
        self._log = log
        self._tokens = tokens
        self._writers = writers
        self._clock = clock
        self._finder = finder
        self._rules = rules

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self._policy if isinstance(self._policy, Policy) else self._policy.current()

    async def judge(self, order: ActionOrder) -> ActionChoice:
        """Return the action with the policy's verdict.

        Raises: ConfigurationError: no endpoint, or a token that is not known. AdapterError: the chain does not answer.
        """
        action, policy, now = order.action, self.policy, self._clock.now()
        if self._log is not None:
            await self._log.used(policy)
        ask = Ask(
            payer=self._payer,
            payee=action.counterparty,
            network=action.network,
            token=self._token(action),
            amount=action.spend,
            host="",
            action=action,
            context=order.context,
        )
        ask, fee = await self._priced(ask), fee_of(ask)
        finding = await self._finder.find(policy, ask, now=now)
        said = evaluate(policy, ask, finding.facts)
        if fee is not None:
            fee = await self._priced(fee)
            beside = await self._finder.find(policy, fee, now=now)
            said = judged(said, evaluate(policy, fee, beside.facts))
        verdict = await self._rules.judge(said, policy, ask, now=now)
        return await self._chosen(action, ask, finding, policy, verdict, fee=fee)

    async def _priced(self, ask: Ask) -> Ask:
        price = await self._finder.price(ask)
        return ask if price is None else replace(ask, price=price)

    async def self_transfer(self, order: ActionOrder) -> ActionChoice:
        """Return a payment of nothing to the wallet itself: it moves no money, so only gas and halts count."""
        action, policy = order.action, self.policy
        ask = Ask(
            payer=self._payer,
            payee=self._payer,
            network=action.network,
            token=coin_token(action.network),
            amount=action.spend,
            host="",
            action=action,
            context=order.context,
        )
        return await self._chosen(action, ask, Finding(facts=UNKNOWN), policy, Allow())

    async def _chosen(
        self, action: Action, ask: Ask, finding: Finding, policy: Policy, verdict: Verdict, *, fee: Ask | None = None
    ) -> ActionChoice:
        try:
            writer = self._writers[action.network]
        except KeyError:
            raise ConfigurationError(
                f"no endpoint for transactions on {action.network}: set PAYGENT_RPC, or pass rpc= or transactions="
            ) from None
        return ActionChoice(
            action=action,
            ask=ask,
            finding=finding,
            policy=policy,
            verdict=verdict,
            fee=fee,
            gas=_gas(policy, action, verdict),
            first_nonce=0 if isinstance(verdict, Deny) else await writer.next_nonce(self._payer),
        )

    def _token(self, action: Action) -> Token:
        """Return what is known of the asset that is spent; the action's own word on decimals is not believed."""
        for amount in (action.spend, *action.receive):
            known = self._known(amount)
            if known is not None and known.asset.decimals != amount.asset.decimals:
                raise LocalProtocolError(
                    f"{amount.asset.id} has {known.asset.decimals} decimal places, and the action says "
                    f"{amount.asset.decimals}; nothing was signed"
                )
        token = self._known(action.spend)
        if token is None:
            raise ConfigurationError(f"{action.spend.asset.id} is not a known token; name it in tokens= to spend it")
        return token

    def _known(self, amount: Amount) -> Token | None:
        asset = amount.asset.id
        return coin_token(asset.chain) if asset.native else self._tokens.tokens.get(asset)


def _gas(policy: Policy, action: Action, verdict: Verdict) -> Amount:
    """Return what all transactions may burn: each at most the policy's cap, with one to take an approval back."""
    if isinstance(verdict, Deny):
        return Amount(0, coin(action.network))
    number = len(action.calls) + any(is_approval(call) for call in action.calls)
    return Amount(gas_cap(policy, action.network).atomic * number, coin(action.network))
