"""The gate of a scope, without a clock of its own: closed by a refusal, tried by one probe, open once that is accepted.

::

    open ──(refused)──► closed until a time ──(its time comes)──► one probe out ──(accepted)──► open
                          ▲        ▲                                │    │
                          │        └────────── refused again ───────┘    │
                          └── ended without a verdict: the next probes ──┘
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUOTA_PROBE = 600.0
"""Seconds between probes of a scope whose daily quota is spent."""
_WIDEST = 16
"""Cool-downs that a pause lasts at most, however many probes were refused."""


def longest_pause(cooldown: float) -> float:
    """Return the seconds for which a gate is closed at most before somebody tries it."""
    return max((_WIDEST + 1) * cooldown, QUOTA_PROBE)


class Gate:
    """When a scope may be tried again, and by whom.

    Args:
        cooldown: seconds for which a refusal closes the gate.
        random: returns a number from 0 to 1; it spreads widened pauses.
    """

    __slots__ = ("_cooldown", "_random", "closed", "failed", "opens", "probe", "quota_ends", "tripped")

    def __init__(self, cooldown: float, random: Callable[[], float]) -> None:
        self._cooldown = cooldown
        self._random = random
        self.closed = False
        self.opens = 0.0
        self.quota_ends = 0.0
        self.probe: object | None = None
        """The turn that is out to try whether the scope is open again."""
        self.failed = 0
        """How many probes in a row were refused."""
        self.tripped = float("-inf")
        """When the last refusal came."""

    def close_for_cooldown(self, now: float, *, probe: bool) -> None:
        """Stay closed for a cool-down from now; never shorten, never add up.

        From the second refused probe in a row the pause is wider, by a chance share of twice as much each time: somebody
        else is using the same quota, and probes that keep in step would keep each other out for ever.
        """
        self.failed += probe
        wider = min(2 ** max(0, self.failed - 1), _WIDEST) - 1 if probe else 0
        self._close(now, self._cooldown * (1 + wider * self._random()))

    def close_for_quota(self, now: float, midnight: float) -> None:
        """Stay closed while the day's quota is spent, with a probe every ten minutes. ``midnight`` is seconds away."""
        self.quota_ends = now + midnight
        self._close(now, min(QUOTA_PROBE, midnight))

    def _close(self, now: float, pause: float) -> None:
        self.closed = True
        self.tripped = now
        self.opens = max(self.opens, now + pause)

    def probe_accepted(self, now: float) -> None:
        """Open, for the probe was accepted; unless a late refusal came between."""
        if now >= self.opens:
            self.open(now)

    def open(self, now: float) -> None:
        """Open now."""
        self.closed = False
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

    def closed_for(self, now: float) -> float:
        """Return the seconds until somebody may go."""
        return max(0.0, self.opens - now) if self.closed else 0.0

    def when(self, now: float) -> float:
        """Return when the next may go, as far as the gate is concerned."""
        if not self.closed:
            return now
        return float("inf") if self.probe is not None else max(now, self.opens)
