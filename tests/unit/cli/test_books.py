"""`paygent payments` and `paygent reconcile`: what became of earlier payments, without a key."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from paygent.adapters.sql import open_journal
from paygent.adapters.sql.schema import REVISION_TABLE
from paygent.devnet import Devnet
from tests.unit.cli.conftest import Program, program
from tests.unit.cli.shop import Shop
from tests.unit.cli.warm import Warm

KEYLESS: dict[str, str | None] = {"PAYGENT_PRIVATE_KEY": None}


def lost(paygent: Program, shop: Shop) -> str:
    """Return the id of a payment that settled while nobody could know."""
    done = paygent("pay", shop.url("breaks"), "--json")

    assert (5, "OUTCOME_UNKNOWN") == (done.code, done.said["payment"]["state"])
    identity: str = done.said["payment"]["id"]
    return identity


def test_payments_are_listed_newest_first(paygent: Program, shop: Shop) -> None:
    first = paygent("pay", shop.url("good"), *paygent.rpc, "--json").said["payment"]
    second = paygent("pay", shop.url("good"), *paygent.rpc, "--json").said["payment"]

    done = paygent("payments", "--json", **KEYLESS)

    assert (0, [second, first]) == (done.code, done.said["payments"])


def test_payments_are_one_line_each_in_plain_text(paygent: Program, shop: Shop) -> None:
    paygent("pay", shop.url("good"), *paygent.rpc)

    done = paygent("payments", **KEYLESS)

    fields = done.out.rstrip("\n").split("\t")
    assert (0, "SETTLED", "0.10 dUSD", shop.url("good")) == (done.code, fields[1], fields[2], fields[5])


def test_payments_of_a_new_storage_are_none(paygent: Program) -> None:
    done = paygent("payments", "--storage", "sqlite:///new.db", "--json", **KEYLESS)

    assert (0, []) == (done.code, done.said["payments"])


def test_payments_looks_up_open_ones_when_it_is_given_an_endpoint(paygent: Program, shop: Shop) -> None:
    lost(paygent, shop)

    done = paygent("payments", *paygent.rpc, "--json", **KEYLESS)

    assert (0, ["SETTLED"]) == (done.code, [payment["state"] for payment in done.said["payments"]])


def test_payments_are_listed_when_the_endpoint_does_not_answer(paygent: Program, shop: Shop) -> None:
    identity = lost(paygent, shop)

    done = paygent("payments", "--rpc", "http://127.0.0.1:9/", "--json", **KEYLESS)

    assert (3, "AdapterError") == (done.code, done.said["error"]["type"])
    assert [identity] == [payment["id"] for payment in done.said["payments"]]


def test_storage_may_be_a_file_or_a_url_and_is_not_mixed_up(paygent: Program, shop: Shop) -> None:
    paygent("pay", shop.url("good"), *paygent.rpc, "--storage", "a.db")

    by_url = paygent("payments", "--storage", "sqlite:///a.db", "--json", **KEYLESS)
    other = paygent("payments", "--json", **KEYLESS)

    assert (1, 0) == (len(by_url.said["payments"]), len(other.said["payments"]))


def test_default_storage_is_made_where_the_user_keeps_data(paygent: Program, tmp_path: Path) -> None:
    environment: dict[str, str | None] = {**KEYLESS, "PAYGENT_STORAGE": None, "XDG_DATA_HOME": str(tmp_path / "data")}

    done = paygent("payments", **environment)

    assert (0, True) == (done.code, (tmp_path / "data/paygent/payments.db").is_file())


@pytest.mark.parametrize("named", [True, False], ids=["one", "all"])
def test_reconcile_proves_what_happened_to_a_lost_payment(named: bool, paygent: Program, shop: Shop) -> None:
    identity = lost(paygent, shop)

    done = paygent("reconcile", *([identity] if named else []), *paygent.rpc, "--json", **KEYLESS)

    settled = done.said["payments"][0]
    assert (0, identity, "SETTLED", 66) == (
        done.code,
        settled["id"],
        settled["state"],
        len(settled["transaction"]),
    )
    assert settled == (done.said["payment"] if named else settled)


@pytest.mark.parametrize("named", [True, False], ids=["one", "all"])
def test_reconcile_says_5_while_nothing_is_proven(named: bool, paygent: Program, shop: Shop) -> None:
    identity = paygent("pay", shop.url("silent"), "--json").said["payment"]["id"]

    done = paygent("reconcile", *([identity] if named else []), *paygent.rpc, **KEYLESS)

    assert 5 == done.code
    assert f"{identity}\tSUBMITTED\t" in done.out


@pytest.mark.parametrize("named", [True, False], ids=["one", "all"])
def test_reconcile_says_5_when_the_endpoint_does_not_answer(named: bool, paygent: Program, shop: Shop) -> None:
    identity = lost(paygent, shop)

    done = paygent("reconcile", *([identity] if named else []), "--rpc", "http://127.0.0.1:9", "--json", **KEYLESS)

    assert (5, "AdapterError") == (done.code, done.said["error"]["type"])
    assert ["OUTCOME_UNKNOWN"] == [payment["state"] for payment in done.said["payments"]]


def test_reconcile_says_4_once_the_authorization_is_proven_dead(tmp_path: Path, warm: Warm) -> None:
    with Devnet(anvil=False) as net:
        shop = Shop(net)
        paygent = program(net, warm, tmp_path)
        identity = paygent("pay", shop.url("silent"), "--json").said["payment"]["id"]
        net.increase_time(700)
        done = paygent("reconcile", identity, *paygent.rpc, "--json", **KEYLESS)
        shop.close()

    assert (4, "EXPIRED") == (done.code, done.said["payment"]["state"])


def test_reconcile_says_1_for_an_unknown_id_and_without_an_endpoint(paygent: Program, shop: Shop) -> None:
    identity = lost(paygent, shop)

    unknown = paygent("reconcile", "pay_0", *paygent.rpc, "--json", **KEYLESS)
    blind = paygent("reconcile", identity, "--json", **KEYLESS)

    assert (1, 1) == (unknown.code, blind.code)
    assert "this storage has no payment pay_0" in unknown.said["error"]["message"]
    assert "no endpoint for eip155:31337" in blind.said["error"]["message"]
    assert "OUTCOME_UNKNOWN" == blind.said["payment"]["state"]


def of_another_version(file: Path) -> None:
    open_journal(str(file))
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {REVISION_TABLE} SET version_num = '9999'")
    connection.close()


def of_another_program(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    connection.close()


def no_database(file: Path) -> None:
    file.write_text("these are words, and no database at all: " * 50)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (of_another_version, "is at revision '9999', and this version needs"),
        (of_another_program, "belongs to another program"),
        (no_database, "file is not a database"),
        (Path.mkdir, "Is a directory"),
    ],
)
@pytest.mark.parametrize("command", ["payments", "reconcile"])
def test_storage_that_cannot_be_used_ends_with_1(
    command: str, make: Callable[[Path], None], says: str, paygent: Program, tmp_path: Path
) -> None:
    make(tmp_path / "bad.db")

    done = paygent(command, "--storage", "bad.db", **KEYLESS)

    assert (1, "") == (done.code, done.out)
    assert says in done.err
