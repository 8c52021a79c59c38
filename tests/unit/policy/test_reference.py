"""The reference lists every code that a rule can give."""

import ast
import re

from paygent.policy.config import read_policy
from tests.architecture.guards.tree import ROOT

PAGE = (ROOT / "docs/reference/policy.md").read_text()
SAYING = {"deny", "ask_person", "too_much", "object_"}


def said_codes() -> set[str]:
    """Return the codes written in the rules; those made of a name are spelt out."""
    found: set[str] = set()
    for path in (ROOT / "src/paygent/policy/rules").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            literal = node.args[0] if isinstance(node, ast.Call) and node.args else None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING:
                found |= {str(literal.value)} if isinstance(literal, ast.Constant) else set()
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                first = node.value.elts[0]
                found |= {str(first.value)} if isinstance(first, ast.Constant) else set()
    return found


def test_reference_lists_every_code_of_a_rule() -> None:
    codes = said_codes()

    assert len(codes) > 20
    assert set() == codes - set(re.findall(r"`([a-z_]+)`", PAGE))


def test_file_of_the_reference_is_a_policy() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    policy = read_policy([("policy.yaml", example)])

    assert ["user-agent"] == [agent.id for agent in policy.agent_terms]
    assert 3 == len(policy.limits)
