"""A chain in memory: what moves it, what it refuses, and its faults."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from paygent.core.caip import ChainId, erc20
from paygent.core.errors import AdapterError
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Authorization, Token
from paygent.evm import eip3009, permit2
from paygent.evm import erc20 as token_calls
from paygent.evm.deployments import EXACT_PROXY, PERMIT2, UPTO_PROXY
from paygent.evm.eip712 import digest
from paygent.evm.tokens import domain
from paygent.testing.chain import MemoryChain, TransactionReverts
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio

CHAIN = ChainId.evm(31337)
TOKEN = Token(
    asset=Asset(id=erc20(CHAIN, f"0x{'33' * 20}"), symbol="TUSD", decimals=6), name="Test USD", versions=("2",)
)
PLAIN = replace(TOKEN, asset=Asset(id=erc20(CHAIN, f"0x{'44' * 20}"), symbol="P", decimals=18), eip3009=False)
ACCOUNT = dev_accounts()[0]
PAYER = ACCOUNT.address
PAYEE, FACILITATOR = (account.address for account in dev_accounts()[1:3])
START = 1_800_000_000
NONCE = f"0x{'0f' * 32}"

TRANSFER = Authorization(
    scheme="exact",
    method="eip3009",
    payer=PAYER,
    payee=PAYEE,
    amount=Amount(100, TOKEN.asset),
    nonce=NONCE,
    valid_after=0,
    valid_before=START + 60,
)
PERMIT = replace(TRANSFER, method="permit2", spender=EXACT_PROXY)
UPTO = replace(PERMIT, scheme="upto", spender=UPTO_PROXY, facilitator=FACILITATOR)


def chain_with_money(*, confirmations: int = 0) -> MemoryChain:
    chain = MemoryChain(chain=CHAIN, tokens=[TOKEN, PLAIN], timestamp=START - 2, confirmations=confirmations)
    chain.mint(TOKEN, PAYER, 1_000)
    chain.approve(TOKEN, PAYER, 1_000)
    return chain


def balances(chain: MemoryChain) -> tuple[int, int]:
    return chain.balance(TOKEN, PAYER), chain.balance(TOKEN, PAYEE)


@pytest.mark.parametrize("authorization", [TRANSFER, PERMIT, UPTO])
def test_settle_moves_the_money(authorization: Authorization) -> None:
    chain = chain_with_money()

    chain.settle(authorization)

    assert balances(chain) == (900, 100)


def test_settle_of_a_payment_to_oneself_changes_nothing_but_the_nonce() -> None:
    chain = chain_with_money()

    chain.settle(replace(TRANSFER, payee=PAYER))

    assert balances(chain) == (1_000, 0)


def test_settle_charges_less_than_the_most_of_an_upto_payment() -> None:
    chain = chain_with_money()

    chain.settle(UPTO, amount=70)

    assert balances(chain) == (930, 70)


@pytest.mark.parametrize("authorization", [TRANSFER, PERMIT, UPTO])
def test_settle_reverts_the_second_time(authorization: Authorization) -> None:
    chain = chain_with_money()
    chain.settle(authorization)

    with pytest.raises(TransactionReverts, match=r"used|InvalidNonce"):
        chain.settle(replace(authorization, amount=Amount(50, TOKEN.asset)))

    assert balances(chain) == (900, 100)


@pytest.mark.parametrize("authorization", [TRANSFER, PERMIT])
def test_settle_reverts_after_a_cancellation(authorization: Authorization) -> None:
    chain = chain_with_money()
    chain.cancel(authorization)

    with pytest.raises(TransactionReverts, match=r"used|InvalidNonce"):
        chain.settle(authorization)
    with pytest.raises(TransactionReverts, match=r"used|InvalidNonce"):
        chain.cancel(authorization)


@pytest.mark.parametrize(
    ("authorization", "amount", "why"),
    [
        (replace(TRANSFER, valid_after=START + 1), None, "not yet valid"),
        (replace(TRANSFER, valid_before=START + 1), None, "expired"),
        (replace(TRANSFER, amount=Amount(1_001, TOKEN.asset)), None, "exceeds balance"),
        (TRANSFER, 99, "exactly"),
        (TRANSFER, 101, "AmountExceedsPermitted"),
        (replace(PERMIT, valid_after=START + 2), None, "PaymentTooEarly"),
        (replace(PERMIT, valid_before=START + 1), None, "SignatureExpired"),
        (UPTO, 101, "AmountExceedsPermitted"),
        (UPTO, 0, "InvalidAmount"),
        (replace(TRANSFER, amount=Amount(0, PLAIN.asset)), None, "no transferWithAuthorization"),
        (replace(TRANSFER, amount=Amount(0, Asset(id=erc20(CHAIN, PAYER), symbol="X", decimals=0))), None, "no token"),
    ],
)
def test_settle_reverts_as_the_contracts_do(authorization: Authorization, amount: int | None, why: str) -> None:
    chain = chain_with_money()
    before = (chain.head, balances(chain))

    with pytest.raises(TransactionReverts, match=why):
        chain.settle(authorization, amount=amount)

    assert (chain.head, balances(chain)) == before


def test_settle_by_permit2_is_possible_at_the_deadline_itself_as_its_contract_has_it() -> None:
    """The deadline that is signed is one second before the authorization's exclusive end."""
    chain = chain_with_money()

    chain.settle(replace(PERMIT, valid_before=chain.head.timestamp + 2))

    assert balances(chain) == (900, 100)


