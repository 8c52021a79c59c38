import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.errors import RemoteProtocolError
from paygent.core.requirements import Settlement
from paygent.x402 import read_cronos_settlement, read_settlement, read_settlement_body
from tests.unit.x402 import wares
from tests.unit.x402.wares import Json

NAMES = pytest.mark.parametrize("name", ["payment-response", "x-payment-response"])
SETTLED: Json = {"success": True, "transaction": wares.TRANSACTION, "network": "eip155:84532", "payer": wares.PAYER}


def settlement(**changes: object) -> Settlement:
    facts: Json = {"success": True, "transaction": None, "network": None, "payer": None, "amount": None, "error": None}
    return Settlement(**(facts | changes))  # type: ignore[arg-type]  # built by name, checked by the comparison


@NAMES
def test_settlement_is_read_from_either_header(name: str) -> None:
    expected = settlement(transaction=wares.TRANSACTION, network="eip155:84532", payer=wares.PAYER)

    assert expected == read_settlement({name: wares.header(SETTLED)})
    assert expected == read_settlement_body(json.dumps(SETTLED).encode())


@NAMES
def test_settlement_of_python_1_0_is_read_when_error_reason_is_null(name: str) -> None:
    read = read_settlement({name: wares.header(SETTLED | {"errorReason": None, "network": "base-sepolia"})})

    assert read is not None
    assert (read.success, read.error, read.network) == (True, None, "base-sepolia")


def test_settlement_is_none_when_no_header_is_there() -> None:
    assert read_settlement({"content-type": "text/html"}) is None


def test_settlement_says_what_was_charged_when_upto() -> None:
    read = read_settlement({"payment-response": wares.header(SETTLED | {"amount": "700"})})

    assert read is not None
    assert read.amount == 700


@pytest.mark.parametrize(
    ("said", "error", "pending"),
    [
        ({"errorReason": "insufficient_funds", "transaction": ""}, "insufficient_funds", False),
        ({"errorReason": None, "errorMessage": "no funds"}, "no funds", False),
        ({"errorReason": "settlement_pending"}, "settlement_pending", True),
        ({"errorReason": "invalid_exact_evm_settlement_pending"}, "invalid_exact_evm_settlement_pending", True),
        ({"errorReason": "r" * 600}, "r" * 497 + "...", False),
        ({}, None, False),
    ],
)
def test_settlement_failed_when_it_says_so(said: Json, error: str | None, pending: bool) -> None:
    read = read_settlement({"payment-response": wares.header({"success": False, "network": "eip155:84532"} | said)})

    assert read == settlement(success=False, network="eip155:84532", error=error, pending=pending)


def test_settlement_is_not_pending_when_it_succeeded() -> None:
    read = read_settlement({"payment-response": wares.header(SETTLED | {"errorReason": "settlement_pending"})})

    assert read is not None
    assert (read.pending, read.error) == (False, None)


def test_transaction_is_none_when_it_is_no_hash() -> None:
    read = read_settlement({"payment-response": wares.header(SETTLED | {"transaction": "soon\x1b[0m"})})

    assert read is not None
    assert read.transaction is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"success":"true"}',
        b'{"success":1}',
        b'{"success":true,"success":false}',
        b'{"success":true,"transaction":7}',
        b'{"success":true,"amount":700}',
        b'{"success":true,"amount":"-1"}',
        b"\xff",
        b"[" * 60_000,
    ],
)
def test_settlement_raises_when_it_cannot_be_read(value: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="cannot be read") as header_error:
        read_settlement({"payment-response": wares.header(value)[:65536]})
    with pytest.raises(RemoteProtocolError, match="the settlement cannot be read"):
        read_settlement_body(value)

    assert len(header_error.value.excerpt) <= 80


def test_settlement_raises_when_the_body_is_huge() -> None:
    with pytest.raises(RemoteProtocolError, match="bytes"):
        read_settlement_body(b" " * 1_100_000)


@pytest.mark.parametrize("header", ["%", "e30", "e30=, e30="])
def test_settlement_raises_when_it_is_not_base64(header: str) -> None:
    with pytest.raises(RemoteProtocolError, match="base64"):
        read_settlement({"payment-response": header})


def test_cronos_settlement_is_read_when_settled() -> None:
    said = {
        "x402Version": 1,
        "event": "payment.settled",
        "txHash": wares.TRANSACTION,
        "from": wares.PAYER,
        "to": wares.PAYEE,
        "value": "1000000",
        "blockNumber": 17352,
        "network": "cronos-testnet",
        "timestamp": "2025-11-04T20:19:11.000Z",
    }

    assert read_cronos_settlement(json.dumps(said).encode()) == settlement(
        transaction=wares.TRANSACTION, network="cronos-testnet", payer=wares.PAYER, amount=1_000_000
    )


@pytest.mark.parametrize(
    ("error", "shown"), [("Authorization already used", "Authorization already used"), (None, "payment.failed")]
)
def test_cronos_settlement_failed_when_it_says_so(error: str | None, shown: str) -> None:
    said = {"x402Version": 1, "event": "payment.failed", "network": "cronos-testnet", "error": error}

    assert read_cronos_settlement(json.dumps(said).encode()) == settlement(
        success=False, network="cronos-testnet", error=shown
    )


def read_header(raw: bytes) -> Settlement | None:
    return read_settlement({"payment-response": wares.header(raw)})


@given(st.binary())
def test_reading_any_settlement_raises_only_remote_errors(raw: bytes) -> None:
    for read in (read_settlement_body, read_cronos_settlement, read_header):
        with suppress(RemoteProtocolError):
            assert isinstance(read(raw), Settlement | None)
