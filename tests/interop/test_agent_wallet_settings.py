"""What an AgentWallet's owner decides after it is deployed, on a real EVM."""

import pytest

from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused
from paygent.core.lifecycle import State
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import NATIVE
from paygent.evm.contracts import contract
from tests.interop.acting import Actor
from tests.interop.agent import Agency
from tests.interop.peers.chain import TokenChain

LISTED, OTHER = checksum(f"0x{'ab' * 20}"), checksum(f"0x{'cd' * 20}")
pytestmark = pytest.mark.anyio


async def paid(agency: Agency, payee: str) -> State:
    async with agency.open(agency.operator) as wallet:
        return (await wallet.pay(agency.amount(1), payee)).state


async def test_only_listed_payees_are_paid_once_the_list_counts(agency: Agency) -> None:
    async with agency.open(agency.owner) as owner:
        await owner.set_payee(LISTED)
        await owner.set_payees_only(True)
        state = await owner.state()

    assert (True, (LISTED,)) == (state.payees_only, state.payees)
    assert State.SETTLED == await paid(agency, LISTED)
    sent = agency.operator.sent
    with pytest.raises(AgentWalletRefused) as refused:
        await paid(agency, OTHER)
    assert ("PayeeNotAllowed", sent) == (refused.value.code, agency.operator.sent)


async def test_payee_that_was_taken_off_the_list_is_not_paid(agency: Agency) -> None:
    async with agency.open(agency.owner) as owner:
        await owner.set_payee(LISTED)
        await owner.set_payees_only(True)
        await owner.set_payee(LISTED, allowed=False)

    with pytest.raises(AgentWalletRefused, match="PayeeNotAllowed"):
        await paid(agency, LISTED)


async def test_collector_is_switched_on_and_off(agency: Agency) -> None:
    router = contract("PaymentRouter").address
    async with agency.open(agency.owner) as owner:
        await owner.set_collector(router)
        on = await owner.state()
        await owner.set_collector(router, enabled=False)
        off = await owner.state()

    assert ((router,), ()) == (on.collectors, off.collectors)


async def test_guardian_may_pause_and_not_unpause(agency: Agency, contracts: TokenChain) -> None:
    guardian = Actor(chain=contracts, key=contracts.new_payer(), journal=agency.owner.journal)
    async with agency.open(agency.owner) as owner:
        await owner.set_guardian(guardian.key.address)
        assert guardian.key.address == (await owner.state()).guardian
    async with agency.open(guardian) as as_guardian:
        await as_guardian.pause()
        with pytest.raises(AgentWalletRefused):
            await as_guardian.unpause()

    with pytest.raises(AgentWalletPaused):
        await paid(agency, LISTED)


async def test_guardian_that_was_removed_may_not_pause(agency: Agency, contracts: TokenChain) -> None:
    guardian = Actor(chain=contracts, key=contracts.new_payer(), journal=agency.owner.journal)
    async with agency.open(agency.owner) as owner:
        await owner.set_guardian(guardian.key.address)
        await owner.set_guardian(None)
        assert NATIVE == (await owner.state()).guardian
    async with agency.open(guardian) as as_guardian:
        with pytest.raises(AgentWalletRefused):
            await as_guardian.pause()


async def test_setting_of_somebody_who_is_not_the_owner_is_refused(agency: Agency) -> None:
    async with agency.open(agency.operator) as operator:
        with pytest.raises(AgentWalletRefused):
            await operator.set_payees_only(True)
        assert not (await operator.state()).payees_only
