"""A walk over settlements through a client, as server and caller see it."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import Tokens, ams_client, answer, refusal
from support.ledger import RANGE, Ledger, numbers, settlement
from support.virtual import now, settle, virtual

from wxrevenue import ConfigurationError, DecodeError, HttpResponse, LocalRateLimiter, PageEvent, RevenueClient, TooFastError
from wxrevenue.errors import ClientStateError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from wxrevenue import Paginator, Settlement
    from wxrevenue.limiters._local.turn import LocalTurn

ALL = [f"no{number}" for number in range(100)]


def ledger(count: int = 100, **options: Any) -> Ledger:
    """Return a server of so many rows."""
    return Ledger([settlement(number) for number in range(count)], **options)


def once(page: int, response: HttpResponse) -> Callable[[dict[str, Any]], HttpResponse | None]:
    """Return a ``before`` that gives this answer to the first request for that page."""
    left = [response]
    return lambda query: left.pop() if query["page"] == page and left else None


# -- on the wire's side ----------------------------------------------------------------------------


@virtual
async def test_a_token_expires_on_the_way() -> None:
    """P-10: a token refused on page 7 is replaced, and page 7 is asked for again.

    Nothing else is asked for again, and no row comes twice.
    """
    server = ledger(before=once(7, refusal(42001)))
    tokens = Tokens("fake-old", "fake-new")
    client, _ = ams_client(handler=server, tokens=tokens)
    assert numbers(await client.iter_agency_settlement(*RANGE, 5, prefetch=0).collect()) == ALL
    assert server.pages == [*range(1, 8), *range(7, 22)]
    assert len(tokens.rejected) == 1


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_too_fast_on_the_way(prefetch: int) -> None:
    """P-11: the walk waits after "operating too fast" on page 7, and continues there."""

    @virtual
    async def walk() -> None:
        server = ledger(before=once(7, refusal(1737)))
        client, _ = ams_client(handler=server)
        assert numbers(await client.iter_agency_settlement(*RANGE, 5, prefetch=prefetch).collect()) == ALL
        assert sorted(server.pages) == sorted([*range(1, 22), 7])
        assert 60 <= now() < 62

    walk()


@virtual
async def test_too_fast_for_too_long() -> None:
    """P-11, P-12: where the page's deadline is too near the walk ends with a cursor.

    A later walk continues at page 7.
    """
    server = ledger(before=once(7, refusal(1737)))
    client, _ = ams_client(handler=server, page_deadline=30.0)
    found: list[Any] = []
    with pytest.raises(TooFastError) as caught:  # noqa: PT012  (what came before the error counts)
        async for row in client.iter_agency_settlement(*RANGE, 5):
            found.append(row)  # noqa: PERF401
    assert len(found) == 30
    await asyncio.sleep(60.0)
    found += await client.iter_agency_settlement(*RANGE, 5, cursor=caught.value.cursor).collect()
    assert numbers(found) == ALL


class CountingLimiter(LocalRateLimiter):
    """Counts the callers that asked for a turn."""

    asked = 0

    async def acquire(self, scope: str, *, timeout: float) -> LocalTurn:
        """Count, and wait."""
        self.asked += 1
        return await super().acquire(scope, timeout=timeout)


@virtual
async def test_nothing_more_is_fetched_ahead_behind_a_closed_gate() -> None:
    """While a page waits for its turn, no further page queues behind it.

    When the gate opens, the walk continues as before.
    """
    limiter = CountingLimiter()
    client, _ = ams_client(handler=ledger(before=once(4, refusal(1737))), limiter=limiter)
    async with client.iter_agency_settlement(*RANGE, 5, prefetch=3) as walk:
        for _ in range(15):
            await anext(walk)
            await settle()
        assert limiter.asked == 4
        assert len([await anext(walk) for _ in range(85)]) == 85
    assert limiter.asked in {20, 21}  # the page behind a full last one is asked for where a task starts at once
    assert 60 <= now() < 62


@pytest.mark.parametrize(("page", "cap"), [(20, 7), (50, 1), (7, 7)])
def test_a_capped_page_size(page: int, cap: int) -> None:
    """P-18: a server may silently serve smaller pages.

    That costs only the additional pages. Each is asked for once.
    """

    @virtual
    async def walk() -> None:
        server = ledger(cap=cap)
        client, _ = ams_client(handler=server)
        assert numbers(await client.iter_agency_settlement(*RANGE, page, prefetch=2).collect()) == ALL
        assert server.pages == list(range(1, 100 // cap + 2))

    walk()


@virtual
async def test_unknown_fields_and_statuses() -> None:
    """P-22: an undocumented status or field is kept as it is."""
    server = Ledger([{**settlement(0), "sett_status": 9, "later": "yes"}])
    client, _ = ams_client(handler=server)
    (row,) = await client.iter_agency_settlement(*RANGE).collect()
    assert row.sett_status is not None
    assert (row.sett_status.name, row.extra) == ("UNKNOWN_9", {"later": "yes"})


@pytest.mark.parametrize("listed", [{"settlement_list": {}}, {"settlement_list": [7], "total_num": 1}, {}])
def test_lists_that_are_none(listed: dict[str, Any]) -> None:
    """P-20: a walk over a malformed list ends in ``DecodeError``.

    There is an object in place of the list, an invalid row, or neither list nor total.
    """

    @virtual
    async def walk() -> None:
        client, _ = ams_client(answer({"ret": 0, **listed}))
        with pytest.raises(DecodeError, match="settlement_list") as caught:
            await client.iter_agency_settlement(*RANGE).collect()
        assert caught.value.cursor is not None

    walk()


# -- sums ------------------------------------------------------------------------------------------


@virtual
async def test_slots_that_do_not_add_up() -> None:
    """P-09: ``verify_totals`` ends the walk before a page whose slots do not add up.

    Without it, the page passes.
    """
    server = ledger()
    server.rows[12]["settled_revenue"] += 1
    client, _ = ams_client(handler=server)
    found: list[Any] = []
    with pytest.raises(DecodeError) as caught:  # noqa: PT012  (what came before the error counts)
        async for row in client.iter_agency_settlement(*RANGE, 5, verify_totals=True):
            found.append(row)  # noqa: PERF401
    assert numbers(found) == ALL[:10]
    assert caught.value.path == "$.settlement_list[2].settled_revenue"
    assert (caught.value.endpoint, caught.value.retryable) == ("get_agency_settled_revenue", False)
    found += await client.iter_agency_settlement(*RANGE, 5, cursor=caught.value.cursor).collect()
    assert numbers(found) == ALL


@virtual
async def test_rows_without_slots_add_up() -> None:
    """P-09: a row without slots has nothing to add."""
    server = ledger(30)
    server.rows[3]["slot_revenue"] = []
    del server.rows[4]["slot_revenue"]
    client, _ = ams_client(handler=server)
    rows = await client.iter_agency_settlement(*RANGE, verify_totals=True).collect()
    assert all(row.adds_up for row in rows)
    assert len(rows) == 30


# -- on the caller's side --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["row", "page", "anext"])
def test_another_loop(how: str) -> None:
    """P-17: a paginator of one event loop is refused on another; the error says why.

    It was made, or begun, on the first loop.
    """
    client, _ = ams_client(handler=ledger())

    async def make() -> Any:
        walk = client.iter_agency_settlement(*RANGE, 5)
        if how == "anext":
            await anext(walk)
        return walk

    async def use(walk: Any) -> None:
        if how == "row":
            _ = [row async for row in walk]
        elif how == "page":
            _ = [page async for page in walk.by_page()]
        else:
            for _ in range(6):
                await anext(walk)

    walk = asyncio.run(make())
    with pytest.raises(ClientStateError, match="another event loop"):
        asyncio.run(use(walk))


@virtual
async def test_two_tasks_on_one_walk() -> None:
    """P-16: while a task waits for a walk's page, no other task may read from it."""
    client, _ = ams_client(handler=_slow)
    walk = client.iter_agency_settlement(*RANGE, 5)
    one = asyncio.create_task(_next(walk))
    await settle()
    with pytest.raises(ClientStateError, match="two tasks"):
        await anext(walk)
    assert (await one).sett_no == "no0"
    await walk.aclose()


