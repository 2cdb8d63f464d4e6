"""The jobs of a sweep, pulled one at a time and only when a slot is free for one."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from wxrevenue._base.tasks import end, start
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

J = TypeVar("J")
NO_JOB: Final = object()
"""No job, for now or for ever: see ``JobSource.ended``."""


class JobSource(Generic[J]):
    """Pulls jobs from any iterable.

    What the iterable raises ends the source and is kept in ``error``, so that the jobs pulled
    before it are brought to their end. An asynchronous one lives in a task of its own from its
    first job to its last: what it opens there, such as a timeout or a task group, it also closes
    there.

    Args:
        jobs: an iterable, or an asynchronous one. An asynchronous iterator runs in the context of
            its maker.
        on_change: told when a job has arrived, or the last one.
    """

    def __init__(self, jobs: Iterable[J] | AsyncIterable[J], on_change: Callable[[], None]) -> None:
        self.ended = False
        self.error: BaseException | None = None
        self._on_change = on_change
        self._context = contextvars.copy_context()
        self._next: Iterator[J] | None = iter(jobs) if isinstance(jobs, Iterable) else None
        self._anext: AsyncIterator[J] | None = aiter(jobs) if isinstance(jobs, AsyncIterable) else None
        self._puller: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._arrived: object = NO_JOB

    def next_job(self) -> J:
        """Return the next job, or ``NO_JOB``.

        ``NO_JOB`` means that the next one is awaited, or that all jobs were pulled.
        """
        if self.ended:
            return cast("J", NO_JOB)
        try:
            return self._last_arrived() if self._next is None else next(self._next)
        except StopIteration:
            self.ended = True
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (a user's own iterable may raise anything)
            self.ended, self.error = True, error
        return cast("J", NO_JOB)

    async def aclose(self) -> None:
        """Pull no more.

        An asynchronous generator is closed here, because closing it needs an await.
        """
        self.ended = True
        if self._puller is None:
            return
        await end([self._puller])
        if not self._puller.cancelled() and self._puller.exception() is not self.error:
            self._puller.result()

    def _last_arrived(self) -> J:
        if self._puller is None:
            self._puller = start(self._pull(), context=self._context)
            self._puller.add_done_callback(self._pulled)
        arrived, self._arrived = self._arrived, NO_JOB
        if arrived is NO_JOB and self._puller.done():
            self._puller.result()
            self.ended = True
        elif arrived is NO_JOB:
            self._wanted.set()
        return cast("J", arrived)

    async def _pull(self) -> None:
        jobs = cast("AsyncIterator[J]", self._anext)
        try:
            async for job in jobs:
                self._wanted.clear()
                self._arrived = job
                del job  # it belongs to its taker
                self._on_change()
                await self._wanted.wait()
        finally:
            if (aclose := getattr(jobs, "aclose", None)) is not None:
                await aclose()

    def _pulled(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # read here, so that the loop does not report it
        self._on_change()


def jobs_of(where: str, jobs: Iterable[J] | AsyncIterable[J]) -> Iterable[J] | AsyncIterable[J]:
    """Return something that jobs can be pulled from.

    A ``str`` is refused: it is one job, spelled in letters.

    Raises:
        ConfigurationError: it is something else.
    """
    if isinstance(jobs, (str, bytes)) or not isinstance(jobs, (Iterable, AsyncIterable)):
        meant = ": write a list" if isinstance(jobs, str) else ""
        raise ConfigurationError(f"{where}: expected an iterable of jobs, or an asynchronous one, got {type(jobs).__name__}{meant}")
    return jobs
