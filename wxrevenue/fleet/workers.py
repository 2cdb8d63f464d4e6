"""Workers on any number of machines (extra ``workers``).

One Redis hands out the jobs that a ledger misses.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wxrevenue.fleet._by_workers import FleetProgress, FleetReport, sync_by_workers
from wxrevenue.fleet._job_queue import JobQueue
from wxrevenue.fleet._queue_state import QueueState
from wxrevenue.fleet._worker import Shift

if TYPE_CHECKING:
    from wxrevenue.clients._revenue import RevenueClient
    from wxrevenue.ledger import Ledger

__all__ = ["FleetProgress", "FleetReport", "JobQueue", "QueueState", "sync_by_workers", "work"]


async def work(  # noqa: PLR0913  (settings, by keyword)
    queue: JobQueue,
    client: RevenueClient,
    ledger: Ledger,
    *,
    concurrency: int = 16,
    lease: float = 10.0,
    grace: float = 20.0,
    stop: asyncio.Event | None = None,
) -> None:
    """Fetch the jobs of a queue and record them, until told to stop: one worker.

    What another try may help (no turn in time, a busy server, a database that is away) is tried
    again, without limit. Any other failure is noted: :meth:`JobQueue.failed`. Once the worker has
    begun, Redis may go away and come back.

    Args:
        queue: an open queue.
        client: the provider's, as in :func:`sync`.
        ledger: an open ledger, the same for all workers.
        concurrency: how many jobs to fetch at once.
        lease: as in :func:`sync`.
        grace: seconds for the running jobs to end in when the worker is told to stop; those that do
            not are given back, to be fetched from their beginning by another.
        stop: set it to let the worker end. One that is cancelled gives its jobs back and ends.

    Raises:
        ConfigurationError: an argument is not allowed.
        TransportError: Redis did not answer when the worker began.
    """
    shift = Shift(queue, client, ledger, concurrency=concurrency, lease=lease, grace=grace)
    await shift.run(stop or asyncio.Event())
