"""`paygent pay` against a chain and sellers of every kind."""

import base64
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paygent.adapters.keystore import create_keystore
from paygent.devnet import Devnet
from tests.unit.cli.conftest import COMMAND, Finished, Program, program
from tests.unit.cli.shop import PRICE, UNPRINTABLE, Shop
from tests.unit.cli.warm import Warm

KEYS = {"status_code", "body", "payment", "error"}


def state(finished: Finished) -> str:
    word: str = finished.said["payment"]["state"]
    return word


def kind(finished: Finished) -> str:
    word: str = finished.said["error"]["type"]
    return word


def test_pay_pays_once_waits_for_the_proof_and_says_all_of_it_in_json(paygent: Program, net: Devnet) -> None:
    before = len(net.transfers())

    done = paygent("pay", net.seller.url("/premium"), *paygent.rpc, "--json")

    new = net.transfers()[before:]
    nonce = done.said["payment"].pop("nonce")
    identity = done.said["payment"].pop("id")
    assert 0 == done.code, done.err
    assert KEYS == set(done.said)
    assert 200 == done.said["status_code"]
    assert "premium" == json.loads(done.said["body"])["resource"]
    assert done.said["error"] is None
    assert 1 == len(new)
    expected = {
        "state": "SETTLED",
        "network": net.network,
        "asset": net.token.address,
        "amount": str(PRICE),
        "payee": net.seller.payee,
        "transaction": new[0].transaction,
    }
    assert expected == {key: done.said["payment"][key] for key in expected}
    assert (66, 36) == (len(nonce), len(identity))


def test_pay_prints_the_body_alone_on_stdout_and_the_money_on_stderr(paygent: Program, net: Devnet, shop: Shop) -> None:
    done = paygent("pay", shop.url("good"), *paygent.rpc)

    assert (0, "goods") == (done.code, done.out)
    assert "SETTLED" in done.err
    assert "0.10 dUSD" in done.err
    assert net.transfers()[-1].transaction in done.err
    assert "\x1b" not in done.out + done.err


def test_pay_believes_a_claim_where_there_is_no_endpoint(paygent: Program, shop: Shop) -> None:
    done = paygent("pay", shop.url("lies"), "--json")

    assert (0, "SUBMITTED") == (done.code, state(done))
    assert "0x" + "ab" * 32 == done.said["payment"]["transaction"]


@pytest.mark.parametrize("path", ["silent", "lies", "refuses"])
def test_pay_says_5_when_the_proof_is_missing_although_there_is_an_endpoint(
    path: str, paygent: Program, shop: Shop
) -> None:
    done = paygent("pay", shop.url(path), *paygent.rpc, "--json", "--timeout", "1")

    assert (5, "PaymentOutcomeUnknown") == (done.code, kind(done))


@pytest.mark.parametrize("path", ["silent", "refuses", "breaks"])
def test_pay_says_5_without_an_endpoint_when_nobody_says_it_was_paid_or_delivered(
    path: str, paygent: Program, shop: Shop
) -> None:
    done = paygent("pay", shop.url(path), "--json")

    assert (5, "PaymentOutcomeUnknown") == (done.code, kind(done))


def test_pay_says_4_when_the_authorization_is_proven_dead(tmp_path: Path, warm: Warm) -> None:
    with Devnet(anvil=False) as net:
        shop = Shop(net)
        done = program(net, warm, tmp_path)(
            "pay", shop.url("outlasts"), "--rpc", net.rpc_url, "--json", "--timeout", "20"
        )
        shop.close()

    assert (4, "AuthorizationExpired", "EXPIRED") == (done.code, kind(done), state(done))


def test_pay_says_6_when_the_seller_took_the_money_and_broke(paygent: Program, net: Devnet, shop: Shop) -> None:
    before = len(net.transfers())

    done = paygent("pay", shop.url("breaks"), *paygent.rpc, "--json")

    assert (6, "PaidUndelivered", "SETTLED") == (done.code, kind(done), state(done))
    assert (500, "sorry") == (done.said["status_code"], done.said["body"])
    assert 1 == len(net.transfers()) - before


def test_pay_says_6_when_the_answer_was_lost_after_settlement(paygent: Program, net: Devnet) -> None:
    net.seller.drop_next_reply()

    done = paygent("pay", net.seller.url("/premium"), *paygent.rpc, "--json")

    assert (6, "PaidUndelivered", "SETTLED") == (done.code, kind(done), state(done))
    assert (None, None) == (done.said["status_code"], done.said["body"])


