"""G2: everything but the network.

Fair in spite of the rival doing no job at all: one await under ``backoff``'s decorator is what its users pay for retries
alone, so it is a yardstick for all of our stages together (token, limiter, retries, deadline, envelope, decoding).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import backoff

from benchmarks._answers import SHARE_RATIO
from benchmarks._measure import Outcome, awaited_microseconds, in_turns
from wxrevenue import HttpRequest, HttpResponse, MemoryTransport, RevenueClient

if TYPE_CHECKING:
    from wxrevenue import ShareRatio

LIMIT: Final = 5.0
_ANSWER: Final = HttpResponse(200, {}, SHARE_RATIO)


def _answered(_request: HttpRequest) -> HttpResponse:
    return _ANSWER


class Ours:
    """The client over a transport that answers from memory."""

    def __init__(self) -> None:
        self._transport = MemoryTransport(_answered)
        self._client = RevenueClient("fake-token", "wx-benchmark", transport=self._transport)

    async def call(self) -> ShareRatio:
        """Make one call."""
        return await self._client.get_share_ratio("wx0123456789abcdef")

    def forget(self) -> None:
        """Drop the requests that the transport keeps for tests to look at."""
        self._transport.requests.clear()


@backoff.on_exception(backoff.expo, Exception, max_tries=3)
async def rival() -> None:
    """Do nothing, with retries."""


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds, count = (11, 300) if quick else (301, 300)
    ours = Ours()
    with asyncio.Runner() as runner:

        def our_round() -> float:
            ours.forget()
            return runner.run(awaited_microseconds(ours.call, count))

        mine, theirs, ratio = in_turns(our_round, lambda: runner.run(awaited_microseconds(rival, count)), rounds)
    return [Outcome("G2", "get_share_ratio from memory / a no-op under backoff", mine, theirs, "µs", ratio, LIMIT)]
