"""The books of a scope: which calls left, which were answered, and when."""

from __future__ import annotations

import math
from typing import Final

from wxrevenue.limiters._quota.answer_log import SLICES, AnswerLog
from wxrevenue.limiters._quota.resting import Facts
from wxrevenue.limiters._quota.state import LearnerState, Plain, known_time

_DEFERRED_SHARE: Final = 64
"""Lumps, at least, in which the calls of a never refused scope are counted."""


class CallLedger:
    """Counts calls in flight and answers.

    Answers are counted within a span, and since the last quiet window.

    Args:
        window: seconds that the quota is for.
    """

    __slots__ = (
        "_answered_at", "_blocked_at", "_counted", "_deferred_at_most", "_sent_at", "_since", "_window",
        "deferred", "in_flight", "limit", "log", "proven",
    )  # fmt: skip

    def __init__(self, window: float) -> None:
        self._window = window
        self.log = AnswerLog(window / SLICES)
        self.in_flight = 0
        self.proven = 0
        """Calls within a span that are known to be all right.

        They bound how many may be in flight.
        """
        self.limit = 0
        self.deferred = 0
        self._deferred_at_most = 0
        self._sent_at, self._answered_at = -math.inf, 0.0
        self._blocked_at = math.inf
        """Since when the next call is held back by those in flight."""
        self._since: float | None = None
        """When the present count began; ``None``: the next answer begins one."""
        self._counted = 0

    def on_unused(self) -> None:
        """Take back a permission that was not used."""
        self.in_flight = max(0, self.in_flight - 1)

    def _note(self, now: float, calls: int) -> None:
        """Count answers; after a window without any, from the beginning."""
        if self._since is None or now - self._answered_at >= self._window:
            self._since, self._counted = now, 0
        self._answered_at, self._blocked_at = now, math.inf
        self._counted += calls
        self.log.add(now, calls)
        self.proven = max(self.proven, self.log.count)

    def answered_since(self, start: float) -> int:
        """Return how many calls were answered from then on, as far as was looked at."""
        return self.log.since(start) + self._deferred_at_most - self.deferred

    # ----------------------------------------------------------------- calls that are counted later

    def count_deferred(self, now: float) -> None:
        """Count the calls that were answered since the clock was last asked.

        Close the fast path.
        """
        silent = self._deferred_at_most - self.deferred
        self._deferred_at_most = self.deferred = self.limit = 0
        if silent:
            self._note(now, silent)

    def _open_fast_path(self, cap: int) -> None:
        """Let so many calls be in flight without being asked for."""
        self.limit = cap
        self._deferred_at_most = self.deferred = self.log.count // _DEFERRED_SHARE

    # ------------------------------------------------------------------ handing over

    def _facts(self, test_at: float) -> Facts:
        """Return what is kept beside the answers while the scope is not in use."""
        since = math.nan if self._since is None else self._since
        return Facts(self.proven, self._counted, self._sent_at, self._answered_at, self._blocked_at, since, test_at)

    def _take_facts(self, facts: Facts) -> None:
        self.proven, self._counted = int(facts.proven), int(facts.counted)
        self._sent_at, self._answered_at, self._blocked_at = facts.sent_at, facts.answered_at, facts.blocked_at
        self._since = None if math.isnan(facts.since) else facts.since

    def _books(self) -> Plain:
        """Return the books, named as in a record; a time that never was is ``None`` there."""
        recent = self.log.entries()
        return {
            "proven": self.proven,
            "in_flight": self.in_flight,
            "sent_at": known_time(self._sent_at),
            "blocked_at": known_time(self._blocked_at),
            "answered_at": self._answered_at,
            "since": self._since,
            "counted": self._counted,
            "limit": self.limit,
            "deferred": self.deferred,
            "deferred_at_most": self._deferred_at_most,
            "recent": [row[:2] for row in recent],
            "recent_more": [row[2:] for row in recent],
            "past": self.log.dropped(),
        }

    def _take_books(self, state: LearnerState) -> None:
        """Go on from the books of a record."""
        self.proven, self.in_flight = state.proven, state.in_flight
        self._sent_at = -math.inf if state.sent_at is None else state.sent_at
        self._blocked_at = math.inf if state.blocked_at is None else state.blocked_at
        self._answered_at = 0.0 if state.answered_at is None else state.answered_at
        self._since, self._counted = state.since, state.counted
        self.limit, self.deferred, self._deferred_at_most = state.limit, state.deferred, state.deferred_at_most
        recent = state.recent
        if len(state.recent_more) == len(recent):
            recent = [[*row, *more] for row, more in zip(recent, state.recent_more, strict=True)]
        self.log.recall(recent, state.past)