def test_pay_waits_for_a_settlement_that_comes_after_the_answer_was_lost(
    paygent: Program, net: Devnet, shop: Shop
) -> None:
    before = len(net.transfers())

    done = paygent("pay", shop.url("settles_late"), "--method", "POST", *paygent.rpc, "--json", "--timeout", "20")

    assert (6, "PaidUndelivered", "SETTLED") == (done.code, kind(done), state(done))
    assert 1 == len(net.transfers()) - before


def test_pay_says_3_and_pays_nothing_when_it_would_pay_twice(paygent: Program, net: Devnet, shop: Shop) -> None:
    first = paygent("pay", shop.url("breaks"), *paygent.rpc, "--json")
    before = len(net.transfers())

    done = paygent("pay", shop.url("breaks"), *paygent.rpc, "--json")

    assert (3, "DuplicatePurchase") == (done.code, kind(done))
    assert first.said["payment"]["id"] == done.said["payment"]["id"]
    assert before == len(net.transfers())


def test_pay_sends_the_same_bytes_for_the_same_idempotency_key(paygent: Program, net: Devnet, shop: Shop) -> None:
    arguments = ("pay", shop.url("breaks"), *paygent.rpc, "--json", "--idempotency-key", "order 7")
    before = len(net.transfers())
    first = paygent(*arguments)
    second = paygent(*arguments, "--timeout", "5")

    sent = {headers["payment-signature"] for _, _, headers, _ in shop.requests if "payment-signature" in headers}
    assert first.said["payment"]["id"] == second.said["payment"]["id"]
    assert (1, 1) == (len(sent), len(net.transfers()) - before)


def test_pay_says_that_a_purchase_was_delivered_before_when_its_seller_asks_again(
    paygent: Program, net: Devnet
) -> None:
    """The seller takes no used authorization; the advice names an option of this program."""
    arguments = ("pay", net.seller.url("/premium"), *paygent.rpc, "--json", "--idempotency-key", "twice")
    first = paygent(*arguments)
    before = len(net.transfers())

    again = paygent(*arguments)

    told = again.said["error"]["message"]
    assert (0, 6, "PaidUndelivered", 402) == (first.code, again.code, kind(again), again.said["status_code"])
    assert "was delivered before; the repeated request fails now (the seller answers 402)" in told
    assert (True, False, False) == ("another --idempotency-key" in told, "new_purchase" in told, "was lost" in told)
    assert before == len(net.transfers())


@pytest.mark.parametrize(("most", "code"), [("0.1", 0), ("0.099999", 3)])
def test_max_amount_is_in_units_of_the_asset(most: str, code: int, paygent: Program, shop: Shop) -> None:
    assert code == paygent("pay", shop.url("good"), *paygent.rpc, "--max-amount", most).code


@pytest.mark.parametrize(("network", "code"), [("eip155:31337", 0), ("eip155:8453", 3), ("base-sepolia", 3)])
def test_network_lets_only_its_offers_be_taken(network: str, code: int, paygent: Program, net: Devnet) -> None:
    arguments = () if code else paygent.rpc

    done = paygent("pay", net.seller.url("/premium"), "--network", network, "--json", *arguments)

    assert code == done.code, done.out
    assert code == 0 or kind(done) == "PolicyDenied"


def test_network_is_the_chain_of_the_endpoint_and_a_false_one_is_found_out(paygent: Program, net: Devnet) -> None:
    """The endpoint serves 31337 and is said to serve another chain, which the seller does not offer."""
    done = paygent("reconcile", *paygent.rpc, "--json")
    wrong = paygent("pay", net.seller.url("/premium"), "--network", "eip155:1", *paygent.rpc, "--json")

    assert (0, 3) == (done.code, wrong.code)


def test_network_cannot_widen_what_the_settings_allow(paygent: Program, net: Devnet) -> None:
    done = paygent("pay", net.seller.url("/premium"), "--network", net.network, PAYGENT_NETWORKS="eip155:25")

    assert 1 == done.code
    assert "is not among the networks of the settings: eip155:25" in done.err


def test_pay_says_0_for_what_is_free_and_6_for_what_fails_unpaid(paygent: Program, shop: Shop, net: Devnet) -> None:
    free = paygent("pay", shop.url("free"), "--json")
    moved = paygent("pay", shop.url("elsewhere"), "--json")
    missing = paygent("pay", net.seller.url("/missing"), "--json")

    assert (0, 200, "nothing to pay", None) == (
        free.code,
        *(free.said[key] for key in ("status_code", "body", "payment")),
    )
    assert (6, 301) == (moved.code, moved.said["status_code"])
    assert (6, 404, None) == (missing.code, missing.said["status_code"], missing.said["error"])


