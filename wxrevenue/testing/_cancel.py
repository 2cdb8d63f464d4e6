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
    """Awaits a coroutine and cancels the task at its ``step``-th suspension.

    Steps count from 0. ``reached`` is whether the coroutine came to that one.
    """

    def __init__(self, work: Coroutine[object, None, T], step: int) -> None:
        self._work = work
        self._step = step
        self.reached = False

    def __await__(self) -> Generator[object, object, T]:
        inner = self._work.__await__()
        advance: Callable[[], object] = lambda: inner.send(None)  # noqa: E731
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