def test_settle_reverts_without_an_allowance() -> None:
    chain = chain_with_money()
    chain.approve(TOKEN, PAYER, 99)

    with pytest.raises(TransactionReverts, match="exceeds allowance"):
        chain.settle(PERMIT)


def _signature(authorization: Authorization) -> bytes:
    by_permit2 = authorization.method == "permit2"
    data = permit2.typed_data(authorization, 31337) if by_permit2 else eip3009.typed_data(authorization, domain(TOKEN))
    key = PrivateKey(bytes.fromhex(ACCOUNT.private_key[2:]))
    signed = key.sign_recoverable(digest(data), hasher=None)
    return signed[:64] + bytes([27 + signed[64]])


@pytest.mark.parametrize("authorization", [TRANSFER, PERMIT, UPTO])
def test_settle_takes_the_payers_signature(authorization: Authorization) -> None:
    chain = chain_with_money()

    chain.settle(authorization, signature=_signature(authorization))

    assert balances(chain) == (900, 100)


@pytest.mark.parametrize("spoil", [lambda raw: raw[:64] + b"\0", lambda raw: raw[:-1]])
def test_settle_reverts_on_a_malformed_signature(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TransactionReverts, match="invalid signature"):
        chain_with_money().settle(TRANSFER, signature=spoil(_signature(TRANSFER)))


def test_settle_reverts_on_a_signature_of_something_else() -> None:
    with pytest.raises(TransactionReverts, match="invalid signature"):
        chain_with_money().settle(TRANSFER, signature=_signature(replace(TRANSFER, nonce=f"0x{'01' * 32}")))


async def test_permit2_settlement_is_a_call_of_the_proxy_with_a_transfer_and_a_used_bit() -> None:
    chain = chain_with_money()
    name = chain.settle(UPTO, amount=70)

    (moved,) = await chain.logs(address=f"0x{'33' * 20}", topics=[], from_block=3, to_block=3)
    transaction = await chain.transaction(name)
    bits = await chain.call(PERMIT2, permit2.nonce_bitmap_call(PAYER, NONCE))

    assert (int(moved.data, 16), moved.transaction) == (70, name)
    assert transaction is not None
    assert transaction.to == UPTO_PROXY.lower()
    assert NONCE[2:] in transaction.input
    assert permit2.nonce_used(bits, NONCE)


async def test_cancel_writes_the_event_of_eip3009_and_none_for_permit2() -> None:
    chain = chain_with_money()
    chain.cancel(TRANSFER)
    chain.cancel(PERMIT)

    logs = await chain.logs(address=f"0x{'33' * 20}", topics=[], from_block=3, to_block=4)

    assert [log.topics[0] for log in logs] == [eip3009.AUTHORIZATION_CANCELED]


