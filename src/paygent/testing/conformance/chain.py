"""What every `Chain` must keep of its port's promises, whatever is behind it.

::

    class TestMyChain(ChainContract):
        @pytest.fixture
        async def stage(self) -> AsyncIterator[ChainStage]:
            ...
"""

from typing import Protocol

import pytest

from paygent.core.errors import AdapterError
from paygent.core.requirements import Authorization, Token
from paygent.core.typed_data import Domain
from paygent.evm import eip2612, eip3009, erc20, permit2
from paygent.evm.eip712 import domain_separator
from paygent.ports.chain import Chain

_NOBODY = f"0x{'99' * 20}"
_UNKNOWN = f"0x{'42' * 32}"


class ChainStage(Protocol):
    """**Protocol:** a chain with one EIP-3009 token, and a hand that moves it. Every move is mined when it returns."""

    @property
    def chain(self) -> Chain:
        """What is tested."""
        ...

    @property
    def chain_number(self) -> int:
        """The EIP-155 number it has."""
        ...

    @property
    def token(self) -> Token:
        """A token with EIP-3009 whose EIP-712 domain is known."""
        ...

    @property
    def domain(self) -> Domain:
        """The EIP-712 domain of the token."""
        ...

    async def authorization(self, *, name: int) -> Authorization:
        """Return a usable authorization of a payer who can afford it; the same `name` gives the same nonce."""
        ...

    async def settle(self, authorization: Authorization) -> str:
        """Have the authorization used; return the transaction's hash."""
        ...

    async def mine(self) -> None:
        """Have an empty block added."""
        ...


