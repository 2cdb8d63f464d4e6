"""Jobs that were put off because their scope is closed: when it opens one goes ahead, and the others follow once that one is through."""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

import attrs

MOST: Final = 1_000
"""How many jobs may be put off at a time. Beyond it no new job is begun: memory does not grow with the number of jobs."""


class Patient(Protocol):
    """A job that may be put off."""

    @property
    def number(self) -> int:
        """Its age: jobs are numbered in the order in which they were begun."""
        ...

    @property
    def gives_up(self) -> float | None:
        """When it waits no longer."""
        ...


P = TypeVar("P", bound=Patient)


@attrs.define(eq=False)
class _Scope(Generic[P]):
    opens: float
    scouted: bool = False
    """A job has gone ahead, and how it fares is not yet known."""
    proven: bool = False
    """A job got through since the scope opened."""
    jobs: dict[int, P] = attrs.field(factory=dict["int", "P"])

    @property
    def expects(self) -> bool:
        """Whether a job may go as soon as the time has come."""
        return bool(self.jobs) and (self.proven or not self.scouted)


class Cooling(Generic[P]):
    """Who waits for which scope. Times are those of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._scopes: dict[str, _Scope[P]] = {}
        self._scouts: dict[int, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        return any(number in scope.jobs for scope in self._scopes.values())

    @property
    def full(self) -> bool:
        """Whether no further job should be begun."""
        return self._count >= MOST

    def put(self, job: P, name: str, opens: float) -> None:
        """Put a job off until its scope opens, and with it everyone who waits for that scope."""
        self.ended(job)
        scope = self._scopes.setdefault(name, _Scope(opens))
        scope.opens = max(scope.opens, opens)
        scope.proven = False
        scope.jobs[job.number] = job
        self._count += 1

    def passed(self, job: P, name: str | None, now: float) -> None:
        """Take notice that a job got through: if the scope was open by then, whoever waited for it may follow."""
        scope = self._scopes.get(name or "")
        if scope is not None and now >= scope.opens:
            scope.proven = True
        self.ended(job)

    def ended(self, job: P) -> None:
        """Take notice that a job is no scout any more; if nothing is known of the scope then the next one goes ahead."""
        name = self._scouts.pop(job.number, None)
        if name is not None:
            self._scopes[name].scouted = False
            self._forget_idle(name)

    def take(self, now: float, only: int | None = None) -> P | None:
        """Return who may go on: the oldest job of the scope that opened first; or none but the job with that number."""
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
            scope.scouted = True
            self._scouts[number] = name
        return self._taken(name, number)

    def take_impatient(self, now: float, only: int | None = None) -> P | None:
        """Return a job that waits no longer; or none but the job with that number."""
        for name, scope in self._scopes.items():
            for number, job in scope.jobs.items():
                if job.gives_up is not None and job.gives_up <= now and only in {None, number}:
                    return self._taken(name, number)
        return None

    def next_change(self, only: int | None = None) -> float | None:
        """Return when :meth:`take` or :meth:`take_impatient` has somebody, if nothing else happens before."""
        scopes = [scope for scope in self._scopes.values() if only is None or only in scope.jobs]
        waiting = (job for scope in scopes for number, job in scope.jobs.items() if only in {None, number})
        patience = (job.gives_up for job in waiting if job.gives_up is not None)
        return min((*(scope.opens for scope in scopes if scope.expects), *patience), default=None)

    def _taken(self, name: str, number: int) -> P:
        self._count -= 1
        job = self._scopes[name].jobs.pop(number)
        self._forget_idle(name)
        return job

    def _forget_idle(self, name: str) -> None:
        if not self._scopes[name].jobs and not self._scopes[name].scouted:
            del self._scopes[name]
