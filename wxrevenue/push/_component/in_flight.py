"""The pushes that are being dealt with.

A repetition that comes meanwhile waits for the first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@attrs.define(eq=False, repr=False)
class _Work:
    task: asyncio.Task[str | None]
    waiting: int = 0
    answered: bool = False
    """Whether one of the waiters has what came of it."""


class InFlight:
    """Runs one piece of work for all repetitions of a push that wait at the same time."""

    def __init__(self) -> None:
        self._works: dict[bytes, _Work] = {}

    async def join(self, digest: bytes, deal: Callable[[], Coroutine[object, None, str | None]]) -> tuple[str | None, bool]:
        """Wait until the push is dealt with.

        Return what went wrong, and whether this is news. The first that comes has ``deal`` called.
        The work is cancelled, and its end awaited, when its last waiter is cancelled.
        """
        work = self._works.get(digest)
        if work is None or work.task.get_loop() is not asyncio.get_running_loop():  # a loop may have ended in the middle
            work = self._started(digest, deal)
        work.waiting += 1
        try:
            problem = await asyncio.shield(work.task)
            is_first, work.answered = not work.answered, True
            return problem, is_first
        finally:
            work.waiting -= 1
            if not work.waiting and not work.task.done():
                self._works.pop(digest, None)  # a repetition that comes now is dealt with anew
                work.task.cancel()
                await asyncio.wait([work.task])

    def _started(self, digest: bytes, deal: Callable[[], Coroutine[object, None, str | None]]) -> _Work:
        async def run() -> str | None:
            try:
                return await deal()
            finally:
                found = self._works.get(digest)
                if found is not None and found.task is asyncio.current_task():
                    del self._works[digest]

        work = _Work(asyncio.get_running_loop().create_task(run()))
        if not work.task.done():  # a loop whose tasks begin at once may have ended it by now
            self._works[digest] = work
        return work
