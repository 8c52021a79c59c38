"""`paygent agent-wallet` against anvil."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paygent.cli import main
from paygent.evm.address import checksum
from tests.interop.acting import Actor, new_actor
from tests.interop.peers.chain import USDC, TokenChain

PAYEE = checksum(f"0x{'cd' * 20}")
COIN = "eip155:84532/slip44:60"
POLICY = f"""\
max_per_payment: ['100 USD', '1 {COIN}']
per_day: ['100 USD', '1 {COIN}']
gas_per_transaction: '0.1 {COIN}'
gas_per_day: '1 {COIN}'
"""
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def owner(acting_chain: TokenChain) -> Actor:
    return new_actor(acting_chain)


@pytest.fixture
def run(owner: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command as the owner, or as somebody else; returns the exit code and the JSON."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    monkeypatch.chdir(tmp_path)

    def command(*words: str, who: Actor = owner) -> tuple[int, Any]:
        key = f"0x{bytes(who.key.key).hex()}"
        monkeypatch.setenv("PAYGENT_PRIVATE_KEY", key)
        monkeypatch.setenv("PAYGENT_STORAGE", f"{who.key.address}.db")
        monkeypatch.setenv("PAYGENT_POLICY", "policy.yaml")
        code = main(["agent-wallet", *words, "--rpc", owner.chain.anvil.url, "--json"])
        told = capsys.readouterr()
        assert key[2:] not in told.out + told.err
        return code, json.loads(told.out.splitlines()[-1]) if told.out else told.err

    return command


def test_wallet_lives_from_the_shell(run: Run, owner: Actor) -> None:
    agent = new_actor(owner.chain)
    code, said = run("install")
    assert 0 == code, said
    code, said = run("show")
    assert (0, False) == (code, said["deployed"])
    wallet = said["address"]
    owner.chain.mint(wallet, 10_000_000)

    code, said = run("deploy", "--operator", agent.key.address, "--limit", "USDC:5:2", "--sign-to", "wallet.json")
    assert (0, wallet) == (code, said["address"])
    code, said = run("deploy", "--signed", "wallet.json", who=agent)
    assert (0, "SETTLED") == (code, said["payment"]["state"]), said
    assert (0, True) == (run("deploy", "--signed", "wallet.json", who=agent)[0], run("show")[1]["deployed"])

    paying = ("pay", "1.5", "USDC", PAYEE, "--at", wallet, "--idempotency-key", "rent")
    paid = owner.chain.balance_of(PAYEE)
    assert 0 == run(*paying, who=agent)[0]
    assert (0, paid + 1_500_000) == (run(*paying, who=agent)[0], owner.chain.balance_of(PAYEE))
    code, said = run("pay", "2.01", "USDC", PAYEE, "--at", wallet, who=agent)
    assert (3, "ChainLimitExceeded") == (code, said["error"]["type"])
    code, said = run("limits")
    assert ["5000000", "2000000", "3500000"] == [
        said["limits"][0][name] for name in ("per_day", "per_payment", "remaining_today")
    ]
    assert 0 == run("limits", "USDC", "6", "3")[0]
    assert "4500000" == run("limits")[1]["limits"][0]["remaining_today"]

    assert 0 == run("pause")[0]
    code, said = run("pay", "1", "USDC", PAYEE, "--at", wallet, who=agent)
    assert (3, "AgentWalletPaused") == (code, said["error"]["type"])
    assert 0 == run("unpause")[0]
    assert 0 == run("operators", "remove", agent.key.address)[0]
    assert (0, []) == (run("operators")[0], run("operators")[1]["operators"])
    before = owner.chain.balance_of(owner.key.address)
    assert 0 == run("withdraw", "8.5", "USDC")[0]
    assert (0, before + 8_500_000) == (owner.chain.balance_of(wallet), owner.chain.balance_of(owner.key.address))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("limits", "USDC"), 1, "agent-wallet limits takes [ASSET PER_DAY PER_PAYMENT [APPROVAL_ABOVE]]"),
        (("operators", "drop", PAYEE), 1, "operators add ADDRESS"),
        (("deploy",), 1, "at least one --operator"),
        (("deploy", "--signed", "deep.json"), 1, "nested deeper"),
        (("deploy", "--operator", "0x" + "0" * 40, "--limit", "USDC:1:1"), 1, "nobody's address"),
        (("deploy", "--operator", PAYEE, "--limit", "USDC:1:2"), 1, "above the limit of a day"),
        (("deploy", "--operator", PAYEE, "--limit", "NOPE:1:1"), 1, "no known asset"),
        (("show", "--at", PAYEE.upper().replace("X", "x", 1)), 1, "checksum"),
        (("show", "--at", USDC), 1, "is not AgentWallet"),
        (("limits", "--at", PAYEE), 1, "there is no AgentWallet"),
        (("pause", "--salt", "77"), 1, "there is no AgentWallet"),
        (("show", "--network", "eip155:25"), 1, "84532"),
    ],
)
def test_bad_input_is_told_and_nothing_is_sent(
    run: Run, owner: Actor, words: tuple[str, ...], code: int, said: str
) -> None:
    run("install")
    sent = owner.sent
    got, answer = run(*words)

    assert (code, sent) == (got, owner.sent)
    assert said in json.dumps(answer)
