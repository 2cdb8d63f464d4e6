"""G9 and R9: 2,000 accounts of five pages, 64 requests under way, 30 ms each.

The first yardstick is the same pipeline written by hand on aiohttp and orjson, a page dropped
before the next await, in the same run. Neither side knows how many pages there are. Both read on
behind a full page: each account takes a sixth request, which finds nothing. The pipeline written by
hand looks for no row that came twice. It can neither resume nor tell that the list changed; what
that costs at least is told by a pipeline that remembers its rows by hand, too. The second yardstick
is the latency: nothing is faster than 64 answers every 30 ms. How near anybody comes to that
depends on the machine: where not even the pipeline written by hand does, the figure says nothing
about us, and is not judged. The garbage collector is told what the chapter on sweeps tells: to look
away from what is there already, and to look less often.

The server has a core of its own. Two processes share what is left; where that is one core, they and
the server share both.

R9's rivals are the programs one writes first, on aiohttp, with ``json`` and cattrs as they come,
and rows of the same fields: one page after the other; ``gather`` over all accounts at once; and a
session for every call. They run on fewer accounts, and their time is taken per page.
"""

from __future__ import annotations

import asyncio
import datetime  # noqa: ICN001  (the wire calls a field date)
import gc
import json
import sys
import time
from math import inf
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks import decode
from benchmarks._apart import together
from benchmarks._books import LATENCY, PAGES, ROWS, books
from benchmarks._cores import allowed
from benchmarks._measure import NotInstalled, Outcome, compared, module, orders
from benchmarks._seen import Seen
from wxrevenue import AiohttpTransport, RevenueClient, sweep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import aiohttp

    from benchmarks._measure import Row
    from wxrevenue import Paginator, Settlement

ACCOUNTS: Final = 2_000
SLOTS: Final = 64
LIMIT: Final = 1.10
LIMIT_OF_LATENCY: Final = 1.25
LIMIT_OF_TWO: Final = 1.15
_RANGE: Final = ("2000-01-01", "2024-12-31")
_QUERY: Final = {"start_date": _RANGE[0], "end_date": _RANGE[1], "page_size": ROWS}


def bound(accounts: int, slots: int = SLOTS) -> float:
    """Return the seconds that the latency alone takes."""
    return accounts * PAGES * LATENCY / slots


def tune() -> None:
    """Keep the cyclic collector from going over everything again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


# -- ours ------------------------------------------------------------------------------------------


async def ours(base_url: str, accounts: int, slots: int = SLOTS) -> tuple[float, float]:
    """Sweep; return when it began and when it ended."""
    transport = AiohttpTransport(limit=slots)
    client = RevenueClient("fake-token", "wx-benchmark", base_url, transport=transport)

    def walk(number: int) -> Paginator[Settlement]:
        account = client.with_options(tokens=f"fake-token-{number}", component_appid=f"wx{number}")
        return account.iter_agency_settlement(*_RANGE, page_size=ROWS)

    async def rows_of(numbers: range) -> int:
        return sum([len(outcome.result()) async for outcome in sweep(walk, numbers, concurrency=slots)])

    await rows_of(range(slots))  # connections are made, modules are loaded
    tune()
    began = time.monotonic()
    found = await rows_of(range(accounts))
    ended = time.monotonic()
    await client.aclose()
    await transport.aclose()
    assert found == accounts * PAGES * ROWS
    return began, ended


async def by_hand(base_url: str, accounts: int, slots: int = SLOTS, *, remembers: bool = False) -> tuple[float, float]:
    """Do the same with aiohttp and orjson alone.

    It has as many workers, with one page each in memory.
    """
    import aiohttp

    found, url = 0, f"{base_url}/wxa/operationams"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=slots)) as session:

        async def work(numbers: Iterator[int]) -> None:
            nonlocal found
            for account in numbers:
                params = {"action": "get_agency_settled_revenue", "access_token": f"fake-token-{account}"}
                number, rows, seen = 1, ROWS, Seen()
                while rows == ROWS:
                    async with session.post(url, params=params, json={**_QUERY, "page": number}) as response:
                        page = decode.rival(await response.read())
                    rows = len(page.rows)
                    if remembers:
                        seen.add(page.rows)
                    del page
                    found, number = found + rows, number + 1

        async def all_of(numbers: range) -> None:
            left = iter(numbers)
            await asyncio.gather(*(work(left) for _ in range(slots)))

        await all_of(range(slots))
        tune()
        found = 0
        began = time.monotonic()
        await all_of(range(accounts))
        ended = time.monotonic()
    assert found == accounts * PAGES * ROWS
    return began, ended


async def remembering(base_url: str, accounts: int, slots: int = SLOTS) -> tuple[float, float]:
    """Do it by hand, and remember each row as a walk has to."""
    return await by_hand(base_url, accounts, slots, remembers=True)


_PIPELINES: Final = {pipeline.__name__: pipeline for pipeline in (ours, by_hand, remembering)}


def in_processes(base_url: str, accounts: int, processes: int, pipeline: str = "ours", loop: str = "asyncio") -> float:
    """Let several processes share accounts and slots; return the seconds it took.

    They are counted from the first one's beginning to the last one's end.
    """
    share = [base_url, str(accounts // processes), str(SLOTS // processes), pipeline, loop]
    times = together(__name__, [share] * processes)
    return float(max(ended for _, ended in times) - min(began for began, _ in times))


def paired(base_url: str, accounts: int, repeats: int, loop: str = "asyncio", rival: str = "by_hand") -> list[tuple[float, float]]:
    """Return our seconds and those of a pipeline written by hand, a pair a round."""
    pairs: list[tuple[float, float]] = []
    for order in orders(["ours", rival], repeats):
        found = {pipeline: in_processes(base_url, accounts, 1, pipeline, loop) for pipeline in order}
        pairs.append((found["ours"], found[rival]))
    return pairs


# -- rivals ----------------------------------------------------------------------------------------


@attrs.define
class PlainSlot:
    """A slot, as one writes it down first."""

    slot_id: str
    slot_settled_revenue: int


@attrs.define
class PlainRow:
    """A settlement, likewise."""

    date: datetime.date
    zone: str
    month: str
    order: int
    sett_status: int
    settled_revenue: int
    sett_no: str
    mail_send_cnt: str
    slot_revenue: list[PlainSlot]


class Rivals:
    """The obvious programs."""

    def __init__(self, base_url: str) -> None:
        import cattrs

        self._url = f"{base_url}/wxa/operationams"
        self._converter = cattrs.Converter()
        self._converter.register_structure_hook(datetime.date, lambda value, _: datetime.date.fromisoformat(value))

    async def page(self, session: aiohttp.ClientSession, account: int, number: int) -> list[PlainRow]:
        """Fetch one page."""
        params = {"action": "get_agency_settled_revenue", "access_token": f"fake-token-{account}"}
        async with session.post(self._url, params=params, json={**_QUERY, "page": number}) as response:
            found = json.loads(await response.read())
        assert found["ret"] == 0
        return self._converter.structure(found["settlement_list"], list[PlainRow])

    async def walk(self, session: aiohttp.ClientSession, account: int) -> list[PlainRow]:
        """Fetch all pages of an account, one after the other."""
        return [row for number in range(1, PAGES + 1) for row in await self.page(session, account, number)]

    async def sequential(self, accounts: int) -> list[list[PlainRow]]:
        """One call at a time."""
        import aiohttp

        async with aiohttp.ClientSession() as session:
            return [await self.walk(session, account) for account in range(accounts)]

    async def gather(self, accounts: int) -> list[list[PlainRow]]:
        """All accounts at once, on as many connections as ours has."""
        import aiohttp

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SLOTS)) as session:
            return await asyncio.gather(*(self.walk(session, account) for account in range(accounts)))

    async def session_per_call(self, accounts: int) -> list[list[PlainRow]]:
        """Make a session for every call, as many calls at once as ours."""
        import aiohttp

        slots = asyncio.Semaphore(SLOTS)

        async def walk(account: int) -> list[PlainRow]:
            rows: list[PlainRow] = []
            for number in range(1, PAGES + 1):
                async with slots, aiohttp.ClientSession() as session:
                    rows += await self.page(session, account, number)
            return rows

        return await asyncio.gather(*map(walk, range(accounts)))


async def milliseconds(rival: Callable[[int], Awaitable[list[list[Any]]]], accounts: int) -> float:
    """Return a rival's time per page."""
    began = time.monotonic()
    found = await rival(accounts)
    ended = time.monotonic()
    assert sum(map(len, found)) == accounts * PAGES * ROWS
    return (ended - began) / (accounts * PAGES) * 1e3


