"""Sweeps over walks: each page is an outcome, and a walk goes on at its cursor."""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.fakes import ams_client, answer, refusal
from support.virtual import now, settle, virtual

from wxrevenue import Checkpoint, JobEvent, PermissionDeniedError, RevenueClient, ServerBusyError, sweep, sweep_settlements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxrevenue import HttpRequest, HttpResponse, Outcome, Paginator, Settlement


RANGE = ("2020-01-01", "2020-12-31")


def row(number: int) -> dict[str, Any]:
    """Return a settlement."""
    return {
        "month": f"{2024 - number // 24}{12 - number % 24 // 2:02}",
        "order": 2 - number % 2,
        "settled_revenue": number,
        "slot_revenue": [],
    }


class Books:
    """Serves lists of several lengths under tokens that name them, a second each.

    ``refuse`` decides what is not served.
    """

    def __init__(self, **lengths: int) -> None:
        self.lengths = lengths
        self.asked: Counter[tuple[str, int]] = Counter()
        self.refuse: Callable[[str, int], HttpResponse | None] = lambda _name, _page: None
        self.client, self.transport = ams_client(handler=self._serve)

    def client_for(self, name: str) -> RevenueClient:
        """Return the client of one list."""
        return self.client.with_options(tokens=f"fake-token-{name}", component_appid=f"wx-{name}")

    def walk(self, name: str) -> Paginator[Settlement]:
        """Walk one list."""
        return self.client_for(name).iter_agency_settlement(*RANGE, page_size=3)

    async def _serve(self, request: HttpRequest) -> HttpResponse:
        name = request.wire_url().rpartition("-")[2]
        asked = orjson.loads(request.body)
        page, size, length = asked["page"], asked["page_size"], self.lengths[name]
        self.asked[name, page] += 1
        await asyncio.sleep(1)
        rows = [row(number) for number in range((page - 1) * size, min(page * size, length))]
        return self.refuse(name, page) or answer({"ret": 0, "settlement_list": rows, "total_num": length})


async def rows_of(one: Any) -> dict[Any, list[list[int]]]:
    """Return the amounts of every page, by job; fail if a job failed."""
    found: dict[Any, list[list[int]]] = {}
    ended: set[Any] = set()
    async for outcome in one:
        assert outcome.job not in ended
        found.setdefault(outcome.job, []).append([one.settled_revenue for one in outcome.result()])
        assert outcome.done is (outcome.cursor is None)
        if outcome.done:
            ended.add(outcome.job)
    assert ended == set(found)
    return found


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("later", [False, True])
@virtual
async def test_an_outcome_for_each_page(ordered: bool, later: bool) -> None:  # noqa: FBT001
    """Every page is an outcome, and the last one says that the job is done.

    For no rows, and behind a full page, there is an empty one.
    """
    books = Books(none=0, one=1, full=3, some=8)

    async def walk_later(name: str) -> Paginator[Settlement]:
        await asyncio.sleep(1)
        return books.walk(name)

    found = await rows_of(sweep(walk_later if later else books.walk, books.lengths, ordered=ordered))
    assert found == {"none": [[]], "one": [[0]], "full": [[0, 1, 2], []], "some": [[0, 1, 2], [3, 4, 5], [6, 7]]}
    assert list(found) == list(books.lengths) or not ordered
    assert set(books.asked.values()) == {1}


@virtual
async def test_later_jobs_hold_a_page() -> None:
    """In order, each later job fetches the page it holds and one ahead, and no more.

    It does so while the first job is under way.
    """
    books = Books(a=29, b=29, c=29, d=29)
    order: list[str] = []
    async for outcome in sweep(books.walk, books.lengths, ordered=True, concurrency=3):
        order.append(outcome.job)
        if len(order) == 5:
            await settle()
            assert [books.asked.total(), max(page for name, page in books.asked if name != "a")] == [5 + 1 + 2 * 2, 2]
    assert order == sorted("abcd" * 10)


@virtual
async def test_a_slow_consumer_stops_the_walks() -> None:
    """While the consumer works on a page, each walk holds one and has one ahead."""
    books = Books(a=29, b=29)
    async with sweep(books.walk, books.lengths, concurrency=2) as one:
        await anext(one)
        await asyncio.sleep(1_000)
        assert books.asked.total() <= 6
    assert len(asyncio.all_tasks()) == 1


@virtual
async def test_a_walk_goes_on_at_its_cursor() -> None:
    """A walk whose scope closes gives its slot away, and resumes where it stopped.

    Only the page of its last row is fetched again.
    """
    books = Books(a=11, b=2)
    books.refuse = lambda name, page: refusal(1737) if (name, page) == ("a", 3) and now() < 10 else None
    found, order = list[int](), list[str]()
    async for outcome in sweep(books.walk, ["a", "b"], concurrency=1):
        found += [one.settled_revenue for one in outcome.result()] if outcome.job == "a" else []
        order.append(outcome.job)
    assert (found, order) == (list(range(11)), ["a", "a", "b", "a", "a"])
    assert books.asked == {("a", 1): 1, ("a", 2): 2, ("a", 3): 2, ("a", 4): 1, ("b", 1): 1}


@virtual
async def test_others_follow_the_first_page() -> None:
    """When a scope opens the other walks wait only for the first page of the probe.

    They need not wait for its whole walk.
    """
    books, sent = Books(a=29, b=29), dict[str, float]()

    def refuse(name: str, page: int) -> HttpResponse | None:
        if now() > 60 and page == 1:
            sent[name] = now()
        return refusal(1737) if now() < 60 else None

    def walk(name: str) -> Paginator[Settlement]:
        client = books.client.with_options(tokens=f"fake-token-{name}", component_appid="wx-same")
        return client.iter_agency_settlement(*RANGE, page_size=3)

    books.refuse = refuse
    assert {name: len(pages) for name, pages in (await rows_of(sweep(walk, ["a", "b"]))).items()} == {"a": 10, "b": 10}
    assert sent == {"a": 62, "b": 63}


