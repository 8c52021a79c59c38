"""What would happen: verdicts without signing, reserving or asking anybody."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from paygent.core.budget import Hold
from paygent.core.money import USD, Amount
from paygent.core.verdict import Deny, Verdict
from paygent.policy.ask import Ask
from paygent.policy.case import dollars
from paygent.policy.evaluate import evaluate, holds, needs
from paygent.policy.facts import UNKNOWN, Facts, Provider, Recent, SumKey
from paygent.policy.policy import Policy

_FAILURES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A payment that was made, or asked for."""

    ask: Ask
    at: int
    """Unix seconds."""
    failed: bool = False
    """It was paid and nothing came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What the policy says of a payment."""

    ask: Ask
    verdict: Verdict
    holds: tuple[Hold, ...] = ()
    """What it would take from limits over time; empty where it is denied or nobody says what time it is."""


def simulate(ask: Ask, policy: Policy, facts: Facts = UNKNOWN) -> Simulated:
    """Judge one payment as `evaluate` and `holds` would.

    Limits over windows are judged by `facts.sums`; where a sum is unknown, the verdict says nothing of that limit.
    """
    verdict = evaluate(policy, ask, facts)
    if isinstance(verdict, Deny) or facts.now is None:
        return Simulated(ask=ask, verdict=verdict)
    return Simulated(ask=ask, verdict=verdict, holds=holds(policy, ask, now=facts.now))


def simulate_history(
    history: Iterable[Past], policy: Policy, *, treasury: Amount | None = None
) -> tuple[Simulated, ...]:
    """Judge payments of the past in the order of their time, as if this policy had held all along.

    What is not denied counts as paid, at its ceiling: approvals are taken for granted. Facts come from the replay.

    Args: treasury: USD that the treasury had at first; None is unknown.
    """
    replay = _Replay(policy, treasury)
    return tuple(replay.judge(past) for past in sorted(history, key=lambda past: past.at))


@dataclass(slots=True)
class _Memory:
    """What is remembered of one agent and one provider."""

    recent: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    payments: int = 0
    provider: Provider = Provider()  # noqa: RUF009  # frozen


class _Replay:
    def __init__(self, policy: Policy, treasury: Amount | None) -> None:
        self._policy = policy
        self._treasury = treasury
        self._sums: Counter[SumKey] = Counter()
        self._known: defaultdict[tuple[str, str | None], _Memory] = defaultdict(_Memory)

    def judge(self, past: Past) -> Simulated:
        simulated = simulate(past.ask, self._policy, self._facts(past))
        if not isinstance(simulated.verdict, Deny):
            self._pay(past, simulated)
        return simulated

    def _facts(self, past: Past) -> Facts:
        agent, provider = self._agent(past.ask), self._provider(past.ask)
        asked = needs(self._policy, past.ask, now=past.at)
        since = past.at - (0 if asked.recent_seconds is None else asked.recent_seconds)
        while agent.recent and agent.recent[0][0] < since:
            agent.recent.popleft()
        spent = sum(worth for _, worth in agent.recent)
        return Facts(
            now=past.at,
            sums={key: self._sums[key] for key in asked.sums},
            treasury=self._treasury,
            recent=Recent(payments=len(agent.recent), dollars=Amount(spent, USD)),
            provider=provider.provider,
            agent_payments=agent.payments,
        )

    def _pay(self, past: Past, simulated: Simulated) -> None:
        for hold in simulated.holds:
            self._sums[hold.scope, hold.window, hold.amount.asset.id.text] += hold.amount.atomic
        worth = dollars(self._policy, past.ask, past.at)
        if worth is not None and self._treasury is not None:
            self._treasury = Amount(max(0, self._treasury.atomic - worth.atomic), USD)
        agent, memory = self._agent(past.ask), self._provider(past.ask)
        agent.payments += 1
        agent.recent.append((past.at, 0 if worth is None else worth.atomic))
        failed = (*memory.provider.failed_at, past.at)[-_FAILURES:] if past.failed else memory.provider.failed_at
        unit = None if worth is None else Amount(-(-worth.atomic // past.ask.quantity), USD)
        memory.provider = replace(memory.provider, failed_at=failed, last_unit_price=unit, last_payee=past.ask.payee)

    def _agent(self, ask: Ask) -> _Memory:
        return self._known["agent", ask.context.agent]

    def _provider(self, ask: Ask) -> _Memory:
        service = ask.context.service
        return self._known["host", ask.host] if service is None else self._known["service", service]
