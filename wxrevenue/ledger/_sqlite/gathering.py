"""Calls of an event loop, handed to the writer together.

Each hand-over wakes a thread, and each answer wakes the loop: both are dear while the other is
busy. Calls of one round of the loop are handed over at once. Those that come while the writer has
some wait until it has answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from wxrevenue.ledger._sqlite.writer import MOST_TOGETHER

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.ledger._session import Session
    from wxrevenue.ledger._sqlite.writer import Answer, Work, Writer

    Call: TypeAlias = tuple[Work, asyncio.Future[object]]

T = TypeVar("T")


class Gathering:
    """Gathers calls.

    Args:
        writer: who gets them.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer, self.loop = writer, asyncio.get_running_loop()
        self._calls: deque[Call] = deque()
        self._is_busy = False
        """The writer has some, or is about to get some."""

    def call(self, work: Callable[[Session], T]) -> asyncio.Future[T]:
        """Return what will be the answer."""
        answer: asyncio.Future[T] = self.loop.create_future()
        self._calls.append((work, cast("asyncio.Future[object]", answer)))
        if not self._is_busy:
            self._is_busy = True
            self.loop.call_soon(self._hand_over)
        return answer

    def flush(self) -> None:
        """Hand over all that is left, whether the writer has answered or not."""
        while self._calls:
            self._hand_over()

    def _hand_over(self) -> None:
        """Hand over what came; a caller that has left meanwhile wants nothing."""
        some: list[Call] = []
        while self._calls and len(some) < MOST_TOGETHER:
            call = self._calls.popleft()
            if not call[1].done():
                some.append(call)
        self._is_busy = bool(some)
        if some:
            works = [work for work, _ in some]
            self.loop.run_in_executor(self._writer, self._writer.commit, works).add_done_callback(partial(self._answered, some))

    def _answered(self, some: list[Call], committed: asyncio.Future[list[Answer]]) -> None:
        for (_, answer), (value, problem) in zip(some, committed.result(), strict=True):
            if answer.done():
                continue
            if problem is None:
                answer.set_result(value)
            else:
                answer.set_exception(problem)
        self._hand_over()
