"""Cases about waiting in line: order, deadlines, and cancellation at every await."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Final, TypeVar

from wxrevenue.errors import TooFastError
from wxrevenue.ports import InstantLimiter, Verdict
from wxrevenue.testing._cancel import CancelAt
from wxrevenue.testing._limiter_suite.case import LimiterCase
from wxrevenue.testing._limiter_suite.scene import COOLDOWN, HELD, PATIENT, SOON, every
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.scene import check

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wxrevenue.ports import Turn
    from wxrevenue.testing._limiter_suite.scene import LimiterScene

T = TypeVar("T")
CASES: Final = Suite(LimiterCase)
_INSTANT: Final = 5e-10
"""Seconds; less than what an event loop tells apart.

Timers due at two such moments fire in the same round, in this order.
"""

_HOPS: Final = 6
_LOOKS: Final = 1_000


@CASES()
async def behind_a_slow_probe(scene: LimiterScene) -> None:
    """A waiter whose time is up while a probe is out hears so then.

    Afterwards the scope works as ever.
    """
    closed = await scene.close()
    line = await scene.line(1, HELD)
    await line.join(timeout=COOLDOWN + 10.0)
    joined = scene.now
    probe = await line.goes(0, closed + COOLDOWN)
    await scene.until(joined + COOLDOWN + 10.0 + SOON)
    error = scene.ended(line.tasks[1], TooFastError)
    check((getattr(error, "retry_after", None) or 0) > 0, "a refusal must say when to come again")
    probe.report(Verdict.OK)
    probe.release()
    await scene.at_once(scene.limiter.acquire(scene.scope(), timeout=COOLDOWN))


@CASES()
async def a_thousand_waiters(scene: LimiterScene) -> None:
    """A thousand waiters get their turns in their order of arrival."""
    await scene.close()
    line = await scene.line(1_000)
    await asyncio.wait(line.tasks)
    line.all_went(every(1_000))


@CASES()
async def many_leave_the_line(scene: LimiterScene) -> None:
    """R-10: when waiters are cancelled the others get their turns, in their order."""
    closed = await scene.close()
    line = await scene.line(20, HELD, HELD)
    gone = [0, *range(2, 20, 3)]
    for number in gone:
        line.tasks[number].cancel()
    await line.goes(1, closed + COOLDOWN)
    line.turn(1).release()
    await scene.until(scene.now + COOLDOWN)
    line.all_went(every(20, but=gone))


@CASES()
async def all_leave_the_line(scene: LimiterScene) -> None:
    """R-10: when every waiter was cancelled the scope opens as if none had waited."""
    closed = await scene.close()
    line = await scene.line(3)
    for task in line.tasks:
        task.cancel()
    await scene.until(closed + COOLDOWN + SOON)
    await scene.turn()


@CASES()
async def cancelled_in_the_moment_of_its_turn(scene: LimiterScene) -> None:
    """R-10: a waiter cancelled in the moment of its turn takes it from no other.

    It is cancelled in the moment in which its turn comes, or shortly before or after.
    """
    loop = asyncio.get_running_loop()

    def cancel(victim: asyncio.Task[Turn], hops: int) -> None:
        if hops:
            loop.call_soon(cancel, victim, hops - 1)
        else:
            victim.cancel()

    for number, (offset, hops) in enumerate((offset, hops) for offset in (-_INSTANT, _INSTANT) for hops in range(6)):
        name = f"account{number}"
        opens = await scene.close(name=name) + COOLDOWN
        line = await scene.line(2, HELD, HELD, name=name)
        loop.call_at(loop.time() + opens - scene.now + offset, cancel, line.tasks[0], hops)
        await scene.until(opens)
        if 0 in line.went:
            line.turn(0).release()
        await scene.until(scene.now + SOON)
        line.turn(1)


async def _at_every_await(
    scene: LimiterScene, begin: Callable[[str], Coroutine[object, None, Coroutine[object, None, Turn | None]]]
) -> None:
    """Cancel what a function begins at its first await, its second, and so on.

    See each time that the next in line goes.
    """
    for step in itertools.count():
        name = f"account{step}"
        work = CancelAt(await begin(name), step)
        victim = scene.start(_awaited(work))
        line = await scene.line(1, HELD, name=name)
        await asyncio.wait([victim], timeout=2 * COOLDOWN)
        check(victim.done(), f"cancelled at its await {step} a call did not end")
        if work.reached:
            scene.ended(victim, asyncio.CancelledError)
        elif (turn := victim.result()) is not None:
            turn.release()
        await scene.until(scene.now + COOLDOWN + SOON)
        line.turn(0)
        if not work.reached:
            return


async def _awaited(work: CancelAt[T]) -> T:
    return await work


@CASES()
async def cancelled_at_any_await(scene: LimiterScene) -> None:
    """R-10: whichever await a waiter is cancelled at, the next in line goes."""

    async def begin(name: str) -> Coroutine[object, None, Turn | None]:
        await scene.close(name=name)
        return scene.limiter.acquire(scene.scope(name), timeout=PATIENT)

    await _at_every_await(scene, begin)


@CASES()
async def cancelled_at_any_await_of_going_again(scene: LimiterScene) -> None:
    """R-11: a refused call that is cancelled lets the next in line go.

    It is cancelled when it would go again, at any of its awaits.
    """

    async def again(turn: Turn) -> Turn:
        try:
            await turn.again(timeout=PATIENT)
        except BaseException:
            turn.release()
            raise
        return turn

    async def begin(name: str) -> Coroutine[object, None, Turn | None]:
        turn = await scene.turn(name)
        turn.report(Verdict.TOO_FAST)
        return again(turn)

    await _at_every_await(scene, begin)


@CASES()
async def a_report_is_not_awaited(scene: LimiterScene) -> None:
    """A refusal counts as soon as it is reported, without an await.

    The next in line goes after the cool-down.
    """
    turn = await scene.turn()
    check(turn.report(Verdict.TOO_FAST) is None, "report() must be a plain method that returns None")  # type: ignore[func-returns-value]
    turn.release()
    await scene.refused(timeout=COOLDOWN / 2)
    line = await scene.line(1, HELD)
    await scene.until(scene.now + COOLDOWN + SOON)
    line.turn(0)


async def _unclaimed(scene: LimiterScene, limiter: InstantLimiter) -> Turn | None:
    """Return a turn whose caller left before it came.

    Where permits come from elsewhere, none is at hand otherwise.
    """
    for hops in range(1, _HOPS):
        asking = scene.start(limiter.acquire(scene.scope(), timeout=PATIENT))
        for _ in range(hops):
            await asyncio.sleep(0)
        asking.cancel()
        (asked,) = await asyncio.gather(asking, return_exceptions=True)
        if not isinstance(asked, BaseException):
            asked.release()
        for _ in range(_LOOKS):
            if (turn := limiter.take(scene.scope())) is not None:
                return turn
            await asyncio.sleep(SOON / _LOOKS)
    return None


@CASES()
async def taken_turns_count(scene: LimiterScene) -> None:
    """A turn that was taken without an await counts as any other.

    What it reports closes the scope, and its place is kept.
    """
    if not isinstance(scene.limiter, InstantLimiter):
        return
    (await scene.turn()).release()
    turn = scene.limiter.take(scene.scope()) or await _unclaimed(scene, scene.limiter)
    if turn is None:
        raise AssertionError("an open scope for which nobody waits must give a turn at once, or when a caller left who had asked")
    turn.report(Verdict.TOO_FAST)
    line = await scene.line(1, HELD)
    again = scene.start(turn.again(timeout=PATIENT))
    await scene.until(COOLDOWN + 2 * SOON)
    check(again.done(), "a taken turn that was refused must go first, at its old place")
    line.waits(0)
    turn.release()


@CASES()
async def nothing_is_taken_out_of_turn(scene: LimiterScene) -> None:
    """No turn is taken while the gate is closed or a probe is out.

    None is taken after closing, either.
    """
    if not isinstance(scene.limiter, InstantLimiter):
        return
    closed = await scene.close()
    check(scene.limiter.take(scene.scope()) is None, "no turn may be taken while the gate is closed")
    line = await scene.line(2, HELD, HELD)
    probe = await line.goes(0, closed + COOLDOWN)
    check(scene.limiter.take(scene.scope()) is None, "no turn may be taken while a probe is out")
    probe.release()
    await scene.limiter.aclose()
    check(scene.limiter.take(scene.scope()) is None, "no turn may be taken after closing")
