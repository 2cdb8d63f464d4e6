"""The default clock, and one timer that works with any clock."""

from __future__ import annotations

import asyncio
import time
from asyncio import get_running_loop
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeVar

from wxrevenue.errors import ConfigurationError, DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue.ports import Clock

T = TypeVar("T")


class LoopClock:
    """The running event loop's own time, so that whoever virtualises the loop virtualises every wait here."""

    def monotonic(self) -> float:
        """Return the loop's time."""
        try:
            return get_running_loop().time()
        except RuntimeError:  # a call that is thrown away after its loop ended, at the interpreter's end for instance
            return time.monotonic()

    def time(self) -> float:
        """Return Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


LOOP_CLOCK = LoopClock()


def call_later(clock: Clock, seconds: float, callback: Callable[[BaseException | None], None]) -> Callable[[], object]:
    """Call back once, after ``seconds`` by that clock, or with what the clock raised; return what calls it off.

    The loop's own clock needs no task for this. Another clock offers nothing but ``sleep``, so a task sleeps there.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # as above: there is nobody left to call back
        return lambda: None
    if isinstance(clock, LoopClock):
        return loop.call_later(seconds, callback, None).cancel
    asleep = loop.create_task(_sleep(clock, seconds))
    asleep.add_done_callback(lambda task: None if task.cancelled() else callback(task.exception()))
    return asleep.cancel


async def _sleep(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)


async def within(timeout: float, work: Awaitable[T], what: str) -> T:
    """Await something that knows no timeout of its own.

    Raises:
        DeadlineExceededError: it took longer than ``timeout`` seconds. Its own exceptions pass unchanged.
    """
    if not isawaitable(work):
        raise ConfigurationError(f"{what}: expected something that can be awaited, got {type(work).__name__}")
    scope = asyncio.timeout(timeout)
    try:
        async with scope:
            return await work
    except TimeoutError:
        if not scope.expired():
            raise
    raise DeadlineExceededError(f"the deadline passed while waiting for {what}")
