"""No order of rules and limits lets an amount above any of them through; hosts are matched whole."""

from itertools import permutations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import ChainId, erc20
from paygent.core.errors import BudgetExceeded
from paygent.core.money import USD, Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.core.verdict import Allow, Deny
from paygent.policy.ask import Ask
from paygent.policy.evaluate import evaluate, holds, host_allowed
from paygent.policy.policy import Policy
from paygent.testing.conformance.payments import reserved
from paygent.testing.journal import MemoryJournal

NOW = 1_800_000_000
CHAIN = ChainId.evm(1)
DOLLAR = Token(
    asset=Asset(id=erc20(CHAIN, f"0x{'11' * 20}"), symbol="USDX", decimals=6), name="X", versions=("1",), usd=True
)
OTHER = Token(asset=Asset(id=erc20(CHAIN, f"0x{'22' * 20}"), symbol="ODD", decimals=2), name="O", versions=("1",))
PAYEE = f"0x{'33' * 20}"
_SMALL = st.integers(0, 50)
_USD = _SMALL.map(lambda atomic: Amount(atomic, USD))
_TOKEN = _SMALL.map(lambda atomic: Amount(atomic, DOLLAR.asset))
_ODD = _SMALL.map(lambda atomic: Amount(atomic, OTHER.asset))
_LIMITS = st.tuples(_USD, _TOKEN, _ODD).flatmap(
    lambda three: st.lists(st.sampled_from(three), min_size=1, max_size=3, unique_by=lambda each: each.asset.id)
)


def ask(atomic: int, *, token: Token = DOLLAR, host: str = "api.example.com", ceiling: Amount | None = None) -> Ask:
    return Ask(
        payer=f"0x{'44' * 20}",
        payee=PAYEE,
        network=CHAIN,
        token=token,
        amount=Amount(atomic, token.asset),
        host=host,
        max_amount=ceiling,
    )


@given(_LIMITS, _LIMITS, st.none() | _USD | _TOKEN, st.integers(0, 60), st.sampled_from([DOLLAR, OTHER]))
def test_amount_above_any_limit_is_denied_in_every_order(
    per_payment: list[Amount], per_day: list[Amount], ceiling: Amount | None, atomic: int, token: Token
) -> None:
    """What passes is within every limit that counts it, and some limit of each kind counts it."""
    counted = {token.asset.id} | ({USD.id} if token.usd else set())
    asked = ask(atomic, token=token, ceiling=ceiling)

    verdicts = {
        type(evaluate(Policy(max_per_payment=one, per_day=two, approve_above=None), asked))
        for one in permutations(per_payment)
        for two in permutations(per_day)
    }

    kinds = [per_payment, per_day, *([] if ceiling is None else [[ceiling]])]
    single = per_payment if ceiling is None else [*per_payment, ceiling]
    within = all(limit.atomic >= atomic for limit in single if limit.asset.id in counted)
    covered = all(any(limit.asset.id in counted for limit in kind) for kind in kinds)
    assert {Allow if within and covered else Deny} == verdicts


@given(st.integers(1, 60), st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_sum_of_what_is_reserved_never_passes_the_day(limit: int, prices: list[int]) -> None:
    """The store takes a payment exactly where there is room left, in whatever order they come."""
    policy = Policy(max_per_payment=usd("1"), per_day=Amount(limit, USD))

    async def reserve_all() -> int:
        journal, total = MemoryJournal(bytes(32)), 0
        for number, price in enumerate(prices):
            taken = holds(policy, ask(price), now=NOW)
            if total + price > limit:
                with pytest.raises(BudgetExceeded):
                    await journal.open(reserved(f"p{number}"), taken, now=NOW, new_purchase=True)
            else:
                await journal.open(reserved(f"p{number}"), taken, now=NOW, new_purchase=True)
                total += price
        return total

    assert anyio.run(reserve_all) <= limit


HOSTS = frozenset({"*.example.com", "exact.org", "port.net:8443", "xn--bcher-kva.example", "[::1]"})


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.example.com", True),
        ("a.b.example.com:8080", True),
        ("example.com", False),
        ("evil-example.com", False),
        ("evilexample.com", False),
        ("example.com.evil.test", False),
        ("api.example.com.", True),
        ("api.example.com.evil.test:443", False),
        (".example.com", True),
        ("exact.org", True),
        ("exact.org:8080", True),
        ("exact.org.", True),
        ("sub.exact.org", False),
        ("notexact.org", False),
        ("port.net:8443", True),
        ("port.net", False),
        ("port.net:443", False),
        ("port.net:84433", False),
        ("xn--bcher-kva.example", True),
        ("bücher.example", False),
        ("bucher.example", False),
        ("[::1]", True),
        ("[::1]:8080", True),
        ("[::2]", False),
        ("", False),
        (":443", False),
        ("exact.org@evil.test", False),
        ("evil.test:80:exact.org", False),
    ],
)
def test_host_is_matched_whole(host: str, allowed: bool) -> None:
    """Suffixes count only at a dot, a wildcard does not name its own domain, a port is compared where one is named."""
    assert allowed == host_allowed(host, HOSTS)
    assert (Allow if allowed else Deny) is type(evaluate(Policy(hosts=HOSTS), ask(1, host=host)))


def test_empty_list_allows_nothing() -> None:
    """None is no opinion; an empty list is one."""
    empty = frozenset()  # type: ignore[var-annotated]
    policies = [Policy(hosts=empty), Policy(networks=empty), Policy(assets=empty), Policy(payees=empty)]

    assert [Deny] * 4 == [type(evaluate(policy, ask(1))) for policy in policies]
    assert Allow() == evaluate(Policy(payees=frozenset({PAYEE.upper().replace("0X", "0x")})), ask(1))
