"""The digest of a policy changes with every field, and with nothing else."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import LocalProtocolError
from paygent.core.money import usd
from paygent.evm.tokens import TOKENS
from paygent.policy.canonical import canonical, digest
from paygent.policy.config import read_policy
from paygent.policy.policy import Denied, Policy
from paygent.policy.risk import Risk
from paygent.policy.valuation import FixedRate, Valuation

FULL = """\
max_per_payment: "2.00"
approve_above: "5"
limits: [{scope: agent, amount: "5 payments", per: 60 seconds},
  {scope: run, amount: "3", per: day, zone: Europe/Zurich}]
tools: [{id: swap, approve_above: "0"}]
agents: [{id: a, priority: HIGH, dailyBudget: 5.0, maxPerCall: 1.0}]
services: [{id: s, unitPrice: 1, providerAddress: "0x1111111111111111111111111111111111111111", active: true,
  isVerified: true, alternatives: [{mode: summary}]}]
allow: {hosts: [b.example, a.example], networks: ["eip155:25", "eip155:1"]}
risk: {deny: [burst, payee_changed]}
"""
ASSET: AssetId = next(iter(TOKENS))


def test_equal_policies_have_equal_bytes() -> None:
    again = FULL.replace("[b.example, a.example]", "[a.example, b.example]").replace('"2.00"', '"2"')

    assert canonical(read_policy([("p.yaml", FULL)])) == canonical(read_policy([("p.yaml", again)]))
    assert 64 == len(digest(Policy()))


@pytest.mark.parametrize(
    "changed",
    [
        {"max_per_payment": usd("2")},
        {"max_per_payment": (usd("1"),)},
        {"networks": frozenset()},
        {"networks": frozenset({ChainId.evm(25)})},
        {"deny": Denied(agents=frozenset({"a"}))},
        {"approve_above": None},
        {"other_agents": True},
        {"risk": Risk()},
        {"risk": Risk(failures=4)},
        {"valuation": Valuation(fixed=(FixedRate(asset=ASSET, usd=Decimal("0.99")),))},
        {"max_validity_seconds": 601},
    ],
    ids=str,
)
def test_each_change_changes_the_digest(changed: dict[str, object]) -> None:
    assert digest(Policy()) != digest(replace(Policy(), **changed))  # type: ignore[arg-type]  # fields by name


def test_every_field_of_a_policy_is_in_it() -> None:
    names = {field.name.encode() for field in fields(Policy) if field.compare}

    assert all(b'"' + name + b'":' in canonical(Policy()) for name in names)


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="cannot make a digest"):
        canonical(replace(Policy(), other_agents=1.5))  # type: ignore[arg-type]  # on purpose
