"""Farms of both versions: stakes come back whole, and rewards are those of SushiSwap's MasterChef, to the unit."""

import pytest

from paygent.plugin import AddLiquidity, EmergencyWithdraw, Harvest, Stake, TradeRefused, Unstake, Wish
from tests.interop.peers.anvil import RpcError
from tests.interop.peers.chain import call_data
from tests.interop.peers.desk import CRONOS, Desk
from tests.interop.peers.uniswap import ETHER, deploy

pytestmark = pytest.mark.anyio
POOLS = ["VVS", "v1:1", "v2:1"]


async def staked(desk: Desk, pool: str) -> Stake:
    """Give the trader what a farm takes, stake it, and return the wish."""
    if pool == "VVS":
        amount = desk.fund("1000", "VVS")
    else:
        desk.make(await desk.build(AddLiquidity(first=desk.fund("100", "USDC"), second=desk.asset("CRO"))))
        [position] = await desk.connector.positions(desk.trader)
        amount = position.holds
    wish = Stake(network=CRONOS, pool=pool, amount=amount)
    desk.make(await desk.build(wish))
    return wish


def mine(desk: Desk, blocks: int = 10) -> None:
    desk.exchange.anvil.call("anvil_mine", hex(blocks))


@pytest.mark.parametrize("pool", POOLS)
async def test_stake_is_taken_and_comes_back_with_rewards(desk: Desk, pool: str) -> None:
    wish = await staked(desk, pool)
    reward = "FOO" if pool == "v2:1" else "VVS"
    assert 0 == desk.units(wish.amount.asset)
    mine(desk)
    before = desk.has(reward)

    desk.make(await desk.build(Unstake(network=CRONOS, pool=pool, amount=wish.amount)))

    back = desk.units(wish.amount.asset)
    assert back >= wish.amount.atomic
    assert desk.has(reward) - before > 0
    assert back == wish.amount.atomic or pool == "VVS"  # there the rewards are of what is staked


@pytest.mark.parametrize(
    ("pool", "functions"),
    [
        ("VVS", ["enterStaking", "enterStaking", "leaveStaking", "emergencyWithdraw"]),
        ("v1:1", ["deposit", "deposit", "withdraw", "emergencyWithdraw"]),
        ("v2:1", ["deposit", "deposit", "withdraw", "emergencyWithdraw"]),
    ],
)
async def test_calls_are_those_of_the_pool(desk: Desk, pool: str, functions: list[str]) -> None:
    amount = (await staked(desk, pool)).amount
    wishes: list[Wish] = [
        Stake(network=CRONOS, pool=pool, amount=amount),
        Harvest(network=CRONOS, pool=pool),
        Unstake(network=CRONOS, pool=pool, amount=amount),
        EmergencyWithdraw(network=CRONOS, pool=pool),
    ]

    built = [(await desk.build(wish))[0].calls[-1] for wish in wishes]

    assert functions == [call.function.partition("(")[0] for call in built]


@pytest.mark.parametrize("pool", POOLS)
async def test_harvest_brings_what_is_pending_and_leaves_the_stake(desk: Desk, pool: str) -> None:
    await staked(desk, pool)
    mine(desk)
    [action] = await desk.build(Harvest(network=CRONOS, pool=pool))
    reward = "FOO" if pool == "v2:1" else "VVS"
    before = desk.has(reward)

    desk.make([action])

    assert 0 == action.spend.atomic
    assert desk.has(reward) > before
    positions = await desk.connector.positions(desk.trader)
    assert [pool if pool != "VVS" else "v1:0"] == [one.pool for one in positions if one.kind == "farm"]


@pytest.mark.parametrize("pool", POOLS)
async def test_emergency_gives_the_whole_stake_back_without_rewards(desk: Desk, pool: str) -> None:
    wish = await staked(desk, pool)
    mine(desk)
    foo = desk.has("FOO")

    desk.make(await desk.build(EmergencyWithdraw(network=CRONOS, pool=pool)))

    assert wish.amount.atomic == desk.units(wish.amount.asset)
    assert foo == desk.has("FOO")


