"""DevUSD on a real EVM: EIP-3009, EIP-2612 and ERC-20 as sellers and facilitators rely on them."""

import pytest
from eth_abi.abi import decode

from paygent.devnet.contracts import topic
from tests.unit.devnet.evm import (
    ALICE,
    BOB,
    CAROL,
    MINTER,
    NOW,
    Authorization,
    DollarToken,
    Evm,
    Refused,
    high_s,
    octets,
    sign,
    vrs,
    word,
)

TRANSFER_VRS = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
TRANSFER_BYTES = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
RECEIVE_VRS = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
CANCEL_VRS = "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)"
PERMIT_VRS = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
CANCEL_TYPES = {"authorizer": "address", "nonce": "bytes32"}
PERMIT_TYPES = {
    "owner": "address",
    "spender": "address",
    "value": "uint256",
    "nonce": "uint256",
    "deadline": "uint256",
}
OK, REVERTED = "0x1", "0x0"
WALLET = "0x" + "77" * 20
SAYS_VALID = "0x631626ba7e60e01b60005260206000f3"
"""Code that answers ERC-1271's magic value to whatever it is asked."""
SAYS_NOTHING = "0x00"
SAYS_SOMETHING_ELSE = "0x600160005260206000f3"


@pytest.fixture
def token() -> DollarToken:
    return DollarToken(Evm())


def transfer(token: DollarToken, authorization: Authorization) -> str:
    status: str = token.send(TRANSFER_VRS, *authorization.arguments, *vrs(authorization.sign(token.domain())))["status"]
    return status


def reason(token: DollarToken, authorization: Authorization, signature: tuple[int, bytes, bytes]) -> str:
    with pytest.raises(Refused) as refused:
        token.call(TRANSFER_VRS, *authorization.arguments, *signature)
    return str(refused.value)


def cancel(token: DollarToken, nonce: bytes) -> str:
    signature = sign(token.domain(), "CancelAuthorization", CANCEL_TYPES, (ALICE.address, nonce), ALICE)
    status: str = token.send(CANCEL_VRS, ALICE.address, nonce, *vrs(signature))["status"]
    return status


def test_token_names_itself(token: DollarToken) -> None:
    texts = [decode(["string"], octets(token.call(f"{field}()")))[0] for field in ("name", "symbol", "version")]

    assert ["Devnet USD", "dUSD", "1"] == texts
    assert 6 == int(token.call("decimals()"), 16)


def test_authorization_moves_exactly_its_value(token: DollarToken) -> None:
    assert OK == transfer(token, Authorization(value=100))
    assert (900, 100) == (token.balance(ALICE), token.balance(BOB))
    assert token.used(Authorization().nonce)


def test_authorization_moves_its_value_when_the_signature_is_bytes(token: DollarToken) -> None:
    authorization = Authorization(value=70)
    signature = bytes(authorization.sign(token.domain()).signature)

    assert OK == token.send(TRANSFER_BYTES, *authorization.arguments, signature)["status"]
    assert 70 == token.balance(BOB)


def test_authorization_logs_its_use_and_its_transfer_in_one_transaction(token: DollarToken) -> None:
    authorization = Authorization()
    signature = vrs(authorization.sign(token.domain()))
    logs = token.send(TRANSFER_VRS, *authorization.arguments, *signature)["logs"]

    used = [topic("AuthorizationUsed(address,bytes32)"), word(ALICE.address), "0x" + authorization.nonce.hex()]
    moved = [topic("Transfer(address,address,uint256)"), word(ALICE.address), word(BOB.address)]
    assert [used, moved] == [log["topics"] for log in logs]
    assert 100 == int(logs[1]["data"], 16)


def test_authorization_is_refused_when_it_was_used(token: DollarToken) -> None:
    authorization = Authorization()
    transfer(token, authorization)

    assert REVERTED == transfer(token, authorization)
    assert "authorization is used or canceled" in reason(token, authorization, vrs(authorization.sign(token.domain())))
    assert 100 == token.balance(BOB)


def test_authorization_is_refused_when_it_was_cancelled(token: DollarToken) -> None:
    authorization = Authorization()

    assert OK == cancel(token, authorization.nonce)
    assert token.used(authorization.nonce)
    assert REVERTED == transfer(token, authorization)
    assert 0 == token.balance(BOB)


def test_cancellation_is_refused_when_the_authorization_was_used(token: DollarToken) -> None:
    transfer(token, Authorization())

    assert REVERTED == cancel(token, Authorization().nonce)


def test_cancellation_logs_itself(token: DollarToken) -> None:
    nonce = bytes(32)
    signature = sign(token.domain(), "CancelAuthorization", CANCEL_TYPES, (ALICE.address, nonce), ALICE)
    (log,) = token.send(CANCEL_VRS, ALICE.address, nonce, *vrs(signature))["logs"]

    assert [topic("AuthorizationCanceled(address,bytes32)"), word(ALICE.address), "0x" + nonce.hex()] == log["topics"]


@pytest.mark.parametrize(
    ("window", "status"),
    [
        ({"valid_before": NOW + 1}, OK),
        ({"valid_before": NOW}, REVERTED),
        ({"valid_after": NOW - 1}, OK),
        ({"valid_after": NOW}, REVERTED),
    ],
)
def test_validity_is_strict_at_both_ends(token: DollarToken, window: dict[str, int], status: str) -> None:
    assert status == transfer(token, Authorization().but(**window))


