"""The database is locked, slow, full or gone during one journal call of a payment: typed, and paid once in the end."""

import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import pytest

from paygent.core import errors
from paygent.core.errors import AdapterError, PaygentError
from paygent.testing.seller import Reply
from tests.crash.shop import Around, Shop

NewShop = Callable[..., Shop]
NOTHING_SENT = frozenset(
    {"PaymentNotAttempted", "BudgetExceeded", "DuplicatePurchase", "SigningFailed", "AdapterError"}
)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process holds the database."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def slow(file: Path) -> Iterator[None]:
    """Another process holds the database for a moment."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.03, connection.execute, ["ROLLBACK"])
    release.start()
    try:
        yield
    finally:
        release.join()
        connection.close()


@contextmanager
def full(file: Path) -> Iterator[None]:
    """No file of this process can be written."""
    assert file.exists()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def gone(file: Path) -> Iterator[None]:
    """Somebody moved the database away, and brings it back."""
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        yield
    finally:
        away.rename(file)


FAULTS: tuple[Callable[[Path], AbstractContextManager[None]], ...] = (locked, full, gone)


@pytest.mark.parametrize("on", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("fault", FAULTS, ids=["locked", "full", "gone"])
def test_payment_is_made_once_when_the_database_fails_at_any_call(
    new_shop: NewShop, fault: Callable[[Path], AbstractContextManager[None]], on: bool
) -> None:
    """The caller hears a typed error or has its answer; whoever tries the same key again pays once in all."""
    heard: set[str] = set()
    for at in count():
        shop = new_shop()
        plan = Around(at=at, only="journal.", on=on, wrong=lambda: fault(shop.file))  # noqa: B023  called at once
        outcome = shop.buy(plan=plan)
        sent = len(shop.seller.paid_requests)
        try:
            assert outcome == "answered 200" or issubclass(vars(errors)[outcome], PaygentError)
            assert sent == 0 or outcome not in NOTHING_SENT
            assert shop.transfers <= 1
            shop.end()
        except AssertionError as error:
            error.add_note(f"at {at}: {plan.calls[at : at + 1]}; heard {outcome}")
            raise
        heard.add(outcome)
        if len(plan.calls) <= at:
            assert at >= 5
            assert {"answered 200"} < heard
            return


def test_payment_waits_when_the_database_is_slow_at_any_call(new_shop: NewShop) -> None:
    for at in count():
        shop = new_shop()
        plan = Around(at=at, only="journal.", wrong=lambda: slow(shop.file))  # noqa: B023  called at once
        assert "answered 200" == shop.buy(plan=plan, busy_seconds=10)
        assert 1 == shop.transfers
        if len(plan.calls) <= at:
            return


@pytest.mark.parametrize("fault", FAULTS, ids=["locked", "full", "gone"])
def test_reconciling_loses_nothing_when_the_database_fails_at_any_call(
    new_shop: NewShop, fault: Callable[[Path], AbstractContextManager[None]]
) -> None:
    for at in count():
        shop = new_shop()
        shop.seller.replies.append(Reply(status=500))
        shop.buy()
        shop.pass_time()
        plan = Around(at=at, only="journal.", wrong=lambda: fault(shop.file))  # noqa: B023  called at once
        failed = shop.reconcile(plan=plan)
        assert all(isinstance(error, AdapterError) for error in failed)
        shop.end()
        if len(plan.calls) <= at:
            assert at >= 3
            return
