"""A policy file means exactly what the Python value means; what it cannot mean is said with its place."""

import json
from decimal import Decimal
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no types
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import PolicyFileError
from paygent.core.money import Amount, payments, usd
from paygent.core.verdict import Alternative
from paygent.core.window import DAY, Calendar, Rolling
from paygent.policy.config import read_policy, schema
from paygent.policy.limits import Limit
from paygent.policy.policy import Denied, Policy
from paygent.policy.risk import Burst, Risk
from paygent.policy.scope import Scope
from paygent.policy.terms import AgentTerms, Priority, ServiceTerms, ToolTerms
from paygent.policy.valuation import FixedRate, Valuation
from tests.architecture.guards.tree import ROOT
from tests.unit.policy.cases import COIN

TOKENS = {COIN.asset.id: COIN}
OWNER = f"0x{'aB' * 20}"
AGENTS = """\
agents:
  - id: user-agent
    priority: HIGH
    dailyBudget: 5.0
    maxPerCall: 1.10
  - {id: batch, priority: LOW, dailyBudget: 2, maxPerCall: "0.1"}
"""
SERVICES = f"""\
services:
  - id: search
    unitPrice: 0.05
    providerAddress: {OWNER}
    active: true
    isVerified: false
    metadataURI: ipfs://about-search
    maxDailySpending: 3.5
    allowedAgents: [user-agent, batch]
"""
FULL = f"""\
# everything a file can say
version: 1
max_per_payment: ["5", "0.5 {COIN.asset.id}"]
per_day: 20
approve_above: never
tools:
  - {{id: swap, approve_above: "0"}}
  - {{id: read, approve_above: never}}
limits:
  - {{scope: "agent:researcher", amount: "3.5", per: day}}
  - {{scope: run & tool, amount: "5 payments", per: 60 seconds}}
  - {{scope: treasury, amount: "100", per: month, zone: Europe/Zurich}}
  - {{scope: host, amount: "1", per: payment}}
  - {{scope: host, amount: "9", per: 24 hours}}
allow:
  networks: ["eip155:25"]
  assets: ["{COIN.asset.id}"]
  hosts: ["*.Example.com", "localhost:8080"]
  payees: ["{OWNER}"]
  services: [search]
  agents: [NO, on]
  oracles: [feed]
deny: {{hosts: [evil.example], agents: ["x"]}}
agents:
  - {{id: boss, priority: MEDIUM, dailyBudget: 10, maxPerCall: 1}}
other_agents: true
projects:
  - {{id: alpha, dailyBudget: 7, maxPerCall: 0.3}}
  - {{id: beta, dailyBudget: 8}}
services:
  - id: search
    unitPrice: 0.05
    providerAddress: "{OWNER}"
    active: true
    isVerified: true
    alternatives: [{{mode: summary}}, {{quantity: 1}}, {{service: cheap}}]
  - {{id: cheap, unitPrice: 0.01, providerAddress: "{OWNER}", active: false, isVerified: true, allowedAgents: []}}
other_services: true
risk:
  burst: {{payments: 9, amount: 12.5, seconds: 30}}
  first_payment: off
  failures: 5
  failure_half_life_seconds: 60
  price_drift_percent: 10
  payee_changed: false
  deny: [burst, price_drift]
prices:
  max_age_seconds: 60
  haircut_bps: 50
  fixed: [{{asset: "{COIN.asset.id}", usd: "1.0001"}}]
max_validity_seconds: 120
"""


def read(*texts: str) -> Policy:
    return read_policy([(f"{number}.yaml", text) for number, text in enumerate(texts, 1)], tokens=TOKENS)


def dollars(amount: str, scope: str, window: Any = None) -> Limit:
    return Limit(amount=usd(amount), scope=Scope.parse(scope), window=window)


