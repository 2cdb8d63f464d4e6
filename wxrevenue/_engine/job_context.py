"""The job of a sweep that calls are made for.

They report to it, and it keeps them from waiting in its slot.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

WORTH_WAITING_S: Final = 3.0
"""Seconds for which a job that can be put off waits for a turn in its slot.

A turn that comes soon is worth it.
"""


class JobContext:
    """What the calls made for a job report while they are made.

    Args:
        requeue: the job can be put off, so that a call whose scope is closed ends at once.
    """

    __slots__ = ("attempts", "closed_scope", "last_scope", "requeue", "waited")

    def __init__(self, *, requeue: bool) -> None:
        self.requeue = requeue
        self.attempts = 0
        self.waited = 0.0
        self.last_scope: str | None = None
        """The scope of the call that ended last."""
        self.closed_scope: str | None = None
        """The scope that turned out to be closed."""


CURRENT_JOB: Final[ContextVar[JobContext | None]] = ContextVar("wxrevenue_sweep", default=None)
"""The errand on which the running code is, inside a sweep."""
