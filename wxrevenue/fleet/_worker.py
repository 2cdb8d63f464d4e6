"""A worker: what it does with a job, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks
from wxrevenue._base.tasks import end, start
from wxrevenue._wire.codes import NO_PUBLISHER
from wxrevenue.errors import DeadlineExceededError, PageDriftError, QuotaExceededError, TooFastError, TransportError, WxRevenueError
from wxrevenue.fleet._ratios import own_appid
from wxrevenue.fleet._rows import ours
from wxrevenue.fleet._sync import checked_ledger, fetch
from wxrevenue.sweeps._sweep import MOST_AT_ONCE

if TYPE_CHECKING:
    from wxrevenue.clients._revenue import RevenueClient
    from wxrevenue.fleet._job_queue import JobQueue
    from wxrevenue.fleet._streaq import EnduringWorker
    from wxrevenue.ledger import Ledger

_log = logging.getLogger("wxrevenue.fleet")
_LATER: Final = (TooFastError, QuotaExceededError, DeadlineExceededError, PageDriftError)
"""What another try may help, later."""
_LONGEST_PAUSE_S: Final = 300.0
_HELD_S: Final = 5.0
"""Seconds of a pause that a job spends in its slot.

Where one quota holds all jobs up, the queue is not turned over and over.
"""
_PAUSE_S: Final = 1.0


class Shift:
    """One worker from its beginning to its end.

    Args:
        queue: an open queue.
        client: the provider's.
        ledger: an open ledger.
        concurrency: jobs at once.
        lease: of the ledger's claims, in seconds.
        grace: seconds for running jobs at the end.
    """

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self, queue: JobQueue, client: RevenueClient, ledger: Ledger, *, concurrency: int, lease: float, grace: float
    ) -> None:
        where = "work"
        own_appid(where, client)
        checked_ledger(where, ledger)
        self._concurrency = checks.number(f"{where}.concurrency", concurrency, range(1, MOST_AT_ONCE + 1))
        self._lease, self._grace = checks.seconds(f"{where}.lease", lease), checks.seconds(f"{where}.grace", grace)
        self._queue, self._client, self._ledger = queue, client, ledger
        self._running: set[asyncio.Task[float | None]] = set()
        self._engine: EnduringWorker

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, or cancelled."""
        await self._queue.state()  # Redis is there
        stopping = asyncio.Event()
        working = start(self._working(stopping))
        waiting = start(stop.wait())
        try:
            await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
            stopping.set()
            await asyncio.wait([working], timeout=self._grace)
        finally:
            stopping.set()
            await end([waiting])
            await end([*self._running])  # they are given back
            await asyncio.wait([working])
        await working

    async def _working(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._engine = self._queue.new_engine(stopping, self.job, self._concurrency)
            if await self._ended_well():
                return
            await end([*self._running])
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _PAUSE_S)

    async def _ended_well(self) -> bool:
        """Run the engine until it ends; return whether it was to."""
        from wxrevenue.fleet._streaq import is_trouble, kinds, queue_error

        try:
            await self._engine.run_async()
        except Exception as error:  # noqa: BLE001  (what its Redis client raises when a connection breaks is not all documented)
            why = queue_error(self._queue.place, error) if is_trouble(error) else f"the engine failed ({kinds(error)})"
            _log.warning("%s; the worker begins anew", why)
            return False
        return True

    async def job(self, text: str) -> None:
        """Fetch a job. Cancelled, or put off, it is handed out again.

        Raises:
            StreaqRetry: it is to be handed out again.
        """
        from streaq import StreaqRetry

        task = start(self._fetched(text))  # of its own: the engine would cancel it again and again
        self._running.add(task)
        try:
            await asyncio.wait([task])
        finally:
            await end([task])
            self._running.discard(task)
        wait = 0.0 if task.cancelled() else task.result()
        if wait is not None:
            raise StreaqRetry(delay=timedelta(seconds=wait))

    async def _fetched(self, text: str) -> float | None:
        """Fetch a job.

        Return after how many seconds to hand it out again, if it is not done with.
        """
        try:
            recorded = await fetch(self._client, self._ledger, text, lease=self._lease)
        except Exception as error:  # noqa: BLE001  (a part of the user's own raises what it likes)
            return await self._failed(text, ours(error))
        return self._lease if recorded.stale else None  # stale: another has it, and may be killed

    async def _failed(self, text: str, error: WxRevenueError) -> float | None:
        if error.retryable or isinstance(error, _LATER):
            wait = pause(error, self._engine.registry["fetch"].context.tries)
            held = min(wait, _HELD_S)
            await asyncio.sleep(held)
            return wait - held
        level = logging.INFO if getattr(error, "code", None) in NO_PUBLISHER else logging.ERROR  # an account may be missing
        _log.log(level, "%s failed: %s", text, error)
        while True:
            try:
                await self._queue.note(text, str(error))
            except TransportError:
                await asyncio.sleep(_PAUSE_S)
            else:
                return None


def pause(error: WxRevenueError, tries: int) -> float:
    """Return after how many seconds to try again."""
    if isinstance(error, (TooFastError, QuotaExceededError)) and error.retry_after is not None:
        return max(0.0, error.retry_after)
    return min(2.0 ** min(tries, 9), _LONGEST_PAUSE_S)
