"""The parts that settings are made of."""

from pathlib import Path

from paygent.core.caip import ChainId
from paygent.core.money import usd
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.runtime.parts import policy_of
from paygent.runtime.settings import Settings

CRONOS, BASE = ChainId.evm(25), ChainId.evm(8453)


def policy_now(folder: Path, networks: frozenset[ChainId] | None = None) -> Policy:
    source = policy_of(Settings(storage="", policy=(folder / "policy.yaml",), networks=networks), TOKENS)
    assert not isinstance(source, Policy)
    (folder / "policy.yaml").write_text((folder / "policy.yaml").read_text().replace("1.00", "2.50"))
    return source.current()


def write(folder: Path, networks: str) -> None:
    (folder / "policy.yaml").write_text(f'max_per_payment: "1.00"\n{networks}')


def test_policy_is_the_limits_where_no_file_is_named() -> None:
    settings = Settings(storage="", per_day=usd("3"))

    assert settings.limits == policy_of(settings, TOKENS)


def test_policy_follows_its_files(tmp_path: Path) -> None:
    write(tmp_path, "")

    assert usd("2.50") == policy_now(tmp_path).max_per_payment


def test_networks_of_the_settings_narrow_the_files_and_never_widen_them(tmp_path: Path) -> None:
    write(tmp_path, "allow: {networks: [eip155:25]}")
    both, none = frozenset({CRONOS, BASE}), frozenset({BASE})

    assert usd("2.50") == policy_now(tmp_path, networks=both).max_per_payment
    assert frozenset({CRONOS}) == policy_now(tmp_path, networks=both).networks
    assert frozenset() == policy_now(tmp_path, networks=none).networks
    write(tmp_path, "")
    assert none == policy_now(tmp_path, networks=none).networks
