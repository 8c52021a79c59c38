"""Allow lists let in what they name, deny lists keep out what they name."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.price import Price
from paygent.core.verdict import Allow
from paygent.policy.evaluate import evaluate
from paygent.policy.policy import Denied
from tests.unit.policy.cases import CHAIN, COIN, DOLLAR, FREE, NOW, PAYEE, asked, codes

OTHER = f"0x{'99' * 20}"
PRICED = Price(asset=DOLLAR.asset.id, usd=Decimal(1), as_of=NOW, source="feed")
CASES: list[tuple[str, Any, Any, str]] = [
    ("networks", CHAIN, ChainId.evm(25), "network"),
    ("assets", DOLLAR.asset.id, COIN.asset.id, "asset"),
    ("hosts", "api.example.com", "other.example", "host"),
    ("hosts", "*.example.com", "*.other.example", "host"),
    ("payees", PAYEE.lower(), OTHER, "payee"),
    ("payees", PAYEE.upper().replace("0X", "0x"), OTHER, "payee"),
    ("services", "search", "maps", "service"),
    ("agents", "bot", "human", "agent"),
    ("oracles", "feed", "rumour", "oracle"),
]


@pytest.mark.parametrize(("field", "named", "other", "what"), CASES)
def test_allow_list_lets_in_only_what_it_names(field: str, named: Any, other: Any, what: str) -> None:
    changes: list[dict[str, Any]] = [{field: frozenset({each})} for each in (named, other)]
    ask = asked(price=PRICED)

    assert Allow() == evaluate(replace(FREE, **changes[0]), ask)
    assert [f"{what}_not_allowed"] == codes(evaluate(replace(FREE, **changes[1]), ask))
    empty: dict[str, Any] = {field: frozenset()}
    assert [f"{what}_not_allowed"] == codes(evaluate(replace(FREE, **empty), ask))


@pytest.mark.parametrize(("field", "named", "other", "what"), CASES)
def test_deny_list_keeps_out_what_it_names_though_it_is_allowed(field: str, named: Any, other: Any, what: str) -> None:
    ask = asked(price=PRICED)
    denied, silent, allowed = ({field: frozenset({each})} for each in (named, other, named))
    both: dict[str, Any] = {**allowed, "deny": Denied(**denied)}
    verdict = evaluate(replace(FREE, **both), ask)

    assert [f"{what}_denied"] == codes(verdict)
    assert Allow() == evaluate(replace(FREE, deny=Denied(**silent)), ask)
    assert f"the {what} is on the policy's deny list: " in verdict.explain()


def test_allow_lists_of_names_deny_whoever_has_none() -> None:
    policy = replace(FREE, agents=frozenset({"bot"}), services=frozenset({"search"}))

    assert ["service_not_allowed", "agent_not_allowed"] == codes(evaluate(policy, asked(context=Context())))


def test_oracle_that_is_not_asked_is_not_judged() -> None:
    policy = replace(FREE, oracles=frozenset(), deny=Denied(oracles=frozenset({"feed"})))

    assert Allow() == evaluate(policy, asked())


@pytest.mark.parametrize("asked_of", ["api.example.com.", "api.example.com.:8443"])
@pytest.mark.parametrize("named", ["api.example.com", "API.example.com.", "*.example.com"])
def test_host_is_kept_out_also_with_the_dot_that_may_end_its_name(named: str, asked_of: str) -> None:
    policy = replace(FREE, deny=Denied(hosts=frozenset({named})))

    assert ["host_denied"] == codes(evaluate(policy, asked(host=asked_of)))
    assert Allow() == evaluate(replace(FREE, hosts=frozenset({named})), asked(host=asked_of))


def test_host_with_letters_that_no_url_is_sent_with_is_refused() -> None:
    for make in (lambda named: Denied(hosts=named), lambda named: replace(FREE, hosts=named)):
        with pytest.raises(ConfigurationError, match="write it with xn--"):
            make(frozenset({"m\u00fcnchen.example"}))


@pytest.mark.parametrize(
    "named",
    [
        *("https://evil.example", "evil.example/path", "me@evil.example", " evil.example", "", "*", "*.", "*:8443"),
        *("*evil.example", ".evil.example", "evil..example", "evil.example:", "fe80::1", "[::1", "[::1]evil.example"),
        *("evil.example:08443", "evil.example:0", "evil.example:65536", "evil.example:100000"),
    ],
)
def test_host_that_no_url_names_is_refused(named: str) -> None:
    with pytest.raises(ConfigurationError, match="is no host of a URL, so it would never be met"):
        Denied(hosts=frozenset({named}))


@pytest.mark.parametrize("host", ["127.0.0.1:8443", "[fe80::1%eth0]:9", "[::1]", "seller", "xn--mnchen-3ya.example:1"])
def test_host_of_every_kind_is_kept_out(host: str) -> None:
    assert ["host_denied"] == codes(evaluate(replace(FREE, deny=Denied(hosts=frozenset({host}))), asked(host=host)))


@pytest.mark.parametrize("make", [Denied, partial(replace, FREE)])
@pytest.mark.parametrize("field", ["networks", "assets", "hosts", "payees", "services", "agents", "oracles"])
@pytest.mark.parametrize("named", ["evil.example", 5, [None], [b"evil.example"]])
def test_list_that_would_never_be_met_is_refused(make: Any, field: str, named: Any) -> None:
    """A text is no list of its letters, and what is of another kind equals nothing: denying it would deny nothing."""
    with pytest.raises(ConfigurationError, match=rf"^{field} (is|has) .*; write"):
        make(**{field: named})


@pytest.mark.parametrize(("field", "named"), [("networks", "eip155:25"), ("assets", "eip155:25/slip44:60")])
def test_list_of_ids_refuses_their_text(field: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{field} has '{named}', which would never be met"):
        Denied(**{field: frozenset({named})})  # type: ignore[arg-type]


def test_payee_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="payees has '0x12', which is no address"):
        Denied(payees=frozenset({"0x12"}))


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_list_may_be_any_that_can_be_gone_through(kind: Any) -> None:
    policy = replace(FREE, deny=Denied(payees=kind([PAYEE])))

    assert ["payee_denied"] == codes(evaluate(policy, asked()))


def test_venues_are_no_letters() -> None:
    """A text would let in each venue whose name is a part of it."""
    with pytest.raises(ConfigurationError, match="venues is 'vvs-fork'"):
        replace(FREE, venues="vvs-fork")  # type: ignore[arg-type]
