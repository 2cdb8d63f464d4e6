"""G1: what the whole library costs on top of aiohttp.

Fair because both post the same JSON to the same server over a kept-alive connection and parse the
same 1 KB answer; all that ours adds (token, rate limiter, retries, time-outs, envelope, typed and
checked rows) has to be paid for by a leaner use of aiohttp. The transport alone, which leaves
the answer as it is, runs in the same rounds: what the rest of a call may cost lies between.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack, contextmanager
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from benchmarks._answers import settlement_page
from benchmarks._measure import NotInstalled, awaited_microseconds, compared, in_rounds, module
from benchmarks._server import serving
from wxrevenue import AiohttpTransport, HttpRequest, RevenueClient, Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from benchmarks._measure import Row
    from wxrevenue import HttpResponse, SettlementPage

LIMIT: Final = 0.98
_TOKEN: Final = "fake-token-of-a-usual-length_" + 128 * "x"
_QUERY: Final = {"start_date": "2020-01-01", "end_date": "2020-12-31", "page": 1, "page_size": 20}
_BODY: Final = json.dumps(_QUERY).encode()
_HEADERS: Final = MappingProxyType({"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"})
_LARGEST_RECEIVED: Final = 1 << 18


class Sides:
    """Both ways to fetch one page from a server."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/wxa/operationams"
        self._transport = AiohttpTransport()
        self._client = RevenueClient(_TOKEN, "wx-benchmark", base_url, transport=self._transport)
        self._session = aiohttp.ClientSession()
        self._alone = AiohttpTransport()
        self._secret = Secret(_TOKEN)

    async def ours(self) -> SettlementPage:
        """Make one call through the client."""
        return await self._client.get_agency_settlement("2020-01-01", "2020-12-31", page=1, page_size=20)

    async def rival(self) -> dict[str, Any]:
        """Do the same with aiohttp alone."""
        params = {"action": "get_agency_settled_revenue", "access_token": _TOKEN}
        async with self._session.post(self._url, params=params, json=_QUERY) as response:
            found: dict[str, Any] = json.loads(await response.read())
            return found

    async def alone(self) -> HttpResponse:
        """Exchange the same with our transport alone."""
        url = f"{self._url}?action=get_agency_settled_revenue&access_token="
        return await self._alone.send(HttpRequest("POST", url, _HEADERS, _BODY, self._secret), timeout=10.0)

    async def aclose(self) -> None:
        """Close all."""
        await self._alone.aclose()
        await self._client.aclose()
        await self._transport.aclose()
        await self._session.close()


@contextmanager
def sides(rows: int = 2, loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> Generator[tuple[asyncio.Runner, Sides]]:
    """Give both sides and the loop to run them on, connected to a server.

    Args:
        rows: of the answer.
        loop: makes the event loop; asyncio's own where it is ``None``.
    """
    with ExitStack() as stack:
        base_url = stack.enter_context(serving(settlement_page(rows)))
        runner = stack.enter_context(asyncio.Runner(loop_factory=loop))
        both = runner.run(_made(base_url))
        stack.callback(lambda: runner.run(both.aclose()))
        yield runner, both


async def _made(base_url: str) -> Sides:
    return Sides(base_url)  # a session wants a running loop


def settle_allocator() -> None:
    """Let the C library keep what is freed.

    asyncio allocates 256 KB for every receive. Until a larger block was freed once, glibc gets each
    of them from the system and gives it back, or does not, by chance: 25 µs per call, in either
    side's favour.
    """
    bytearray(8 * _LARGEST_RECEIVED)


def run(*, quick: bool = False) -> list[Row]:
    """Measure, on asyncio's loop and on uvloop's."""
    rounds, count = (11, 50) if quick else (61, 200)
    settle_allocator()
    with sides() as (runner, both):
        calls = {"ours": both.ours, "alone": both.alone, "rival": both.rival}
        found = in_rounds({name: _timed(runner, call, count) for name, call in calls.items()}, rounds)
    ours, alone = (compared(list(zip(found[name], found["rival"], strict=True))) for name in ("ours", "alone"))
    return [
        ours.outcome("G1", "CPU of a whole call / bare aiohttp post + json.loads", "µs", LIMIT),
        alone.outcome("G1", "floor: the transport alone / the same", "µs", inf),
        *_on_uvloop(max(5, rounds // 3), count),
    ]


def _on_uvloop(rounds: int, count: int) -> list[Row]:
    """Return what it costs on uvloop, which is faster for both sides."""
    uvloop = module("uvloop")
    if uvloop is None:
        return [NotInstalled("G1", "a whole call on uvloop / bare aiohttp on uvloop", "uvloop")]
    with sides(loop=uvloop.new_event_loop) as (fast, there), sides() as (usual, here):
        timed = {"ours": _timed(fast, there.ours, count), "bare": _timed(fast, there.rival, count)}
        found = in_rounds({**timed, "here": _timed(usual, here.ours, count)}, rounds)
    rivals = {"bare aiohttp on uvloop": "bare", "the same on asyncio's loop": "here"}
    pairs = {name: list(zip(found["ours"], found[rival], strict=True)) for name, rival in rivals.items()}
    return [compared(pairs[name]).outcome("G1", f"a whole call on uvloop / {name}", "µs", inf) for name in rivals]


def _timed(runner: asyncio.Runner, call: Callable[[], Awaitable[object]], count: int) -> Callable[[], float]:
    return lambda: runner.run(awaited_microseconds(call, count))