@pytest.mark.parametrize(
    ("window", "text"),
    [({"valid_before": NOW}, "authorization is expired"), ({"valid_after": NOW}, "authorization is not yet valid")],
)
def test_refusal_names_the_end_of_the_window(token: DollarToken, window: dict[str, int], text: str) -> None:
    authorization = Authorization().but(**window)

    assert text in reason(token, authorization, vrs(authorization.sign(token.domain())))


@pytest.mark.parametrize("change", [{"name": "USD Coin"}, {"version": "2"}, {"chainId": 1}])
def test_signature_is_refused_when_the_domain_is_another(token: DollarToken, change: dict[str, object]) -> None:
    authorization = Authorization()
    signature = vrs(authorization.sign(token.domain(**change)))

    assert "invalid signature" in reason(token, authorization, signature)


def test_signature_is_refused_when_its_s_is_high(token: DollarToken) -> None:
    authorization = Authorization()

    assert "invalid signature" in reason(token, authorization, high_s(authorization.sign(token.domain())))


def test_signature_is_refused_when_somebody_else_signed(token: DollarToken) -> None:
    authorization = Authorization()

    assert "invalid signature" in reason(token, authorization, vrs(authorization.sign(token.domain(), signer=BOB)))


def test_signature_is_refused_when_the_value_is_another(token: DollarToken) -> None:
    signature = vrs(Authorization(value=100).sign(token.domain()))

    assert "invalid signature" in reason(token, Authorization(value=101), signature)


def test_signature_is_refused_when_v_is_not_27_or_28(token: DollarToken) -> None:
    authorization = Authorization()
    v, r, s = vrs(authorization.sign(token.domain()))

    assert "invalid signature" in reason(token, authorization, (v - 27, r, s))


def test_authorization_is_refused_when_the_balance_is_too_small(token: DollarToken) -> None:
    authorization = Authorization(value=1_001)

    assert "transfer amount exceeds balance" in reason(token, authorization, vrs(authorization.sign(token.domain())))
    assert REVERTED == transfer(token, authorization)
    assert not token.used(authorization.nonce)


def test_receive_is_for_the_payee_only(token: DollarToken) -> None:
    authorization = Authorization()
    signature = vrs(authorization.sign(token.domain(), kind="ReceiveWithAuthorization"))

    assert REVERTED == token.send(RECEIVE_VRS, *authorization.arguments, *signature, sender=CAROL)["status"]
    assert OK == token.send(RECEIVE_VRS, *authorization.arguments, *signature, sender=BOB)["status"]
    assert 100 == token.balance(BOB)


def test_receive_refuses_a_signature_for_transfer(token: DollarToken) -> None:
    authorization = Authorization()
    signature = vrs(authorization.sign(token.domain()))

    assert REVERTED == token.send(RECEIVE_VRS, *authorization.arguments, *signature, sender=BOB)["status"]


def permit(token: DollarToken, deadline: int) -> str:
    values = (ALICE.address, BOB.address, 250, 0, deadline)
    signature = vrs(sign(token.domain(), "Permit", PERMIT_TYPES, values, ALICE))
    status: str = token.send(PERMIT_VRS, ALICE.address, BOB.address, 250, deadline, *signature)["status"]
    return status


def test_permit_sets_the_allowance_once(token: DollarToken) -> None:
    assert OK == permit(token, NOW)
    assert 250 == int(token.call("allowance(address,address)", ALICE.address, BOB.address), 16)
    assert REVERTED == permit(token, NOW)


def test_permit_is_refused_when_its_deadline_is_over(token: DollarToken) -> None:
    assert REVERTED == permit(token, NOW - 1)


def test_allowance_limits_what_a_spender_moves(token: DollarToken) -> None:
    permit(token, NOW)
    move = "transferFrom(address,address,uint256)"

    assert OK == token.send(move, ALICE.address, CAROL.address, 200, sender=BOB)["status"]
    assert REVERTED == token.send(move, ALICE.address, CAROL.address, 51, sender=BOB)["status"]
    assert (800, 200) == (token.balance(ALICE), token.balance(CAROL))


def test_mint_is_for_the_minter_only(token: DollarToken) -> None:
    assert REVERTED == token.send("mint(address,uint256)", ALICE.address, 1, sender=ALICE)["status"]
    assert OK == token.send("mint(address,uint256)", ALICE.address, 1, sender=MINTER)["status"]
    assert 1_001 == int(token.call("totalSupply()"), 16)


def test_transfer_keeps_the_sum_of_balances_when_sender_and_recipient_are_one(token: DollarToken) -> None:
    assert OK == token.send("transfer(address,uint256)", ALICE.address, 400, sender=ALICE)["status"]
    assert 1_000 == token.balance(ALICE)


@pytest.mark.parametrize(
    ("code", "status"), [(SAYS_VALID, OK), (SAYS_NOTHING, REVERTED), (SAYS_SOMETHING_ELSE, REVERTED)]
)
def test_contract_signs_by_erc1271(code: str, status: str) -> None:
    token = DollarToken(Evm(code={WALLET: code}))
    token.send("mint(address,uint256)", WALLET, 100, sender=MINTER)
    authorization = Authorization(sender=WALLET)

    assert status == token.send(TRANSFER_BYTES, *authorization.arguments, b"any bytes")["status"]
    assert (100 if status == OK else 0) == token.balance(BOB)
