"""Sweeps and "operating too fast".

A job whose scope is closed gives its slot away and comes back when the scope opens.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.fakes import OTHER, Add, Put, Read, Script, ams_client, answer, ratio, refusal
from support.virtual import WallClock, armed_timers, now, virtual

from wxrevenue import (
    JobEvent,
    LocalRateLimiter,
    MemoryTransport,
    Outcome,
    QuotaExceededError,
    Rate,
    ResponseLostError,
    RevenueClient,
    TooFastError,
    sweep,
)
from wxrevenue._engine.job_context import WORTH_WAITING_S
from wxrevenue.sweeps._postponed import MOST_POSTPONED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from wxrevenue import HttpRequest, HttpResponse


def closed_until(moment: float, *names: bytes, seconds: float = 1.0) -> Callable[[HttpRequest], Any]:
    """Return a server that refuses these Mini Programs until a moment.

    It answers everything else after ``seconds``.
    """

    async def handler(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(seconds)
        return refusal(1737) if now() < moment and any(name in request.body for name in names) else ratio()

    return handler


def by_program(request: Any, default: str) -> str:
    """Give every Mini Program a scope of its own."""
    return f"{default}/{request.appid}"


async def ended(one: Any) -> list[tuple[Any, float, Outcome[Any, Any]]]:
    """Return each job with the time at which its outcome came."""
    return [(outcome.job, now(), outcome) async for outcome in one]


@virtual
async def test_the_slot_goes_to_another_job() -> None:
    """While one scope is closed a single slot serves the others.

    The job starts again as soon as its scope opens.
    """
    client, transport = ams_client(handler=closed_until(30, b"slow"), scope=by_program)
    found = await ended(sweep(client.get_share_ratio, ["slow", "a", "b", "c"], concurrency=1))
    assert [(job, when) for job, when, _ in found] == [("a", 2), ("b", 3), ("c", 4), ("slow", 62)]
    assert len(transport.requests) == 5
    outcome = found[-1][2]
    assert (outcome.error, outcome.done, outcome.attempts, outcome.waited) == (None, True, 2, 60)
    assert armed_timers() == 0


@virtual
async def test_waiting_in_the_slot() -> None:
    """With ``requeue=False`` the job keeps its slot.

    Its call waits within the page deadline.
    """
    client, _ = ams_client(handler=closed_until(30, b"slow"), scope=by_program)
    found = await ended(sweep(client.get_share_ratio, ["slow", "a"], concurrency=1, requeue=False))
    assert [(job, when) for job, when, _ in found] == [("slow", 62), ("a", 63)]
    assert found[0][2].attempts == 1
    transport = MemoryTransport(closed_until(1000, b"slow"))
    short = RevenueClient("fake-token", transport=transport, page_deadline=20.0)
    (_, _, outcome), *_ = await ended(sweep(short.get_share_ratio, ["slow"], requeue=False))
    assert isinstance(outcome.error, TooFastError)
    assert now() == 64


@virtual
async def test_one_goes_ahead() -> None:
    """When the scope opens, one job tries.

    The others wait while it is under way, and as long as it is refused.
    """
    client, transport = ams_client(handler=closed_until(100, b"wx", seconds=5), limiter=LocalRateLimiter(rate=Rate(10_000)))
    started: list[float] = []

    def call(job: str) -> Any:
        started.append(now())
        return client.get_share_ratio(job)

    outcomes = await ended(sweep(call, [f"wx{n}" for n in range(30)], concurrency=10))
    assert len(outcomes) == 30
    assert all(outcome.error is None for _, _, outcome in outcomes)
    assert len(transport.requests) == 10 + 1 + 30  # the first burst, one probe at 65, and from 130 on each once
    assert [started.count(moment) for moment in (0, 5, 65, 130)] == [10, 20, 1, 1]
    assert len(started) == 30 + 1 + 30
    assert (outcomes[0][0], outcomes[0][1]) == ("wx0", 135)


@virtual
async def test_the_oldest_of_the_scope_that_opened_first() -> None:
    """Jobs come back by the moment at which their scopes open, then by age.

    They come before jobs that were not begun yet.
    """
    script = {b"x": 60.0, b"y": 90.0}

    async def handler(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(1)
        closed = any(name in request.body and now() < moment for name, moment in script.items())
        return refusal(1737) if closed else ratio()

    def scope(request: Any, default: str) -> str:
        return f"{default}/{request.appid[0]}"

    client, _ = ams_client(handler=handler, scope=scope, limiter=LocalRateLimiter(cooldown=100.0))
    jobs = ["y1", *(f"a{n}" for n in range(10)), "x1", "x2", "y2", *(f"b{n}" for n in range(200))]
    found = [job for job, _, _ in await ended(sweep(client.get_share_ratio, jobs, concurrency=1))]
    assert [job for job in found if job[0] in "xy"] == ["y1", "y2", "x1", "x2"]
    assert found.index("y1") < found.index("b199")


@virtual
async def test_a_turn_that_comes_soon_is_waited_for() -> None:
    """A job waits for its turn in its slot for a few seconds, and no longer."""
    for cooldown, attempts in ((WORTH_WAITING_S - 0.5, 1), (WORTH_WAITING_S + 0.5, 2)):
        client, _ = ams_client(refusal(1737), ratio(), limiter=LocalRateLimiter(cooldown=cooldown))
        (_, _, outcome), *_ = await ended(sweep(client.get_share_ratio, ["a"]))
        assert (outcome.error, outcome.attempts, outcome.waited) == (None, attempts, cooldown)


@virtual
async def test_patience() -> None:
    """After so many seconds of cooling in a row the outcome is the error.

    The scope's next job tries in its place.
    """
    client, _ = ams_client(handler=closed_until(90, b"wx", seconds=0))
    found = await ended(sweep(client.get_share_ratio, ["wx1", "wx2"], concurrency=1, patience=45.0))
    assert [(job, when, type(outcome.error)) for job, when, outcome in found] == [("wx1", 45, TooFastError), ("wx2", 45, TooFastError)]
    assert found[0][2].waited == 45
    found = await ended(sweep(client.get_share_ratio, ["wx1"], patience=100.0))
    assert [(when, outcome.error) for _, when, outcome in found] == [(120, None)]
    client, _ = ams_client(handler=closed_until(1_000, b"wx", seconds=0))
    found = await ended(sweep(client.get_share_ratio, ["wx1"], patience=100.0))
    assert [(when, type(outcome.error)) for _, when, outcome in found] == [(120 + 100, TooFastError)]


@virtual
async def test_a_spent_quota_is_not_waited_for() -> None:
    """A spent daily quota fails every job at once."""
    client, transport = ams_client(handler=lambda _: refusal(45009), clock=WallClock())
    found = await ended(sweep(client.get_share_ratio, ["a", "b", "c"], concurrency=1))
    assert [type(outcome.error) for _, _, outcome in found] == [QuotaExceededError] * 3
    assert (now(), len(transport.requests)) == (0, 1)


@pytest.mark.slow("simulates a sweep of many thousand jobs")
@virtual
async def test_memory_of_what_was_put_off_is_bounded() -> None:
    """When every scope is closed no more than a thousand jobs are begun.

    The number of jobs does not matter.
    """
    client, transport = ams_client(handler=closed_until(30, b"wx", seconds=0), limiter=LocalRateLimiter(rate=Rate(10_000)))
    begun: list[int] = []

    def jobs() -> Iterator[str]:
        for number in range(5_000):
            begun.append(number)
            yield f"wx{number}"

    waiting = asyncio.create_task(ended(sweep(client.get_share_ratio, jobs(), concurrency=10)))
    await asyncio.sleep(30)
    assert MOST_POSTPONED <= len(begun) <= MOST_POSTPONED + 10
    assert len(transport.requests) == 10
    assert len(await waiting) == 5_000


@virtual
async def test_jobs_that_are_too_fast_by_themselves() -> None:
    """A ``TooFastError`` of the user's own postpones its job, too, and no other.

    The job waits for as long as the error says, or for a minute.
    """
    told: list[float] = []

    async def call(job: float | None) -> None:
        told.append(now())
        if now() == 0 and job != 0:
            raise TooFastError("mine", retry_after=job)

    found = await ended(sweep(call, [None, 10.0, 0], concurrency=1))
    assert [(job, when) for job, when, _ in found] == [(0, 0), (10.0, 10), (None, 60)]


@virtual
async def test_a_scout_that_fails_makes_way() -> None:
    """If the probe fails for another reason, the next job goes ahead."""
    handler = Script(refusal(1737), refusal(1737), refusal(2056), ratio(), forever=True)
    client, _ = ams_client(handler=handler)
    found = await ended(sweep(client.get_share_ratio, ["a", "b", "c"], concurrency=2))
    assert [(job, outcome.done) for job, _, outcome in found] == [("a", False), ("b", True), ("c", True)]


@virtual
async def test_a_write_that_may_have_acted_waits_in_its_slot() -> None:
    """A write whose first answer was lost waits for its turn in its slot.

    Given up now it would have to be reported as unknown.
    """
    lost = ResponseLostError("lost", reason="reset")
    client, _ = ams_client(lost, refusal(1737), answer(), handler=None)
    (_, _, outcome), *_ = await ended(sweep(client.send, [Put()]))
    assert (outcome.error, outcome.attempts) == (None, 2)
    assert now() >= 60


@virtual
async def test_two_accounts() -> None:
    """Clones for several accounts share a sweep.

    One account's gate delays no job of the others.
    """
    first, _ = ams_client(handler=Script(refusal(1737), answer(), forever=True))
    second = first.with_options(tokens="fake-token-2", component_appid=OTHER)

    async def call(client: RevenueClient) -> None:
        await client.send(Read())

    found = await ended(sweep(call, [first, second], concurrency=1))
    assert [(job is first, when) for job, when, _ in found] == [(False, 0), (True, 60)]


@virtual
async def test_events_of_cooling() -> None:
    """A postponed job has an event with the number of cooling jobs."""
    told: list[JobEvent] = []
    client, _ = ams_client(handler=closed_until(30, b"slow"), scope=by_program)
    await ended(sweep(client.get_share_ratio, ["slow", "a"], concurrency=1, on_event=told.append))
    assert [(event.state, event.cooling, event.done) for event in told] == [("cooling", 1, 0), ("done", 1, 1), ("done", 0, 2)]


@virtual
async def test_a_slow_iterable_holds_up_no_job_that_was_put_off() -> None:
    """A postponed job comes back on time though the iterable has no job yet.

    Otherwise the only slot would wait for the iterable.
    """

    async def arriving() -> AsyncIterator[str]:
        yield "slow"
        await asyncio.sleep(1_000)
        yield "late"

    client, _ = ams_client(handler=closed_until(30, b"slow", seconds=0))
    assert [(job, when) for job, when, _ in await ended(sweep(client.get_share_ratio, arriving(), concurrency=1))] == [
        ("slow", 60),
        ("late", 1_000),
    ]


@pytest.mark.parametrize("concurrency", [1, 2, 5])
@virtual
async def test_in_order_the_first_job_keeps_a_slot(concurrency: int) -> None:
    """In order, the first unfinished job keeps its slot while it cools.

    The others' slots go on as far as one value each.
    """
    client, _ = ams_client(handler=closed_until(30, b"slow"), scope=by_program)
    jobs = ["slow1", "a", "slow2", "b", "c", "slow3", "d"]
    found = await ended(sweep(client.get_share_ratio, jobs, concurrency=concurrency, ordered=True))
    assert [job for job, _, _ in found] == jobs
    assert [outcome.error for _, _, outcome in found] == [None] * 7
    if concurrency == 5:
        assert [when for _, when, _ in found] == [62, 62, 63, 63, 63, 63, 63]


@virtual
async def test_in_order_a_job_starts_as_it_arrives() -> None:
    """A slot that is kept for the first job does not hide that another job arrived."""
    client, _ = ams_client(handler=closed_until(30, b"slow"), scope=by_program)
    started: dict[str, float] = {}

    async def arriving() -> AsyncIterator[str]:
        for name in ("slow", "b", "c", "d"):
            yield name
            await asyncio.sleep(10)

    def call(job: str) -> Any:
        started.setdefault(job, now())
        return client.get_share_ratio(job)

    await ended(sweep(call, arriving(), concurrency=4, ordered=True))
    assert started == {"slow": 0, "b": 10, "c": 20, "d": 30}


@virtual
async def test_an_unsafe_call_that_was_never_sent_may_be_put_off() -> None:
    """An UNSAFE call that was refused is postponed like any other."""
    client, transport = ams_client(refusal(1737), answer())
    (_, _, outcome), *_ = await ended(sweep(client.send, [Add()]))
    assert (outcome.error, now(), len(transport.requests)) == (None, 60, 2)


@pytest.mark.parametrize("burst", [1, 2])
@virtual
async def test_turns_that_are_far_apart_bring_a_walk_further(burst: int) -> None:
    """A walk that was postponed does make progress.

    It reads the page of its cursor again, and then waits in its slot for the next one.
    """
    pages = list[int]()

    def serve(request: HttpRequest) -> HttpResponse:
        page: int = orjson.loads(request.body)["page"]
        pages.append(page)
        rows: list[dict[str, Any]] = [{"month": f"2024{page:02}", "order": 1, "settled_revenue": page, "slot_revenue": []}]
        return answer({"ret": 0, "settlement_list": rows if page <= 6 else [], "total_num": 6})

    client, _ = ams_client(handler=serve, limiter=LocalRateLimiter(rate=Rate(10, per=60, burst=burst)))
    found = [one async for one in sweep(lambda _job: client.iter_agency_settlement("2024-01-01", "2024-12-31", 1), ["a"])]
    assert [row.settled_revenue for one in found for row in one.result()] == [1, 2, 3, 4, 5, 6]
    assert len(pages) <= 2 * 7


@virtual
async def test_turns_that_are_far_apart_bring_a_job_of_several_calls_further() -> None:
    """A job of several calls, whose turns are far apart, makes progress, too."""
    client, transport = ams_client(handler=lambda _request: ratio(), limiter=LocalRateLimiter(rate=Rate(10, per=60, burst=1)))

    async def call(_job: str) -> int:
        for number in range(3):
            await client.get_share_ratio(f"wx{number}")
        return 3

    async for outcome in sweep(call, ["a"]):
        assert outcome.result() == 3
    assert len(transport.requests) <= 2 * 3
