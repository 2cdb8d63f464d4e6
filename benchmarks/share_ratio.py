"""G2: everything but the network.

Fair in spite of the rival doing no job at all: one await under ``backoff``'s decorator is what its
users pay for retries alone, so it is a yardstick for all of our stages together (token, limiter,
retries, deadline, envelope, decoding).
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

LIMIT: Final = 3.2
_ANSWER: Final = HttpResponse(200, {}, SHARE_RATIO)


class Ours:
    """The client over a transport that answers from memory."""

    def __init__(self) -> None:
        self._transport = MemoryTransport(self._answered)
        self._client = RevenueClient("fake-token", "wx-benchmark", transport=self._transport)

    async def call(self) -> ShareRatio:
        """Make one call."""
        return await self._client.get_share_ratio("wx0123456789abcdef")

    def _answered(self, _request: HttpRequest) -> HttpResponse:
        """Answer, and drop the request.

        The transport keeps it for tests to look at, and no other transport does.
        """
        self._transport.requests.clear()
        return _ANSWER


@backoff.on_exception(backoff.expo, Exception, max_tries=3)
async def rival() -> None:
    """Do nothing, with retries."""


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds, count = (11, 300) if quick else (301, 300)
    ours = Ours()
    with asyncio.Runner() as runner:
        found = in_turns(
            lambda: runner.run(awaited_microseconds(ours.call, count)),
            lambda: runner.run(awaited_microseconds(rival, count)),
            rounds,
        )
    return [found.outcome("G2", "get_share_ratio from memory / a no-op under backoff", "µs", LIMIT)]
