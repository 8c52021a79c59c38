"""What a Wallet and an AgentWallet refuse on a real EVM: told by a type and a word of advice, and nothing is sent."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import pytest

from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
from paygent.core.caip import ChainId, chain_id, erc20
from paygent.core.errors import ConfigurationError, Halted, LocalProtocolError, PaygentError, PolicyDenied
from paygent.core.halt import Halt
from paygent.core.money import Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.core.transaction_errors import InsufficientFunds, NotSpendable
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import TokenLimit
from paygent.evm.coins import coin
from tests.interop.agent import ONE, Agency, new_agency
from tests.interop.peers.chain import TokenChain, call_data

PAYEE = checksum(f"0x{'ab' * 20}")
NOBODY = f"0x{'0' * 40}"
EMPTY = f"0x{'e7' * 20}"
"""An address where nothing is."""
WHOLE = 10**18
ANSWERS_ALWAYS = "0x670de0b6b3a76400005f5260205ff3"
"""Code that answers every question with 10**18, also the one for its decimal places."""
ANSWERS_BALANCES = "0x60003560e01c6370a0823114601357600080fd5b670de0b6b3a764000060005260206000f3"
"""Code that answers `balanceOf` in that way, and reverts otherwise."""
pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """A Wallet, or an AgentWallet with its operator: what may be spent, and by which key."""

    agency: Agency
    agent: bool

    @property
    def sent(self) -> int:
        return self.agency.operator.sent

    @property
    def network(self) -> ChainId:
        return chain_id(self.agency.chain.network)

    def policy(self, *assets: Asset) -> Any:
        """Return a policy with room for everything, also for assets without a price."""
        room = (usd("100"), Amount(WHOLE, self.agency.coin), *(Amount(WHOLE, asset) for asset in assets))
        return self.agency.operator.policy(max_per_payment=room, per_day=room)

    @asynccontextmanager
    async def open(self, *tokens: Asset, **wiring: Any) -> AsyncIterator[Any]:
        """Open what pays: a function of amount and payee."""
        known = [Token(asset=asset, name=asset.symbol, versions=("1",)) for asset in tokens]
        given = {"policy": self.policy(*tokens), "tokens": known} | wiring
        if self.agent:
            async with self.agency.open(self.agency.operator, **given) as wallet:
                yield wallet.pay
        else:
            async with self.agency.operator.wallet(**given) as wallet:
                yield wallet.transfer

    async def refused(
        self, kind: type[PaygentError], amount: Amount, *, to: str = PAYEE, tokens: Iterable[Asset] = (), **wiring: Any
    ) -> str:
        """Return what is told where nothing is sent."""
        before = self.sent
        async with self.open(*tokens, **wiring) as pay:
            with pytest.raises(kind) as raised:
                await pay(amount, to)

        assert kind is type(raised.value)
        assert before == self.sent
        return str(raised.value)


@pytest.fixture
def anyio_backend() -> str:
    """One of the two: what is refused here has been decided before anything waits."""
    return "asyncio"


async def new_purse(chain: TokenChain, *, agent: bool) -> Purse:
    made = new_agency(chain)
    if agent:
        async with made.open(made.operator) as wallet:
            await wallet.deploy(await made.signed())
    return Purse(agency=made, agent=agent)


@pytest.fixture(scope="module", params=[False, True], ids=["wallet", "agent wallet"])
def shared(request: pytest.FixtureRequest, contracts: TokenChain) -> Purse:
    """One for all tests that leave it as it is."""
    return anyio.run(partial(new_purse, contracts, agent=request.param))


@pytest.fixture
async def purse(shared: Purse) -> Purse:
    """One of a test's own."""
    return await new_purse(shared.agency.chain, agent=shared.agent)


def asset_at(purse: Purse, address: str, decimals: int = 18) -> Asset:
    return Asset(id=erc20(purse.network, address), symbol="ODD", decimals=decimals)


async def test_payment_to_the_zero_address_is_refused(shared: Purse) -> None:
    assert "nobody's address" in await shared.refused(LocalProtocolError, shared.agency.amount(1), to=NOBODY)