@virtual
async def test_a_page_is_not_kept() -> None:
    """While the next page is awaited, the sweep does not keep the one before it."""
    books = Books(a=30)
    async with sweep(books.walk, ["a"]) as one:
        page = weakref.ref((await anext(one)).result()[0])
        waiting = asyncio.ensure_future(anext(one))
        await settle()
        assert not waiting.done()
        assert page() is None
        await waiting


@virtual
async def test_a_walk_that_fails() -> None:
    """An error on a page ends that job, with the cursor behind its last page.

    The other walks go on.
    """
    books = Books(a=12, b=12)
    books.refuse = lambda name, page: refusal(48001) if (name, page) == ("a", 3) else None
    ends: dict[str, Outcome[str, list[Settlement]]] = {}
    async for outcome in sweep(books.walk, ["a", "b"]):
        ends[outcome.job] = outcome
    assert isinstance(ends["a"].error, PermissionDeniedError)
    assert (ends["a"].done, ends["b"].done) == (False, True)
    books.refuse = lambda _name, _page: None
    rest = await books.client_for("a").iter_agency_settlement(*RANGE, page_size=3, cursor=ends["a"].cursor).collect()
    assert [one.settled_revenue for one in rest] == list(range(6, 12))


@virtual
async def test_a_restart_resumes_what_was_half_done(tmp_path: Path) -> None:
    """A sweep that was left is resumed page by page.

    Only the page in the consumer's hands comes again.
    """
    path = tmp_path / "file.jsonl"
    books, taken = Books(a=11, b=5), list[tuple[str, int]]()
    async for outcome in sweep(books.walk, ["a", "b"], concurrency=1, checkpoint=Checkpoint(path)):
        taken += [(outcome.job, one.settled_revenue) for one in outcome.result()]
        if len(taken) == 6:
            break
    assert taken == [("a", number) for number in range(6)]
    assert await rows_of(sweep(books.walk, ["a", "b"], checkpoint=Checkpoint(path))) == {
        "a": [[3, 4, 5], [6, 7, 8], [9, 10]],
        "b": [[0, 1, 2], [3, 4]],
    }
    assert await rows_of(sweep(books.walk, ["a", "b"], checkpoint=Checkpoint(path))) == {}
    assert "fake-token" not in path.read_text()


@virtual
async def test_a_failed_walk_is_resumed_by_a_restart(tmp_path: Path) -> None:
    """A restarted sweep resumes a failed job where it failed."""
    books, checkpoint = Books(a=11), Checkpoint(tmp_path / "file.jsonl")
    books.refuse = lambda _name, page: refusal(48001) if page == 3 else None
    outcomes = [outcome async for outcome in sweep(books.walk, ["a"], checkpoint=checkpoint)]
    assert [outcome.error is None for outcome in outcomes] == [True, True, False]
    books.refuse = lambda _name, _page: None
    assert await rows_of(sweep(books.walk, ["a"], checkpoint=checkpoint)) == {"a": [[6, 7, 8], [9, 10]]}


@virtual
async def test_events_of_pages() -> None:
    """Every page has an event with its rows; the last one is its job's end."""
    told: list[JobEvent] = []
    await rows_of(sweep(Books(a=7).walk, ["a"], on_event=told.append))
    assert [(event.state, event.rows, event.done) for event in told] == [("page", 3, 0), ("page", 3, 0), ("done", 1, 1)]


@virtual
async def test_leaving_gives_up_what_was_fetched_ahead() -> None:
    """Leaving a sweep over walks cancels the pages that they were fetching ahead."""
    books = Books(a=29, b=29)
    async with sweep(books.walk, ["a", "b"]) as one:
        await anext(one)
    assert len(asyncio.all_tasks()) == 1


@virtual
async def test_a_client_that_cannot_be_made() -> None:
    """An exception of ``client_for`` fails its own job only."""
    books = Books(a=1)

    def client_for(name: str) -> RevenueClient:
        if name == "b":
            raise ServerBusyError("no such account")
        return books.client_for(name)

    found = {outcome.job: outcome.error async for outcome in sweep_settlements(client_for, ["a", "b"], *RANGE)}
    assert {job: type(error) for job, error in found.items()} == {"a": type(None), "b": ServerBusyError}


@virtual
async def test_what_client_for_returns_is_no_client() -> None:
    """The error names the function that returned it."""
    client_for: Any = {"a": None}.get
    found = [outcome.error async for outcome in sweep_settlements(client_for, ["a"], *RANGE)]
    assert list(map(str, found)) == ["sweep_settlements.client_for: expected it to return a RevenueClient, got NoneType"]


@virtual
async def test_an_error_on_the_first_page_of_a_resumed_walk_keeps_its_cursor() -> None:
    """A caller that resumes walks at its own cursors gets the cursor back.

    The cursor comes with an error before any page.
    """
    books = Books(a=9)
    walk = books.walk("a")
    for _ in range(4):
        await anext(walk)
    stored = walk.cursor
    await walk.aclose()
    books.refuse = lambda _name, _page: refusal(1700)
    again = books.client_for("a")
    outcomes = [one async for one in sweep(lambda _job: again.iter_agency_settlement(*RANGE, page_size=3, cursor=stored), ["a"])]
    assert [(one.value, one.cursor, one.done) for one in outcomes] == [(None, stored, False)]
