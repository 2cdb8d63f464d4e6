"""Cases about a spent daily quota (45009), and about opening a scope by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.errors import QuotaExceededError
from wxrevenue.ports import Verdict
from wxrevenue.testing._limiter_suite.case import LimiterCase
from wxrevenue.testing._limiter_suite.scene import COOLDOWN, HELD, SOON, every
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.scene import check

if TYPE_CHECKING:
    from wxrevenue.testing._limiter_suite.scene import LimiterScene

CASES: Final = Suite(LimiterCase)
_EVERY: Final = 600.0
"""Seconds from one probe of a spent quota to the next."""
_TO_MIDNIGHT: Final = 7_200.0
"""Seconds from a case's beginning to midnight in Beijing."""


@CASES()
async def a_spent_quota(scene: LimiterScene) -> None:
    """R-13: a spent quota closes the scope.

    A caller that cannot wait for the next probe is refused at once, and told when that goes.
    """
    turn = await scene.turn()
    turn.report(Verdict.QUOTA_SPENT)
    closed = scene.now
    scene.says(await scene.refuses(turn.again(timeout=0.0), quota=True), _EVERY)
    turn.release()
    scene.says(await scene.refused(timeout=300.0, quota=True), _EVERY)
    await scene.until(closed + 100.0)
    scene.says(await scene.refused(timeout=300.0, quota=True), _EVERY - 100.0)


@CASES()
async def a_probe_every_ten_minutes(scene: LimiterScene) -> None:
    """R-13: while the quota is spent one probe goes every ten minutes.

    Those behind a refused one are told so at once.
    """
    refused = await scene.close(Verdict.QUOTA_SPENT)
    for _ in range(3):
        line = await scene.line(3, HELD, timeout=_EVERY + 30.0)
        probe = await line.goes(0, refused + _EVERY)
        probe.report(Verdict.QUOTA_SPENT)
        probe.release()
        refused = scene.now
        await scene.until(refused + SOON)
        line.all_went([0])
        for task in line.tasks[1:]:
            scene.says(scene.ended(task, QuotaExceededError), _EVERY)


@CASES()
async def an_accepted_probe_reopens(scene: LimiterScene) -> None:
    """R-13: an accepted probe reopens a scope whose quota was spent.

    What comes too fast after it is that, and no more.
    """
    closed = await scene.close(Verdict.QUOTA_SPENT)
    line = await scene.line(3, HELD, Verdict.TOO_FAST)
    probe = await line.goes(0, closed + _EVERY)
    probe.report(Verdict.OK)
    probe.release()
    await scene.until(scene.now + SOON)
    scene.says(await scene.refused(timeout=5.0), line.moments[1] + COOLDOWN - scene.now)


@CASES()
async def midnight(scene: LimiterScene) -> None:
    """R-13: the next probe goes at midnight in Beijing.

    That is so when it is nearer than ten minutes.
    """
    await scene.until(_TO_MIDNIGHT - 250.0)
    await scene.close(Verdict.QUOTA_SPENT)
    scene.says(await scene.refused(timeout=100.0, quota=True), 250.0)
    line = await scene.line(1, HELD, timeout=300.0)
    await line.goes(0, _TO_MIDNIGHT)


@CASES()
async def too_fast_beside_a_spent_quota(scene: LimiterScene) -> None:
    """R-13: a late "too fast" does not shorten a closure for a spent quota.

    Nor does it make it another one.
    """
    straggler = await scene.turn()
    await scene.close(Verdict.QUOTA_SPENT)
    straggler.report(Verdict.TOO_FAST)
    straggler.release()
    scene.says(await scene.refused(timeout=100.0, quota=True), _EVERY)


async def _reopened(scene: LimiterScene, verdict: Verdict) -> None:
    await scene.close(verdict)
    line = await scene.line(3)
    await scene.until(10.0)
    line.waits(0, 1, 2)
    await scene.limiter.reopen(scene.scope())
    await scene.until(10.0 + SOON)
    check(line.went[:1] == [0], "after reopen the first in line should go at once")
    await scene.until(10.0 + COOLDOWN)
    line.all_went(every(3))
    await scene.turn()


@CASES()
async def reopening_a_spent_quota(scene: LimiterScene) -> None:
    """R-13: ``reopen`` opens a scope whose quota was spent, at once.

    The waiters go in their order.
    """
    await _reopened(scene, Verdict.QUOTA_SPENT)


@CASES()
async def reopening_what_cools_down(scene: LimiterScene) -> None:
    """``reopen`` opens a scope that cools down, at once.

    The waiters go in their order.
    """
    await _reopened(scene, Verdict.TOO_FAST)


@CASES()
async def reopening_what_is_open(scene: LimiterScene) -> None:
    """Reopening what is open, or was never used, does nothing."""
    await scene.limiter.reopen(scene.scope())
    await scene.turn()
    await scene.limiter.reopen(scene.scope())
    await scene.turn()