async def _next(walk: Any) -> Any:
    return await anext(walk)


async def _slow(request: Any) -> HttpResponse:
    await asyncio.sleep(1.0)
    return ledger()(request)


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": 0},
        {"page_size": -1},
        {"page_size": 1.5},
        {"page_size": True},
        {"page_size": 10_001},
        {"prefetch": -1},
        {"prefetch": 9},
        {"concurrency": 0},
        {"concurrency": 17},
        {"concurrency": "4"},
        {"concurrency": True},
        {"cursor": 7},
        {"cursor": "wxr1.nothing"},
        {"verify_totals": 1},
        {"start_date": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        {"end_date": dt.datetime(2020, 1, 1)},  # noqa: DTZ001  (what is refused)
        {"start_date": "2020-1-1"},
        {"start_date": "2025-01-01"},
    ],
)
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    """P-18, P-19: wrong arguments are refused when the walk is made.

    Nothing is sent.
    """
    client, transport = ams_client()
    arguments: dict[str, Any] = {"start_date": RANGE[0], "end_date": RANGE[1], **wrong}
    with pytest.raises(ConfigurationError, match=next(iter(wrong)) if wrong != {"start_date": "2025-01-01"} else "end_date"):
        client.iter_agency_settlement(**arguments)
    assert transport.requests == []