def test_file_means_what_python_means() -> None:
    expected = Policy(
        max_per_payment=(usd("5"), Amount.parse("0.5", COIN.asset)),
        per_day=usd("20"),
        approve_above=None,
        tools=(ToolTerms(id="swap", approve_above=usd("0")), ToolTerms(id="read", approve_above=None)),
        limits=(
            dollars("3.5", "agent:researcher", DAY),
            Limit(amount=payments(5), scope=Scope.parse("run & tool"), window=Rolling(seconds=60)),
            dollars("100", "treasury", Calendar(period="month", zone="Europe/Zurich")),
            dollars("1", "host"),
            dollars("9", "host", Rolling(seconds=86_400)),
            dollars("7", "project:alpha", DAY),
            dollars("0.3", "project:alpha"),
            dollars("8", "project:beta", DAY),
        ),
        networks=frozenset({ChainId.evm(25)}),
        assets=frozenset({COIN.asset.id}),
        hosts=frozenset({"*.example.com", "localhost:8080"}),
        payees=frozenset({OWNER}),
        services=frozenset({"search"}),
        agents=frozenset({"NO", "on"}),
        oracles=frozenset({"feed"}),
        deny=Denied(hosts=frozenset({"evil.example"}), agents=frozenset({"x"})),
        agent_terms=(
            AgentTerms(id="boss", priority=Priority.MEDIUM, daily_budget=usd("10"), max_per_payment=usd("1")),
        ),
        other_agents=True,
        service_terms=(
            ServiceTerms(
                id="search",
                unit_price=usd("0.05"),
                provider=OWNER,
                verified=True,
                alternatives=(
                    Alternative(kind="mode", value="summary"),
                    Alternative(kind="quantity", value="1"),
                    Alternative(kind="service", value="cheap"),
                ),
            ),
            ServiceTerms(
                id="cheap",
                unit_price=usd("0.01"),
                provider=OWNER,
                active=False,
                verified=True,
                allowed_agents=frozenset(),
            ),
        ),
        other_services=True,
        risk=Risk(
            burst=Burst(payments=9, amount=usd("12.5"), seconds=30),
            first_payment=None,
            failures=5,
            failure_half_life_seconds=60,
            price_drift_percent=10,
            payee_changed=False,
            deny=frozenset({"burst", "price_drift"}),
        ),
        valuation=Valuation(
            max_age_seconds=60,
            haircut_bps=50,
            fixed=(FixedRate(asset=COIN.asset.id, usd=Decimal("1.0001")),),
        ),
        max_validity_seconds=120,
    )

    assert expected == read(FULL)


def test_file_that_says_nothing_means_the_defaults() -> None:
    assert Policy() == read("{}")
    assert Policy(risk=Risk()) == read("risk: {}")


def test_older_files_are_read_as_they_are() -> None:
    policy = read(AGENTS, SERVICES)

    assert (
        AgentTerms(id="user-agent", priority=Priority.HIGH, daily_budget=usd("5"), max_per_payment=usd("1.1")),
        AgentTerms(id="batch", priority=Priority.LOW, daily_budget=usd("2"), max_per_payment=usd("0.1")),
    ) == policy.agent_terms
    assert (
        ServiceTerms(
            id="search",
            unit_price=usd("0.05"),
            provider=OWNER,
            active=True,
            verified=False,
            metadata_uri="ipfs://about-search",
            max_per_day=usd("3.5"),
            allowed_agents=frozenset({"user-agent", "batch"}),
        ),
    ) == policy.service_terms
    assert (False, False) == (policy.other_agents, policy.other_services)


@pytest.mark.parametrize(("said", "meant"), [("True", True), ("TRUE", True), ("False", False), ("FALSE", False)])
def test_flags_are_read_as_yaml_writes_them(said: str, meant: bool) -> None:
    assert meant is read(f"other_agents: {said}").other_agents


def test_older_files_alone_limit_agents_as_they_say() -> None:
    policy = read(AGENTS)

    assert (usd("1.1"), usd("7")) == (policy.max_per_payment, policy.per_day)
    assert (usd("1"), usd("20")) == tuple(read(AGENTS, "other_agents: true").payment_limits) + tuple(
        read(AGENTS, "other_agents: true").day_limits
    )
    assert usd("0.5") == read(AGENTS, 'max_per_payment: "0.5"').max_per_payment


@given(st.integers(0, 10**12), st.integers(0, 6))
def test_number_is_read_from_its_digits(atomic: int, places: int) -> None:
    """0.1 is a tenth: no float ever stood between."""
    text = format(Decimal(atomic).scaleb(-6), "f")
    said = text if "." not in text else text[: len(text) - 6 + max(places, len(text.rstrip("0").partition(".")[2]))]
    said = said.rstrip(".")
    (agent,) = read(f"agents: [{{id: a, priority: LOW, dailyBudget: {said}, maxPerCall: 1}}]").agent_terms

    assert Amount(atomic, usd("0").asset) == agent.daily_budget


