"""An event loop whose time jumps to the next timer as soon as nothing else is left to do."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple, cast

from wxrevenue._clock import LoopClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Executor

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
START = 1_000.0
_THREAD_PATIENCE = 5.0


class StuckError(RuntimeError):
    """Nothing can happen any more, and somebody still waits."""


class _Leap(selectors.DefaultSelector):
    """A selector that does not wait: it tells the loop that the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.threads:  # a thread works for the loop: real time has to pass
            return super().select(_THREAD_PATIENCE if timeout is None else min(timeout, _THREAD_PATIENCE))
        ready = super().select(0)
        if not ready and timeout is None:
            raise StuckError("every task waits for something that never comes")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time; threads (``run_in_executor``) are waited for in real time.

    ``complaints`` collects what would go to the loop's exception handler, such as an exception that nobody retrieved.
    """

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)
        self._clock_resolution = 1e-9
        self.complaints: list[dict[str, Any]] = []
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

    async def shutdown_default_executor(self, *args: Any) -> None:
        """Wait for the threads to end, in real time."""
        self._leap.threads += 1
        await super().shutdown_default_executor(*args)
        self._leap.threads -= 1

    def timers(self) -> int:
        """Return how many timers are still armed."""
        return sum(not timer.cancelled() for timer in self._scheduled)  # type: ignore[attr-defined]


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time; fail if it leaves a task behind or an exception that nobody retrieved."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(_alone(main))
    assert not loop.complaints, loop.complaints
    return result


async def _alone(main: Coroutine[Any, Any, T]) -> T:
    result = await main
    await settle()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"
    return result


def virtual(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make an async test run in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtual(test(*args, **kwargs))

    return run


async def settle(steps: int = 20) -> None:
    """Let every task run until it waits for something; no time passes."""
    for _ in range(steps):
        await asyncio.sleep(0)


def now() -> float:
    """Return the virtual seconds since the test began."""
    return asyncio.get_running_loop().time() - START


def armed_timers() -> int:
    """Return how many timers the running virtual loop still has."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.timers()


class WallClock(LoopClock):
    """The loop's clock with a wall clock that goes with it from a given Unix time on."""

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self._unix = unix

    def time(self) -> float:
        return self._unix + now()


class LeapingClock:
    """A clock of a user's own whose ``sleep`` moves the time at once."""

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self.now = 0.0
        self.unix = unix
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self.now

    def time(self) -> float:
        """Return Unix seconds."""
        return self.unix + self.now

    async def sleep(self, seconds: float) -> None:
        """Move the time."""
        self.slept.append(seconds)
        self.now += max(0.0, seconds)
        await asyncio.sleep(0)


class HandClock:
    """A clock of a user's own that only :meth:`advance` moves."""

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self.now = 0.0
        self.unix = unix
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self.now

    def time(self) -> float:
        """Return Unix seconds."""
        return self.unix + self.now

    async def sleep(self, seconds: float) -> None:
        """Wait until the hands have been moved far enough."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self.now + seconds, woken)
        self._sleepers.append(sleeper)
        try:
            await woken
        finally:
            self._sleepers.remove(sleeper)

    @property
    def sleepers(self) -> int:
        """How many sleep."""
        return len(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move the time, wake whom it wakes, and let everyone run."""
        await settle()
        self.now += seconds
        for due, woken in tuple(self._sleepers):
            if due <= self.now and not woken.done():
                woken.set_result(None)
        await settle()


class CancelAt(Awaitable[T]):
    """Awaits a coroutine and cancels the task at its ``step``-th suspension (from 0); ``reached`` tells whether it came to that."""

    def __init__(self, work: Coroutine[Any, Any, T], step: int) -> None:
        self._work = work
        self._step = step
        self.reached = False

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._work.__await__()
        advance: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731
        step = 0
        while True:
            try:
                waited_for = advance()
            except StopIteration as end:
                return cast("T", end.value)
            if step == self._step:
                self.reached = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            step += 1
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  (whatever is thrown in goes on inwards)
                advance = functools.partial(inner.throw, error)
            else:
                advance = functools.partial(inner.send, None)
