"""Cancelling at a chosen await."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

T = TypeVar("T")


class CancelAt(Awaitable[T]):
    """Awaits a coroutine and cancels the task at its ``step``-th suspension (from 0); ``reached`` tells whether it came to that."""

    def __init__(self, work: Coroutine[Any, Any, T], step: int) -> None:
        self._work = work
        self._step = step
        self.reached = False

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._work.__await__()
        advance: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731
        step = 0
        while True:
            try:
                waited_for = advance()
            except StopIteration as end:
                return cast("T", end.value)
            if step == self._step:
                self.reached = True
                cast("asyncio.Task[Any]", asyncio.current_task()).cancel()
            step += 1
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  (whatever is thrown in goes on inwards)
                advance = functools.partial(inner.throw, error)
            else:
                advance = functools.partial(inner.send, None)
