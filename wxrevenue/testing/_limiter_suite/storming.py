"""Cases about many callers at once.

Also about scopes that must not feel each other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wxrevenue.ports import Verdict
from wxrevenue.testing._limiter_suite.case import LimiterCase
from wxrevenue.testing._limiter_suite.scene import COOLDOWN, HELD, SOON
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.scene import check

if TYPE_CHECKING:
    from wxrevenue.testing._limiter_suite.scene import LimiterScene

CASES: Final = Suite(LimiterCase)
_CALLERS: Final = 200


class _Extending:
    """A server that takes a number of calls in a cool-down's time.

    It begins its block anew at each call made during it. A fixed window, begun by the first call in
    it; answers take 20 to 480 ms.
    """

    def __init__(self, scene: LimiterScene, quota: int) -> None:
        self._scene = scene
        self._quota = quota
        self._ends = 0.0
        self._taken = 0
        self._blocked_until = 0.0
        self.calls = 0

    async def __call__(self) -> Verdict:
        self.calls += 1
        verdict = self._judge(self._scene.now)
        await asyncio.sleep(0.02 + 0.02 * (self.calls * 7 % 24))
        return verdict

    def _judge(self, now: float) -> Verdict:
        if now >= self._ends:
            self._ends, self._taken = now + COOLDOWN, 0
        if now < self._blocked_until or self._taken >= self._quota:
            self._blocked_until = now + COOLDOWN
            return Verdict.TOO_FAST
        self._taken += 1
        return Verdict.OK


@CASES()
async def a_storm(scene: LimiterScene) -> None:
    """R-05, R-07: of two hundred callers refused over five seconds one goes first.

    It goes a cool-down later, alone; each is sent twice at most.
    """
    sent: list[float] = []

    async def serve() -> Verdict:
        sent.append(scene.now)
        refused = scene.now < COOLDOWN
        await asyncio.sleep(0.025 * len(sent) if refused else 2.0)
        return Verdict.TOO_FAST if refused else Verdict.OK

    await asyncio.gather(*(scene.start(scene.call(serve)) for _ in range(_CALLERS)))
    early = sum(moment < COOLDOWN for moment in sent)
    last_refusal = 0.025 * early
    probe, *others = sent[early:]
    check(probe >= last_refusal + COOLDOWN - SOON / 2, "a call was sent before the cool-down after the last refusal was over")
    check(not others or others[0] >= probe + 2.0, "a second call was sent before the first one's success")
    check(len(sent) <= 2 * _CALLERS, f"{len(sent)} calls were sent for {_CALLERS} callers, none of whom was refused twice")


@CASES()
async def a_server_that_extends_its_block(scene: LimiterScene) -> None:
    """R-06: against a server that blocks anew every caller gets through.

    It blocks anew at each call made during its block. Few calls are made in vain.
    """
    server = _Extending(scene, quota=_CALLERS // 4)
    await asyncio.gather(*(scene.start(scene.call(server)) for _ in range(_CALLERS)))
    check(server.calls <= 2.25 * _CALLERS, f"{server.calls} calls were sent for {_CALLERS} callers")


async def _undisturbed(scene: LimiterScene, verdict: Verdict) -> None:
    await scene.close(verdict, name="a hot one")
    line = await scene.line(3, name="a hot one")
    for _ in range(3):
        turn = await scene.turn("a quiet one")
        turn.report(Verdict.OK)
        turn.release()
    line.waits(0, 1, 2)


@CASES()
async def a_scope_that_cools_down(scene: LimiterScene) -> None:
    """R-23: a scope that cools down holds up no other."""
    await _undisturbed(scene, Verdict.TOO_FAST)


@CASES()
async def a_scope_whose_quota_is_spent(scene: LimiterScene) -> None:
    """R-23: a scope whose quota is spent holds up no other."""
    await _undisturbed(scene, Verdict.QUOTA_SPENT)


@CASES()
async def scopes_that_cool_down_side_by_side(scene: LimiterScene) -> None:
    """R-23: of two scopes that cool down each opens at its own time.

    Each has a probe of its own.
    """
    closed = await scene.close(name="one")
    one = await scene.line(2, HELD, HELD, name="one")
    await scene.until(closed + COOLDOWN / 3)
    later = await scene.close(name="other")
    other = await scene.line(2, HELD, HELD, name="other")
    await one.goes(0, closed + COOLDOWN)
    await other.goes(0, later + COOLDOWN)
    one.waits(1)
    other.waits(1)


@CASES()
async def a_hot_tenant(scene: LimiterScene) -> None:
    """R-23: a quiet scope's calls go at once beside a refused one.

    The other scope has two hundred callers under refusals.
    """
    server = _Extending(scene, quota=_CALLERS // 2)
    hot = [scene.start(scene.call(server, "a hot one")) for _ in range(_CALLERS)]
    for second in range(int(3 * COOLDOWN)):
        await scene.until(second)
        turn = await scene.turn("a quiet one")
        turn.report(Verdict.OK)
        turn.release()
    await asyncio.gather(*hot)