async def test_position_tells_stake_rewards_and_status(desk: Desk) -> None:
    wish = await staked(desk, "v1:1")
    mine(desk)

    [position] = [one for one in await desk.connector.positions(desk.trader) if one.kind == "farm"]

    assert (wish.amount, "CRO-USDC (V1)") == (position.holds, position.name)
    assert [desk.asset("VVS")] == [amount.asset for amount in position.pending]
    assert "CRO-USDC (V1) gets 3000 of 4000 parts of what is emitted" in position.notes
    assert "rewards can end or change at any time; none is promised" in position.notes


async def test_farm_that_has_ended_says_so(desk: Desk) -> None:
    desk.exchange.send(desk.exchange.owner, desk.exchange.craftsmen[1], call_data("set(uint256,uint256)", 1, 0))

    quote = await desk.quote(Harvest(network=CRONOS, pool="v1:1"))

    assert "CRO-USDC (V1) gets none of what is emitted: it has ended" in quote.notes


async def test_tokens_of_third_parties_are_pending_too(desk: Desk) -> None:
    await staked(desk, "v2:1")
    mine(desk)

    quote = await desk.quote(Harvest(network=CRONOS, pool="CRO-USDC"))

    pending = {amount.asset.symbol: amount.atomic for amount in quote.expected}
    assert {"VVS", "FOO"} == set(pending)
    assert 0 <= 10 * ETHER - pending["FOO"] < 1_000  # the accumulator rounds down
    assert [0, 0] == [amount.atomic for amount in quote.at_least]


async def test_paused_farm_takes_nothing_and_gives_back(desk: Desk) -> None:
    wish = await staked(desk, "v2:1")
    desk.exchange.send(desk.exchange.owner, desk.exchange.craftsmen[2], call_data("pause(bool)", True))

    with pytest.raises(TradeRefused) as refused:
        await desk.quote(Harvest(network=CRONOS, pool="v2:1"))
    desk.make(await desk.build(Unstake(network=CRONOS, pool="v2:1", amount=wish.amount)))

    assert "paused" == refused.value.code
    assert wish.amount.atomic == desk.units(wish.amount.asset)


async def test_more_than_is_staked_is_refused(desk: Desk) -> None:
    wish = await staked(desk, "VVS")
    more = wish.amount + wish.amount

    with pytest.raises(TradeRefused) as refused:
        await desk.quote(Unstake(network=CRONOS, pool="VVS", amount=more))

    assert "insufficient_stake" == refused.value.code


async def test_another_token_is_not_staked(desk: Desk) -> None:
    with pytest.raises(TradeRefused) as refused:
        await desk.quote(Stake(network=CRONOS, pool="VVS", amount=desk.fund("1", "USDC")))

    assert "wrong_asset" == refused.value.code


async def test_unknown_pool_is_refused_with_those_that_are(desk: Desk) -> None:
    with pytest.raises(TradeRefused, match=r"CRO-USDC \(v2:1\)") as refused:
        await desk.quote(Harvest(network=CRONOS, pool="CRO-DOGE"))

    assert "unknown_pool" == refused.value.code


async def test_pool_number_that_means_another_token_is_refused(desk: Desk) -> None:
    """A configuration whose numbers are those of another Craftsman must not stake into whatever has them here."""
    other = desk.connector.manifest.pool(CRONOS, "v1:1")
    assert other is not None
    farm = [{"pid": 1, "token": "USDC"}]
    swapped = Desk(desk.exchange, desk.chain, {"farms": farm, "craftsman_v1": desk.exchange.craftsmen[1]})

    with pytest.raises(TradeRefused) as refused:
        await swapped.quote(Harvest(network=CRONOS, pool="v1:1"))

    assert "unknown_pool" == refused.value.code