async def test_payment_of_nothing_is_refused(shared: Purse) -> None:
    assert "above zero" in await shared.refused(LocalProtocolError, shared.agency.amount(0))


async def test_asset_of_another_chain_is_refused(shared: Purse) -> None:
    kind = LocalProtocolError if shared.agent else ConfigurationError

    assert "eip155:25" in await shared.refused(kind, Amount(1, coin(ChainId.evm(25))))


async def test_token_that_nobody_named_is_refused(shared: Purse) -> None:
    assert "name it in tokens=" in await shared.refused(ConfigurationError, Amount(1, asset_at(shared, EMPTY)))


async def odd_token(purse: Purse, runtime: str) -> Asset:
    """Return a token of 18 decimal places, as its settings say, with some code that an AgentWallet may spend."""
    address = purse.agency.chain.new_payer().address
    purse.agency.chain.anvil.call("anvil_setCode", address, runtime)
    odd = asset_at(purse, address.lower())
    if purse.agent:
        limit = TokenLimit(token=checksum(address), per_day=WHOLE, per_payment=WHOLE, approval_above=WHOLE)
        async with purse.agency.open(purse.agency.owner) as owner:
            await owner.set_limit(limit)
    return odd


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        ("0x00", "is this the address of a token?"),
        (ANSWERS_BALANCES, "no decimals(), so nobody knows what a whole unit is"),
        (ANSWERS_ALWAYS, "was expected to count 18"),
    ],
    ids=["no token", "no decimals", "other decimals"],
)
async def test_what_is_no_token_of_the_settings_is_refused(shared: Purse, runtime: str, said: str) -> None:
    odd = await odd_token(shared, runtime)
    told = await shared.refused(NotSpendable, Amount(1, odd), tokens=(odd,))

    assert said in told
    assert "correct the address and the decimals in `tokens`" in told


async def test_token_without_code_is_refused(shared: Purse) -> None:
    """The contract gives no limit to an address without code, so an AgentWallet has none for it."""
    nothing = asset_at(shared, EMPTY)
    kind = AgentWalletRefused if shared.agent else NotSpendable
    told = await shared.refused(kind, Amount(1, nothing), tokens=(nothing,))

    assert ("let the owner set one" if shared.agent else "is this the address of a token?") in told


async def test_more_than_there_is_is_refused_by_its_figures(purse: Purse) -> None:
    chain, key = purse.agency.chain, purse.agency.operator.key.address
    if purse.agent:
        async with purse.agency.open(purse.agency.owner) as owner:
            await owner.withdraw(purse.agency.amount(purse.agency.count() - 5))
    else:
        rest = chain.balance_of(key) - 5
        chain.anvil.send(key, chain.token, call_data("transfer(address,uint256)", PAYEE, rest))
    told = await purse.refused(InsufficientFunds, purse.agency.amount(6))

    assert "needs 0.000006 USDC and the wallet has 0.000005 USDC" in told


async def test_payment_without_coin_for_its_gas_is_refused(purse: Purse) -> None:
    purse.agency.chain.anvil.call("anvil_setBalance", purse.agency.operator.key.address, hex(1000))

    assert "with its gas needs" in await purse.refused(InsufficientFunds, purse.agency.amount(1))


async def test_payment_above_its_limit_is_refused(shared: Purse) -> None:
    if shared.agent:
        assert "nothing was sent" in await shared.refused(ChainLimitExceeded, shared.agency.amount(ONE + 1))
    policy = shared.agency.operator.policy(max_per_payment=shared.agency.amount(5))

    assert "max_per_payment" in await shared.refused(PolicyDenied, shared.agency.amount(6), policy=policy)


async def test_payment_while_paused_is_refused(purse: Purse) -> None:
    if purse.agent:
        async with purse.agency.open(purse.agency.owner) as owner:
            await owner.pause()
        assert "paused" in await purse.refused(AgentWalletPaused, purse.agency.amount(1))
        return
    await purse.agency.operator.journal.halt(Halt(scope="everything", by="ada", reason="drill", at=1))

    assert "until somebody lifts the halt" in await purse.refused(Halted, purse.agency.amount(1))
