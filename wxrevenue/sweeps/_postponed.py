"""Jobs that were postponed because their scope is closed.

When it opens one job goes ahead. The others follow once that one is through.
"""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

import attrs

MOST_POSTPONED: Final = 1_000
"""Jobs that may be postponed at a time.

Beyond it no new job is begun: memory does not grow with the number of jobs.
"""


class Postponable(Protocol):
    """A job that may be postponed."""

    @property
    def number(self) -> int:
        """Its age: jobs are numbered in the order in which they were begun."""
        ...

    @property
    def patience_ends(self) -> float | None:
        """When it waits no longer."""
        ...


P = TypeVar("P", bound=Postponable)


@attrs.define(eq=False)
class _Scope(Generic[P]):
    opens: float
    probe_out: bool = False
    """A job has gone ahead, and how it fares is not yet known."""
    proven: bool = False
    """A job got through since the scope opened."""
    jobs: dict[int, P] = attrs.field(factory=dict["int", "P"])

    @property
    def expects(self) -> bool:
        """Whether a job may go as soon as the time has come."""
        return bool(self.jobs) and (self.proven or not self.probe_out)


class PostponedJobs(Generic[P]):
    """Which jobs wait for which scope.

    Times are those of one monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self._scopes: dict[str, _Scope[P]] = {}
        self._probes: dict[int, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        return any(number in scope.jobs for scope in self._scopes.values())

    @property
    def full(self) -> bool:
        """Whether no further job should be begun."""
        return self._count >= MOST_POSTPONED

    def postpone(self, job: P, name: str, opens: float) -> None:
        """Postpone a job until its scope opens.

        All jobs that wait for that scope are postponed with it.
        """
        self.probe_ended(job)
        scope = self._scopes.setdefault(name, _Scope(opens))
        scope.opens = max(scope.opens, opens)
        scope.proven = False
        scope.jobs[job.number] = job
        self._count += 1

    def got_through(self, job: P, name: str | None, now: float) -> None:
        """Take notice that a job got through.

        If the scope was open then, the jobs that wait for it may follow.
        """
        scope = self._scopes.get(name or "")
        if scope is not None and now >= scope.opens:
            scope.proven = True
        self.probe_ended(job)

    def probe_ended(self, job: P) -> None:
        """Take notice that a job is not a probe any more.

        If nothing is known of the scope then the next job goes ahead.
        """
        name = self._probes.pop(job.number, None)
        if name is not None:
            self._scopes[name].probe_out = False
            self._forget_idle(name)

    def take_due(self, now: float, only: int | None = None) -> P | None:
        """Return the job that may go on: the oldest of the scope that opened first.

        With ``only``, return the job with that number or none.
        """
        able = [
            (scope.opens, min(scope.jobs) if only is None else only, name)
            for name, scope in self._scopes.items()
            if scope.opens <= now and scope.expects and (only is None or only in scope.jobs)
        ]
        if not able:
            return None
        _, number, name = min(able)
        scope = self._scopes[name]
        if not scope.proven:
            scope.probe_out = True
            self._probes[number] = name
        return self._taken(name, number)

    def take_out_of_patience(self, now: float, only: int | None = None) -> P | None:
        """Return a job that waits no longer.

        With ``only``, return the job with that number or none.
        """
        for name, scope in self._scopes.items():
            for number, job in scope.jobs.items():
                if job.patience_ends is not None and job.patience_ends <= now and only in {None, number}:
                    return self._taken(name, number)
        return None

    def next_change(self, only: int | None = None) -> float | None:
        """Return when a job is due or out of patience, if nothing else happens before.

        See :meth:`take_due` and :meth:`take_out_of_patience`.
        """
        scopes = [scope for scope in self._scopes.values() if only is None or only in scope.jobs]
        waiting = (job for scope in scopes for number, job in scope.jobs.items() if only in {None, number})
        patience = (job.patience_ends for job in waiting if job.patience_ends is not None)
        return min((*(scope.opens for scope in scopes if scope.expects), *patience), default=None)

    def _taken(self, name: str, number: int) -> P:
        self._count -= 1
        job = self._scopes[name].jobs.pop(number)
        self._forget_idle(name)
        return job

    def _forget_idle(self, name: str) -> None:
        if not self._scopes[name].jobs and not self._scopes[name].probe_out:
            del self._scopes[name]
