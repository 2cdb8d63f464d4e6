"""What a run of ``wxrevenue sync`` shows while it works: owners, rows, waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.progress import Progress, SpinnerColumn, TextColumn

from wxrevenue.cli._waits import Waits
from wxrevenue.events import CallEvent, PageEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wxrevenue.events import Event
    from wxrevenue.fleet.workers import FleetProgress

_ALONE: Final = 10
"""Looks without a worker after which that is told."""


class Screen:
    """Progress on stderr, if that is a terminal. A listener of the client's events."""

    def __init__(self) -> None:
        self.waits = Waits()
        console = self.waits.console
        self._owners = self._rows = self._calls = self._alone = 0
        columns = (SpinnerColumn(), TextColumn("{task.description}"), self.waits.column)
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self.progress.add_task("", total=None)

    def __call__(self, event: Event) -> None:
        if isinstance(event, PageEvent):
            self._rows += event.fresh
        elif isinstance(event, CallEvent):
            self._calls += 1
        self.waits(event)
        self._show()

    async def counted(self, owners: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield owners, and count them."""
        async for owner in owners:
            self._owners += 1
            self._show()
            yield owner

    def fleet(self, progress: FleetProgress) -> None:
        """Show how far the workers are."""
        done, queue = progress.ledger, progress.queue
        self._alone = self._alone + 1 if queue is not None and not queue.workers else 0
        if self._alone == _ALONE:
            self.progress.console.print("No worker takes the jobs: start `wxrevenue worker`.", highlight=False)
        counts = f"ledger: {done.owners:,} owners, {done.half_months:,} half-months, {done.last_seq:,} changes"
        if queue is None:
            where = "Redis is away"
        elif not queue.workers:
            where = f"{queue.waiting + queue.postponed:,} jobs wait for a worker: start `wxrevenue worker`"
        else:
            where = f"{queue.waiting:,} jobs wait, {queue.running:,} run, {queue.postponed:,} are put off, {queue.workers:,} workers"
        self.progress.update(self._task, description=f"{where}; {counts}")

    def _show(self) -> None:
        counts = f"{self._owners:,} owners, {self._rows:,} rows, {self._calls:,} calls"
        self.progress.update(self._task, description=counts)