def test_body_that_is_not_text_is_base64_in_json_and_itself_otherwise(paygent: Program, shop: Shop) -> None:
    done = paygent("pay", shop.url("unprintable"), "--json")
    raw = subprocess.run(
        [*COMMAND, "pay", shop.url("unprintable")],
        cwd=paygent.folder,
        env=paygent.environ(),
        capture_output=True,
        check=True,
    )

    assert {"base64": base64.b64encode(UNPRINTABLE).decode()} == done.said["body"]
    assert UNPRINTABLE == raw.stdout


def test_request_is_sent_as_it_is_said(paygent: Program, shop: Shop) -> None:
    paygent("pay", shop.url("free"), "--method", "put", "--data", "a=ä", "--header", "X-A: 1", "--header", "X-B:2")
    paygent("pay", shop.url("free"), "--data", "{}")
    paygent("pay", shop.url("free"))

    put, post, get = shop.requests
    assert ("PUT", "a=ä".encode(), "1", "2") == (put[0], put[3], put[2]["x-a"], put[2]["x-b"])
    assert ("POST", b"{}") == (post[0], post[3])
    assert ("GET", b"") == (get[0], get[3])


def test_paid_request_carries_the_data_and_the_headers_too(paygent: Program, shop: Shop) -> None:
    done = paygent("pay", shop.url("good"), *paygent.rpc, "--data", "question", "--header", "Accept: text/plain")

    paid = shop.requests[-1]
    assert 0 == done.code
    assert ("POST", b"question", "text/plain") == (paid[0], paid[3], paid[2]["accept"])
    assert "payment-signature" in paid[2]


def test_timeout_ends_an_unpaid_wait_with_3(paygent: Program, shop: Shop) -> None:
    done = paygent("pay", shop.url("slow"), "--timeout", "0.2", "--json")

    assert (3, "ReadTimeout") == (done.code, kind(done))


def test_timeout_ends_a_paid_wait_with_5(paygent: Program, shop: Shop) -> None:
    done = paygent("pay", shop.url("hangs"), "--method", "POST", *paygent.rpc, "--timeout", "0.5", "--json")

    assert (5, "PaymentOutcomeUnknown", "OUTCOME_UNKNOWN") == (done.code, kind(done), state(done))


@pytest.mark.parametrize("command", ["pay", "quote"])
def test_url_without_a_host_name_that_can_be_read_is_wrong_use(command: str, paygent: Program) -> None:
    done = paygent(command, "http://xn--zzzzzzz---.test/", "--json")

    assert (1, "IDNAError", "") == (done.code, kind(done), done.err)


def test_pay_says_3_when_nobody_listens(paygent: Program) -> None:
    done = paygent("pay", "http://127.0.0.1:9/", "--json")

    assert (3, "ConnectError", None) == (done.code, kind(done), done.said["payment"])


def test_pay_says_3_when_the_endpoint_does_not_answer(paygent: Program, net: Devnet) -> None:
    before = len(net.transfers())

    done = paygent("pay", net.seller.url("/premium"), "--rpc", "http://127.0.0.1:9/", "--json")

    assert (3, "AdapterError") == (done.code, kind(done))
    assert before == len(net.transfers())


def test_interrupt_of_a_payment_that_can_settle_ends_with_5_and_is_in_the_journal(paygent: Program, shop: Shop) -> None:
    running = paygent.start("pay", shop.url("hangs"), "--json", *paygent.rpc)
    assert shop.paid.wait(20)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    said = json.loads(out.splitlines()[-1])
    listed = paygent("payments", "--json").said["payments"]

    assert (5, "KeyboardInterrupt") == (running.returncode, said["error"]["type"]), err
    assert [("OUTCOME_UNKNOWN", said["payment"]["id"])] == [(entry["state"], entry["id"]) for entry in listed]


def test_interrupt_while_waiting_for_the_proof_names_the_payment(paygent: Program, shop: Shop) -> None:
    running = paygent.start("pay", shop.url("silent"), "--json", *paygent.rpc)
    assert shop.paid.wait(20)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=20)

    payment = json.loads(out.splitlines()[-1])["payment"]
    assert (5, "SUBMITTED") == (running.returncode, payment["state"])


def test_exit_code_tells_what_happened_when_nobody_reads_the_answer(paygent: Program, shop: Shop) -> None:
    running = paygent.start("pay", shop.url("breaks"), *paygent.rpc)
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    said = running.stderr.read()
    running.stderr.close()

    assert 6 == running.wait(20), said
    assert "Traceback" not in said


