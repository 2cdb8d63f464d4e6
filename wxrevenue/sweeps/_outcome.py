"""What a sweep tells of a job."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._engine.job_context import JobContext

J = TypeVar("J")
T = TypeVar("T")


@attrs.frozen
class Outcome(Printable, Generic[J, T]):
    """How a job of a sweep went.

    There is one for each job, or one for each page where the job's call gives a ``Paginator``.
    """

    job: J
    """The job, as the iterable gave it."""
    value: T | None
    """What the call returned, or the rows of a page; ``None`` after an error.

    A walk without rows has one empty page.
    """
    error: BaseException | None
    """What ended the job, if something did: whatever its call raised.

    A cancellation is here if the sweep itself was not cancelled.
    """
    attempts: int
    """Attempts that the job's calls took since its previous outcome.

    Those that were refused a turn are included.
    """
    waited: float
    """Seconds that it waited since then.

    It waited for turns, tokens, signatures, back-offs, and for its scope to open.
    """
    cursor: str | None
    """Where to resume the walk after this page, or after this error.

    ``None`` where there is no walk, and at its end.
    """
    done: bool
    """Whether nothing of the job is left to do.

    This was its value, or its last page. After an error it is not done.
    """

    def result(self) -> T:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast("T", self.value)


@attrs.define(eq=False)
class JobState(Generic[J]):
    """A job on its way, and what it took since its last outcome."""

    number: int
    job: J
    key: str | None
    cursor: str | None
    """Behind the last page of its walk that was handed over."""
    began_at: str | None = None
    """Where its walk stood before its first page."""
    context: JobContext = attrs.field(factory=lambda: JobContext(requeue=True))
    attempts: int = 0
    waited: float = 0.0
    error: BaseException | None = None
    """Why it was put off."""
    put_off: float = 0.0
    cooled: float = 0.0
    patience_ends: float | None = None

    def start(self, *, requeue: bool) -> JobContext:
        """Return what its calls report to from now on."""
        self.context = JobContext(requeue=requeue)
        return self.context

    def tally(self) -> None:
        """Add what its calls have reported."""
        self.attempts += self.context.attempts
        self.waited += self.context.waited
        self.context.attempts, self.context.waited = 0, 0.0

    def postpone(self, error: BaseException, now: float, patience: float | None) -> None:
        """Note that it was put off."""
        self.tally()
        self.error, self.put_off = error, now
        self.patience_ends = None if patience is None else now + patience - self.cooled

    def resume(self, now: float) -> None:
        """Note that it is put off no longer."""
        self.cooled += now - self.put_off
        self.waited += now - self.put_off

    def outcome(self, value: object, error: BaseException | None, *, done: bool) -> Outcome[J, object]:
        """Return the next outcome, and begin to count anew."""
        self.tally()
        cursor = self.cursor if error is None else self.cursor or self.began_at
        found = Outcome(self.job, value, error, self.attempts, self.waited, cursor, done)
        self.attempts, self.waited, self.cooled = 0, 0.0, 0.0
        return found
