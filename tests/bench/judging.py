"""What a policy of 30 rules over 10 scopes costs to evaluate, in memory."""

from time import perf_counter

from paygent.core.context import Context
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow
from paygent.core.window import DAY
from paygent.evm.tokens import TOKENS
from paygent.policy.evaluate import Ask, evaluate, holds, needs
from paygent.policy.facts import Facts, Provider, Recent
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.risk import Risk
from paygent.policy.scope import Scope
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians

NOW = 1_800_000_000
SCOPES = "treasury project agent session run tool service host recipient token".split()
TOKEN = next(token for token in TOKENS.values() if token.usd)
POLICY = Policy(
    limits=tuple(Limit(amount=usd("5"), scope=Scope.parse(scope)) for scope in SCOPES)
    + tuple(Limit(amount=usd("50"), scope=Scope.parse(scope), window=DAY) for scope in SCOPES),
    networks=frozenset({TOKEN.asset.id.chain}),
    assets=frozenset({TOKEN.asset.id}),
    hosts=frozenset({"*.example.com"}),
    agents=frozenset({"agent"}),
    risk=Risk(),
)
"""10 limits of one payment and 10 over a day, 4 lists, 5 risk rules, a threshold."""
ASK = Ask(
    payer=f"0x{'11' * 20}",
    payee=f"0x{'22' * 20}",
    network=TOKEN.asset.id.chain,
    token=TOKEN,
    amount=Amount(10_000, TOKEN.asset),
    host="api.example.com",
    context=Context(project="p", agent="agent", session="s", run="r", tool="t", service="x"),
)
FACTS = Facts(
    now=NOW,
    sums=dict.fromkeys(needs(POLICY, ASK, now=NOW).sums, 1),
    treasury=usd("100"),
    recent=Recent(payments=0, dollars=usd("0")),
    provider=Provider(),
    agent_payments=4,
)


async def rows(rounds: int) -> list[Row]:
    """Return judging with every sum known, beside working out what the payment holds."""
    took = await microseconds(rounds)
    return [
        Row(
            name="judge a payment: 30 rules, 10 scopes",
            unit="µs",
            paygent=took["evaluate"],
            peer_name="what it holds, found again",
            peer=took["holds"],
            target=60,
            target_is="value",
        )
    ]


async def microseconds(rounds: int) -> dict[str, float]:
    """Return the median of judging, with every sum of a window known, and of what the payment holds."""
    assert evaluate(POLICY, ASK, FACTS) == Allow()
    assert len(holds(POLICY, ASK, now=NOW)) == 11
    contenders: dict[str, Contender] = {"evaluate": _evaluate, "holds": _holds}
    return {name: took * 1e6 for name, took in (await medians(contenders, rounds=rounds, in_a_row=20)).items()}


async def _evaluate() -> float:
    start = perf_counter()
    evaluate(POLICY, ASK, FACTS)
    return perf_counter() - start


async def _holds() -> float:
    start = perf_counter()
    holds(POLICY, ASK, now=NOW)
    return perf_counter() - start
