"""The workers of a sweep: as many as it has slots, each with one job at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

import attrs

from wxrevenue._engine.job_context import AROUND
from wxrevenue.errors import ClientStateError, ConfigurationError, TooFastError
from wxrevenue.events import JobEvent, tell
from wxrevenue.pagination._paginator import Paginator
from wxrevenue.sweeps._checkpoint import Journal
from wxrevenue.sweeps._jobs import NOTHING, Feed
from wxrevenue.sweeps._outcome import Run
from wxrevenue.sweeps._postponed import Cooling
from wxrevenue.sweeps._results import Handover

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable

    from wxrevenue.sweeps._checkpoint import Checkpoint
    from wxrevenue.sweeps._outcome import Outcome

J = TypeVar("J")
_EARLY: Final = 0.001
"""Seconds that a timer may be early: whom it wakes may go."""
_COOLDOWN: Final = 60.0
"""Seconds to put a job off where nobody says for how long."""
_SHORTEST: Final = 0.05
_CANCELLED: Final = "a worker of the sweep was cancelled from outside, by a call that cancels its own task for instance"
_BREATH: Final = 1_000
"""After how many jobs that were done before other tasks may run."""


@attrs.frozen
class Plan:
    """How a sweep goes; see :func:`wxrevenue.sweep`."""

    call: Callable[[Any], Any]
    concurrency: int
    ordered: bool
    requeue: bool
    patience: float | None
    checkpoint: Checkpoint | None
    on_event: Callable[[JobEvent], object] | None


class Crew(Generic[J]):
    """Takes jobs, makes their calls, and hands over what comes of them."""

    def __init__(self, plan: Plan, jobs: Iterable[J] | AsyncIterable[J]) -> None:
        self._plan = plan
        self._feed = Feed(jobs, self._wake)
        self._cooling: Cooling[Run[J]] = Cooling()
        self._handover: Handover[tuple[Run[J], Outcome[J, Any]]] = Handover(ordered=plan.ordered)
        self._journal: Journal | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._kept = False
        """In order: a slot is kept for the first unfinished job, which was put off."""
        self._dismissing = False
        self.through = False
        """Every outcome was handed out."""
        self._begun = 0
        self._counts = {"done": 0, "failed": 0, "skipped": 0}

    async def outcomes(self) -> AsyncGenerator[Outcome[J, Any], None]:
        """Yield what the workers hand over, and leave none of them behind.

        An outcome is written down when the consumer comes back for the next one: until then it may be lost with the consumer.
        """
        try:
            if self._plan.checkpoint is not None:
                self._journal = await Journal.opened(self._plan.checkpoint.path)
            self._hire()
            while (taken := await self._handover.take()) is not None:
                run, outcome = taken
                del taken
                yield outcome
                await self._record(run, outcome)
                del run, outcome  # a page is not kept while the next one is awaited
            if self._feed.error is not None:
                raise self._feed.error
            self.through = True
        finally:
            await self._dismiss()

    async def _record(self, run: Run[J], outcome: Outcome[J, Any]) -> None:
        if self._journal is not None and run.key is not None and outcome.error is None:
            await self._journal.write(run.key, outcome.cursor)

    # ------------------------------------------------------------------ workers

    def _hire(self) -> None:
        for _ in range(self._plan.concurrency):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._left)

    def _left(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        error = worker.exception() if not worker.cancelled() else None if self._dismissing else ClientStateError(_CANCELLED)
        if error is not None or not self._workers:
            self._handover.end(error)

    async def _dismiss(self) -> None:
        self._dismissing = True
        try:
            if self._workers:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.wait(tuple(self._workers))
            await self._feed.aclose()
        finally:
            if self._journal is not None:
                self._journal.close()

    async def _work(self) -> None:
        while (work := await self._next()) is not None:
            self._wake()  # there may be more to do than this
            await work
        self._wake()

    # ------------------------------------------------------------------ which job

    async def _next(self) -> Coroutine[Any, Any, None] | None:
        """Return what to do next, or ``None`` when no job is left to begin and none is put off."""
        while True:
            first = self._first_put_off()
            work = self._put_off_before(first)
            if work is None and first is None:
                work = await self._begin()
            if work is not None:
                return work
            if self._feed.ended and not self._cooling:
                return None
            await self._change(first)

    def _first_put_off(self) -> int | None:
        """In order: return the number of the first unfinished job if it was put off, and this slot is to be kept for it."""
        first = self._handover.first
        return first if self._plan.ordered and not self._kept and first in self._cooling else None

    def _put_off_before(self, only: int | None) -> Coroutine[Any, Any, None] | None:
        now = self._now()
        run = self._cooling.take(now + _EARLY, only)
        if run is not None:
            run.go_on(now)
            return self._do(run)
        run = self._cooling.take_impatient(now + _EARLY, only)
        if run is not None:
            run.go_on(now)
            return self._give(run, None, run.error)
        return None

    async def _begin(self) -> Coroutine[Any, Any, None] | None:
        while not self._cooling.full and (job := self._feed.take()) is not NOTHING:
            key = cursor = None
            if self._journal is not None and self._plan.checkpoint is not None:
                key = self._plan.checkpoint.key_of(job)
                done, cursor = self._journal.take(key)
                if done:
                    self._tell("skipped", key)
                    if self._counts["skipped"] % _BREATH == 0:
                        await asyncio.sleep(0)
                    continue
            self._begun += 1
            return self._do(Run(self._begun - 1, job, key, cursor))
        return None

    async def _change(self, only: int | None) -> None:
        """Wait until there may be something to do; keep the slot for one job if it is the first."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(woken)
        due = self._cooling.next_change(only)
        timer = None if due is None else asyncio.get_running_loop().call_at(due, _set, woken)
        self._kept = self._kept or only is not None
        try:
            await woken
        finally:
            if timer is not None:
                timer.cancel()
            if only is not None:
                self._kept = False
                self._wake()  # it may have been for another

    def _wake(self) -> None:
        """Have one idle worker look for something to do; if it finds something it wakes the next."""
        while self._idle:
            woken = self._idle.popleft()
            if not woken.done():
                woken.set_result(None)
                return

    # ------------------------------------------------------------------ a job

    async def _do(self, run: Run[J]) -> None:
        AROUND.set(run.start(requeue=self._plan.requeue))
        error = await self._tried(run)
        if isinstance(error, TooFastError) and self._plan.requeue:
            self._put_off(run, error)
        elif error is not None:
            await self._give(run, None, error)

    async def _tried(self, run: Run[J]) -> BaseException | None:
        """Make the job's call and hand over what comes of it; return what ended it."""
        try:
            found: Any = self._plan.call(run.job)
            if isawaitable(found):
                found = await found
            elif not isinstance(found, Paginator):
                raise ConfigurationError(f"sweep.call: expected an awaitable or a Paginator, got {type(found).__name__}")  # noqa: TRY301
            if isinstance(found, Paginator):
                await self._walk(run, cast("Any", found))
            else:
                await self._give(run, found)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error
        except Exception as error:  # noqa: BLE001  (whatever it is, the other jobs go on)
            return error
        return None

    def _put_off(self, run: Run[J], error: TooFastError) -> None:
        now = self._now()
        wait = _COOLDOWN if error.retry_after is None else max(_SHORTEST, error.retry_after)
        scope = run.errand.refused
        run.cool(error, now, self._plan.patience)
        self._cooling.put(run, f"of job {run.number}" if scope is None else scope, now + wait)
        self._tell("cooling", run.key)

    async def _give(self, run: Run[J], value: Any, error: BaseException | None = None, *, done: bool = True) -> None:
        """Hand over what came of a job: its value, a page, or what ended it."""
        if error is None:
            self._cooling.passed(run, run.errand.scope, self._now())
        else:
            self._cooling.ended(run)
        if self._cooling:
            self._wake()
        outcome, rows = run.outcome(value, error, done=done and error is None), len(cast("Any", value)) if isinstance(value, list) else 0
        del value  # what is handed over belongs to the consumer
        await self._handover.give(run.number, (run, outcome))
        if done:
            self._handover.next_job()
        self._tell("failed" if error is not None else "done" if done else "page", run.key, rows)

    async def _walk(self, run: Run[J], walk: Paginator[Any]) -> None:
        """Hand over a walk page by page, from where the job stands; what ends it without a page of its own is an empty one."""
        over = False
        async with walk if run.cursor is None else walk.resumed(run.cursor) as pages:
            run.began_at = pages.cursor
            async for page in pages.by_page():
                over = pages.exhausted
                run.cursor = None if over else pages.cursor
                await self._give(run, page, done=over)
                del page  # as above
        if not over:
            run.cursor = None
            await self._give(run, [])

    # ------------------------------------------------------------------ time and events

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _tell(self, state: str, key: str | None, rows: int = 0) -> None:
        """Count, and tell the user's ``on_event``."""
        if state in self._counts:
            self._counts[state] += 1
        if self._plan.on_event is None:
            return
        counts = {**self._counts, "cooling": len(self._cooling)}
        tell(self._plan.on_event, JobEvent, endpoint="sweep", account="", state=state, key=key, rows=rows, **counts)


def _set(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
