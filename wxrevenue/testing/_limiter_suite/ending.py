"""Cases about the ends of turns and of limiters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ClientStateError
from wxrevenue.ports import Verdict
from wxrevenue.testing._limiter_suite.case import LimiterCase
from wxrevenue.testing._limiter_suite.scene import PATIENT, SOON
from wxrevenue.testing._suite import Suite

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from wxrevenue.testing._limiter_suite.scene import LimiterScene

CASES: Final = Suite(LimiterCase)


async def _closed_for_good(wait: Awaitable[object]) -> None:
    """Await something that must fail because the limiter is closed."""
    try:
        await wait
    except ClientStateError:
        return
    raise AssertionError("a closed limiter must say so with ClientStateError")


@CASES()
async def released_twice(scene: LimiterScene) -> None:
    """Releasing a turn again does nothing."""
    turn, other = await scene.turn(), await scene.turn()
    turn.release()
    turn.release()
    other.report(Verdict.OK)
    other.release()
    other.release()
    await scene.turn()


@CASES()
async def reported_too_late(scene: LimiterScene) -> None:
    """A report after the release is ignored."""
    for verdict in (Verdict.TOO_FAST, Verdict.QUOTA_SPENT):
        turn = await scene.turn()
        turn.release()
        turn.report(verdict)
        await scene.turn()


@CASES()
async def released_without_a_report(scene: LimiterScene) -> None:
    """A turn that is released without a report closes nothing."""
    for _ in range(5):
        (await scene.turn()).release()
    await scene.turn()


@CASES()
async def closing_ends_every_wait(scene: LimiterScene) -> None:
    """Closing ends every wait with ``ClientStateError``, at once.

    Closing twice is closing once.
    """
    await scene.close()
    line = await scene.line(3)
    await scene.limiter.aclose()
    await scene.limiter.aclose()
    await scene.until(scene.now + SOON)
    for task in line.tasks:
        scene.ended(task, ClientStateError)


@CASES()
async def no_turn_after_closing(scene: LimiterScene) -> None:
    """A closed limiter gives no more turns, neither new ones nor again, in no scope."""
    turn = await scene.turn()
    refused = await scene.turn("another")
    refused.report(Verdict.TOO_FAST)
    await scene.limiter.aclose()
    for name in ("account", "another", "a third"):
        await _closed_for_good(scene.limiter.acquire(scene.scope(name), timeout=PATIENT))
    await _closed_for_good(refused.again(timeout=PATIENT))
    refused.release()
    turn.report(Verdict.UNKNOWN)
    await _closed_for_good(turn.again(timeout=PATIENT))


@CASES()
async def turns_outlive_the_limiter(scene: LimiterScene) -> None:
    """Calls on the wire when the limiter is closed report and release as ever."""
    turns = [await scene.turn() for _ in Verdict]
    await scene.limiter.aclose()
    for turn, verdict in zip(turns, Verdict, strict=True):
        turn.report(verdict)
        turn.release()


@CASES()
async def closed_before_use(scene: LimiterScene) -> None:
    """A limiter that was never used can be closed, and gives no turn then."""
    await scene.limiter.aclose()
    await _closed_for_good(scene.limiter.acquire(scene.scope(), timeout=SOON))