async def test_plain_deposit_into_pool_0_reverts_there_and_is_never_built(desk: Desk) -> None:
    data = call_data("deposit(uint256,uint256)", 0, 1)

    with pytest.raises(RpcError, match="deposit VVS by staking"):
        desk.exchange.send(desk.trader, desk.exchange.craftsmen[1], data)


def masterchef(desk: Desk, share: str) -> str:
    """Deploy SushiSwap's contract with the pools and weights of the Craftsman, and return its address."""
    exchange, anvil, owner = desk.exchange, desk.exchange.anvil, desk.exchange.owner
    sushi = deploy(anvil, owner, exchange.farms["SushiToken"]["bytecode"], [])
    types = ["address", "address", "uint256", "uint256", "uint256"]
    chef = deploy(anvil, owner, exchange.farms["MasterChef"]["bytecode"], types, sushi, owner, 40 * ETHER, 0, 0)
    exchange.send(owner, sushi, call_data("transferOwnership(address)", chef))
    exchange.send(owner, chef, call_data("add(uint256,address,bool)", 1000, exchange.tokens["VVS"], False))
    exchange.send(owner, chef, call_data("add(uint256,address,bool)", 3000, share, False))
    return chef


async def test_rewards_are_those_of_masterchef(desk: Desk) -> None:
    """SushiSwap's own contract, with the same pools, weights and stakes, says the same pending amount."""
    exchange = desk.exchange
    wish = await staked(desk, "v1:1")
    share, half = wish.amount.asset.id.address, wish.amount.atomic // 2
    desk.make(await desk.build(Unstake(network=CRONOS, pool="v1:1", amount=type(wish.amount)(half, wish.amount.asset))))
    chef = masterchef(desk, share)
    exchange.send(desk.trader, share, call_data("approve(address,uint256)", chef, half))
    exchange.send(desk.trader, chef, call_data("deposit(uint256,uint256)", 1, half))
    desk.make(await desk.build(Harvest(network=CRONOS, pool="v1:1")))
    ours = exchange.read(exchange.craftsmen[1], "userInfo(uint256,address)", 1, desk.trader)
    mine(desk, 7)
    theirs = exchange.read(chef, "pendingSushi(uint256,address)", 1, desk.trader)

    quote = await desk.quote(Harvest(network=CRONOS, pool="v1:1"))

    per_block = 40 * ETHER * 3000 // 4000
    assert wish.amount.atomic - half == ours
    assert abs(quote.expected[0].atomic - 7 * per_block) <= 10**9
    assert abs(theirs - 8 * per_block) <= 10**9  # its deposit was a block earlier


async def test_rewards_are_those_of_masterchef_beside_another_staker(desk: Desk) -> None:
    """Somebody else stakes half as much in both: what a while brings is two thirds of the pool's, to the unit."""
    exchange = desk.exchange
    wish = await staked(desk, "v1:1")
    craftsman, owner = exchange.craftsmen[1], exchange.owner
    share, stake = wish.amount.asset.id.address, wish.amount.atomic // 4
    desk.make(await desk.build(Unstake(network=CRONOS, pool="v1:1", amount=wish.amount)))
    chef = masterchef(desk, share)
    exchange.send(desk.trader, share, call_data("transfer(address,uint256)", owner, stake))
    for farm in (craftsman, chef):
        for staker, amount in ((desk.trader, stake), (owner, stake // 2)):
            exchange.send(staker, share, call_data("approve(address,uint256)", farm, amount))
            exchange.send(staker, farm, call_data("deposit(uint256,uint256)", 1, amount))

    def pending() -> tuple[int, int]:
        ours = exchange.read(craftsman, "pendingVVS(uint256,address)", 1, desk.trader)
        return ours, exchange.read(chef, "pendingSushi(uint256,address)", 1, desk.trader)

    before = pending()
    mine(desk, 7)
    ours, theirs = (after - then for after, then in zip(pending(), before, strict=True))

    assert abs(ours - 7 * 40 * ETHER * 3000 // 4000 * 2 // 3) <= 10**9
    assert abs(ours - theirs) <= 10**9
