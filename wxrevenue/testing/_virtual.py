"""Virtual time: an event loop whose clock jumps.

It jumps to the next timer as soon as nothing else is left to do.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, TypeVarTuple

from wxrevenue._engine.clock import LoopClock
from wxrevenue.testing._transport_suite.scene import check

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
START: Final = 1_000.0
"""What a virtual loop's clock shows in the beginning."""
_THREAD_PATIENCE: Final = 5.0
PATIENCE: Final = 0.01
"""Real seconds of silence of open sockets until nothing more is expected."""


_MANY_ROUNDS: Final = 10_000
_LITTLE: Final = 1e-6
"""Virtual seconds that pass after so many rounds of the loop without any.

In reality, too, a task that asks again and again reaches its time.
"""
_TOO_MANY_ROUNDS: Final = 100_000


class StuckError(AssertionError):
    """Nothing can happen any more, and a task still waits."""


class _Leap(selectors.DefaultSelector):
    """A selector that waits only for threads and sockets.

    Else it does not wait: it tells the loop that the time has passed.
    """

    def __init__(self, patience: float, tick: float) -> None:
        super().__init__()
        self.now = START
        self._tick = tick
        self.threads = 0
        self._patience = patience
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.threads:  # a thread works for the loop: real time has to pass
            return super().select(_THREAD_PATIENCE if timeout is None else min(timeout, _THREAD_PATIENCE))
        ready = super().select(0)
        if not ready and timeout != 0 and len(self.get_map()) > 1:  # more than the loop's own pipe: a server may be about to answer
            ready = super().select(self._patience if timeout is not None else _THREAD_PATIENCE)
        if not ready and timeout is None:
            raise StuckError("every task waits for something that never comes")
        if not ready and timeout is not None:
            self._pass(timeout)
        return ready

    def _pass(self, seconds: float) -> None:
        passed = max(seconds, self._tick)
        self._rounds = 0 if passed else self._rounds + 1
        self.now += passed
        if self._rounds >= _TOO_MANY_ROUNDS:
            raise StuckError("time stands still, because something asks again and again")
        if self._rounds and not self._rounds % _MANY_ROUNDS:
            self.now += _LITTLE


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time.

    Threads (``run_in_executor``) and sockets are waited for in real time.

    ``complaints`` collects what would go to the loop's exception handler, such as an exception that
    was never retrieved.

    Args:
        patience: real seconds of silence after which nothing more is expected from the sockets that
            are open.
        tick: virtual seconds that every round of the loop takes, for a program that waits for less
            than a clock can tell.
    """

    def __init__(self, patience: float = PATIENCE, tick: float = 0.0) -> None:
        self._leap = _Leap(patience, tick)
        super().__init__(self._leap)
        self._clock_resolution = 1e-9
        self.complaints: list[dict[str, object]] = []
        self.set_exception_handler(lambda _loop, context: self.complaints.append(context))

    def time(self) -> float:
        return self._leap.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run in a thread; time stands still for the loop meanwhile."""
        self._leap.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: object) -> None:
        self._leap.threads -= 1

    async def shutdown_default_executor(self, *args: object) -> None:
        """Wait for the threads to end, in real time."""
        self._leap.threads += 1
        await super().shutdown_default_executor(*args)
        self._leap.threads -= 1

    def timers(self) -> int:
        """Return how many timers are still armed."""
        return sum(not timer.cancelled() for timer in self._scheduled)  # type: ignore[attr-defined]


class VirtualClock(LoopClock):
    """A clock whose wall time goes with the running virtual loop's time.

    Args:
        unix: the Unix time, in seconds, at which the loop starts.
    """

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self._unix = unix

    def time(self) -> float:
        """Return Unix seconds."""
        return self._unix + self.monotonic() - START

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or, below zero, back, in seconds.

        An administrator of a machine may do so. Monotonic time does not notice.
        """
        self._unix += seconds


def run_virtual(main: Coroutine[object, None, T], *, patience: float = PATIENCE) -> T:
    """Run a coroutine in virtual time and return its result.

    It runs on an event loop of its own. Hours pass at once. Time stands still while a thread works
    for the loop, and while open sockets have not been silent for long enough, so that servers on
    this machine may take part.

    Args:
        main: what to run.
        patience: real seconds of silence after which nothing more is expected from the sockets that
            are open.

    Raises:
        AssertionError: a task was left behind, or an exception was never retrieved; or every task
            waits for something that never comes. What the coroutine itself raises passes through.
        RuntimeError: an event loop runs here already; call this from a plain function.
    """
    if _in_a_loop():
        main.close()
        raise RuntimeError("virtual time needs an event loop of its own, and cannot be had inside a running event loop")
    loop = VirtualLoop(patience)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(_alone(main))
    check(not loop.complaints, f"the loop complained: {loop.complaints}")
    return result


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _alone(main: Coroutine[object, None, T]) -> T:
    result = await main
    await settle()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    check(not left, f"tasks left behind: {left}")
    return result


def virtual(test: Callable[P, Coroutine[object, None, T]]) -> Callable[P, T]:
    """Decorate an async test: it runs in virtual time, as in :func:`run_virtual`."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtual(test(*args, **kwargs))

    return run


async def settle(steps: int = 20) -> None:
    """Let every task run until it waits for something; no time passes."""
    for _ in range(steps):
        await asyncio.sleep(0)
