"""The default clock, and one timer that works with any clock."""

from __future__ import annotations

import asyncio
import time
from asyncio import BaseEventLoop, get_running_loop
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeVar

from wxrevenue.errors import ConfigurationError, DeadlineExceededError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable

    from wxrevenue.ports import Clock

T = TypeVar("T")
MARGIN_S: Final = 0.002
"""Seconds that a pause in real time is longer than a server asks for.

uvloop's timers fire up to a millisecond early, and two machines' clocks do not run alike.
"""


class LoopClock:
    """The running event loop's own time.

    A program that virtualises the loop virtualises every wait here.
    """

    def monotonic(self) -> float:
        """Return the loop's time.

        uvloop stops its clock while it runs callbacks, and what happens meanwhile would seem to
        have happened before: of loops that are not asyncio's own the system's clock is taken.
        """
        try:
            loop = get_running_loop()
            return loop.time() if isinstance(loop, BaseEventLoop) else time.monotonic()
        except RuntimeError:  # a call that is thrown away after its loop ended, at the interpreter's end for instance
            return time.monotonic()

    def time(self) -> float:
        """Return Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


LOOP_CLOCK = LoopClock()


def monotonic_on(loop: AbstractEventLoop, clock: Clock) -> Callable[[], float]:
    """Return what tells the time of a clock while that loop runs.

    :class:`LoopClock` would ask for the running loop at every look, which costs more than the look.
    A user's own clock is asked as it is: its method may be replaced meanwhile.
    """
    if type(clock) is not LoopClock:
        return lambda: clock.monotonic()  # noqa: PLW0108  (as it is by then)
    is_real = not isinstance(loop, BaseEventLoop) or getattr(loop.time, "__func__", None) is BaseEventLoop.time
    return time.monotonic if is_real else loop.time


def margin(clock: Clock) -> float:
    """Return the seconds to add to a pause.

    So it never ends too early for the server. Time that is not real is exact, and a user's own
    clock is taken at its word: nothing is added.
    """
    if not isinstance(clock, LoopClock):
        return 0.0
    try:
        loop = get_running_loop()
    except RuntimeError:  # as above
        return MARGIN_S
    virtual = isinstance(loop, BaseEventLoop) and type(loop).time is not BaseEventLoop.time
    return 0.0 if virtual else MARGIN_S


def call_later(clock: Clock, seconds: float, callback: Callable[[BaseException | None], None]) -> Callable[[], object]:
    """Call back once, after ``seconds`` by that clock, or with what the clock raised.

    Return what calls it off. The loop's own clock needs no task for this. Another clock offers
    nothing but ``sleep``, so a task sleeps there.
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
        DeadlineExceededError: it took longer than ``timeout`` seconds. Its own exceptions pass
            unchanged.
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
