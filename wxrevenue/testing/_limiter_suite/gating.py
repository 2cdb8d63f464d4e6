"""Cases about closing and opening.

What a refusal does, when the gate opens, and which caller goes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.errors import TooFastError
from wxrevenue.ports import Verdict
from wxrevenue.testing._limiter_suite.case import LimiterCase
from wxrevenue.testing._limiter_suite.scene import COOLDOWN, HELD, PATIENT, SOON, every
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.scene import check

if TYPE_CHECKING:
    from wxrevenue.ports import Turn
    from wxrevenue.testing._limiter_suite.scene import LimiterScene

CASES: Final = Suite(LimiterCase)


@CASES()
async def an_open_scope(scene: LimiterScene) -> None:
    """Turns of a scope that was never refused come at once, again and again.

    It does not matter what became of the earlier ones.
    """
    for verdict in (Verdict.OK, Verdict.UNKNOWN):
        turn = await scene.turn()
        turn.report(verdict)
        await scene.at_once(turn.again(timeout=SOON))
        turn.report(verdict)
        turn.release()
    await scene.turn()


@CASES()
async def closed_for_everyone(scene: LimiterScene) -> None:
    """A refusal closes the scope for every caller, for the cool-down."""
    closed = await scene.close()
    line = await scene.line(3, HELD)
    await line.goes(0, closed + COOLDOWN)


@CASES()
async def a_deadline_before_the_gate_opens(scene: LimiterScene) -> None:
    """R-08: a caller that cannot wait until the scope opens is refused at once.

    It is told for how long the scope stays closed.
    """
    closed = await scene.close()
    scene.says(await scene.refused(timeout=20.0), COOLDOWN)
    await scene.until(closed + 15.0)
    scene.says(await scene.refused(timeout=10.0), 15.0)


@CASES()
async def late_refusals(scene: LimiterScene) -> None:
    """R-07: refusals of calls that were under way keep the scope closed.

    It stays closed until a cool-down after the last of them; they do not add up.
    """
    turns = [await scene.turn() for _ in range(20)]
    first, *late = turns
    first.report(Verdict.TOO_FAST)
    line = await scene.line(2, HELD)
    for turn in late:
        await scene.until(scene.now + 0.2)
        turn.report(Verdict.TOO_FAST)
        turn.release()
    await line.goes(0, scene.now + COOLDOWN)


@CASES()
async def a_late_refusal_beside_the_probe(scene: LimiterScene) -> None:
    """R-07: a refusal that comes in while the probe is out counts.

    It counts although the probe is accepted: there is another probe.
    """
    straggler = await scene.turn()
    closed = await scene.close()
    line = await scene.line(3, HELD, HELD, HELD)
    probe = await line.goes(0, closed + COOLDOWN)
    straggler.report(Verdict.TOO_FAST)
    refused = scene.now
    probe.report(Verdict.OK)
    await line.goes(1, refused + COOLDOWN)
    line.waits(2)


@CASES()
async def a_late_success(scene: LimiterScene) -> None:
    """The success of a call that was sent before the refusal opens nothing."""
    straggler = await scene.turn()
    closed = await scene.close()
    line = await scene.line(1, HELD)
    await scene.until(5.0)
    straggler.report(Verdict.OK)
    straggler.release()
    await line.goes(0, closed + COOLDOWN)


@CASES()
async def one_probe(scene: LimiterScene) -> None:
    """R-05: when the scope opens exactly one caller goes.

    Its success lets the others go, in their order of arrival.
    """
    closed = await scene.close()
    line = await scene.line(20, HELD)
    probe = await line.goes(0, closed + COOLDOWN)
    await scene.until(scene.now + 25.0)
    line.all_went([0])
    probe.report(Verdict.OK)
    probe.release()
    await scene.until(scene.now + COOLDOWN)
    line.all_went(every(20))


@CASES()
async def the_probe_is_refused(scene: LimiterScene) -> None:
    """R-12: a refused probe closes the scope for another cool-down.

    The others stay in line, and those that cannot wait are told so at once.
    """
    closed = await scene.close()
    line = await scene.line(2, HELD, HELD)
    hurried = await scene.line(1, timeout=COOLDOWN * 1.5)
    probe = await line.goes(0, closed + COOLDOWN)
    probe.report(Verdict.TOO_FAST)
    probe.release()
    refused = scene.now
    await scene.until(refused + SOON)
    scene.says(scene.ended(hurried.tasks[0], TooFastError), COOLDOWN)
    await line.goes(1, refused + COOLDOWN)


@CASES()
async def refused_while_the_others_go(scene: LimiterScene) -> None:
    """R-07: a refusal after the probe's success closes the scope for the rest.

    The rest stays in line, and again one caller goes first.
    """
    closed = await scene.close()
    line = await scene.line(4, Verdict.OK, Verdict.TOO_FAST, HELD, HELD)
    await scene.until(closed + COOLDOWN + 2 * SOON)
    line.turn(1)
    if 2 not in line.went:  # unless it went together with the refused one
        await line.goes(2, line.moments[1] + COOLDOWN)
        line.waits(3)


async def _handed_on(scene: LimiterScene, how: str) -> None:
    closed = await scene.close()
    line = await scene.line(3, HELD, HELD)
    probe = await line.goes(0, closed + COOLDOWN)
    line.all_went([0])
    if how:
        probe.report(Verdict[how])
    probe.release()
    await scene.until(scene.now + SOON)
    line.all_went([0, 1])
    line.turn(1).report(Verdict.OK)
    line.turn(1).release()
    await scene.until(scene.now + COOLDOWN)
    line.all_went(every(3))


@CASES()
async def the_probe_crashes(scene: LimiterScene) -> None:
    """R-11: a probe released without a report passes its role to the next in line.

    It does so at once.
    """
    await _handed_on(scene, "")


@CASES()
async def the_probe_has_no_verdict(scene: LimiterScene) -> None:
    """R-11: a probe whose answer was lost passes its role to the next in line.

    It does so at once.
    """
    await _handed_on(scene, "UNKNOWN")


@CASES()
async def the_probe_is_cancelled(scene: LimiterScene) -> None:
    """R-11: a call cancelled while it probes passes the role to the next in line.

    It does so at once.
    """

    async def hang() -> Verdict:
        await scene.until(PATIENT)
        return Verdict.UNKNOWN

    closed = await scene.close()
    probe = scene.start(scene.call(hang))
    line = await scene.line(1, HELD)
    await scene.until(closed + COOLDOWN + 5.0)
    line.waits(0)
    probe.cancel()
    await scene.until(scene.now + SOON)
    line.all_went([0])


@CASES()
async def a_refused_call_keeps_its_place(scene: LimiterScene) -> None:
    """Refused calls that go again keep the places they had.

    They go ahead of callers that came later, in their own order.
    """
    order: list[str] = []

    async def again(name: str, turn: Turn) -> None:
        await turn.again(timeout=PATIENT)
        order.append(name)
        check(name == "first" or not line.went, "a call that came later went before a refused one")
        turn.report(Verdict.OK)
        turn.release()

    first, second = await scene.turn(), await scene.turn()
    first.report(Verdict.TOO_FAST)
    line = await scene.line(2)
    second.report(Verdict.TOO_FAST)
    scene.start(again("second", second))
    await scene.until(scene.now + 1.0)
    scene.start(again("first", first))
    await scene.until(scene.now + 2 * COOLDOWN)
    check(order == ["first", "second"], f"refused first and second, the calls went again as {order}")
    line.all_went([0, 1])


@CASES()
async def going_again_in_no_time(scene: LimiterScene) -> None:
    """R-08: a refused call that cannot wait is refused at once when it would go again.

    Then it holds up no other.
    """
    turn = await scene.turn()
    turn.report(Verdict.TOO_FAST)
    closed = scene.now
    scene.says(await scene.refuses(turn.again(timeout=5.0)), COOLDOWN)
    turn.release()
    line = await scene.line(1, HELD)
    await line.goes(0, closed + COOLDOWN)


async def _stepped(scene: LimiterScene, seconds: float) -> None:
    closed = await scene.close()
    line = await scene.line(1, HELD)
    scene.clock.step(seconds)
    await line.goes(0, closed + COOLDOWN)


@CASES()
async def the_wall_clock_goes_back(scene: LimiterScene) -> None:
    """R-22: a wall clock set back by an hour makes no caller wait longer."""
    await _stepped(scene, -3_600.0)


@CASES()
async def the_wall_clock_goes_forward(scene: LimiterScene) -> None:
    """R-22: a wall clock set forward by an hour lets no caller go earlier."""
    await _stepped(scene, 3_600.0)
