"""The policy as YAML: the same value as in Python, one meaning. Reading files is `runtime.policy_file`'s."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from paygent.core.errors import PolicyFileError
from paygent.core.money import USD, Amount
from paygent.evm.tokens import TOKENS
from paygent.policy.limits import Limit
from paygent.policy.policy import Denied, Policy
from paygent.policy.sections import (
    ADDRESS,
    AGENT,
    ASSET,
    HOST,
    NAME,
    NETWORK,
    PRICES,
    PROJECT,
    RISK,
    SERVICE,
    Tokens,
    limit_shape,
    money,
    names,
    tool_shape,
)
from paygent.policy.shape import (
    Key,
    Schema,
    Shape,
    arguments,
    flag,
    listed,
    one_or_many,
    record,
    record_schema,
    unless,
    whole,
)
from paygent.policy.terms import AgentTerms
from paygent.policy.yaml_tree import Node, read_yaml

_EMPTY = "with none listed it is not said whether any may pay and be paid, or nobody; leave the key out for any"


def read_policy(files: Sequence[tuple[str, str]], *, tokens: Tokens = TOKENS) -> Policy:
    """Return the policy that files (name and text) say together; a key may be in one of them only.

    Where agents are listed, no others may pay and no limit is given, an agent's own limits are all there is: then
    `max_per_payment` is the largest of theirs and `per_day` the sum.

    Args: tokens: what is known of tokens that limits are in.

    Raises: PolicyFileError: with file, line, column, what was expected and what was found.
    """
    nodes = [read_yaml(content, file=name) for name, content in files]
    keys = policy_keys(tokens)
    whole_map = _joined(nodes)
    found = arguments(whole_map, keys)
    return record({}, lambda: _policy(**found)).read(replace(whole_map, entries=()))


def schema() -> Schema:
    """Return the JSON Schema of a policy file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Paygent policy",
        "description": "What a wallet may pay. Every key is optional; several files may each say a part.",
        **record_schema(policy_keys(TOKENS)),
    }


def _joined(nodes: Sequence[Node]) -> Node:
    if not nodes:
        raise PolicyFileError("policy", 1, 1, expected="at least one file", found="none")
    seen: dict[str, Node] = {}
    for node in nodes:
        if node.kind != "map":
            raise node.wrong("keys and values")
        for key, _ in node.entries:
            if (first := seen.setdefault(key.text, key)) is not key:
                raise key.wrong("each key in one file", f"it is in {first.file}:{first.line} too")
    return replace(nodes[0], entries=tuple(entry for node in nodes for entry in node.entries))


def _policy(
    *,
    version: int = 1,
    allow: Mapping[str, Any] | None = None,
    projects: tuple[tuple[Limit, ...], ...] = (),
    limits: tuple[Limit, ...] = (),
    **about: Any,
) -> Policy:
    """Return the policy; `version` was checked by its shape."""
    del version
    agents: tuple[AgentTerms, ...] = about.get("agent_terms", ())
    if agents and not about.get("other_agents", False):
        about.setdefault("max_per_payment", max(agent.max_per_payment for agent in agents))
        about.setdefault("per_day", Amount(sum(agent.daily_budget.atomic for agent in agents), USD))
    every = (*limits, *(limit for project in projects for limit in project))
    return Policy(limits=every, **(allow or {}), **about)


def _lists(verb: str) -> dict[str, Key]:
    shapes: dict[str, Shape[Any]] = {
        "networks": NETWORK,
        "assets": ASSET,
        "hosts": HOST,
        "payees": ADDRESS,
        "services": NAME,
        "agents": NAME,
        "oracles": NAME,
    }
    return {
        name: Key(shape=names(shape), about=f"{name.capitalize()} that {verb}.", becomes=name)
        for name, shape in shapes.items()
    }


def policy_keys(tokens: Tokens) -> dict[str, Key]:
    """Return the keys of a policy file."""
    amounts = one_or_many(money(tokens))

    def key(shape: Shape[Any], about: str, becomes: str) -> Key:
        return Key(shape=shape, about=about, becomes=becomes)

    return {
        "version": key(whole(1, 1), "The version of this format.", "version"),
        "max_per_payment": key(amounts, "The most one payment may cost.", "max_per_payment"),
        "per_day": key(amounts, "The most a wallet may pay in a UTC day.", "per_day"),
        "max_per_trade": key(amounts, "The most one swap or position may take in.", "max_per_trade"),
        "trade_per_day": key(amounts, "The most all swaps and positions may take in a UTC day.", "trade_per_day"),
        "gas_per_transaction": key(amounts, "The most the gas of one own transaction may cost.", "gas_per_transaction"),
        "gas_per_day": key(amounts, "The most gas may cost in a UTC day.", "gas_per_day"),
        "max_slippage_bps": key(
            whole(0, 10_000), "How far below its quote a swap may end, in 0.01 %.", "max_slippage_bps"
        ),
        "max_deadline_seconds": key(
            whole(10, 86_400), "How long an action may wait for its block.", "max_deadline_seconds"
        ),
        "venues": key(names(NAME), "Where may be traded; left out: any.", "venues"),
        "approve_above": key(unless("never", amounts), "What a payment may cost without a person.", "approve_above"),
        "tools": key(listed(tool_shape(tokens)), "Tools with a threshold of their own.", "tools"),
        "limits": key(listed(limit_shape(tokens)), "Further limits; all hold at once.", "limits"),
        "allow": key(record(_lists("may be paid; left out: any"), dict[str, Any]), "Nothing else is paid.", "allow"),
        "deny": key(record(_lists("are never paid"), Denied), "Never paid, whatever else allows it.", "deny"),
        "agents": key(listed(AGENT, empty=_EMPTY), "Agents with priority and budgets.", "agent_terms"),
        "other_agents": key(flag, "Agents that are not listed may pay, as LOW.", "other_agents"),
        "projects": key(listed(PROJECT), "Projects with budgets.", "projects"),
        "services": key(listed(SERVICE, empty=_EMPTY), "Services with price and owner.", "service_terms"),
        "other_services": key(flag, "What is not listed may be bought.", "other_services"),
        "risk": key(RISK, "When a payment is odd; {} takes the defaults.", "risk"),
        "prices": key(PRICES, "How tokens become dollars.", "valuation"),
        "max_validity_seconds": key(
            whole(10, 86_400), "How long an authorization may be usable.", "max_validity_seconds"
        ),
    }
