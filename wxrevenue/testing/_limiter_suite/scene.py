"""Where a limiter's case plays.

One limiter, a clock, scopes that were not used before, and callers that wait in line.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

from wxrevenue.errors import QuotaExceededError, TooFastError
from wxrevenue.ports import Verdict
from wxrevenue.testing._transport_suite.scene import check
from wxrevenue.testing._virtual import START, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence

    from wxrevenue.ports import RateLimiter, Turn
    from wxrevenue.testing._virtual import VirtualClock

T = TypeVar("T")
COOLDOWN: Final = 30.0
"""Seconds; not the default of the package's limiters.

A limiter that ignores the argument is found by that.
"""
EVENING: Final = 1_700_064_000.0 - 7_200.0
"""The Unix time at which a case begins: two hours before a midnight in Beijing."""
SOON: Final = 1.0
"""Seconds within which something happens "at once".

A limiter need not be on the spot.
"""
EARLY: Final = 0.01
"""Seconds by which a gate may open too early.

Shared state may be kept in milliseconds.
"""
_MOMENT: Final = 0.001
HELD: Final = None
"""The answer of a caller that keeps its turn until the case does more with it."""
PATIENT: Final = 4_000.0
"""A deadline, in seconds, that none of the waits in a case reaches."""


class Callers:
    """Callers of one scope that wait one behind the other, by their number.

    Args:
        scene: where they are.
        scope: what they wait for.
        answers: what the first of them report as soon as they go, or :data:`HELD`; all further ones
            report success.
    """

    def __init__(self, scene: LimiterScene, scope: str, answers: Sequence[Verdict | None]) -> None:
        self._scene = scene
        self._scope = scope
        self._answers = answers
        self.went: list[int] = []
        """The callers that went so far, in order."""
        self.moments: dict[int, float] = {}
        """When they went, in seconds since the case began."""
        self.tasks: list[asyncio.Task[Turn]] = []

    async def join(self, timeout: float = PATIENT) -> None:
        """Have one more caller wait, behind the others."""
        self.tasks.append(self._scene.start(self._caller(len(self.tasks), timeout)))
        await asyncio.sleep(0)

    async def _caller(self, number: int, timeout: float) -> Turn:
        turn = await self._scene.limiter.acquire(self._scope, timeout=timeout)
        self.went.append(number)
        self.moments[number] = self._scene.now
        verdict = self._answers[number] if number < len(self._answers) else Verdict.OK
        if verdict is not None:  # HELD
            turn.report(verdict)
            turn.release()
        return turn

    def turn(self, number: int) -> Turn:
        """Return the turn of a caller that went."""
        check(number in self.went, f"caller {number} should have got its turn by now; those who did: {self.went}")
        return self.tasks[number].result()

    def waits(self, *numbers: int) -> None:
        """See that these callers still wait."""
        for number in numbers:
            check(not self.tasks[number].done(), f"caller {number} should still wait; those who went: {self.went}")

    async def goes(self, number: int, moment: float) -> Turn:
        """Let time pass; see that a caller goes at that moment of the case.

        It goes not before and not much later. Return its turn.
        """
        await self._scene.until(moment - 2 * EARLY)
        self.waits(number)
        await self._scene.until(moment + SOON)
        return self.turn(number)

    def all_went(self, numbers: Iterable[int]) -> None:
        """See that exactly these callers went, in this order."""
        wanted = list(numbers)
        place = next((place for place, pair in enumerate(zip(self.went, wanted, strict=False)) if pair[0] != pair[1]), None)
        check(place is None, f"out of order: {self.went[place or 0 :][:5]} where {wanted[place or 0 :][:5]} were next")
        check(len(self.went) == len(wanted), f"{len(wanted)} callers should have got their turns, {len(self.went)} did")


class LimiterScene:
    """What a case works with.

    Args:
        limiter: what is tried.
        clock: its clock, whose wall time a case may step.
    """

    def __init__(self, limiter: RateLimiter, clock: VirtualClock) -> None:
        self.limiter = limiter
        self.clock = clock
        self._run = uuid4().hex
        self._tasks: list[asyncio.Task[object]] = []

    # -- time

    @property
    def now(self) -> float:
        """The seconds since the case began."""
        return asyncio.get_running_loop().time() - START

    async def until(self, seconds: float) -> None:
        """Let time pass until so many seconds after the case began, and a moment more."""
        await asyncio.sleep(max(0.0, seconds - self.now) + _MOMENT)

    # -- callers

    def scope(self, name: str = "account") -> str:
        """Return a scope that was not used before the case.

        It is the same one for the same name.
        """
        return f"{self._run}-{name}/-/action"

    def start(self, work: Coroutine[object, None, T]) -> asyncio.Task[T]:
        """Start a task; it ends with the case at the latest."""
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def turn(self, name: str = "account") -> Turn:
        """Return a turn of a scope that must be open."""
        return await self.at_once(self.limiter.acquire(self.scope(name), timeout=SOON))

    async def close(self, verdict: Verdict = Verdict.TOO_FAST, name: str = "account") -> float:
        """Close a scope; return when that was."""
        turn = await self.turn(name)
        turn.report(verdict)
        turn.release()
        return self.now

    async def line(self, callers: int, *answers: Verdict | None, name: str = "account", timeout: float = PATIENT) -> Callers:
        """Have so many callers wait in line; for ``answers`` see :class:`Line`."""
        line = Callers(self, self.scope(name), answers)
        for _ in range(callers):
            await line.join(timeout)
        await asyncio.sleep(_MOMENT)
        return line

    async def call(self, server: Callable[[], Awaitable[Verdict]], name: str = "account", timeout: float = PATIENT) -> None:
        """Do as a client does: take a turn, ask the server, report.

        Repeat in turn what came too fast.
        """
        deadline = self.now + timeout
        turn = await self.limiter.acquire(self.scope(name), timeout=timeout)
        try:
            while True:
                verdict = await server()
                turn.report(verdict)
                if verdict is not Verdict.TOO_FAST:
                    return
                await turn.again(timeout=deadline - self.now)
        finally:
            turn.release()

    # -- what must hold

    async def at_once(self, work: Awaitable[T]) -> T:
        """Await something that must not make anyone wait."""
        began = self.now
        result = await work
        check(self.now - began < SOON, f"this should have come at once, but took {self.now - began:.3f} s")
        return result

    async def refused(self, timeout: float, *, quota: bool = False, name: str = "account") -> TooFastError | QuotaExceededError:
        """Ask for a turn that cannot come in time; return the error.

        It must be said at once, and with the right error.
        """
        return await self.refuses(self.limiter.acquire(self.scope(name), timeout=timeout), quota=quota)

    async def refuses(self, wait: Awaitable[object], *, quota: bool = False) -> TooFastError | QuotaExceededError:
        """Await a turn that must be refused at once; return the error."""
        began = self.now
        wanted = QuotaExceededError if quota else TooFastError
        try:
            await wait
        except (TooFastError, QuotaExceededError) as error:
            refusal = error
        else:
            raise AssertionError(f"a turn that cannot come in time must be refused, but came after {self.now - began:.3f} s")
        check(self.now - began < SOON, f"the refusal should have come at once, but took {self.now - began:.3f} s")
        check(isinstance(refusal, wanted), f"expected {wanted.__name__}, got {type(refusal).__name__}")
        return refusal

    def ended(self, task: asyncio.Task[object], wanted: type[BaseException]) -> BaseException:
        """See that a task came to its end with an error of that class; return that."""
        check(task.done(), "the call should have ended by now")
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not isinstance(error, wanted):
            raise AssertionError(f"expected {wanted.__name__}, got {error!r}") from error  # noqa: TRY004  (a finding, not an argument)
        return error

    def says(self, error: BaseException, seconds: float) -> None:
        """See that a refusal says how many seconds there are to wait."""
        told = getattr(error, "retry_after", None)
        fits = isinstance(told, float | int) and abs(told - seconds) < SOON
        check(fits, f"retry_after should be about {seconds:.0f} s, but is {told}")

    # -- the end

    async def end(self) -> None:
        """End every caller, then close the limiter."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await settle()
        await self.limiter.aclose()


def every(numbers: int, *, but: Collection[int] = ()) -> list[int]:
    """Return the numbers of so many callers, without some."""
    return [number for number in range(numbers) if number not in but]