class ChainContract:
    """Subclass it, give it the fixture `stage`, and run it with pytest and the anyio plugin."""

    pytestmark = pytest.mark.anyio

    async def test_chain_number_is_the_chains(self, stage: ChainStage) -> None:
        assert await stage.chain.chain_number() == stage.chain_number

    async def test_block_latest_is_the_newest(self, stage: ChainStage) -> None:
        before = await stage.chain.block("latest")
        await stage.mine()
        after = await stage.chain.block("latest")

        assert after.number > before.number
        assert after.timestamp >= before.timestamp
        assert after.hash != before.hash

    async def test_block_by_height_is_the_same_block(self, stage: ChainStage) -> None:
        newest = await stage.chain.block("latest")
        await stage.mine()

        assert await stage.chain.block(newest.number) == newest

    async def test_block_finalized_is_on_the_chain_and_not_above_the_newest(self, stage: ChainStage) -> None:
        final = await stage.chain.block("finalized")

        assert final.number <= (await stage.chain.block("latest")).number
        assert await stage.chain.block(final.number) == final

    async def test_block_fails_retryably_above_the_newest(self, stage: ChainStage) -> None:
        newest = await stage.chain.block("latest")

        with pytest.raises(AdapterError) as raised:
            await stage.chain.block(newest.number + 1_000)
        assert raised.value.retryable

    async def test_block_refuses_a_negative_height(self, stage: ChainStage) -> None:
        with pytest.raises(ValueError, match="names no block"):
            await stage.chain.block(-1)

    async def test_next_block_is_never_later_than_the_truth(self, stage: ChainStage) -> None:
        following = await stage.chain.next_block()
        newest = await stage.chain.block("latest")
        await stage.mine()
        mined = await stage.chain.block(newest.number + 1)

        assert newest.number <= following.number <= mined.number
        assert newest.timestamp <= following.timestamp <= mined.timestamp

    async def test_call_reads_the_token(self, stage: ChainStage) -> None:
        contract = stage.token.asset.id.address

        decimals = erc20.uint(await stage.chain.call(contract, erc20.decimals()))
        separator = await stage.chain.call(contract, erc20.domain_separator())

        assert decimals == stage.token.asset.decimals
        assert erc20.text(await stage.chain.call(contract, erc20.name())) == stage.domain.name
        assert erc20.text(await stage.chain.call(contract, erc20.version())) == stage.domain.version
        assert separator == f"0x{domain_separator(stage.domain).hex()}"

    async def test_call_reads_allowances_and_permit_nonces(self, stage: ChainStage) -> None:
        contract = stage.token.asset.id.address

        allowed = erc20.uint(await stage.chain.call(contract, erc20.allowance(_NOBODY, permit2.PERMIT2)))
        nonce = erc20.uint(await stage.chain.call(contract, eip2612.nonces_call(_NOBODY)))

        assert (allowed, nonce) == (0, 0)

    async def test_call_at_a_hash_sees_the_state_after_that_block(self, stage: ChainStage) -> None:
        authorization = await stage.authorization(name=1)
        before = await stage.chain.block("latest")
        await stage.settle(authorization)
        after = await stage.chain.block("latest")
        contract = stage.token.asset.id.address
        call = eip3009.authorization_state_call(authorization.payer, authorization.nonce)

        assert erc20.uint(await stage.chain.call(contract, call, at=before.hash)) == 0
        assert erc20.uint(await stage.chain.call(contract, call, at=before.number)) == 0
        assert erc20.uint(await stage.chain.call(contract, call, at=after.hash)) == 1
        assert erc20.uint(await stage.chain.call(contract, call)) == 1

    async def test_call_at_an_unknown_hash_fails(self, stage: ChainStage) -> None:
        with pytest.raises(AdapterError):
            await stage.chain.call(stage.token.asset.id.address, erc20.decimals(), at=_UNKNOWN)

    async def test_call_sees_the_money_move(self, stage: ChainStage) -> None:
        authorization = await stage.authorization(name=2)
        contract, balance_of = stage.token.asset.id.address, erc20.balance_of(authorization.payee)
        before = erc20.uint(await stage.chain.call(contract, balance_of))
        await stage.settle(authorization)

        after = erc20.uint(await stage.chain.call(contract, balance_of))

        assert after - before == authorization.amount.atomic

    async def test_call_fails_for_good_when_the_contract_reverts(self, stage: ChainStage) -> None:
        with pytest.raises(AdapterError) as raised:
            await stage.chain.call(stage.token.asset.id.address, "0xdeadbeef")
        assert not raised.value.retryable

    async def test_call_answers_nothing_where_there_is_no_contract(self, stage: ChainStage) -> None:
        assert await stage.chain.call(_NOBODY, erc20.decimals()) == "0x"

    async def test_code_tells_contracts_from_accounts(self, stage: ChainStage) -> None:
        assert await stage.chain.code(stage.token.asset.id.address) != "0x"
        assert await stage.chain.code(_NOBODY) == "0x"

    async def test_logs_find_the_use_of_an_authorization(self, stage: ChainStage) -> None:
        authorization = await stage.authorization(name=3)
        first = (await stage.chain.next_block()).number
        transaction = await stage.settle(authorization)
        last = await stage.chain.block("latest")
        payer = erc20.topic_address(authorization.payer)

        (used,) = await stage.chain.logs(
            address=stage.token.asset.id.address,
            topics=[eip3009.AUTHORIZATION_USED, payer, authorization.nonce],
            from_block=first,
            to_block=last.number,
        )

        assert used.transaction == transaction
        assert used.address == stage.token.asset.id.address
        assert used.topics == (eip3009.AUTHORIZATION_USED, payer, authorization.nonce)
        assert used.block_hash == (await stage.chain.block(used.block_number)).hash

    async def test_logs_find_the_transfer_in_the_same_transaction(self, stage: ChainStage) -> None:
        authorization = await stage.authorization(name=4)
        transaction = await stage.settle(authorization)
        last = (await stage.chain.block("latest")).number

        (moved,) = await stage.chain.logs(
            address=stage.token.asset.id.address,
            topics=[erc20.TRANSFER, None, erc20.topic_address(authorization.payee)],
            from_block=last,
            to_block=last,
        )

        assert moved.transaction == transaction
        assert int(moved.data, 16) == authorization.amount.atomic

    async def test_logs_are_in_order_and_stay_inside_the_range(self, stage: ChainStage) -> None:
        first = (await stage.chain.block("latest")).number + 1
        transactions = [await stage.settle(await stage.authorization(name=name)) for name in (5, 6, 7)]
        last = (await stage.chain.block("latest")).number

        async def used(from_block: int, to_block: int) -> list[str]:
            logs = await stage.chain.logs(
                address=stage.token.asset.id.address,
                topics=[eip3009.AUTHORIZATION_USED],
                from_block=from_block,
                to_block=to_block,
            )
            return [log.transaction for log in logs]

        assert await used(first, last) == transactions
        assert await used(last, last) == transactions[-1:]
        assert await used(last + 1, last) == []

    async def test_logs_of_another_contract_topic_or_nonce_are_not_found(self, stage: ChainStage) -> None:
        authorization = await stage.authorization(name=8)
        await stage.settle(authorization)
        last = (await stage.chain.block("latest")).number
        contract, payer = stage.token.asset.id.address, erc20.topic_address(authorization.payer)

        for address, topics in (
            (_NOBODY, [eip3009.AUTHORIZATION_USED]),
            (contract, [eip3009.AUTHORIZATION_CANCELED]),
            (contract, [eip3009.AUTHORIZATION_USED, payer, _UNKNOWN]),
        ):
            assert not await stage.chain.logs(address=address, topics=topics, from_block=last, to_block=last)

    async def test_logs_refuse_a_range_above_the_maximum(self, stage: ChainStage) -> None:
        with pytest.raises(ValueError, match="more than"):
            await stage.chain.logs(address=_NOBODY, topics=[], from_block=0, to_block=stage.chain.max_log_range)

    async def test_transaction_is_the_call_that_was_mined(self, stage: ChainStage) -> None:
        authorization = await stage.authorization(name=9)
        name = await stage.settle(authorization)

        found = await stage.chain.transaction(name)

        assert found is not None
        assert (found.hash, found.to) == (name, stage.token.asset.id.address)
        assert authorization.nonce[2:] in found.input

    async def test_transaction_is_none_when_the_chain_does_not_know_it(self, stage: ChainStage) -> None:
        assert await stage.chain.transaction(_UNKNOWN) is None
