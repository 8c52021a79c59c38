"""Rules about the code that ships: each is seen to bite on a planted fault, then held against the repository."""

from pathlib import Path

import pytest

from tests.architecture.guards import source
from tests.architecture.guards.tree import ROOT, Guard

ADDRESS = "0x" + "ab" * 20

PLANTED: list[tuple[Guard, str, str, str]] = [
    # guard, file, a text that breaks the rule, a text that keeps it
    (source.addresses_in_code, "evm/usdc.py", f'TOKEN = "{ADDRESS}"', "TOKEN = table['usdc']"),
    (source.addresses_in_code, "evm/abi.py", 'ABI = [{"stateMutability": "view"}]', "ABI = load('erc20')"),
    (source.core_beyond_standard_library, "core/a.py", "import pydantic", "import decimal, paygent.core.money"),
    (source.core_beyond_standard_library, "core/a.py", "from eth_hash.auto import keccak", "from json import dumps"),
    (source.defaults_for_required_fields, "x402/a.py", 'p = d.get("from", "")', 'p = d.get("from")'),
    (source.defaults_for_required_fields, "x402/a.py", 'p = d.get("value", 0)', 'p = d["value"]'),
    (
        source.duplicate_error_names,
        "x402/a.py",
        "class ChainError: ...\nclass ChainError: ...",
        "class ChainError: ...",
    ),
    (source.duplicate_error_names, "core/errors.py", "class Halted: ...\nclass Halted: ...", "class Halted: ..."),
    (source.environment_read_outside_settings, "cli.py", "import os\nos.environ['A']", "environ = {}"),
    (source.environment_read_outside_settings, "cli.py", "from os import getenv", "from os import path"),
    (source.environment_read_outside_settings, "runtime/other.py", "import os\nos.getenv('A')", "import os"),
    (source.floats_near_money, "core/a.py", "x: float", "delay_seconds: float"),
    (source.floats_near_money, "evm/a.py", "x = 1e6", "x = 10**6"),
    (source.floats_near_money, "adapters/a.py", "price = float(x)", "timeout_seconds = float(x)"),
    (source.floats_near_money, "core/a.py", "isinstance(amount, int) or float(amount)", "isinstance(amount, float)"),
    (source.imports_of_the_root, "core/a.py", "from paygent import X402Client", "from paygent import core"),
    (source.impure_floors, "policy/a.py", "import time", "import datetime"),
    (source.impure_floors, "core/a.py", "from datetime import datetime\ndatetime.now()", "now = clock()"),
    (source.impure_floors, "budget/a.py", "open('x')", "journal.open('x')"),
    (source.impure_floors, "x402/a.py", "from secrets import token_bytes", "from base64 import b64encode"),
    (source.long_functions, "cli.py", "def f():\n" + "    x = 1\n" * 61, "def f():\n" + "    x = 1\n" * 60),
    (source.long_modules, "cli.py", "x = 1\n" * 401, "x = 1\n" * 400),
    (source.nameless_modules, "core/utils.py", "", ""),
    (source.protocols_by_reflection, "engine/a.py", 'hasattr(x, "pay")', "x.pay()"),
    (source.protocols_by_reflection, "engine/a.py", 'getattr(x, "pay", None)', "getattr(x, name)"),
    (source.words_that_pretend, "engine/a.py", "# a stub for now", "# simulate means eth_call"),
    (source.words_that_pretend, "engine/a.py", 'TX = "fake"', 'TX = "stubborn"'),
]


def plant(root: Path, name: str, text: str) -> Path:
    path = root / "src" / "paygent" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return root


@pytest.mark.parametrize(("guard", "name", "broken", "kept"), PLANTED)
def test_rule_bites_when_broken(tmp_path: Path, guard: Guard, name: str, broken: str, kept: str) -> None:
    assert [] != guard(plant(tmp_path / "broken", name, broken))
    assert kept == broken or [] == guard(plant(tmp_path / "kept", name, kept))


def test_fakes_may_be_called_so_in_testing(tmp_path: Path) -> None:
    assert [] == source.words_that_pretend(plant(tmp_path, "testing/a.py", "# a fake seller"))


def test_settings_may_read_the_environment(tmp_path: Path) -> None:
    root = plant(tmp_path, "runtime/settings.py", "import os\nos.environ['PAYGENT_A']")

    assert [] == source.environment_read_outside_settings(root)


def test_every_rule_has_a_planted_fault() -> None:
    assert set(source.GUARDS) == {guard for guard, *_ in PLANTED}


@pytest.mark.parametrize("guard", source.GUARDS)
def test_repository_keeps_the_rule(guard: Guard) -> None:
    assert [] == guard(ROOT)