# --- what is wrong ---------------------------------------------------------------------------------------------------

AGENT = "agents:\n  - id: a\n    priority: LOW\n    dailyBudget: 1\n    maxPerCall: 1\n"
SERVICE = SERVICES
WRONG: list[tuple[str, int, int, str, str]] = [
    ("", 1, 1, "a policy", "an empty file"),
    ("# nothing\n", 2, 1, "a policy", "an empty file"),
    ("- 1", 1, 1, "keys and values", "a list"),
    ("just words", 1, 1, "keys and values", "'just words'"),
    ("per_day: [1", 1, 12, "YAML", "but got '<stream end>'"),
    ("a: b: c", 1, 5, "YAML", "mapping values are not allowed here"),
    ("a: \x07", 1, 1, "YAML", "special characters are not allowed"),
    ("per_day: 1\n---\nper_day: 2", 2, 1, "one document", "another"),
    ("per_day: &x 1", 1, 10, "a value", "an anchor or alias; write the value out"),
    ("per_day: *x", 1, 10, "a value", "an anchor or alias"),
    ("per_day: !!str 1", 1, 10, "a value", "the tag 'tag:yaml.org,2002:str'"),
    ("tools: !x []", 1, 8, "a value", "a tag"),
    ("allow: !x {}", 1, 8, "a value", "a tag"),
    ("? [a]\n: 1", 1, 3, "a key", "a list"),
    ("~: 1", 1, 1, "a key", "nothing"),
    ("[" * 20 + "]" * 20, 1, 18, "at most 16 levels", "more"),
    ("per_dya: 1", 1, 1, "one of version, max_per_payment", "'per_dya'; did you mean 'per_day'?"),
    ("zzz: 1", 1, 1, "one of version", "'zzz'"),
    ("per_day: 1\nper_day: 2", 2, 1, "each key once", "'per_day'; keep the one that is meant"),
    ("version: 2", 1, 10, "a whole number from 1 to 1", "'2'"),
    ('version: "1"', 1, 10, "a whole number", "'1'"),
    ("per_day:", 1, 9, "an amount such as", "nothing"),
    (
        "per_day: 0.5",
        1,
        10,
        "an amount such as",
        "'0.5'; other programs read 0.5 as floating point; write it in quotes",
    ),
    ("per_day: 1e3", 1, 10, "an amount such as", "'1e3'"),
    ("per_day: -1", 1, 10, "an amount such as", "'-1'"),
    ("per_day: 010", 1, 10, "an amount such as", "'010'"),
    ('per_day: "0.0000001"', 1, 10, "an amount such as", "has more decimal places than USD"),
    ('per_day: "5 payments"', 1, 10, "an amount such as", "not a CAIP-19 asset id"),
    ('per_day: "5 eip155:1/slip44:61"', 1, 10, "an amount such as", "is not a known token"),
    ("per_day: []", 1, 1, "values that go together", "a map; per_day is empty"),
    ("per_day: {a: 1}", 1, 10, "an amount such as", "a map"),
    (f'per_day: "{"9" * 90}"', 1, 10, "an amount such as", "...'"),
    ("other_agents: yes", 1, 15, "true or false", "'yes'"),
    ("max_validity_seconds: 9", 1, 23, "a whole number from 10 to 86400", "'9'"),
    ("limits: 5", 1, 9, "a list", "'5'"),
    ("limits: [5]", 1, 10, "keys and values", "'5'"),
    ("limits: [{scope: agent, amount: 1}]", 1, 10, "the key 'per'", "a map; it says: payment, a calendar day"),
    ("limits: [{scope: agnet, amount: 1, per: day}]", 1, 18, "a scope such as agent", "did you mean 'agent'?"),
    ("limits: [{scope: agent, amount: 1, per: year}]", 1, 41, "payment, day, week, month, or a time", "'year'"),
    ("limits: [{scope: agent, amount: 1, per: day, zone: Mars}]", 1, 52, "a time zone such as Europe/Zurich", "Mars"),
    (
        "limits: [{scope: agent, amount: 1, per: 9 days, zone: UTC}]",
        1,
        10,
        "values that go",
        "has a zone, not '9 days'",
    ),
    ("limits: [{scope: agent, amount: 1, per: 999999 days}]", 1, 10, "values that go together", "366 days"),
    ("limits: [{scope: a, amount: 1 payments, per: payment}]", 1, 18, "a scope such as", "'a' is no scope"),
    ("allow: {hosts: [a/b]}", 1, 17, "a host such as", "'a/b'"),
    ("deny: {hosts: [m\u00fcnchen.example]}", 1, 16, "a host such as", "'m\u00fcnchen.example'"),
    ('deny: {hosts: ["a.example\\n"]}', 1, 16, "a host such as", "a.example\\n"),
    ('deny: {hosts: ["a.example:443"]}', 1, 16, "a host such as", "a.example:443"),
    ('deny: {agents: ["a\\n"]}', 1, 17, "a name of 1 to 200 characters", "a\\n"),
    ('deny: {agents: ["\\ud800"]}', 1, 17, "a name of 1 to 200 characters", "printable characters alone"),
    ("other_agents: tRue", 1, 15, "true or false", "'tRue'"),
    ('deny: {payees: ["0x1111111111111111111111111111111111111111\\n"]}', 1, 17, "an address", "\\n"),
    ("allow: {networks: [mainnet]}", 1, 20, "a chain such as eip155:25", "CAIP-2"),
    ("deny: {payees: [0x12]}", 1, 17, "an address", "'0x12'"),
    ("deny: {payee: []}", 1, 8, "one of networks", "did you mean 'payees'?"),
    (AGENT.replace("LOW", "LWO"), 3, 15, "one of HIGH, MEDIUM, NORMAL, LOW", "'LWO'; did you mean 'LOW'?"),
    (AGENT.replace("    priority: LOW\n", ""), 2, 5, "the key 'priority'", "a map"),
    (AGENT.replace("dailyBudget", "daily_budget"), 2, 5, "the key 'dailyBudget'", "a map"),
    (AGENT.replace("dailyBudget: 1", "dailyBudget: 1_000"), 4, 18, "US dollars such as 1.50", "'1_000'"),
    (AGENT.replace("dailyBudget: 1", "dailyBudget: .5"), 4, 18, "US dollars such as 1.50", "'.5'"),
    (AGENT.replace("dailyBudget: 1", "dailyBudget: 1:30"), 4, 18, "US dollars such as 1.50", "'1:30'"),
    (AGENT.replace("dailyBudget: 1", "dailyBudget: .inf"), 4, 18, "US dollars such as 1.50", "'.inf'"),
    (AGENT.replace("id: a", 'id: ""'), 2, 9, "a name of 1 to 200 characters", "''"),
    ("agents: []", 1, 9, "a list of one at least", "leave the key out for any"),
    ("services: []", 1, 11, "a list of one at least", "leave the key out for any"),
    (AGENT + AGENT[8:], 1, 1, "values that go together", "the agent 'a' is listed twice"),
    (SERVICE.replace("active: true", "active: 1"), 5, 13, "true or false", "'1'"),
    (SERVICE.replace("    isVerified: false\n", ""), 2, 5, "the key 'isVerified'", "a map"),
    (SERVICE.replace("ipfs://about-search", "about search"), 7, 18, "an absolute URI", "'about search'"),
    (SERVICE + "    alternatives: [{}]\n", 10, 20, "values that go together", "one of service, quantity, mode"),
    (SERVICE + "    alternatives: [{quantity: 0}]\n", 10, 31, "a whole number from 1", "'0'"),
    (SERVICE + "    alternatives: [{service: x}]\n", 1, 1, "values that go together", "which is not listed"),
    ("risk: {deny: [bursts]}", 1, 15, "one of burst, first_payment", "did you mean 'burst'?"),
    ("risk: {burst: {seconds: 0}}", 1, 25, "a whole number from 1 to 86400", "'0'"),
    ("prices: {fixed: [{asset: x, usd: 1}]}", 1, 26, "a token such as", "'x'"),
    ('prices: {fixed: [{asset: "eip155:1/slip44:60", usd: 0}]}', 1, 18, "values that go together", "a price is from"),
    ("tools: [{id: t, approve_above: 0.5}]", 1, 32, "an amount such as", "write it in quotes"),
]


