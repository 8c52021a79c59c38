"""What is said to an AgentWallet, as bytes; its views are compared in `tests/interop/test_agent_wallet_views.py`."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.action import Action
from paygent.core.caip import ChainId, erc20
from paygent.core.errors import SigningFailed
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Authorization
from paygent.evm import agent_wallet as encode
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import Configuration, TokenLimit
from paygent.evm.calls import faults
from paygent.evm.coins import coin
from paygent.policy.firewall import check_agent_wallet

CHAIN = ChainId.evm(25)
WALLET, PAYEE, OTHER = (checksum(f"0x{digit * 40}") for digit in "123")
TOKEN = Asset(id=erc20(CHAIN, f"0x{'ab' * 20}"), symbol="USDC", decimals=6)
LIMIT = TokenLimit(token=OTHER, per_day=5, per_payment=5, approval_above=1)
CONFIGURATION = Configuration(operators=(OTHER,), limits=(LIMIT,), deadline=9)


def action(amount: Amount, **changes: Any) -> Action:
    token = encode.NATIVE if amount.asset.id.native else amount.asset.id.address
    given: dict[str, Any] = {
        "purpose": "transfer",
        "network": CHAIN,
        "account": WALLET,
        "spend": amount,
        "counterparty": PAYEE,
        "calls": (encode.payment_call(WALLET, token, PAYEE, amount.atomic, bytes(32)),),
        "deadline": 9,
        "summary": "Pay",
    }
    return Action(**(given | changes))


@given(atomic=st.integers(1, 2**200), native=st.booleans())
def test_payment_of_a_wallet_is_the_transfer_that_it_says(atomic: int, native: bool) -> None:
    amount = Amount(atomic, coin(CHAIN) if native else TOKEN)
    token = encode.NATIVE if native else TOKEN.id.address
    withdrawal = encode.withdrawal_call(WALLET, token, PAYEE, atomic)

    assert [] == list(faults(action(amount)))
    assert [] == list(faults(action(amount, calls=(withdrawal,))))


@pytest.mark.parametrize(
    "changes",
    [
        {"spend": Amount(6, TOKEN)},
        {"spend": Amount(5, coin(CHAIN))},
        {"counterparty": OTHER},
        {"account": OTHER},
        {"calls": (encode.wallet_call(WALLET, "setOperator", OTHER, True),)},
        {"calls": (encode.payment_call(WALLET, TOKEN.id.address, PAYEE, 5, bytes(32)),) * 2},
        {"account": None},
    ],
    ids=["amount", "asset", "payee", "wallet", "function", "twice", "own money"],
)
def test_call_that_is_not_the_payment_is_a_fault(changes: dict[str, Any]) -> None:
    assert list(faults(replace(action(Amount(5, TOKEN)), **changes)))


def test_only_transfers_are_made_by_a_wallet() -> None:
    with pytest.raises(ValueError, match="in a transfer"):
        action(Amount(5, TOKEN), purpose="swap", venue="vvs")


def test_signature_of_an_authorization_is_192_bytes_and_the_authorization_itself() -> None:
    authorization = Authorization(
        scheme="exact", method="eip3009", payer=WALLET, payee=PAYEE, amount=Amount(7, TOKEN),
        nonce=f"0x{'05' * 32}", valid_after=0, valid_before=9,
    )  # fmt: skip
    signature = encode.signature(authorization)

    assert 192 == len(signature)
    assert bytes.fromhex("05" * 32) == signature[160:]
    assert 7 == int.from_bytes(signature[64:96])


def test_wrapped_signature_ends_with_the_magic_of_erc_6492() -> None:
    wrapped = encode.wrapped(WALLET, "0x1234", b"\x01" * 192)

    assert bytes.fromhex("6492" * 16) == wrapped[-32:]
    assert 0 == len(wrapped) % 32


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (TokenLimit, {"token": "0x12"}, "an address"),
        (TokenLimit, {"per_day": -1}, "atomic units"),
        (TokenLimit, {"per_payment": 6}, "above the limit of a day"),
        (TokenLimit, {"approval_above": True}, "atomic units"),
        (Configuration, {"operators": (encode.NATIVE,)}, "nobody's address"),
        (Configuration, {"operators": tuple(f"0x{n:040x}" for n in range(1, 18))}, "at most 16 operators, not 17"),
        (Configuration, {"approvals": 1}, "cannot sign"),
    ],
)
def test_configuration_that_cannot_be_is_refused(kind: type, changes: dict[str, Any], said: str) -> None:
    whole = LIMIT if kind is TokenLimit else CONFIGURATION
    with pytest.raises(ValueError, match=said):
        replace(whole, **changes)


def test_owner_and_salt_are_the_address() -> None:
    found = {encode.predict(OTHER), encode.predict(OTHER, 1), encode.predict(PAYEE)}

    assert 3 == len(found)
    with pytest.raises(ValueError, match="owns nothing"):
        encode.predict(encode.NATIVE)
    with pytest.raises(ValueError, match="2\\*\\*256"):
        encode.predict(OTHER, 2**256)


def test_firewall_lets_messages_to_the_wallet_through_and_nothing_else() -> None:
    data = encode.configuration_data(CONFIGURATION, WALLET, 25)
    check_agent_wallet(data, wallet=WALLET, chain_number=25)

    for wallet, number in ((OTHER, 25), (WALLET, 26)):
        with pytest.raises(SigningFailed, match="domain"):
            check_agent_wallet(data, wallet=wallet, chain_number=number)
    with pytest.raises(SigningFailed, match="nothing that is said"):
        check_agent_wallet(replace(data, primary_type="Permit"), wallet=WALLET, chain_number=25)
    with pytest.raises(SigningFailed, match="not defined"):
        check_agent_wallet(replace(data, types=encode.PAYMENT_TYPES), wallet=WALLET, chain_number=25)
