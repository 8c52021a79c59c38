"""`--agent`, `--project` and `--service`: who pays and what for, under the two older policy files."""

import pytest

from tests.unit.cli.conftest import Program
from tests.unit.cli.shop import Shop

AGENTS = """\
agents:
  - {id: shopper, priority: HIGH, dailyBudget: "5", maxPerCall: "1"}
  - {id: tourist, priority: HIGH, dailyBudget: "5", maxPerCall: "1"}
"""
SERVICES = """\
services:
  - id: premium
    unitPrice: "0.10"
    providerAddress: "{payee}"
    active: true
    isVerified: true
    maxDailySpending: "1"
    allowedAgents: [shopper]
"""


@pytest.fixture
def policy(paygent: Program) -> str:
    """The value of PAYGENT_POLICY."""
    (paygent.folder / "agents.yaml").write_text(AGENTS)
    (paygent.folder / "services.yaml").write_text(SERVICES.format(payee=paygent.net.seller.payee))
    return "agents.yaml,services.yaml"


def test_agent_that_is_allowed_pays_for_the_service(paygent: Program, shop: Shop, policy: str) -> None:
    named = ("--agent", "shopper", "--service", "premium")
    done = paygent("pay", shop.url("good"), *paygent.rpc, *named, "--json", PAYGENT_POLICY=policy)

    assert (0, "SETTLED") == (done.code, done.said["payment"]["state"]), done.said


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (("--agent", "tourist", "--service", "premium"), "tourist"),
        (("--agent", "shopper", "--service", "other"), "other"),
        (("--agent", "shopper"), "service"),
        (("--service", "premium"), "agent"),
    ],
    ids=" ".join,
)
def test_whoever_the_files_do_not_allow_pays_nothing(
    paygent: Program, shop: Shop, policy: str, named: tuple[str, ...], why: str
) -> None:
    done = paygent("pay", shop.url("good"), *paygent.rpc, *named, "--json", PAYGENT_POLICY=policy)

    assert (3, "PolicyDenied") == (done.code, done.said["error"]["type"])
    assert why in done.said["error"]["message"]


def test_agent_may_come_from_the_settings(paygent: Program, shop: Shop, policy: str) -> None:
    where = {"PAYGENT_POLICY": policy, "PAYGENT_AGENT": "shopper", "PAYGENT_PROJECT": "news"}
    done = paygent("quote", shop.url("good"), "--service", "premium", "--json", **where)

    assert (0, 0) == (done.code, done.said["quote"]["taken"]), done.said


def test_name_that_cannot_be_one_is_wrong_use(paygent: Program) -> None:
    done = paygent("pay", "http://127.0.0.1:9/", "--agent", "no such\nname", "--json")

    assert 1 == done.code
    assert "agent" in done.said["error"]["message"]
