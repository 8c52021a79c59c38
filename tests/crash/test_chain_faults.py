"""Nodes that are behind, reorganised, of another chain, or lie: no second authorization, no early release."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import httpx
import pytest

from paygent.core import errors
from paygent.core.errors import ConfigurationError, PaygentError
from paygent.core.lifecycle import State
from paygent.engine.pay import RESENDS
from paygent.ports.chain import Log
from paygent.testing.chain import MemoryChain
from paygent.testing.faults import FaultyChain
from paygent.testing.seller import Reply
from tests.crash.shop import Around, Shop

NewShop = Callable[..., Shop]


@contextmanager
def behind(chain: MemoryChain) -> Iterator[None]:
    """The node has not seen the newest blocks."""
    chain.lag = 2
    try:
        yield
    finally:
        chain.lag = 0


@contextmanager
def another_chain(chain: MemoryChain) -> Iterator[None]:
    """The address answers for another chain, as `RpcChain` finds out."""
    raise ConfigurationError(f"node serves eip155:1, not the chain with {chain.head.number} blocks")
    yield


@contextmanager
def out_of_reach(chain: MemoryChain) -> Iterator[None]:
    chain.fail_next(1)
    yield
    chain.fail_next(0)


FAULTS: tuple[Callable[[MemoryChain], AbstractContextManager[None]], ...] = (behind, another_chain, out_of_reach)


class EmptyLogs(FaultyChain):
    """A node that knows blocks and states, and has lost its logs."""

    async def logs(
        self, *, address: str, topics: Sequence[str | None], from_block: int, to_block: int
    ) -> Sequence[Log]:
        return ()


@pytest.mark.parametrize("on", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("fault", FAULTS, ids=["behind", "another chain", "out of reach"])
def test_payment_is_made_once_when_the_node_fails_at_any_call(
    new_shop: NewShop, fault: Callable[[MemoryChain], AbstractContextManager[None]], on: bool
) -> None:
    """The answer was lost, so that the engine has to ask the chain what happened; the node fails there too."""
    for at in count():
        shop = new_shop()
        for _ in range(3):
            shop.chain.mine()
        shop.seller.replies.extend(Reply(lose=httpx.ReadError("gone")) for _ in range(1 + RESENDS))
        plan = Around(at=at, only="chain.", on=on, wrong=lambda: fault(shop.chain))  # noqa: B023  called at once
        outcome = shop.buy(plan=plan)
        assert outcome.startswith("answered") or issubclass(vars(errors)[outcome], PaygentError), outcome
        shop.reconcile(plan=Around(at=0, only="chain.", on=True, wrong=lambda: fault(shop.chain)))  # noqa: B023
        assert State.EXPIRED not in shop.states()
        shop.end()
        if len(plan.calls) <= at:
            assert at > 5
            return


def test_node_without_logs_frees_nothing_and_raises_the_alarm(new_shop: NewShop) -> None:
    """The nonce is used at the final block, so the payment did not expire, whatever the logs lack."""
    shop = new_shop()
    shop.seller.replies.append(Reply(status=500, claim="none"))
    plan = Around()
    shop.buy(chain=EmptyLogs(shop.chain, plan))
    shop.pass_time()

    assert [] == shop.reconcile(chain=EmptyLogs(shop.chain, plan))

    (payment,) = shop.books().payments
    assert State.OUTCOME_UNKNOWN == payment.state
    assert payment.alarm is not None
    assert shop.books().reserved == shop.seller.price
    assert [] == shop.reconcile()
    assert {State.SETTLED: 1} == shop.states()
    assert (0, shop.seller.price) == (shop.books().reserved, shop.books().committed)


def test_budget_is_held_until_the_end_is_final(new_shop: NewShop) -> None:
    """The newest block is past the end of the authorization, and the final one is not."""
    shop = new_shop(confirmations=4)
    shop.seller.replies.append(Reply(status=500, settle=False, claim="none"))
    shop.buy()
    shop.clock.advance(2_000)
    for _ in range(4):
        shop.chain.mine()
        assert [] == shop.reconcile()
        assert {State.OUTCOME_UNKNOWN: 1} == shop.states()
        assert shop.seller.price == shop.books().reserved
    shop.chain.mine()

    assert [] == shop.reconcile()

    assert {State.EXPIRED: 1} == shop.states()
    assert (0, 0) == (shop.books().reserved, shop.books().committed)


def test_reorganised_payment_is_reserved_again_and_bought_no_second_time(new_shop: NewShop) -> None:
    """The same bytes are sent again and settle once more; nothing new is signed."""
    shop = new_shop(confirmations=3)
    assert "answered 200" == shop.buy()
    assert [] == shop.reconcile()
    assert {State.SETTLED: 1} == shop.states()
    shop.chain.reorganise(1)
    shop.seller.answered.clear()

    assert [] == shop.reconcile()

    assert {State.OUTCOME_UNKNOWN: 1} == shop.states()
    assert (shop.seller.price, 0) == (shop.books().reserved, shop.books().committed)
    shop.buy()
    assert 1 == len(shop.signed)
    shop.pass_time()
    shop.chain.mine()
    assert [] == shop.reconcile()
    shop.check(shop.books())
