"""Writes that are finished although whoever pays was cancelled, because money may be out."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import anyio

from paygent.core.errors import AdapterError

T = TypeVar("T")
WRITE_SECONDS = 10.0
"""How long a cancelled or failing payment waits for the journal to write down what is known."""


async def shielded(work: Awaitable[T], otherwise: T) -> T:
    """Return what `work` does, which the caller's cancellation does not reach; `otherwise` after `WRITE_SECONDS`."""
    with anyio.move_on_after(WRITE_SECONDS, shield=True):
        return await work
    return otherwise


async def insisting(work: Callable[[], Awaitable[T]], otherwise: T) -> T:
    """Return what `work` does. A caller's cancellation is raised once `work` was done again, shielded.

    It may then have been done twice. For what nearly nobody cancels: a shield costs more than many a write.
    """
    try:
        return await work()
    except anyio.get_cancelled_exc_class():
        with suppress(AdapterError):  # or the cancellation would be lost; reconciling finds what was not written
            await shielded(work(), otherwise)
        raise
