"""What `paygent wallet transfer` and `agent-wallet pay` refuse on anvil: told by exit code and advice, nothing sent."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from paygent.cli import main
from paygent.evm.address import checksum
from tests.interop.agent import Agency, new_agency
from tests.interop.peers.chain import TokenChain

PAYEE = checksum(f"0x{'cd' * 20}")
NOBODY = f"0x{'0' * 40}"
ODD = f"0x{'e8' * 20}"
COIN = "eip155:84532/slip44:60"
CODE_THAT_COUNTS_NOTHING = "0x60003560e01c6370a0823114601357600080fd5b670de0b6b3a764000060005260206000f3"
"""It answers `balanceOf` with 10**18, and has no `decimals()`."""
FILE = """\
[[tokens]]
asset = 'eip155:84532/erc20:{token}'
symbol = 'ODD'
decimals = 18
name = 'Odd'
version = '1'
usd = true
"""
ELSEWHERE = "eip155:25/slip44:60"
POLICY = f"""\
max_per_payment: ['5000 USD', '1 {COIN}', '1 {ELSEWHERE}']
per_day: ['5000 USD', '1 {COIN}', '1 {ELSEWHERE}']
gas_per_transaction: ['0.1 {COIN}', '0.1 {ELSEWHERE}']
gas_per_day: ['1 {COIN}', '1 {ELSEWHERE}']
approve_above: never
"""
Pay = Callable[..., tuple[int, str]]


async def deploy(agency: Agency) -> None:
    async with agency.open(agency.operator) as wallet:
        await wallet.deploy(await agency.signed())


async def pause(agency: Agency, *, on: bool) -> None:
    async with agency.open(agency.owner) as wallet:
        await (wallet.pause() if on else wallet.unpause())


@pytest.fixture(scope="module", params=["wallet", "agent-wallet"])
def command(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def agency(command: str, contracts: TokenChain) -> Agency:
    made = new_agency(contracts)
    if command == "agent-wallet":
        anyio.run(deploy, made)
    return made


@pytest.fixture
def pay(
    command: str, agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Pay:
    """Pay as the operator, from its own account or the contract; returns the exit code and all that was said."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYGENT_PRIVATE_KEY", f"0x{bytes(agency.operator.key.key).hex()}")
    monkeypatch.setenv("PAYGENT_STORAGE", "payments.db")
    monkeypatch.setenv("PAYGENT_POLICY", "policy.yaml")

    def once(amount: str, asset: str = "USDC", to: str = PAYEE, *more: str) -> tuple[int, str]:
        before = agency.operator.sent
        doing = ["wallet", "transfer"] if command == "wallet" else ["agent-wallet", "pay"]
        at = [] if command == "wallet" else ["--at", agency.address]
        code = main([*doing, amount, asset, to, *more, *at, "--rpc", agency.chain.anvil.url, "--json"])
        told = capsys.readouterr()
        assert before == agency.operator.sent
        return code, told.out + told.err

    return once


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("1", "USDC", NOBODY), 1, "nobody's address"),
        (("1", "NOPE"), 1, "is no known asset here: name one of"),
        (("0",), 1, "above zero"),
        (("1", "CRO", PAYEE, "--network", "eip155:25"), 1, "84532"),
    ],
    ids=["zero address", "unknown token", "nothing", "wrong chain"],
)
def test_payment_that_nobody_can_mean_is_refused(pay: Pay, words: tuple[str, ...], code: int, said: str) -> None:
    got, told = pay(*words)

    assert code == got, told
    assert said in told


def test_more_than_there_is_and_more_than_the_limit_are_refused(command: str, pay: Pay) -> None:
    """The contract's limit is read first, and is below what it has."""
    got, told = pay("1001" if command == "wallet" else "0.5")
    refusal = "InsufficientFunds" if command == "wallet" else "ChainLimitExceeded"

    assert (3, refusal) == (got, json.loads(told)["error"]["type"])


def test_payment_above_the_policy_is_refused(pay: Pay, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.replace("5000 USD", "0.000005 USD"))
    got, told = pay("0.000006")

    assert (3, "PolicyDenied") == (got, json.loads(told)["error"]["type"])


def test_payment_without_coin_for_its_gas_is_refused(agency: Agency, pay: Pay) -> None:
    anvil, key = agency.chain.anvil, agency.operator.key.address
    anvil.call("anvil_setBalance", key, hex(1000))
    got, told = pay("0.000001")
    anvil.call("anvil_setBalance", key, hex(10**18))

    assert (3, "InsufficientFunds", True) == (got, json.loads(told)["error"]["type"], "with its gas" in told)


def test_payment_while_paused_is_refused(
    command: str, agency: Agency, pay: Pay, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "wallet":
        main(["halt", "everything", "--by", "ada", "--reason", "drill", "--json"])
        capsys.readouterr()
    else:
        anyio.run(partial(pause, agency, on=True))
    got, told = pay("0.000001")
    if command == "agent-wallet":
        anyio.run(partial(pause, agency, on=False))

    assert (3, "Halted" if command == "wallet" else "AgentWalletPaused") == (got, json.loads(told)["error"]["type"])


@pytest.mark.parametrize("code", ["0x", CODE_THAT_COUNTS_NOTHING], ids=["no code", "no decimals"])
def test_what_is_no_token_is_refused(command: str, agency: Agency, pay: Pay, tmp_path: Path, code: str) -> None:
    """The contract gives it no limit; a Wallet asks the token itself."""
    agency.chain.anvil.call("anvil_setCode", ODD, code)
    (tmp_path / "paygent.toml").write_text(FILE.format(token=ODD))
    got, told = pay("0.000001", "ODD")
    refusal: Any = json.loads(told)["error"]

    assert (3, "NotSpendable" if command == "wallet" else "AgentWalletRefused") == (got, refusal["type"])
