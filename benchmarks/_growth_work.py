"""One of the processes of ``growth``: does work, and prints what it took.

What is done once (a loop, a client, a ledger's file) is made before the clock starts. A small
amount of work is repeated, each time from the beginning, until there is enough to measure.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import orjson

from benchmarks import _growth_floor
from benchmarks._answers import settlement_page
from benchmarks._resident import peak, resident
from benchmarks.ledger import appids, count, paid
from benchmarks.limiter_sim.world import run_virtual
from wxrevenue import (
    AiohttpTransport,
    HalfMonth,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    MemoryTransport,
    Rate,
    RevenueClient,
    Verdict,
    open_ledger,
    sweep,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxrevenue import Paginator, Settlement

Took: TypeAlias = dict[str, tuple[float, int]]
"""The seconds of CPU time and the units of each thing that was measured."""


@attrs.frozen
class Task:
    """What to do.

    Args:
        units: how much.
        base_url: of the server.
        folder: for files.
        process: the number of this process, from 0 on.
    """

    units: int
    base_url: str
    folder: Path
    process: int


Work: TypeAlias = Callable[[Task], Awaitable[Took]]
_SECONDS: Final = 1.5
"""Until so much CPU time was used, work is repeated."""
_MOST_REPEATS: Final = 50
_ROWS: Final = 100
"""Rows of a page."""
_SLOTS: Final = 16
_ROWS_OF_AN_ACCOUNT: Final = 20
_HALVES: Final = 48
"""Half-months of each owner in the ledger."""
_RANGE: Final = ("2000-01-01", "2024-12-31")


async def calls(task: Task) -> Took:
    """Make calls one after the other over HTTP."""
    transport = AiohttpTransport()
    client = RevenueClient("fake-token", "wx-benchmark", task.base_url, transport=transport)
    await client.get_agency_settlement(*_RANGE, page=1, page_size=20)
    began = time.process_time()
    for _ in range(task.units):
        await client.get_agency_settlement(*_RANGE, page=1, page_size=20)
    took = time.process_time() - began
    await client.aclose()
    await transport.aclose()
    return {"calls": (took, task.units)}


class Pages:
    """Answers from memory: a list of so many rows, each with a number of its own."""

    def __init__(self, rows: int, size: int = _ROWS) -> None:
        self._pages = rows // size
        whole = orjson.loads(settlement_page(size))
        self._body = orjson.dumps({**whole, "total_num": rows})
        self._after = orjson.dumps({**whole, "settlement_list": [], "total_num": rows})
        self.transport = MemoryTransport(self._answer)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        self.transport.requests.clear()
        page = orjson.loads(request.body or b"{}")["page"]
        return HttpResponse(200, {}, self.body(page) if page <= self._pages else self._after)

    def body(self, page: int) -> bytes:
        """Return a page that has rows, by its number from 1 on."""
        return self._body.replace(b"sett_no_", b"number_%d_" % page)


async def rows(task: Task) -> Took:
    """Walk one list of so many rows."""
    client = RevenueClient("fake-token", "wx-benchmark", transport=Pages(task.units).transport)
    began = time.process_time()
    found = sum([1 async for _ in client.iter_agency_settlement(*_RANGE, page_size=_ROWS)])
    took = time.process_time() - began
    assert found == task.units
    return {"rows of one list": (took, task.units)}


async def floor_rows(task: Task) -> Took:
    """Decode the pages of such a list, and remember a number of each row."""
    pages = Pages(task.units)
    bodies = (pages.body(page) for page in range(1, task.units // _ROWS + 1))
    return {"floor: decode and dict": (await _growth_floor.bare_dict(bodies, task.units), task.units)}


async def accounts(task: Task) -> Took:
    """Sweep over accounts, each with a token of its own and a page of rows."""
    client = RevenueClient("fake-token", "wx-benchmark", transport=Pages(_ROWS_OF_AN_ACCOUNT, _ROWS_OF_AN_ACCOUNT).transport)

    def walk(number: int) -> Paginator[Settlement]:
        account = client.with_options(tokens=f"fake-token-{number}", component_appid=f"wx{number}")
        return account.iter_agency_settlement(*_RANGE, page_size=_ROWS_OF_AN_ACCOUNT)

    began = time.process_time()
    found = sum([len(outcome.result()) async for outcome in sweep(walk, range(task.units), concurrency=_SLOTS)])
    took = time.process_time() - began
    assert found == task.units * _ROWS_OF_AN_ACCOUNT
    return {"accounts": (took, task.units)}


async def waiters(task: Task) -> Took:
    """Let callers wait together for their turns, in virtual time."""
    limiter, served = LocalRateLimiter(rate=Rate(task.units // 10, 1.0)), 0

    async def turn() -> None:
        nonlocal served
        turn = await limiter.acquire("component/-/action", timeout=1e6)
        turn.report(Verdict.OK)
        turn.release()
        served += 1

    began = time.process_time()
    await asyncio.gather(*(turn() for _ in range(task.units)))
    took = time.process_time() - began
    assert served == task.units
    return {"waiting callers": (took, task.units)}


async def floor_waiters(task: Task) -> Took:
    """Let so many tasks wait without a limiter, in virtual time."""
    return {"floor: tasks, futures": (await _growth_floor.bare_tasks(task.units), task.units)}


async def ledger(task: Task) -> Took:
    """Write rows into a ledger, and read all changes of it."""
    share = task.units // _HALVES
    owners = appids((task.process + 1) * share)[task.process * share :]
    halves = [HalfMonth(2023, 1, 1).shifted(half) for half in range(_HALVES)]
    async with open_ledger(f"{task.folder}/revenue.db") as books:
        began = time.process_time()
        for begin in range(0, len(owners), 4):
            some = owners[begin : begin + 4]
            await asyncio.gather(*(books.record(owner, half, [paid(half)]) for owner in some for half in halves))
        written = time.process_time()
        found = await count(books.changes())
        read = time.process_time()
    return {"ledger rows, written": (written - began, len(owners) * _HALVES), "ledger rows, read": (read - written, found)}


WORK: Final[Mapping[str, Work]] = {work.__name__: work for work in (calls, rows, floor_rows, accounts, waiters, floor_waiters, ledger)}
_VIRTUAL: Final = frozenset({"waiters", "floor_waiters"})


def measured(name: str, task: Task) -> dict[str, Any]:
    """Return the microseconds a unit, and the bytes by which this process grew."""
    before, found = resident(), dict[str, list[float]]()
    spent, repeats = 0.0, 0
    while repeats == 0 or (spent < _SECONDS and repeats < _MOST_REPEATS):
        for what, (seconds, units) in _once(name, task, f"{repeats}").items():
            found.setdefault(what, []).append(seconds / units * 1e6)
            spent += seconds
        repeats += 1
    return {"microseconds": {what: median(figures) for what, figures in found.items()}, "bytes": max(0, peak() - before)}


def _once(name: str, task: Task, part: str) -> Took:
    folder = task.folder / part
    folder.mkdir(exist_ok=True)
    run: Callable[[Any], Took] = run_virtual if name in _VIRTUAL else asyncio.run
    return run(WORK[name](attrs.evolve(task, folder=folder)))


def main(arguments: Sequence[str]) -> None:
    """Do the least amount of work once, so that everything is loaded; then measure."""
    name, least, units, base_url, folder, process = arguments
    task = Task(int(units), base_url, Path(folder), int(process))
    _once(name, attrs.evolve(task, units=int(least)), f"warm {process}")
    print(json.dumps(measured(name, task)))


if __name__ == "__main__":
    main(sys.argv[1:])
