"""Bringing a ledger up to date by workers.

What is missing is queued, and waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from wxrevenue._base import checks
from wxrevenue._base.calendar import check_range
from wxrevenue._base.printable import Printable
from wxrevenue.errors import TransportError
from wxrevenue.fleet._job_queue import PIECE
from wxrevenue.fleet._sync import checked_ledger
from wxrevenue.sweeps._jobs import jobs_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date
    from typing import TypeAlias

    from wxrevenue.fleet._job_queue import JobQueue
    from wxrevenue.fleet._queue_state import QueueState
    from wxrevenue.fleet._rows import Appids
    from wxrevenue.ledger import FetchJob, Ledger, Progress

    Day: TypeAlias = str | date

T = TypeVar("T")
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHARE: Final = 20
"""Of its time, one part in so many is spent on asking the ledger how far it is."""

__all__ = ["FleetProgress", "FleetReport", "sync_by_workers"]


@attrs.frozen
class FleetProgress(Printable):
    """How far a run of :func:`sync_by_workers` is."""

    jobs: int
    """Jobs that it queued."""
    queue: QueueState | None
    """The queue, with the jobs of other runs; ``None``: Redis is away."""
    ledger: Progress
    """The ledger; one of millions of rows is asked less often."""


@attrs.frozen
class FleetReport(Printable):
    """What a run of :func:`sync_by_workers` led to."""

    jobs: int
    """Jobs that it queued.

    Those that Redis lost and that were queued again count again.
    """
    failed: tuple[tuple[FetchJob, str], ...]
    """Jobs that could not be fetched, and why: the next run queues them again."""
    last_seq: int
    """The number of the newest change in the ledger."""


async def sync_by_workers(  # noqa: PLR0913  (settings, by keyword)
    queue: JobQueue,
    ledger: Ledger,
    owners: Appids,
    start: Day,
    end: Day,
    *,
    again: bool = False,
    pause: float = 1.0,
    on_progress: Callable[[FleetProgress], object] | None = None,
) -> FleetReport:
    """Queue what a ledger misses, and wait until workers have fetched it.

    It fetches nothing itself: :func:`work` does, in any number of processes. It may be killed and
    begun again; a job that is queued or runs is not queued twice. It ends when none of its jobs is
    queued or runs, and the ledger has all that did not fail: jobs that Redis lost are queued again.

    Args:
        queue: an open queue.
        ledger: the ledger of the workers.
        owners: whose settlements, as in :func:`sync`.
        start: first day, Beijing calendar.
        end: last day, inclusive. Half-months that have not ended are left for later.
        again: fetch half-months that are complete, too.
        pause: seconds between two looks at the queue.
        on_progress: a plain function, told at each look.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was queued.
        LedgerError: the ledger's database failed. What was queued is fetched all the same.
        TransportError: Redis did not answer at the beginning.
    """
    where = "sync_by_workers"
    checked_ledger(where, ledger)
    checks.seconds(f"{where}.pause", pause)
    checks.listener(f"{where}.on_progress", on_progress)
    pulled = jobs_of(f"{where}.owners", owners)
    check_range(where, start, end)  # now, before anything is asked for
    await queue.state()  # Redis is there
    since = (await ledger.progress()).newest or _NEVER
    listed = await _listed(pulled)
    run = _FleetRun(queue, ledger, pause, on_progress)
    while missing := run.not_failed([job async for job in ledger.missing(listed, start, end, again=again, since=since)]):
        await run.over(missing)
    return run.report((await ledger.progress()).last_seq)


async def _listed(owners: Appids) -> list[str]:
    """Return owners; they are asked about several times."""
    if isinstance(owners, AsyncIterable):
        return [owner async for owner in owners]
    return [*owners]


class _FleetRun:
    """One run: queues jobs, waits for them, and counts.

    Args:
        queue: where.
        ledger: what the workers record into.
        pause: seconds between two looks.
        on_progress: told at each look.
    """

    def __init__(self, queue: JobQueue, ledger: Ledger, pause: float, on_progress: Callable[[FleetProgress], object] | None) -> None:
        self._queue, self._ledger, self._pause, self._on_progress = queue, ledger, pause, on_progress
        self._jobs = 0
        self._progress: Progress | None = None
        self._due = 0.0
        """When to ask the ledger again."""
        self._failed: dict[FetchJob, str] = {}

    def not_failed(self, jobs: list[FetchJob]) -> list[FetchJob]:
        """Return jobs without those that failed in this run."""
        return [job for job in jobs if job not in self._failed]

    async def over(self, jobs: list[FetchJob]) -> None:
        """Queue jobs, and wait until none of them is queued or runs."""
        self._jobs += len(jobs)
        await self._there(partial(self._queue.add, jobs))
        waiting = deque(jobs)
        while waiting:
            piece = [waiting.popleft() for _ in range(min(PIECE, len(waiting)))]
            left = await self._there(partial(self._queue.unfinished, piece))
            waiting.extend(left)
            if left:
                await self._look()
        self._failed |= await self._there(partial(self._queue.failed, jobs))

    async def _there(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what comes of it, as soon as Redis is there."""
        while True:
            try:
                return await work()
            except TransportError:
                await self._look()

    async def _look(self) -> None:
        """Tell how far it is, and wait."""
        if self._on_progress is not None:
            self._on_progress(FleetProgress(self._jobs, await self._state(), await self._ledger_progress()))
        await asyncio.sleep(self._pause)

    async def _ledger_progress(self) -> Progress:
        """Return how far the ledger is, or was.

        One that is slow to count is asked less often.
        """
        loop = asyncio.get_running_loop()
        if self._progress is None or loop.time() >= self._due:
            began = loop.time()
            self._progress = await self._ledger.progress()
            self._due = loop.time() + _SHARE * (loop.time() - began)
        return self._progress

    async def _state(self) -> QueueState | None:
        try:
            return await self._queue.state()
        except TransportError:
            return None

    def report(self, last_seq: int) -> FleetReport:
        """Return what it led to."""
        return FleetReport(self._jobs, tuple(self._failed.items()), last_seq)
