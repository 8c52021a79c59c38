"""The kill switch on a real EVM: a cancelled authorization never settles, and a lost race is told as settled."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from paygent.adapters.httpx import NEW_PURCHASE, PAYMENT, AsyncPaymentTransport
from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.relayer import KeyRelayer
from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal
from paygent.adapters.system import SystemClock
from paygent.core.caip import ChainId, chain_id
from paygent.core.errors import AdapterError, Halted
from paygent.core.halt import EVERYTHING
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization, Token
from paygent.devnet import Devnet
from paygent.devnet.contracts import calldata
from paygent.devnet.rpc_client import RpcClient
from paygent.engine.halt import HaltReport, KillSwitch
from paygent.engine.pay import Engine
from paygent.engine.tokens import TokenBook
from paygent.policy.policy import Policy
from paygent.ports.relayer import Relayer
from paygent.ports.storage import Storage
from paygent.runtime import safety
from paygent.runtime.assemble import assemble
from paygent.runtime.settings import Secret, Settings
from paygent.testing.chain import MemoryChain
from paygent.testing.conformance import payments
from paygent.testing.journal import MemoryJournal
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller, Reply

pytestmark = pytest.mark.anyio

RELAYER = dev_accounts()[4]
SETTLER = dev_accounts()[5]
TRANSFER = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
Kept = tuple[Authorization, bytes]


def token_of(net: Devnet) -> Token:
    return Token(asset=net.asset, name=net.token.name, versions=(net.token.version,), usd=True, test=True)


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """A wallet on the devnet whose seller keeps what it is given and settles nothing."""

    net: Devnet
    engine: Engine
    journal: Storage
    chain: RpcChain
    seller: MemorySeller

    async def send(self) -> Payment:
        self.seller.replies.append(Reply(status=500, settle=False, claim="none"))
        transport = AsyncPaymentTransport(self.engine, inner=httpx.MockTransport(self.seller))
        async with httpx.AsyncClient(transport=transport) as client:
            response = await client.post("http://seller.test/kept", extensions={NEW_PURCHASE: True})
        payment: Payment = response.extensions[PAYMENT].payment
        return payment

    def settle(self, kept: Kept) -> None:
        """Settle the very bytes that were sent, as any facilitator can.

        Raises: AdapterError: it reverted.
        """
        authorization, signature = kept
        data = calldata(
            TRANSFER,
            authorization.payer,
            authorization.payee,
            authorization.amount.atomic,
            authorization.valid_after,
            authorization.valid_before,
            bytes.fromhex(authorization.nonce[2:]),
            signature[64],
            signature[:32],
            signature[32:64],
        )
        client = RpcClient(self.net.rpc_url)
        try:
            client.send(SETTLER, to=self.net.token.address, data=data)
        finally:
            client.close()

    async def halt(self, relayer: Relayer | None) -> HaltReport:
        switch = KillSwitch(
            storage=self.journal,
            reconciler=self.engine.reconciler,
            tokens=TokenBook({self.net.asset.id: token_of(self.net)}, {self.network: self.chain}),
            clock=SystemClock(),
            signers=(LocalSigner(self.net.payer.private_key),),
            relayer=relayer,
        )
        return await switch.halt(EVERYTHING, by="ada", reason="a test")

    def relayer(self) -> KeyRelayer:
        return KeyRelayer(RELAYER.private_key, chains={self.network: self.chain})

    @property
    def network(self) -> ChainId:
        return chain_id(self.net.network)


def settings_of(net: Devnet, storage: str = "unused.db") -> Settings:
    key, relayer = Secret(net.payer.private_key), Secret(RELAYER.private_key)
    urls, tokens = {net.network: net.rpc_url}, (token_of(net),)
    return Settings(private_key=key, relayer_key=relayer, rpc=urls, tokens=tokens, storage=storage)


@asynccontextmanager
async def wallet(net: Devnet, storage: Storage | None = None) -> AsyncIterator[Wallet]:
    token, network = token_of(net), chain_id(net.network)
    journal = MemoryJournal() if storage is None else storage
    policy = Policy(max_per_payment=usd("1"), per_day=usd("10"), networks=frozenset({network}))
    seller = MemorySeller(chain=MemoryChain(chain=network, tokens=[token]), token=token, payee=net.seller.payee)
    async with RpcChain(net.rpc_url, chain=network, instant_finality=True) as chain:
        wiring: Mapping[str, Any] = {"chains": {network: chain}, "journal": journal}
        async with assemble(settings=settings_of(net), policy=policy, **wiring) as engine:
            yield Wallet(net=net, engine=engine, journal=journal, chain=chain, seller=seller)


class Racing:
    """A relayer that comes just too late."""

    def __init__(self, inner: Relayer, before: Callable[[], None]) -> None:
        self._inner = inner
        self._before = before

    async def send(self, chain: ChainId, to: str, data: str) -> str:
        self._before()
        return await self._inner.send(chain, to, data)


async def test_halt_cancels_on_chain_and_a_later_settlement_of_the_same_bytes_reverts(net: Devnet) -> None:
    async with wallet(net) as mine:
        sent = [await mine.send() for _ in range(3)]
        funds, moved = net.balance(net.payer.address), len(net.transfers())

        report = await mine.halt(mine.relayer())

        assert {payment.id for payment in sent} == {each.payment.id for each in report.cancelled}
        assert {State.CANCELLED} == {each.payment.state for each in report.cancelled}
        assert ((), (), True) == (report.settled, report.uncancelled, report.complete)
        for each in report.cancelled:
            assert each.transaction is not None
            assert f"cancelled in {each.transaction}" == each.payment.history[-1].note
        for kept in mine.seller.kept:
            with pytest.raises(AdapterError, match="reverted"):
                mine.settle(kept)
        assert (funds, moved) == (net.balance(net.payer.address), len(net.transfers()))
        with pytest.raises(Halted):
            await mine.send()


async def test_halt_reports_a_lost_race_as_settled(net: Devnet) -> None:
    async with wallet(net) as mine:
        payment, moved = await mine.send(), len(net.transfers())

        report = await mine.halt(Racing(mine.relayer(), lambda: mine.settle(mine.seller.kept[0])))

        assert [(payment.id, State.SETTLED)] == [(each.id, each.state) for each in report.settled]
        assert ((), ()) == (report.cancelled, report.uncancelled)
        assert moved + 1 == len(net.transfers())


async def test_halt_without_a_relayer_cancels_nothing_and_the_money_can_still_move(net: Devnet) -> None:
    async with wallet(net) as mine:
        payment = await mine.send()

        report = await mine.halt(None)
        mine.settle(mine.seller.kept[0])

        assert [payment.id] == [left.payment.id for left in report.uncancelled]
        assert State.SETTLED is (await mine.engine.reconciler.reconcile(payment.id)).state


async def test_halt_says_of_permit2_payments_that_they_are_not_cancelled(net: Devnet) -> None:
    async with wallet(net) as mine:
        reserved = payments.reserved()
        await mine.journal.open(reserved, (), now=payments.START, new_purchase=True)
        await mine.journal.append(reserved, payments.sent(reserved))

        report = await mine.halt(mine.relayer())

        assert [reserved.id] == [left.payment.id for left in report.uncancelled]
        assert "Permit2" in report.uncancelled[0].reason


async def test_halt_from_settings_cancels_on_chain_what_another_process_sent(net: Devnet, tmp_path: Path) -> None:
    file = str(tmp_path / "pay.db")
    async with open_journal(file) as journal, wallet(net, journal) as mine:
        payment = await mine.send()

        report = await safety.halt(settings_of(net, file), EVERYTHING, by="ada", reason="a test")

        assert [(payment.id, True)] == [(each.payment.id, each.proven) for each in report.cancelled]
        assert ((), True) == (report.troubles, report.complete)
        with pytest.raises(AdapterError, match="reverted"):
            mine.settle(mine.seller.kept[0])
        with pytest.raises(Halted):
            await mine.send()