@pytest.mark.parametrize(("text", "line", "column", "expected", "found"), WRONG)
def test_file_that_is_wrong_says_where_and_why(text: str, line: int, column: int, expected: str, found: str) -> None:
    with pytest.raises(PolicyFileError) as caught:
        read(text)

    error = caught.value
    assert ("1.yaml", line, column) == (error.file, error.line, error.column)
    assert str(error).startswith(f"1.yaml:{line}:{column}: expected {expected}")
    assert error.expected.startswith(expected)
    assert found in str(error)


def test_file_that_is_too_long_is_refused() -> None:
    with pytest.raises(PolicyFileError, match="expected at most 1000000 characters"):
        read("#" * 1_000_001)


def test_two_files_do_not_say_the_same_key() -> None:
    with pytest.raises(
        PolicyFileError, match=r"2\.yaml:2:1: expected each key in one file, found 'agents'; it is in 1\.yaml:1"
    ):
        read(AGENTS, f"\n{AGENTS}")


def test_no_files_are_no_policy() -> None:
    with pytest.raises(PolicyFileError, match="expected at least one file"):
        read()


def is_read_or_placed(text: str) -> bool:
    """Tell whether a text is a policy, or refused with a place in it; nothing else may be raised."""
    try:
        return isinstance(read(text), Policy)
    except PolicyFileError as error:
        return 1 <= error.line <= text.count("\n") + text.count("\r") + 2 and error.column >= 1