def run(*, quick: bool = False) -> list[Row]:
    """Measure: the best of three, because other programs can only slow a run."""
    accounts, repeats = (100, 1) if quick else (ACCOUNTS, 3)
    with books() as base_url:
        pairs = paired(base_url, accounts, repeats)
        remembered = paired(base_url, accounts, 1, rival="remembering")
        on_uvloop = paired(base_url, accounts, 1, "uvloop") if module("uvloop") else []
        rivals = Rivals(base_url)
        few = {rivals.sequential: 4, rivals.gather: accounts // 4, rivals.session_per_call: accounts // 10}
        theirs = {rival.__name__: asyncio.run(milliseconds(rival, share)) for rival, share in few.items()}
    with books(pinned=len(allowed()) > 2) as base_url:
        two = min(in_processes(base_url, accounts, 2) for _ in range(repeats))
    one, hand = (min(side) for side in zip(*pairs, strict=True))
    least, mine = bound(accounts), one / (accounts * PAGES) * 1e3
    fast_enough = hand / least <= LIMIT_OF_LATENCY
    what = f"sweep, {accounts:,} accounts x {PAGES} pages x {ROWS} rows"
    return [
        compared(pairs).outcome("G9", f"{what} / by hand", "s", LIMIT),
        compared(remembered).outcome("G9", "the same / by hand, each row remembered", "s", inf),
        Outcome("G9", f"{what} / latency", one, least, "s", one / least, LIMIT_OF_LATENCY, judged=fast_enough),
        Outcome("G9", "the same in two processes / latency", two, least, "s", two / least, LIMIT_OF_TWO, judged=fast_enough),
        _on_uvloop("the same on uvloop / by hand on uvloop", on_uvloop),
        *(
            Outcome("R9", f"a page of the sweep / {name.replace('_', ' ')}", mine, time, "ms", mine / time, 1.0)
            for name, time in theirs.items()
        ),
    ]


def _on_uvloop(what: str, pairs: list[tuple[float, float]]) -> Row:
    if not pairs:
        return NotInstalled("G9", what, "uvloop")
    ours, hand = pairs[0]
    return Outcome("G9", what, ours, hand, "s", ours / hand, inf)


def _main(base_url: str, accounts: str, slots: str, pipeline: str, loop: str) -> tuple[float, float]:
    factory = module("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_PIPELINES[pipeline](base_url, int(accounts), int(slots)))


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
