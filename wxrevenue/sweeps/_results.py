"""Where workers hand their results to the consumer.

Each waits until what it made is taken, so that a slow consumer stops them all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ResultChannel(Generic[T]):
    """A counter without a shelf.

    Args:
        ordered: results are taken in the order of their jobs' numbers, which count from 0.
    """

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self.first = 0
        """In order: the number of the job whose results are taken now."""
        self._offers: deque[tuple[T, asyncio.Future[None]]] = deque()
        self._waiting_jobs: dict[int, asyncio.Future[None]] = {}
        self._consumer: asyncio.Future[None] | None = None
        self._over = False
        self._error: BaseException | None = None

    async def offer(self, number: int, item: T) -> None:
        """Return when the item was taken."""
        if self._ordered and number != self.first:
            turn = self._waiting_jobs[number] = asyncio.get_running_loop().create_future()
            await turn
        taken = asyncio.get_running_loop().create_future()
        self._offers.append((item, taken))
        del item  # the taker has it alone
        self._wake()
        await taken

    def next_job(self) -> None:
        """In order: the first job is over, the next one's results are taken."""
        self.first += 1
        turn = self._waiting_jobs.pop(self.first, None)
        if turn is not None and not turn.done():
            turn.set_result(None)

    def finish(self, error: BaseException | None = None) -> None:
        """Take notice that nothing more comes.

        :meth:`receive` says so after the last item, or raises the error at once.
        """
        self._over, self._error = True, self._error or error
        self._wake()

    async def receive(self) -> T | None:
        """Return the next item, or ``None`` when nothing more comes."""
        while True:
            if self._error is not None:
                raise self._error
            if self._offers:
                item, taken = self._offers.popleft()
                if not taken.done():
                    taken.set_result(None)
                return item
            if self._over:
                return None
            self._consumer = asyncio.get_running_loop().create_future()
            await self._consumer

    def _wake(self) -> None:
        if self._consumer is not None and not self._consumer.done():
            self._consumer.set_result(None)