@given(st.text(max_size=60) | st.text("agents:[]{}&*!-~\"'\n ,0.1dailyBugtpr_", max_size=80))
def test_whatever_is_written_is_a_policy_or_an_error_with_a_place(text: str) -> None:
    assert is_read_or_placed(text)


@given(st.data())
def test_whatever_is_changed_in_a_file_is_a_policy_or_an_error_with_a_place(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(FULL)))
    cut = data.draw(st.integers(0, 6))
    put = data.draw(st.text(" \n:-[]{}\"'#&*!|>%@`0123456789.azé\t", max_size=4))
    assert is_read_or_placed(FULL[:at] + put + FULL[at + cut :])


# --- the published schema --------------------------------------------------------------------------------------------

PUBLISHED = ROOT / "docs/reference/policy.schema.json"
VALIDATOR: Any = jsonschema.Draft202012Validator(schema())


def test_published_schema_is_the_one_of_the_reader() -> None:
    """Whoever changes what a file can say writes the schema anew: json.dumps(schema(), indent=2)."""
    assert json.dumps(schema(), indent=2) + "\n" == PUBLISHED.read_text()


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    assert schema()["properties"].keys() >= {"agents", "services", "limits"}


@pytest.mark.parametrize("text", [FULL.replace("[NO, on]", '["NO", "on"]').replace(": off", ': "off"'), "{}", AGENTS])
def test_schema_accepts_what_is_read(text: str) -> None:
    assert [] == list(VALIDATOR.iter_errors(yaml.safe_load(text)))


ONLY_THE_READER = ("is listed twice", "1_000", "'.5'", "1:30", ".inf", "'yes'")
"""What YAML 1.1 or JSON Schema take for good, and the reader does not."""
SAID_BY_SCHEMA = [
    text
    for text, _, _, expected, found in WRONG
    if text
    and expected.startswith(("one of", "the key", "true or", "a whole", "US dollars", "a list", "keys and"))
    and not any(only in found for only in ONLY_THE_READER)
]


@pytest.mark.parametrize("text", SAID_BY_SCHEMA)
def test_schema_refuses_what_is_not_read(text: str) -> None:
    assert [] != list(VALIDATOR.iter_errors(yaml.safe_load(text)))


def test_known_tokens_can_be_limited() -> None:
    from paygent.evm.tokens import TOKENS as KNOWN

    token = next(iter(KNOWN.values()))
    policy = read_policy([("p", f'max_per_payment: "5 {token.asset.id}"\nper_day: "9 {token.asset.id}"')])

    assert Amount.parse("5", token.asset) == policy.max_per_payment
    assert AssetId.parse(str(token.asset.id)) == token.asset.id
