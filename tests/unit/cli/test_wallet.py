"""`paygent wallet` against a real chain."""

import json
import stat

import anyio
import pytest

from paygent.adapters.rpc import RpcChain
from paygent.core.caip import chain_id
from paygent.core.errors import AdapterError, PaymentOutcomeUnknown
from paygent.core.money import Amount
from paygent.devnet import Devnet
from paygent.engine.transact import Patience
from paygent.runtime.settings import Settings
from paygent.wallet import Wallet
from tests.unit.cli.conftest import Program

SHOP = "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa"
EMPTY = "0x00000000000000000000000000000000DeaDBeef"


def test_created_keystore_is_private_opens_with_its_password_and_is_never_overwritten(paygent: Program) -> None:
    password: dict[str, str | None] = {"PAYGENT_KEYSTORE_PASSWORD": "correct horse", "PAYGENT_PRIVATE_KEY": None}
    made = paygent("wallet", "create", "key.json", "--json", **password)
    file = paygent.folder / "key.json"

    assert 0 == made.code, made.err
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert made.said["address"][2:].lower() == json.loads(file.read_text())["address"].removeprefix("0x").lower()
    shown = paygent("wallet", "address", "--keystore", "key.json", **password)
    assert made.said["address"] == shown.out.strip()
    before = file.read_bytes()
    again = paygent("wallet", "create", "key.json", **password)
    assert (1, before) == (again.code, file.read_bytes())
    assert "never overwritten" in again.err


def test_create_without_a_password_writes_nothing(paygent: Program) -> None:
    assert 1 == paygent("wallet", "create", "key.json").code
    assert not (paygent.folder / "key.json").exists()


def test_balances_are_those_of_the_chain(paygent: Program, net: Devnet) -> None:
    everything = paygent("wallet", "balances", *paygent.rpc, "--json")
    dollars = paygent("wallet", "balances", "dusd", *paygent.rpc, "--json")
    other = paygent("wallet", "balances", net.token.address, "--of", EMPTY, *paygent.rpc, "--json")

    assert 0 == everything.code, everything.err
    assert {f"{net.network}/slip44:60", str(net.asset.id)} <= {row["asset"] for row in everything.said["balances"]}
    assert [str(net.balance(net.payer.address))] == [row["amount"] for row in dollars.said["balances"]]
    assert (EMPTY, ["0"]) == (other.said["address"], [row["amount"] for row in other.said["balances"]])


def test_balances_of_another_account_need_no_key(paygent: Program) -> None:
    done = paygent("wallet", "balances", "dUSD", "--of", EMPTY, *paygent.rpc, PAYGENT_PRIVATE_KEY=None)

    assert 0 == done.code, done.err


def test_transfer_moves_the_money_once_for_one_key(paygent: Program, net: Devnet) -> None:
    before = net.balance(SHOP)
    options = (*paygent.rpc, "--idempotency-key", "rent")
    first = paygent("wallet", "transfer", "0.25", "dUSD", SHOP, *options, "--json")
    again = paygent("wallet", "transfer", "0.25", "dUSD", SHOP, *options, "--json")

    assert 0 == first.code, first.err
    assert ("SETTLED", "250000", SHOP) == tuple(first.said["payment"][name] for name in ("state", "amount", "payee"))
    assert first.said["payment"]["id"] == again.said["payment"]["id"]
    assert before + 250_000 == net.balance(SHOP)


def test_approve_lets_a_contract_take_so_much_once(paygent: Program) -> None:
    options = (*paygent.rpc, "--idempotency-key", "permit2")
    first = paygent("wallet", "approve", "0.25", "dUSD", SHOP, *options, "--json")
    again = paygent("wallet", "approve", "0.25", "dUSD", SHOP, *options, "--json")

    assert 0 == first.code, first.err
    assert ("SETTLED", "250000", SHOP) == tuple(first.said["payment"][name] for name in ("state", "amount", "payee"))
    assert first.said["payment"]["id"] == again.said["payment"]["id"]


