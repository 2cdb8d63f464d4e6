"""All lanes of a limiter: made when a scope is first used, merged when scopes share a quota, forgotten when they are of no use."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks as _checks
from wxrevenue._base.calendar import seconds_to_midnight
from wxrevenue.errors import ClientStateError
from wxrevenue.limiters._local.gate import Gate
from wxrevenue.limiters._local.scope import Lane
from wxrevenue.limiters._quota.inference import Known
from wxrevenue.limiters._quota.learner import Pace
from wxrevenue.limiters._quota.stated import StatedPace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wxrevenue.limiters._quota.stated import AnyPace, Rate
    from wxrevenue.ports import Clock

_MANY: Final = 1_024
"""Lanes below which none is forgotten."""
_APART: Final = 10.0
"""Windows for which lanes stay apart after merging them did not help."""
_LASTING: Final = 30.0
"""Windows without a refusal after which lanes are parted: they may have been merged by mistake."""

_TOGETHER: Final = 2.0
"""Windows within which lanes were refused that may be kin."""


class Lanes:
    """The lanes by scope, and what they have in common.

    Args:
        cooldown: seconds for which a refusal shuts a lane; also the window.
        rate: what the user says of the quota.
        clock: where the time comes from.
    """

    def __init__(self, cooldown: float, rate: Rate | None, clock: Clock) -> None:
        self.cooldown = cooldown
        self.rate = rate
        self.clock = clock
        self.closed = False
        self.random: Callable[[], float] = random.random
        """Spreads widened pauses."""
        self.by_scope: dict[str, Lane] = {}
        """For looking only; :meth:`of` makes the lane that is missing."""
        self._sweep_at = _MANY
        self._latest = float("-inf")
        self._lag = 0.0

    def __iter__(self) -> Iterator[Lane]:
        return iter({id(lane): lane for lane in self.by_scope.values()}.values())

    def now(self) -> float:
        """Return the limiter's time. Where the clock runs backwards, as in a machine that is restored, this stands still instead."""
        now = self.clock.monotonic() + self._lag
        if now < self._latest:
            self._lag += self._latest - now
            return self._latest
        self._latest = now
        return now

    def now_or_last(self) -> float:
        """Return the limiter's time; where a user's clock fails, the last that it told. A turn must end all the same."""
        try:
            return self.now()
        except Exception:  # noqa: BLE001  (whatever it is: whoever asks for the next turn is told)
            return self._latest

    def unix(self) -> float:
        """Return the wall-clock time."""
        return self.clock.time()

    def to_midnight(self) -> float:
        """Return the seconds until Beijing's midnight; by the system's clock where a user's fails. A gate must shut all the same."""
        try:
            return seconds_to_midnight(self.unix())
        except Exception:  # noqa: BLE001  (as above)
            return seconds_to_midnight(time.time())

    def check_open(self) -> None:
        """Raise ``ClientStateError`` once the limiter is closed."""
        if self.closed:
            raise ClientStateError("the rate limiter is closed")

    def close(self) -> None:
        """End every wait, and let nobody in any more."""
        self.closed = True
        for lane in self:
            lane.end()

    def of(self, scope: str) -> Lane:
        """Return the scope's lane."""
        lane = self.by_scope.get(scope)
        if lane is None:
            _checks.text("scope", scope)
            self._sweep()
            lane = self.by_scope[scope] = self.new((scope,))
            if not self.closed:
                lane.quicken(self.now())
        return lane

    def find(self, scope: str) -> Lane | None:
        """Return the scope's lane if there is one."""
        return self.by_scope.get(scope)

    def new(self, scopes: tuple[str, ...]) -> Lane:
        """Return a lane that nobody uses yet."""
        pace: AnyPace = Pace(self.cooldown) if self.rate is None else StatedPace(self.rate)
        return Lane(self, scopes, Gate(self.cooldown, self.random), pace)

    def put(self, lane: Lane) -> None:
        """Make this the lane of its scopes."""
        for scope in lane.scopes:
            self.by_scope[scope] = lane

    def _sweep(self) -> None:
        """Forget the lanes of which nobody would notice; at times, so that it costs little."""
        if len(self.by_scope) >= self._sweep_at:
            now = self.now()
            for scope in [scope for scope, lane in self.by_scope.items() if lane.useless(now)]:
                del self.by_scope[scope]
            self._sweep_at = max(_MANY, 2 * len(self.by_scope))

    # ------------------------------------------------------------------ merging and parting

    def probe_refused(self, lane: Lane, now: float) -> None:
        """Look for the scopes that use the same quota: a probe after a quiet window was refused, so somebody does.

        If all of them kept quiet together twice already, then merging was wrong, and they part.
        """
        if self.rate is not None:
            return
        kin = kin_of(lane, self, now)
        if kin:
            self._merge((lane, *kin))
        elif len(lane.scopes) > 1 and lane.gate.failed > 1:
            self._part(lane, now, shut=True)

    def reconsider(self, lane: Lane, now: float) -> None:
        """Part lanes that have not been refused anything for long."""
        if not lane.gate.shut and now - lane.gate.tripped >= _LASTING * self.cooldown:
            self._part(lane, now, shut=False)

    def _merge(self, lanes: tuple[Lane, ...]) -> None:
        merged = self.new(tuple(scope for lane in lanes for scope in lane.scopes))
        merged.pace = merged_pace([lane.pace for lane in lanes], self.cooldown)
        merged.gate.join([lane.gate for lane in lanes])
        self._replace(lanes, (merged,))

    def _part(self, lane: Lane, now: float, *, shut: bool) -> None:
        parts = tuple(self.new((scope,)) for scope in lane.scopes)
        for part in parts:
            part.apart_until = now + _APART * self.cooldown
            if shut:
                part.gate.leave(lane.gate)
        self._replace((lane,), parts)

    def _replace(self, old: tuple[Lane, ...], new: tuple[Lane, ...]) -> None:
        for lane in new:
            self.put(lane)
            for left in old:
                left.move_to(lane)
        for left in old:
            left.retire()
        for lane in new:
            lane.advance(self.now())


def account_of(scope: str) -> str:
    """Return what scopes of one account have in common: what stands before the first slash."""
    return scope.partition("/")[0] if "/" in scope else ""


def kin_of(lane: Lane, lanes: Lanes, now: float) -> tuple[Lane, ...]:
    """Return the lanes that may well share a quota with this one."""
    account = account_of(lane.scopes[0])
    since = now - _TOGETHER * lanes.cooldown
    return tuple(other for other in lanes if other is not lane and account_of(other.scopes[0]) == account and _tripped(other, since, now))


def _tripped(lane: Lane, since: float, now: float) -> bool:
    return lane.gate.shut and lane.gate.tripped >= since and lane.apart_until <= now and not lane.gate.quota_ends > now


def merged_pace(paces: Sequence[AnyPace], window: float) -> Pace:
    """Return a pace for all: together they were allowed the sum of their budgets, as far as these are known."""
    merged = Pace(window, Known(window, _sum(pace.known.budget for pace in paces if isinstance(pace, Pace))))
    merged.in_flight = sum(pace.in_flight for pace in paces)
    return merged


def _sum(budgets: Iterable[int | None]) -> int | None:
    total = 0
    for budget in budgets:
        if budget is None:
            return None
        total += budget
    return total
