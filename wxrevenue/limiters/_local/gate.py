"""The gate of a scope, without a clock of its own.

It is closed by a refusal, tried by one probe, open once that is accepted.

::

    open ──(refused)──► closed until a time ──(its time comes)──► one probe out ──(accepted)──► open
                          ▲        ▲                                │    │
                          │        └────────── refused again ───────┘    │
                          └── ended without a verdict: the next probes ──┘
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.calendar import seconds_to_midnight
from wxrevenue.errors import ConfigurationError
from wxrevenue.limiters._quota.state import FARTHEST, at_least, check_seconds, check_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wxrevenue.limiters._quota.state import Field, Plain

QUOTA_PROBE = 600.0
"""Seconds between probes of a scope whose daily quota is spent."""
_WIDEST = 16
"""Cool-downs that a pause lasts at most, however many probes were refused."""
_LONGEST_LEARNED = 4
"""Cool-downs that a pause lasts at most if it is one that was learned."""
_LEARNABLE = 3
"""Refused probes in a row from which a pause is learned.

Behind more of them there is an outage.
"""
_DAY = 86_400.0
_LONGER = 1.25
"""By what a pause is longer, at least, than one that was too short."""


def longest_pause(cooldown: float) -> float:
    """Return the seconds for which a gate is closed at most before a call tries it."""
    return max((_WIDEST + 1) * cooldown, QUOTA_PROBE)


def _check_calendar(_record: object, attribute: Field, value: list[float] | None) -> None:
    if value is not None and (len(value) != 2 or not all(-FARTHEST < time < FARTHEST for time in value)):  # noqa: PLR2004
        raise ConfigurationError(f"{attribute.name}: expected two finite numbers")


@attrs.frozen(kw_only=True)
class GateState:
    """Everything that a gate has, but for the turn that probes.

    Times are Unix seconds. What is left out is what a new gate has: records of earlier releases
    lack some fields.
    """

    opens: float | None = attrs.field(default=None, validator=check_time)
    quota_ends: float | None = attrs.field(default=None, validator=check_time)
    failed: int = attrs.field(default=0, validator=at_least(0))
    pause: float | None = attrs.field(default=None, validator=check_seconds)
    tripped: float | None = attrs.field(default=None, validator=check_time)
    paused_until: float | None = attrs.field(default=None, validator=check_time)
    too_short: float = attrs.field(default=0.0, validator=check_time)
    tried: bool = False
    calendar: list[float] | None = attrs.field(default=None, validator=_check_calendar)

    def plausible(self, unix: float, cooldown: float) -> GateState:
        """Return the record without times far ahead.

        The process that saved it may have had a wrong clock.
        """
        longest = longest_pause(cooldown)

        def near(time: float | None) -> float | None:
            return None if time is None else min(time, unix + longest)

        calendar = self.calendar or ([self.opens, self.quota_ends] if self.opens is not None and self.quota_ends is not None else None)
        if calendar is not None:
            calendar = [min(calendar[0], unix + longest), min(calendar[1], unix + _DAY)]
        return attrs.evolve(
            self,
            opens=near(self.opens),
            pause=min(max(cooldown, self.pause or 0.0), longest),
            tripped=None if self.tripped is None else min(self.tripped, unix),
            paused_until=near(self.paused_until),
            too_short=min(self.too_short, longest),
            calendar=calendar if calendar is not None and calendar[1] > unix else None,
        )


class Gate:
    """When a scope may be tried again, and by which call.

    Times are seconds on a monotonic clock.

    Args:
        cooldown: seconds for which a refusal closes the gate at first; answers teach a longer
            pause.
        random: returns a number from 0 to 1; it spreads widened pauses.
        margin: returns the seconds by which a pause is longer.
    """

    __slots__ = (
        "_cooldown", "_margin", "_random", "calendar", "closed", "failed", "opens", "pause", "paused_until", "probe", "quota_ends",
        "too_short", "tried", "tripped",
    )  # fmt: skip

    def __init__(self, cooldown: float, random: Callable[[], float], margin: Callable[[], float] = float) -> None:
        self._cooldown = cooldown
        self._margin = margin
        self._random = random
        self.closed = False
        self.opens = 0.0
        self.quota_ends = 0.0
        self.calendar: tuple[float, float] | None = None
        """The next probe's time and midnight, in Unix seconds.

        It is set while the day's quota is spent.
        """
        self.pause = cooldown
        """Seconds for which a refusal closes the gate, as far as is known."""
        self.paused_until = 0.0
        """When the pause after the last 1737 ends."""
        self.too_short = 0.0
        """The last pause after which a probe was refused."""
        self.probe: object | None = None
        """The turn that is out to try whether the scope is open again."""
        self.tried = False
        """A probe was sent since the gate closed."""
        self.failed = 0
        """How many probes in a row were refused."""
        self.tripped = float("-inf")
        """When the last refusal came."""

    @property
    def is_new(self) -> bool:
        """Whether it never was closed, and nothing was learned of its pauses."""
        return not self.closed and self.tripped == float("-inf") and self.pause == self._cooldown and not self.too_short

    def send_probe(self, turn: object) -> bool:
        """Let a turn try the scope; return whether it is the first since the gate closed."""
        first, self.tried, self.probe = not self.tried, True, turn
        return first

    def close_for_cooldown(self, now: float, *, probe: bool, least: float = 0.0) -> None:
        """Stay closed for a pause from now, of so many seconds at least.

        Never shorten, never add up. From the second refused probe in a row the pause is wider, by a
        chance share of twice as much each time: somebody else is using the same quota, and probes
        that keep in step would keep each other out for ever.
        """
        pause = max(self.pause, least)
        if probe:
            self.failed += 1
            self.too_short = self.opens - self.tripped
            wider = min(2 ** (self.failed - 1), _WIDEST) - 1
            pause = max(pause, self._cooldown * (1 + wider * self._random()))
            if self.failed > 1:
                pause = max(pause, min(_LONGER * self.too_short, _LONGEST_LEARNED * self._cooldown))
        self.paused_until = max(self.paused_until, now + pause + self._margin())
        self._close(now, pause)

    def close_for_quota(self, now: float, unix: float) -> None:
        """Stay closed until Beijing's midnight, when a day's quota is back.

        There is a probe every ten minutes.
        """
        midnight = seconds_to_midnight(unix)
        pause = min(QUOTA_PROBE, midnight)
        self.calendar = unix + pause + self._margin(), unix + midnight
        self.quota_ends = now + midnight
        self._close(now, pause)

    def follow_calendar(self, now: float, unix: float) -> None:
        """Bring the times of a spent quota in line with the wall clock.

        The monotonic one stands still while a machine sleeps. A wall clock that was set back does
        not lengthen the pause.
        """
        if self.calendar is not None:
            opens, midnight = self.calendar
            self.opens = max(self.paused_until, min(self.opens, now + max(0.0, opens - unix)))
            self.quota_ends = now + midnight - unix

    def _close(self, now: float, pause: float) -> None:
        self.closed, self.tried = True, False
        self.tripped = now
        self.opens = max(self.opens, now + pause + self._margin())

    def probe_accepted(self, now: float) -> None:
        """Open, for the probe was accepted; unless a late refusal came between."""
        if now >= self.opens:
            self._learn_pause()
            self.open(now)

    def _learn_pause(self) -> None:
        """Keep to the pause that sufficed; next time try one nearer to what did not."""
        if self.calendar is not None or self.failed > _LEARNABLE:
            return
        if self.failed:
            self.pause = min(max(self._cooldown, self.opens - self.tripped), _LONGEST_LEARNED * self._cooldown)
        elif self.pause > _LONGER * self.too_short:
            self.pause = max(self._cooldown, (self.pause + self.too_short) / 2)

    def open(self, now: float) -> None:
        """Open now."""
        self.closed, self.calendar = False, None
        self.opens, self.quota_ends, self.failed = min(self.opens, now), 0.0, 0

    def close_like_last(self, gates: Sequence[Gate]) -> None:
        """Be closed for as long as the last of these."""
        self.closed = True
        self.opens = max(gate.opens for gate in gates)
        self.tripped = max(gate.tripped for gate in gates)

    def close_like(self, gate: Gate) -> None:
        """Be closed as that gate was, for a chance time longer."""
        self.closed, self.tripped, self.failed = True, gate.tripped, gate.failed
        self.opens = gate.opens + self._cooldown * self._random()

    def dump(self, now: float, shift: float) -> Plain:
        """Return everything that is known as plain data, with times later by ``shift``.

        They are in Unix seconds.
        """
        return {
            "opens": self.opens + shift if self.closed else None,
            "quota_ends": self.quota_ends + shift if self.quota_ends > now else None,
            "failed": self.failed,
            "pause": self.pause,
            "tripped": self.tripped + shift if math.isfinite(self.tripped) else None,
            "paused_until": self.paused_until + shift if self.paused_until > now else None,
            "too_short": self.too_short,
            "tried": self.tried,
            "calendar": None if self.calendar is None else list(self.calendar),
        }

    def take(self, state: GateState, now: float, unix: float) -> None:
        """Go on from a record. A probe that is out is given up: the next call probes."""
        shift = now - unix
        if state.tripped is not None:
            self.tripped = state.tripped + shift
        self.pause = self._cooldown if state.pause is None else state.pause
        self.paused_until = 0.0 if state.paused_until is None else state.paused_until + shift
        self.too_short, self.failed, self.tried = state.too_short, state.failed, state.tried
        if state.opens is not None:
            self.closed, self.opens = True, state.opens + shift
            self.calendar = None if state.calendar is None else (state.calendar[0], state.calendar[1])
            self.follow_calendar(now, unix)

    def closed_for(self, now: float) -> float:
        """Return the seconds until a call may go."""
        return max(0.0, self.opens - now) if self.closed else 0.0

    def when(self, now: float) -> float:
        """Return when the next may go, as far as the gate is concerned."""
        if not self.closed:
            return now
        return float("inf") if self.probe is not None else max(now, self.opens)
