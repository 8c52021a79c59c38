"""The kit of connectors: the venue in memory passes it, and each broken one is found."""

import inspect
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import anyio
import pytest

from paygent.core.action import Action
from paygent.core.errors import TradeRefused
from paygent.core.money import Amount
from paygent.evm import word
from paygent.evm.calls import approve_call
from paygent.ports.connector import Manifest, Position, TradeQuote, Wish
from paygent.testing.conformance import ConnectorContract
from paygent.testing.venue import CHAIN, COIN, COUNTER, TOKEN, MemoryVenue, VenueStage

VERSIONS = itertools.count(1)
STRANGER = f"0x{'66' * 20}"


class TestMemoryVenue(ConnectorContract):
    @pytest.fixture
    def stage(self) -> VenueStage:
        return VenueStage()


class Fickle(MemoryVenue):
    @property
    def manifest(self) -> Manifest:
        return replace(super().manifest, version=str(next(VERSIONS)))


class OffersLess(MemoryVenue):
    @property
    def manifest(self) -> Manifest:
        return replace(super().manifest, wishes=frozenset({"stake"}))


class QuotesForSomebodyElse(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        return replace(await super().quote(wish, owner=owner), owner=STRANGER)


class Boasts(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        quote = await super().quote(wish, owner=owner)
        return replace(quote, at_least=(quote.expected[0] + Amount(1, quote.expected[0].asset),))


class TakesMore(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        quote = await super().quote(wish, owner=owner)
        return replace(quote, spend=(quote.spend[0] + quote.spend[0],))


class NoMinimum(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        quote = await super().quote(wish, owner=owner)
        return replace(quote, at_least=(Amount(0, quote.at_least[0].asset),))


class Spends(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        self.balances[owner, COIN.id] -= 1
        return await super().quote(wish, owner=owner)


class _Builds(MemoryVenue):
    """Builds something else than it should."""

    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        return [self.spoilt(action) for action in await super().build(quote)]

    def spoilt(self, action: Action) -> Action:
        raise NotImplementedError


class ApprovesEverything(_Builds):
    def spoilt(self, action: Action) -> Action:
        if len(action.calls) == 1:
            return action
        return replace(action, calls=(approve_call(action.calls[0].to, COUNTER, 2**256 - 1), action.calls[1]))


class ApprovesAStranger(_Builds):
    def spoilt(self, action: Action) -> Action:
        if len(action.calls) == 1:
            return action
        exact = approve_call(action.calls[0].to, STRANGER, action.spend.atomic)
        return replace(action, calls=(exact, action.calls[1]))


class Misnames(_Builds):
    def spoilt(self, action: Action) -> Action:
        last = replace(action.calls[-1], function="harmless(uint256)")
        return replace(action, calls=(*action.calls[:-1], last))


class CallsAStranger(_Builds):
    def spoilt(self, action: Action) -> Action:
        return replace(action, calls=(*action.calls[:-1], replace(action.calls[-1], to=STRANGER)))


class SpendsMore(_Builds):
    def spoilt(self, action: Action) -> Action:
        return replace(action, spend=action.spend + action.spend)


class BringsLess(_Builds):
    def spoilt(self, action: Action) -> Action:
        return replace(action, receive=(Amount(1, action.receive[0].asset),))


class SaysNothing(_Builds):
    def spoilt(self, action: Action) -> Action:
        return replace(action, calls=tuple(replace(call, arguments=()) for call in action.calls))


class WaitsForEver(_Builds):
    def spoilt(self, action: Action) -> Action:
        return replace(action, deadline=2**40)


class PaysSomebodyElse(_Builds):
    def spoilt(self, action: Action) -> Action:
        last = action.calls[-1]
        words = [last.data[place : place + 64] for place in range(10, len(last.data), 64)]
        words[2] = word.address(STRANGER).hex()
        return replace(action, calls=(*action.calls[:-1], replace(last, data=last.data[:10] + "".join(words))))


class KeepsNoMinimum(_Builds):
    def spoilt(self, action: Action) -> Action:
        last = action.calls[-1]
        data = last.data[:74] + "0" * 64 + last.data[138:]
        return replace(action, calls=(*action.calls[:-1], replace(last, data=data)))


class NeverStale(MemoryVenue):
    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        price, self.price = self.price, 10**30 if quote.spend[0].asset == COIN else 1
        try:
            return await super().build(quote)
        finally:
            self.price = price


class TradesAnything(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        known = await super().quote(VenueStage().wishes[0], owner=owner)
        return replace(known, wish=wish)


class Breaks(MemoryVenue):
    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        try:
            return await super().quote(wish, owner=owner)
        except TradeRefused as refused:
            raise KeyError("no such pair") from refused


class BuildsNothing(MemoryVenue):
    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        return ()


class ClaimsPositions(MemoryVenue):
    async def positions(self, owner: str) -> Sequence[Position]:
        return [Position(venue="other", network=CHAIN, kind="farm", name="x", pool="1", holds=Amount(1, TOKEN))]


class KnowsEveryRevert(MemoryVenue):
    def refusal(self, revert: str) -> TradeRefused | None:
        return TradeRefused("slippage", revert)


class KnowsNoRevert(MemoryVenue):
    def refusal(self, revert: str) -> TradeRefused | None:
        return None


BROKEN: list[tuple[type[MemoryVenue], str]] = [
    (Fickle, "test_manifest_is_a_manifest_that_stays"),
    (OffersLess, "test_manifest_offers_what_is_wished"),
    (QuotesForSomebodyElse, "test_quote_is_of_the_wish_and_its_owner"),
    (Boasts, "test_quote_promises_no_more_than_it_expects"),
    (TakesMore, "test_quote_of_a_swap_takes_and_gives_what_is_wished"),
    (NoMinimum, "test_quote_of_a_swap_takes_and_gives_what_is_wished"),
    (Spends, "test_quoting_and_building_move_nothing"),
    (ApprovesEverything, "test_calls_do_what_their_action_says"),
    (ApprovesAStranger, "test_built_actions_are_within_manifest_and_quote"),
    (Misnames, "test_built_actions_are_within_manifest_and_quote"),
    (CallsAStranger, "test_built_actions_are_within_manifest_and_quote"),
    (SpendsMore, "test_built_actions_are_within_manifest_and_quote"),
    (BringsLess, "test_built_actions_are_within_manifest_and_quote"),
    (BuildsNothing, "test_built_actions_are_within_manifest_and_quote"),
    (SaysNothing, "test_calls_tell_people_their_arguments"),
    (WaitsForEver, "test_deadline_is_ahead_and_within_a_day"),
    (PaysSomebodyElse, "test_made_actions_cost_at_most_and_bring_at_least_what_they_say"),
    (KeepsNoMinimum, "test_trade_that_became_worse_fails_whole"),
    (NeverStale, "test_stale_quote_is_refused_or_its_terms_are_kept"),
    (TradesAnything, "test_unknown_asset_is_refused"),
    (TradesAnything, "test_unknown_network_is_refused"),
    (Breaks, "test_unknown_asset_is_refused"),
    (ClaimsPositions, "test_positions_are_the_venues_own"),
    (KnowsEveryRevert, "test_revert_of_somebody_else_means_nothing"),
    (KnowsNoRevert, "test_trade_that_became_worse_fails_whole"),
]


def failing(make: type[MemoryVenue]) -> set[str]:
    """Return the names of the kit's tests that fail for such a venue."""
    kit = ConnectorContract()
    tests = {name: test for name, test in inspect.getmembers(kit, inspect.ismethod) if name.startswith("test_")}
    return {name for name, test in tests.items() if not passes(test, VenueStage(make()))}


def passes(test: Callable[[VenueStage], Awaitable[None] | None], stage: VenueStage) -> bool:
    async def run() -> None:
        if (waited := test(stage)) is not None:
            await waited

    try:
        anyio.run(run)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  # a broken venue may raise anything
        return False
    return True


def test_kit_fails_nothing_of_a_whole_venue() -> None:
    assert set() == failing(MemoryVenue)


@pytest.mark.parametrize(("broken", "finding"), BROKEN, ids=[broken.__name__ for broken, _ in BROKEN])
def test_kit_fails_a_venue_that_breaks_a_promise(broken: type[MemoryVenue], finding: str) -> None:
    assert {finding} <= failing(broken)