def test_transfer_over_the_limit_is_refused_and_recorded(paygent: Program, net: Devnet) -> None:
    before = net.balance(SHOP)
    done = paygent("wallet", "transfer", "1.01", "dUSD", SHOP, *paygent.rpc, "--json")

    assert (3, "PolicyDenied") == (done.code, done.said["error"]["type"])
    assert "DENIED" == done.said["payment"]["state"]
    assert before == net.balance(SHOP)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("transfer", "1", "dUSD"), "takes AMOUNT ASSET ADDRESS"),
        (("transfer", "1", "XYZ", SHOP), "no known asset"),
        (("transfer", "1.1234567", "dUSD", SHOP), "more decimal places"),
        (("transfer", "1", "dUSD", "0x12"), "address"),
        (("transfer", "1", "dUSD", "0x" + "00" * 20), "address"),
        (("transfer", "0", "dUSD", SHOP), "above zero"),
        (("balances", "--of", "0x12"), "--of"),
        (("balances", "XYZ"), "no known asset"),
        (("address", "more"), "takes nothing"),
        (("history", "--limit", "0"), "1 to 1000"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_sent(
    paygent: Program, net: Devnet, words: tuple[str, ...], said: str
) -> None:
    before = len(net.transfers())
    done = paygent("wallet", *words, *(paygent.rpc if words[0] != "address" else ()))

    assert 1 == done.code
    assert said in done.err
    assert before == len(net.transfers())


def test_agent_wallet_that_nobody_could_deploy_yet_is_not_to_be_sent_money(paygent: Program) -> None:
    done = paygent("agent-wallet", "show", *paygent.rpc)

    assert (0, True) == (
        done.code,
        "is not deployed; send it no money before `paygent agent-wallet install`" in done.out,
    )


def test_history_lists_transfers_of_the_chain_newest_first(paygent: Program, net: Devnet) -> None:
    net.mint(EMPTY, 5)
    net.mint(EMPTY, 6)
    done = paygent("wallet", "history", "dUSD", "--of", EMPTY, *paygent.rpc, "--json")

    assert ["0.000006 dUSD", "0.000005 dUSD"] == [row["amount"] for row in done.said["transfers"]][:2]
    assert {"in"} == {row["direction"] for row in done.said["transfers"]}


def begun(paygent: Program, net: Devnet) -> str:
    """Return the id of a transfer whose bytes were signed and written down by a process that died before it sent."""

    class Dies(RpcChain):
        async def send_raw(self, raw: bytes) -> None:
            raise AdapterError("the process dies here", retryable=False)

    async def begin() -> str:
        network = chain_id(str(net.network))
        settings = Settings.load(
            environ={"PAYGENT_PRIVATE_KEY": net.payer.private_key},
            storage=str(paygent.folder / "pay.db"),
            file=paygent.folder / "paygent.toml",
            rpc=net.rpc_url,
        )
        impatient = Patience(timeout_seconds=0.1)
        async with (
            RpcChain(net.rpc_url, chain=network) as reads,
            Dies(net.rpc_url, chain=network) as writes,
            Wallet.open(
                settings=settings, chains={network: reads}, transactions={network: writes}, patience=impatient
            ) as wallet,
        ):
            with pytest.raises(PaymentOutcomeUnknown) as raised:
                await wallet.transfer(Amount(250_000, net.asset), SHOP)
        return str(raised.value.payment_id)

    return anyio.run(begin)


def test_reconcile_tells_how_to_go_on_and_go_on_sends_what_was_signed_once(paygent: Program, net: Devnet) -> None:
    before = net.balance(SHOP)
    identity = begun(paygent, net)
    told = paygent("reconcile", identity, *paygent.rpc, PAYGENT_PRIVATE_KEY=None)
    said = paygent("reconcile", *paygent.rpc, "--json", PAYGENT_PRIVATE_KEY=None)

    assert (5, 5, before) == (told.code, said.code, net.balance(SHOP))
    assert f"`paygent wallet go-on {identity}` sends it again" in told.err
    assert [True] == [identity in advice for advice in said.said["advice"]]
    gone_on = paygent("wallet", "go-on", identity, *paygent.rpc, "--json")
    again = paygent("wallet", "go-on", identity, *paygent.rpc, "--json")
    assert (0, "SETTLED", 0) == (gone_on.code, gone_on.said["payment"]["state"], again.code), gone_on.err
    assert before + 250_000 == net.balance(SHOP)


def test_go_on_with_what_is_not_there_is_told(paygent: Program) -> None:
    done = paygent("wallet", "go-on", "nothing", *paygent.rpc)

    assert 1 == done.code
    assert "no action on chain 'nothing'" in done.err


def test_transfer_in_a_coin_without_a_limit_on_gas_is_denied_with_advice(paygent: Program, net: Devnet) -> None:
    done = paygent("wallet", "transfer", "0.25", "dUSD", SHOP, *paygent.rpc, PAYGENT_GAS_PER_DAY="3 CRO")

    assert 3 == done.code
    assert "set gas_per_day" in done.err
