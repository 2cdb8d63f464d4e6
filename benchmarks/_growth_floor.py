"""What of growth is not ours: the same amounts without this package's work.

The garbage collector goes over more objects, and the processor's caches hold less of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from benchmarks import decode

if TYPE_CHECKING:
    from collections.abc import Iterable


async def bare_tasks(count: int) -> float:
    """Let bare tasks wait, each for a future in a deque; return the CPU seconds.

    They go as a rate limiter's callers do: a tenth at once, the others one by one, each by a timer.
    """
    loop, waiting, served = asyncio.get_running_loop(), deque[asyncio.Future[None]](), 0

    async def task() -> None:
        nonlocal served
        future: asyncio.Future[None] = loop.create_future()
        waiting.append(future)
        await future
        served += 1

    def go_on() -> None:
        waiting.popleft().set_result(None)
        if waiting:
            loop.call_later(10 / count, go_on)

    async def begin() -> None:
        for _ in range(count // 10):
            waiting.popleft().set_result(None)
        go_on()

    began = time.process_time()
    await asyncio.gather(*(task() for _ in range(count)), begin())
    took = time.process_time() - began
    assert served == count
    return took


async def bare_dict(bodies: Iterable[bytes], count: int) -> float:
    """Decode pages, and put a number for each row into one dict; return the same."""
    seen: dict[int, int] = {}
    began = time.process_time()
    for body in bodies:
        seen.update({hash(row.sett_no): number for number, row in enumerate(decode.ours(body).rows, len(seen))})
    took = time.process_time() - began
    assert len(seen) == count
    return took
