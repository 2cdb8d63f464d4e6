"""The transports side by side: the CPU of one exchange.

An answer is small or large. It is for the record: no goal depends on it. It is fair because both
send the same request to the same server over a kept-alive connection, and hand back the same bytes.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks._answers import settlement_page
from benchmarks._measure import Outcome, in_turns
from benchmarks._server import serving
from wxrevenue import AiohttpTransport, HttpRequest, HttpxTransport, Secret

if TYPE_CHECKING:
    from wxrevenue import Transport

SMALL: Final = 2
LARGE: Final = 2_000
"""Rows of the answers: about 1 KB and 1 MB."""


async def microseconds(transport: Transport, request: HttpRequest, count: int) -> float:
    """Return the CPU time of one exchange."""
    started = time.process_time()
    for _ in range(count):
        await transport.send(request, timeout=10.0)
    return (time.process_time() - started) / count * 1e6


def compare(rows: int, *, rounds: int, count: int) -> Outcome:
    """Measure httpx2 against aiohttp for answers of so many rows."""
    body = settlement_page(rows)
    with serving(body) as base_url, asyncio.Runner() as runner:
        request = HttpRequest("POST", f"{base_url}/wxa/x?access_token=", {"Content-Type": "application/json"}, b"{}", Secret("fake-token"))
        sides: tuple[Any, Any] = HttpxTransport(), AiohttpTransport()
        found = in_turns(
            lambda: runner.run(microseconds(sides[0], request, count)), lambda: runner.run(microseconds(sides[1], request, count)), rounds
        )
        for side in sides:
            runner.run(side.aclose())
    return found.outcome("T", f"exchange of {len(body) // 1000} KB, httpx2 / aiohttp", "µs", math.inf)


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds = 5 if quick else 31
    return [compare(SMALL, rounds=rounds, count=50), compare(LARGE, rounds=rounds, count=5)]