@pytest.mark.parametrize("path", ["good", "breaks", "lies", "hangs"])
def test_nothing_that_moves_money_is_shown(path: str, paygent: Program, shop: Shop) -> None:
    done = paygent("pay", shop.url(path), *paygent.rpc, "--timeout", "0.5")
    told = paygent("pay", shop.url(path), *paygent.rpc, "--timeout", "0.5", "--json")
    listed = paygent("payments", "--json")

    sent = [headers["payment-signature"] for _, _, headers, _ in shop.requests if "payment-signature" in headers]
    signatures = [json.loads(base64.b64decode(value))["payload"]["signature"][2:] for value in sent]
    shown = "".join([done.out, done.err, told.out, told.err, listed.out, listed.err])
    assert signatures
    assert [] == [secret for secret in [*sent, *signatures] if secret in shown]


@pytest.fixture
def keystore(net: Devnet, tmp_path: Path) -> str:
    key = bytes.fromhex(net.payer.private_key[2:])
    (tmp_path / "key.json").write_text(json.dumps(create_keystore(key, "open sesame", kdf="pbkdf2", rounds=1000)))
    return "key.json"


def test_keystore_is_opened_with_the_password_of_the_environment(paygent: Program, shop: Shop, keystore: str) -> None:
    arguments = ("pay", shop.url("good"), *paygent.rpc, "--keystore", keystore)
    right = paygent(*arguments, PAYGENT_PRIVATE_KEY=None, PAYGENT_KEYSTORE_PASSWORD="open sesame")
    wrong = paygent(*arguments, PAYGENT_PRIVATE_KEY=None, PAYGENT_KEYSTORE_PASSWORD="close sesame")
    none = paygent(*arguments, PAYGENT_PRIVATE_KEY=None)

    assert (0, 1, 1) == (right.code, wrong.code, none.code)
    assert "is the password right?" in wrong.err
    assert "PAYGENT_KEYSTORE_PASSWORD" in none.err
    assert not any("sesame" in text for done in (right, wrong, none) for text in (done.out, done.err))


def test_keystore_is_opened_with_the_password_typed_at_a_terminal(paygent: Program, shop: Shop, keystore: str) -> None:
    person, terminal = pty.openpty()
    environment = paygent.environ(PAYGENT_PRIVATE_KEY=None)
    command = [sys.executable, "-m", "paygent.cli", "pay", shop.url("good"), *paygent.rpc, "--keystore", keystore]
    running = subprocess.Popen(
        command,
        cwd=paygent.folder,
        env=environment,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert running.stderr is not None
    asked = os.read(running.stderr.fileno(), 100)
    os.write(person, b"open sesame\n")
    out, err = running.communicate(timeout=30)
    os.close(person)
    os.close(terminal)

    assert (0, b"goods") == (running.returncode, out), err
    assert b"Password of key.json: " == asked


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"PAYGENT_PRIVATE_KEY": None}, "no key to pay with"),
        ({"PAYGENT_PRIVATE_KEY": "0x1234"}, "PAYGENT_PRIVATE_KEY cannot be used"),
        ({"PAYGENT_PRIVATE_KEY": "0x" + "f" * 64}, "key"),
        ({"PAYGENT_STORAGE": "no/such/folder/pay.db"}, "cannot be opened"),
        ({"PAYGENT_STORAGE": "mysql://127.0.0.1/x"}, "is not supported"),
        ({"PAYGENT_RPC": "not a URL"}, "PAYGENT_RPC cannot be used"),
        ({"PAYGENT_PRIVAT_KEY": "0x"}, "did you mean PAYGENT_PRIVATE_KEY"),
    ],
)
def test_wrong_configuration_ends_with_1_and_says_what_to_do(
    environment: dict[str, str | None], says: str, paygent: Program, shop: Shop
) -> None:
    done = paygent("pay", shop.url("free"), **environment)

    assert (1, "") == (done.code, done.out)
    assert says in done.err
    assert "Traceback" not in done.err


def test_payment_that_nobody_can_be_told_of_is_still_paid(paygent: Program, net: Devnet) -> None:
    before = len(net.transfers())
    command = [*COMMAND, "pay", net.seller.url("/premium"), *paygent.rpc, "--json"]

    done = subprocess.run(
        command, cwd=paygent.folder, env=paygent.environ(), preexec_fn=lambda: os.closerange(0, 3), check=False
    )

    assert (0, 1) == (done.returncode, len(net.transfers()) - before)
