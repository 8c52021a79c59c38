"""A scope is about some payments, and gives their sum one name."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.context import Context
from paygent.policy.case import names
from paygent.policy.scope import KINDS, Part, Scope
from tests.unit.policy.cases import COIN, DOLLAR, PAYEE, PAYER, asked

FULL = names(asked(context=Context(project="p", agent="bot", session="s", run="r", tool="lookup", service="search")))
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        ("wallet", f"wallet:{PAYER.lower()}"),
        ("treasury", "treasury:default"),
        ("project", "project:p"),
        ("agent", "agent:bot"),
        ("agent:bot", "agent:bot"),
        ("agent:other", None),
        ("agent : bot ", "agent:bot"),
        ("run & tool: lookup", "run:r&tool:lookup"),
        ("session", "session:s"),
        ("run", "run:r"),
        ("tool:lookup", "tool:lookup"),
        ("service:search", "service:search"),
        ("host", "host:api.example.com"),
        ("host:API.example.com", "host:api.example.com"),
        ("host:*.example.com", "host:*.example.com"),
        ("host:example.com", None),
        ("recipient", f"recipient:{PAYEE.lower()}"),
        (f"recipient:{PAYEE.upper().replace('0X', '0x')}", f"recipient:{PAYEE.lower()}"),
        (f"token:{DOLLAR.asset.id}", f"token:{DOLLAR.asset.id}"),
        (f"token:{COIN.asset.id}", None),
        ("network:eip155:31337", "network:eip155:31337"),
        ("tool:lookup & run", "run:r&tool:lookup"),
        ("agent:bot & tool", "agent:bot&tool:lookup"),
        ("agent:other & tool", None),
    ],
)
def test_scope_names_the_sum_of_a_payment(scope: str, key: str | None) -> None:
    assert key == Scope.parse(scope).key(FULL)


@pytest.mark.parametrize("kind", ["project", "agent", "session", "run", "tool", "service"])
def test_payments_without_a_name_share_one_sum(kind: str) -> None:
    nameless = names(asked(context=Context()))

    assert f"{kind}:" == Scope.parse(kind).key(nameless)
    assert Scope.parse(f"{kind}:x").key(nameless) is None


@pytest.mark.parametrize("host", ["api.example.com:8443", "api.example.com:443", "api.example.com", "api.example.com."])
def test_each_host_has_one_sum_whatever_the_port(host: str) -> None:
    assert "host:api.example.com" == Scope.parse("host").key(names(asked(host=host)))
    assert "host:api.example.com" == Scope.parse("host:api.example.com").key(names(asked(host=host)))


def test_host_with_a_port_means_that_port() -> None:
    scope = Scope.parse("host:api.example.com:8443")

    assert "host:api.example.com:8443" == scope.key(names(asked(host="api.example.com:8443")))
    assert scope.key(names(asked(host="api.example.com:443"))) is None


@given(st.dictionaries(st.sampled_from(["agent", "session", "run", "tool"]), TEXT, min_size=1))
def test_parse_reads_what_str_writes(parts: Mapping[str, str]) -> None:
    scope = Scope(tuple(Part(kind, name) for kind, name in parts.items()))

    assert scope == Scope.parse(str(scope))


@given(*[st.tuples(TEXT, TEXT)] * 2)
def test_payments_of_two_names_never_share_a_sum(one: tuple[str, str], other: tuple[str, str]) -> None:
    scope = Scope.parse("run & tool")
    first, second = (scope.key(names(asked(context=Context(run=run, tool=tool)))) for run, tool in (one, other))

    assert (one == other) == (first == second)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("agnet", "did you mean 'agent'"),
        ("", "is no scope; scopes are wallet, treasury"),
        ("xyzzy:a", "is no scope"),
        ("agent & agent:b", "each once"),
        ("agent:", "is not the name of a agent"),
        ("agent:\x00", "is not the name"),
        ("token:usdc", "CAIP-19"),
        ("network:mainnet", "CAIP-2"),
        ("recipient:0x12", "is not an address"),
        ("wallet:main", "is not an address"),
        ("host:m\u00fcnchen.example", "write it with xn--"),
    ],
)
def test_parse_refuses_what_is_no_scope(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Scope.parse(text)


def test_scope_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="one or more kinds, each once, not none"):
        Scope(())


def test_every_kind_has_a_name_for_every_payment() -> None:
    assert set(KINDS) == set(FULL)