@virtual
async def test_cursors_belong_to_an_account() -> None:
    """A cursor is refused by a client of another account.

    A clone of its own account takes it. Without names there is nothing to compare.
    """
    client, _ = ams_client(handler=ledger())
    walk = client.iter_agency_settlement(*RANGE, 5)
    await anext(walk)
    await walk.aclose()
    with pytest.raises(ConfigurationError, match="another account"):
        client.with_options(component_appid="wx-other").iter_agency_settlement(*RANGE, 5, cursor=walk.cursor)
    with pytest.raises(ConfigurationError, match="another query"):
        client.iter_agency_settlement(*RANGE, 6, cursor=walk.cursor)
    with pytest.raises(ConfigurationError, match="another query"):
        client.iter_agency_settlement(RANGE[0], "2024-12-30", 5, cursor=walk.cursor)
    assert numbers(await client.with_options(deadline=5.0).iter_agency_settlement(*RANGE, 5, cursor=walk.cursor).collect()) == ALL[1:]
    nameless, another = (ams_client(handler=ledger(), component_appid=None)[0] for _ in range(2))
    walk = nameless.iter_agency_settlement(*RANGE, 5)
    await anext(walk)
    await walk.aclose()
    assert numbers(await another.iter_agency_settlement(*RANGE, 5, cursor=walk.cursor).collect()) == ALL[1:]


@virtual
async def test_events() -> None:
    """A page's event says what was revised on it, and whether the list is read again."""
    told: list[Any] = []
    server = ledger(12)
    client, _ = ams_client(handler=server, on_event=told.append)
    async with client.iter_agency_settlement(*RANGE, 5, prefetch=0) as walk:
        await anext(walk)
        server.rows.insert(0, {**settlement(0), "sett_no": "new"})
        server.rows[5] = {**server.rows[5], "settled_revenue": 1}
        rest = [row.sett_no async for row in _rest(walk)]
    pages = [event for event in told if isinstance(event, PageEvent)]
    assert [(event.page, event.fresh, event.revised, event.again) for event in pages] == [
        (1, 5, 0, False),
        (2, 4, 0, False),
        (3, 3, 0, False),
        (4, 0, 0, False),
        (1, 1, 0, True),
        (2, 0, 1, True),
        (3, 0, 0, True),
    ]
    assert not pages[-1].drift
    assert rest == [*ALL[1:12], "new"]
    assert [row.settled_revenue for row in walk.revisions] == [1]


async def _rest(walk: Paginator[Settlement]) -> AsyncIterator[Settlement]:
    while True:
        try:
            yield await anext(walk)
        except StopAsyncIteration:
            return


def test_a_walk_is_made_without_a_loop() -> None:
    """A walk may be made without a loop, and is bound to the first loop that runs it."""
    client, _ = ams_client(handler=ledger(7))
    walk = client.iter_agency_settlement(*RANGE, 5)
    assert isinstance(client, RevenueClient)
    assert numbers(asyncio.run(walk.collect())) == ALL[:7]
