"""What every `Connector` must keep of its port's promises, whatever venue is behind it.

::

    class TestMyVenue(ConnectorContract):
        @pytest.fixture
        async def stage(self) -> AsyncIterator[ConnectorStage]:
            ...

Run it on a local EVM with the venue's real bytecode: `make` is then what its chain does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from paygent.core.action import Action
from paygent.core.caip import ChainId, erc20, native
from paygent.core.errors import TradeRefused
from paygent.core.money import Amount, Asset
from paygent.evm.calls import faults, is_approval
from paygent.ports.connector import Connector, Manifest, Swap, TradeQuote, Wish
from paygent.runtime.contained import ContainedConnector

_DAY_SECONDS = 86_400
_ELSEWHERE = ChainId.evm(424_242)


class ConnectorStage(Protocol):
    """**Protocol:** a venue with an owner who can afford the wishes, and a hand that moves its market."""

    @property
    def connector(self) -> Connector:
        """What is tested."""
        ...

    @property
    def owner(self) -> str:
        """Checksummed address whose money it is."""
        ...

    @property
    def wishes(self) -> Sequence[Wish]:
        """At least one swap of an exact input first, then whatever else the manifest offers and can be done now."""
        ...

    async def now(self) -> int:
        """Return the time by block."""
        ...

    async def has(self, asset: Asset) -> int:
        """Return what the owner has, in atomic units, without what gas has cost."""
        ...

    async def make(self, action: Action) -> None:
        """Have the calls of an action mined, as the owner; raises where one reverts."""
        ...

    async def worsen(self, wish: Wish) -> None:
        """Make the market so much worse for a wish that its usual slippage does not cover it."""
        ...


class ConnectorContract:
    """Subclass it, give it the fixture `stage`, and run it with pytest and the anyio plugin."""

    pytestmark = pytest.mark.anyio

    async def test_manifest_is_a_manifest_that_stays(self, stage: ConnectorStage) -> None:
        first = stage.connector.manifest

        assert isinstance(first, Manifest)
        assert stage.connector.manifest == first

    async def test_manifest_offers_what_is_wished(self, stage: ConnectorStage) -> None:
        assert {wish.kind for wish in stage.wishes} <= stage.connector.manifest.wishes

    async def test_quote_is_of_the_wish_and_its_owner(self, stage: ConnectorStage) -> None:
        for wish in stage.wishes:
            quote = await stage.connector.quote(wish, owner=stage.owner)

            assert isinstance(quote, TradeQuote)
            assert (quote.wish, quote.venue, quote.owner) == (wish, stage.connector.manifest.name, stage.owner)
            assert quote.valid_until >= await stage.now()

    async def test_quote_promises_no_more_than_it_expects(self, stage: ConnectorStage) -> None:
        for wish in stage.wishes:
            quote = await stage.connector.quote(wish, owner=stage.owner)

            assert len(quote.expected) == len(quote.at_least)
            assert all(least <= likely for least, likely in zip(quote.at_least, quote.expected, strict=True))

    async def test_quote_of_a_swap_takes_and_gives_what_is_wished(self, stage: ConnectorStage) -> None:
        swap = _swap(stage)
        quote = await stage.connector.quote(swap, owner=stage.owner)

        assert quote.spend == (swap.amount,)
        assert [amount.asset for amount in quote.at_least] == [swap.get]
        assert quote.at_least[0].atomic > 0

    async def test_quoting_and_building_move_nothing(self, stage: ConnectorStage) -> None:
        assets = stage.connector.manifest.assets
        before = [await stage.has(asset) for asset in assets]
        for wish in stage.wishes:
            await stage.connector.build(await stage.connector.quote(wish, owner=stage.owner))

        assert [await stage.has(asset) for asset in assets] == before

    async def test_built_actions_are_within_manifest_and_quote(self, stage: ConnectorStage) -> None:
        """The relay between plugins and Paygent would not pass anything else on."""
        contained = ContainedConnector("kit", stage.connector)
        for wish in stage.wishes:
            quote = await contained.quote(wish, owner=stage.owner)
            assert await contained.build(quote)

    async def test_calls_do_what_their_action_says(self, stage: ConnectorStage) -> None:
        """Approvals are exact, first, and for the counterparty; calls go there; names are those of the calldata."""
        for wish in stage.wishes:
            for action in await _built(stage, wish):
                assert list(faults(action)) == []

    async def test_calls_tell_people_their_arguments(self, stage: ConnectorStage) -> None:
        for wish in stage.wishes:
            for action in await _built(stage, wish):
                assert [call.function for call in action.calls if not call.arguments and len(call.data) > 10] == []

    async def test_deadline_is_ahead_and_within_a_day(self, stage: ConnectorStage) -> None:
        for wish in stage.wishes:
            for action in await _built(stage, wish):
                assert await stage.now() < action.deadline <= await stage.now() + _DAY_SECONDS

    async def test_made_actions_cost_at_most_and_bring_at_least_what_they_say(self, stage: ConnectorStage) -> None:
        for wish in stage.wishes:
            for action in await _built(stage, wish):
                if not any(not is_approval(call) for call in action.calls):
                    await stage.make(action)
                    continue
                assets = {amount.asset for amount in (action.spend, *action.receive)}
                before = {asset: await stage.has(asset) for asset in assets}
                await stage.make(action)

                assert before[action.spend.asset] - await stage.has(action.spend.asset) <= action.spend.atomic
                for least in action.receive:
                    assert await stage.has(least.asset) - before[least.asset] >= least.atomic

    async def test_stale_quote_is_refused_or_its_terms_are_kept(self, stage: ConnectorStage) -> None:
        swap = _swap(stage)
        quote = await stage.connector.quote(swap, owner=stage.owner)
        await stage.worsen(swap)

        with pytest.raises(TradeRefused):
            await stage.connector.build(quote)

    async def test_trade_that_became_worse_fails_whole(self, stage: ConnectorStage) -> None:
        """A sandwich: the market moves between building and mining."""
        swap = _swap(stage)
        actions = await _built(stage, swap)
        before = await stage.has(swap.get)
        await stage.worsen(swap)

        with pytest.raises(Exception) as reverted:  # noqa: PT011  whatever the stage's chain raises
            await _make(stage, actions)

        assert await stage.has(swap.get) == before
        assert isinstance(stage.connector.refusal(str(reverted.value)), TradeRefused)

    async def test_unknown_asset_is_refused(self, stage: ConnectorStage) -> None:
        swap = _swap(stage)
        stranger = Asset(id=erc20(swap.network, f"0x{'42' * 20}"), symbol="STRANGER", decimals=18)

        with pytest.raises(TradeRefused):
            await stage.connector.quote(replace(swap, get=stranger), owner=stage.owner)

    async def test_unknown_network_is_refused(self, stage: ConnectorStage) -> None:
        coin, token = native(_ELSEWHERE), erc20(_ELSEWHERE, f"0x{'43' * 20}")
        give = Asset(id=coin, symbol="COIN", decimals=18)
        wish = Swap(give=give, get=Asset(id=token, symbol="TOK", decimals=18), amount=Amount(1, give))

        with pytest.raises(TradeRefused):
            await stage.connector.quote(wish, owner=stage.owner)

    async def test_positions_are_the_venues_own(self, stage: ConnectorStage) -> None:
        for position in await stage.connector.positions(stage.owner):
            assert position.venue == stage.connector.manifest.name
            assert position.network in stage.connector.manifest.networks

    async def test_revert_of_somebody_else_means_nothing(self, stage: ConnectorStage) -> None:
        assert stage.connector.refusal("execution reverted: 0x1234") is None


def _swap(stage: ConnectorStage) -> Swap:
    first = stage.wishes[0]
    assert isinstance(first, Swap), "the first wish of a stage is a swap of an exact input"
    return first


async def _make(stage: ConnectorStage, actions: Sequence[Action]) -> None:
    for action in actions:
        await stage.make(action)


async def _built(stage: ConnectorStage, wish: Wish) -> Sequence[Action]:
    return await stage.connector.build(await stage.connector.quote(wish, owner=stage.owner))
