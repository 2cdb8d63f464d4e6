"""The workers of a sweep: as many as it has slots, each with one job at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sized
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

import attrs

from wxrevenue._base.tasks import end, start
from wxrevenue._engine.job_context import CURRENT_JOB
from wxrevenue.errors import ClientStateError, ConfigurationError, TooFastError
from wxrevenue.events import JobEvent, tell
from wxrevenue.pagination._paginator import Paginator
from wxrevenue.sweeps._checkpoint import CheckpointFile
from wxrevenue.sweeps._jobs import NO_JOB, JobSource
from wxrevenue.sweeps._outcome import JobState
from wxrevenue.sweeps._postponed import PostponedJobs
from wxrevenue.sweeps._results import ResultChannel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable

    from wxrevenue.sweeps._checkpoint import Checkpoint
    from wxrevenue.sweeps._outcome import Outcome

J = TypeVar("J")
_EARLY: Final = 0.001
"""Seconds that a timer may be early: the job that it wakes may go."""
_COOLDOWN: Final = 60.0
"""Seconds to put a job off where the error does not say for how long."""
_SHORTEST: Final = 0.05
_CANCELLED: Final = "a worker of the sweep was cancelled from outside, by a call that cancels its own task for instance"
_YIELD_EVERY: Final = 1_000
"""Jobs that were done before, after which other tasks may run."""


@attrs.frozen
class SweepOptions:
    """How a sweep goes; see :func:`wxrevenue.sweep`."""

    call: Callable[[Any], object]
    concurrency: int
    ordered: bool
    requeue: bool
    patience: float | None
    checkpoint: Checkpoint | None
    on_event: Callable[[JobEvent], object] | None


class WorkerPool(Generic[J]):
    """Takes jobs, makes their calls, and hands over what comes of them."""

    def __init__(self, plan: SweepOptions, jobs: Iterable[J] | AsyncIterable[J]) -> None:
        self._options = plan
        self._source = JobSource(jobs, self._wake)
        self._postponed: PostponedJobs[JobState[J]] = PostponedJobs()
        self._results: ResultChannel[tuple[JobState[J], Outcome[J, object]]] = ResultChannel(ordered=plan.ordered)
        self._checkpoint: CheckpointFile | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._slot_reserved = False
        """In order: a slot is kept for the first unfinished job, which was put off."""
        self._stopping = False
        self.finished = False
        """Every outcome was handed out."""
        self._begun = 0
        self._counts = {"done": 0, "failed": 0, "skipped": 0}
        self._rows = 0
        self._jobs = len(jobs) if isinstance(jobs, Sized) else None

    async def outcomes(self) -> AsyncGenerator[Outcome[J, object], None]:
        """Yield what the workers hand over, and leave none of them behind.

        An outcome is written down when the consumer comes back for the next one: until then it may
        be lost with the consumer.
        """
        try:
            if self._options.checkpoint is not None:
                self._checkpoint = await CheckpointFile.opened(self._options.checkpoint)
            self._start_workers()
            while (taken := await self._results.receive()) is not None:
                run, outcome = taken
                del taken
                yield outcome
                await self._record(run, outcome)
                del run, outcome  # a page is not kept while the next one is awaited
            if self._source.error is not None:
                raise self._source.error
            self.finished = True
        finally:
            await self._stop_workers()

    async def _record(self, run: JobState[J], outcome: Outcome[J, object]) -> None:
        if self._checkpoint is not None and run.key is not None and outcome.error is None:
            await self._checkpoint.append(run.key, outcome.cursor)

    # ------------------------------------------------------------------ workers

    def _start_workers(self) -> None:
        for _ in range(self._options.concurrency):
            worker = start(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._worker_done)

    def _worker_done(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        error = worker.exception() if not worker.cancelled() else None if self._stopping else ClientStateError(_CANCELLED)
        if error is not None or not self._workers:
            self._results.finish(error)

    async def _stop_workers(self) -> None:
        self._stopping = True
        try:
            await end([*self._workers])
        finally:
            try:
                await self._source.aclose()
            finally:
                if self._checkpoint is not None:
                    self._checkpoint.close(open_jobs=self._counts["failed"] if self.finished else None)

    async def _work(self) -> None:
        while (work := await self._next()) is not None:
            self._wake()  # there may be more to do than this
            await work
        self._wake()

    # ------------------------------------------------------------------ which job

    async def _next(self) -> Coroutine[object, None, None] | None:
        """Return what to do next; ``None`` once no job is to begin and none is put off."""
        while True:
            first = self._first_postponed()
            work = self._next_postponed(first)
            if work is None and first is None:
                work = await self._next_new()
            if work is not None:
                return work
            if self._source.ended and not self._postponed:
                return None
            await self._wait_for_change(first)

    def _first_postponed(self) -> int | None:
        """In order: return the first unfinished job's number if this slot is kept for it.

        It is kept if that job was put off.
        """
        first = self._results.first
        return first if self._options.ordered and not self._slot_reserved and first in self._postponed else None

    def _next_postponed(self, only: int | None) -> Coroutine[object, None, None] | None:
        now = self._now()
        run = self._postponed.take_due(now + _EARLY, only)
        if run is not None:
            run.resume(now)
            return self._run_job(run)
        run = self._postponed.take_out_of_patience(now + _EARLY, only)
        if run is not None:
            run.resume(now)
            return self._hand_over(run, None, run.error)
        return None

    async def _next_new(self) -> Coroutine[object, None, None] | None:
        while not self._postponed.full and (job := self._source.next_job()) is not NO_JOB:
            key = cursor = None
            if self._checkpoint is not None and self._options.checkpoint is not None:
                key = self._options.checkpoint.key_of(job)
                done, cursor = self._checkpoint.state_of(key)
                if done:
                    self._tell("skipped", job, key)
                    if self._counts["skipped"] % _YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                    continue
            self._begun += 1
            return self._run_job(JobState(self._begun - 1, job, key, cursor))
        return None

    async def _wait_for_change(self, only: int | None) -> None:
        """Wait until there may be something to do.

        Keep the slot for one job if it is the first.
        """
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(woken)
        due = self._postponed.next_change(only)
        timer = None if due is None else asyncio.get_running_loop().call_at(due, _set, woken)
        self._slot_reserved = self._slot_reserved or only is not None
        try:
            await woken
        finally:
            if timer is not None:
                timer.cancel()
            if only is not None:
                self._slot_reserved = False
                self._wake()  # it may have been for another

    def _wake(self) -> None:
        """Have one idle worker look for work; if it finds some, it wakes the next."""
        while self._idle:
            woken = self._idle.popleft()
            if not woken.done():
                woken.set_result(None)
                return

    # ------------------------------------------------------------------ a job

    async def _run_job(self, run: JobState[J]) -> None:
        CURRENT_JOB.set(run.start(requeue=self._options.requeue))
        error = await self._call_job(run)
        if isinstance(error, TooFastError) and self._options.requeue:
            self._postpone(run, error)
        elif error is not None:
            await self._hand_over(run, None, error)

    async def _call_job(self, run: JobState[J]) -> BaseException | None:
        """Make the job's call and hand over what comes of it; return what ended it."""
        try:
            found: object = self._options.call(run.job)
            if isawaitable(found) and not isinstance(found, Paginator):
                found = await found
            elif not isinstance(found, Paginator):
                raise ConfigurationError(f"sweep.call: expected an awaitable or a Paginator, got {type(found).__name__}")  # noqa: TRY301
            if isinstance(found, Paginator):
                await self._walk(run, found)  # pyright: ignore[reportUnknownArgumentType]
            else:
                await self._hand_over(run, found)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error
        except Exception as error:  # noqa: BLE001  (whatever it is, the other jobs go on)
            return error
        return None

    def _postpone(self, run: JobState[J], error: TooFastError) -> None:
        now = self._now()
        wait = _COOLDOWN if error.retry_after is None else max(_SHORTEST, error.retry_after)
        scope = run.context.closed_scope
        run.postpone(error, now, self._options.patience)
        self._postponed.postpone(run, f"of job {run.number}" if scope is None else scope, now + wait)
        self._tell("cooling", run.job, run.key)

    async def _hand_over(self, run: JobState[J], value: object, error: BaseException | None = None, *, done: bool = True) -> None:
        """Hand over what came of a job: its value, a page, or what ended it."""
        if error is None:
            self._postponed.got_through(run, run.context.last_scope, self._now())
        else:
            self._postponed.probe_ended(run)
        if self._postponed:
            self._wake()
        outcome = run.outcome(value, error, done=done and error is None)
        rows = len(cast("list[object]", value)) if isinstance(value, list) else 0
        del value  # what is handed over belongs to the consumer
        await self._results.offer(run.number, (run, outcome))
        if done:
            self._results.next_job()
        self._tell("failed" if error is not None else "done" if done else "page", run.job, run.key, rows)

    async def _walk(self, run: JobState[J], walk: Paginator[Any]) -> None:
        """Hand over a walk page by page, from where the job stands.

        What ends it without a page of its own is an empty page.
        """
        over = False
        async with walk if run.cursor is None else walk.resumed(run.cursor) as pages:
            run.began_at = pages.cursor
            async for page in pages.by_page():
                over = pages.exhausted
                run.cursor = None if over else pages.cursor
                await self._hand_over(run, page, done=over)
                del page  # as above
        if not over:
            run.cursor = None
            await self._hand_over(run, [])

    # ------------------------------------------------------------------ time and events

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _tell(self, state: str, job: object, key: str | None, rows: int = 0) -> None:
        """Count, and tell the user's ``on_event``."""
        self._rows += rows
        if state in self._counts:
            self._counts[state] += 1
        if self._options.on_event is None:
            return
        totals = {**self._counts, "cooling": len(self._postponed), "total_rows": self._rows}
        event = JobEvent(endpoint="sweep", account="", state=state, key=key, rows=rows, job=job, jobs=self._jobs, **totals)
        tell(self._options.on_event, event)


def _set(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