async def test_call_reverts_for_functions_that_are_not_there() -> None:
    chain = chain_with_money()
    state = eip3009.authorization_state_call(PAYER, NONCE)

    for contract, data in ((PERMIT2, "0x12345678"), (EXACT_PROXY, "0x"), (PLAIN.asset.id.address, state)):
        with pytest.raises(AdapterError, match="reverted"):
            await chain.call(contract, data)
    assert token_calls.text(await chain.call(TOKEN.asset.id.address, token_calls.symbol())) == "TUSD"


async def test_reorganise_undoes_what_was_in_the_blocks() -> None:
    chain = chain_with_money(confirmations=3)
    name = chain.settle(TRANSFER)
    old = chain.head

    chain.reorganise(1)

    assert balances(chain) == (1_000, 0)
    assert (chain.head.number, chain.head.timestamp) == (old.number, old.timestamp)
    assert chain.head.hash != old.hash
    assert await chain.transaction(name) is None
    with pytest.raises(AdapterError):
        await chain.call(TOKEN.asset.id.address, token_calls.decimals(), at=old.hash)


def test_reorganise_leaves_the_authorization_usable() -> None:
    chain = chain_with_money(confirmations=3)
    first = chain.settle(TRANSFER)
    chain.reorganise(1)

    second = chain.settle(TRANSFER)

    assert first != second
    assert balances(chain) == (900, 100)


@pytest.mark.parametrize("depth", [0, 3])
def test_reorganise_refuses_final_blocks(depth: int) -> None:
    with pytest.raises(ValueError, match="not final"):
        chain_with_money(confirmations=2).reorganise(depth)


async def test_block_finalized_is_behind_by_the_confirmations() -> None:
    chain = chain_with_money(confirmations=2)
    chain.mine()

    assert (await chain.block("finalized")).number == chain.head.number - 2


async def test_lag_hides_the_newest_blocks_from_every_read() -> None:
    chain = chain_with_money()
    seen = chain.head
    name = chain.settle(TRANSFER)
    chain.lag = 1

    assert await chain.block("latest") == await chain.block("finalized") == seen
    assert await chain.transaction(name) is None
    assert await chain.logs(address=f"0x{'33' * 20}", topics=[], from_block=3, to_block=9) == ()
    assert (await chain.next_block()).timestamp == seen.timestamp
    with pytest.raises(AdapterError):
        await chain.block(chain.head.number)
    with pytest.raises(AdapterError):
        await chain.call(TOKEN.asset.id.address, token_calls.decimals(), at=chain.head.hash)


@pytest.mark.parametrize("retryable", [True, False])
async def test_fail_next_fails_so_many_reads(retryable: bool) -> None:
    chain = chain_with_money()
    chain.fail_next(2, retryable=retryable)

    for _ in range(2):
        with pytest.raises(AdapterError) as raised:
            await chain.block("latest")
        assert raised.value.retryable is retryable
    assert await chain.block("latest") == chain.head
    assert chain.reads == 3


class SetClock:
    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


async def test_block_time_follows_the_clock_and_never_goes_back() -> None:
    clock = SetClock(START)
    chain = MemoryChain(chain=CHAIN, clock=clock)
    clock.time = START + 7

    assert (await chain.next_block()).timestamp == chain.mine().timestamp == START + 7
    clock.time = START
    assert chain.mine().timestamp == START + 7


def test_mine_takes_the_seconds_it_is_given() -> None:
    chain = MemoryChain(chain=CHAIN, timestamp=START)

    assert chain.mine(100).timestamp == START + 100


async def test_reads_refuse_what_is_no_address_or_height() -> None:
    chain = chain_with_money()

    with pytest.raises(ValueError, match="not an EVM address"):
        await chain.code("0x12")
    with pytest.raises(ValueError, match="names no block"):
        await chain.logs(address=PAYER, topics=[], from_block=-1, to_block=1)
