"""Property tests: every job comes to its end, in its turn, within its slots.

It does not matter what the jobs do.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fakes import ams_client, answer, refusal
from support.virtual import now, run_virtual

from wxrevenue import Checkpoint, JobEvent, LocalRateLimiter, PermissionDeniedError, TooFastError, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wxrevenue import HttpRequest, HttpResponse, Outcome

pytestmark = pytest.mark.slow("simulates hundreds of sweeps against a model")

PAGE = 2


@attrs.frozen
class Job:
    """A list of settlements to be walked, or one call if it has no rows to walk.

    ``scope`` is what it shares its gate with, ``seconds`` how long an answer takes, ``fails`` on
    which page it fails.
    """

    number: int
    scope: str
    seconds: float
    rows: int | None
    fails: int | None

    @property
    def pages(self) -> int:
        """The number of pages.

        A walk without rows has an empty one, and one more is asked for behind a full last one.
        """
        return 1 if self.rows is None else self.rows // PAGE + 1

    @property
    def outcomes(self) -> tuple[int, bool]:
        """The number of its values, and whether it ends without an error."""
        if self.fails is not None and self.fails <= self.pages:
            return self.fails - 1, False
        return self.pages, True


@attrs.frozen
class World:
    """Jobs, and a server that refuses each scope from time to time."""

    jobs: list[Job]
    closings: dict[str, list[float]]
    """For each scope, seconds at which it refuses calls for the next five."""
    arrive: bool
    concurrency: int
    ordered: bool
    requeue: bool
    patience: float | None
    dawdle: float
    """Seconds that the consumer needs for an outcome."""


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return a strategy for worlds."""
    scopes = st.sampled_from("abc")
    seconds = st.sampled_from([0.0, 0.5, 2.0, 7.0])
    fields = st.tuples(scopes, seconds, st.none() | st.integers(0, 7), st.none() | st.integers(1, 4))
    jobs = [Job(number, *found) for number, found in enumerate(draw(st.lists(fields, max_size=12)))]
    closings = {scope: draw(st.lists(st.floats(0, 200), max_size=3)) for scope in "abc"}
    return World(
        jobs,
        closings,
        arrive=draw(st.booleans()),
        concurrency=draw(st.integers(1, 5)),
        ordered=draw(st.booleans()),
        requeue=draw(st.booleans()),
        patience=draw(st.sampled_from([None, 500.0])),
        dawdle=draw(st.sampled_from([0.0, 1.0, 20.0])),
    )


class Run:
    """A sweep through a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.running: Counter[int] = Counter()
        self.most = 0
        self.told: list[JobEvent] = []
        self.taken: list[Outcome[Job, Any]] = []
        limiter = LocalRateLimiter(cooldown=30.0)
        self._client, _ = ams_client(handler=self._serve, limiter=limiter, page_deadline=1_000.0)

    async def _serve(self, request: HttpRequest) -> HttpResponse:
        number = int(request.wire_url().rpartition("-")[2])
        job, asked = self.world.jobs[number], orjson.loads(request.body)
        self.running[number] += 1
        self.most = max(self.most, len(+self.running))
        try:
            await asyncio.sleep(job.seconds)
        finally:
            self.running[number] -= 1
        if any(closing <= now() < closing + 5 for closing in self.world.closings[job.scope]):
            return refusal(1737)
        page = asked.get("page", 1)
        if page == job.fails:
            return refusal(48001)
        if "page" not in asked:
            return answer({"ret": 0, "share_ratio": number})
        rows: list[Any] = [
            {"month": "202001", "order": 1, "settled_revenue": number, "sett_no": f"{n}", "slot_revenue": []}
            for n in range((page - 1) * PAGE, min(page * PAGE, job.rows or 0))
        ]
        return answer({"ret": 0, "settlement_list": rows, "total_num": job.rows})

    def call(self, job: Job) -> Any:
        """Make the call of a job."""
        client = self._client.with_options(tokens=f"fake-token-{job.number}", component_appid=f"wx-{job.scope}")
        if job.rows is None:
            return client.get_share_ratio("wx1")
        return client.iter_agency_settlement("2020-01-01", "2020-12-31", page_size=PAGE)

    async def jobs(self) -> AsyncIterator[Job]:
        """Let jobs arrive over time."""
        for job in self.world.jobs:
            await asyncio.sleep(3 if job.number % 3 == 0 else 0)
            yield job

    async def go(self, most: int | None = None, **options: Any) -> Run:
        """Sweep to the end, or until so many outcomes were taken."""
        world = self.world
        how: Any = {"ordered": world.ordered, "requeue": world.requeue, "patience": world.patience, "on_event": self.told.append, **options}
        jobs: Any = self.jobs() if world.arrive else world.jobs
        async with sweep(self.call, jobs, concurrency=world.concurrency, **how) as one:
            async for outcome in one:
                self.taken.append(outcome)
                await asyncio.sleep(world.dawdle)
                if len(self.taken) == most:
                    break
        assert not +self.running
        return self


def check(run: Run, *, complete: bool) -> None:
    """Check outcomes, order and slots."""
    ended: set[int] = set()
    values: Counter[int] = Counter()
    for outcome in run.taken:
        number = outcome.job.number
        assert number not in ended, "something came after the end"
        if outcome.error is None:
            values[number] += 1
        if outcome.done or outcome.error is not None:
            ended.add(number)
            assert (values[number], outcome.done) == outcome.job.outcomes
    assert run.most <= run.world.concurrency
    if run.world.ordered:
        numbers = [outcome.job.number for outcome in run.taken]
        assert numbers == sorted(numbers)
    if complete:
        assert ended == {job.number for job in run.world.jobs}


many = settings(max_examples=100)


@many
@given(world=worlds())
def test_every_job_comes_to_its_end(world: World) -> None:
    """Every job has all its outcomes, once, with its error if it has one.

    Never more jobs run than there are slots, and they are in order if asked for.
    """
    run = run_virtual(Run(world).go())
    check(run, complete=True)
    assert {type(outcome.error) for outcome in run.taken} <= {type(None), PermissionDeniedError}
    counts = Counter(event.state for event in run.told)
    good = sum(job.outcomes[1] for job in world.jobs)
    assert (counts["done"], counts["failed"]) == (good, len(world.jobs) - good)
    assert not run.told or run.told[-1].cooling == 0


@many
@given(world=worlds(), most=st.integers(1, 20))
def test_leaving_early_leaves_nothing_behind(world: World, most: int) -> None:
    """Leaving after any outcome leaves no call, task or timer behind.

    The outcomes until then are right.
    """
    check(run_virtual(Run(world).go(most)), complete=False)


@many
@given(world=worlds(), moment=st.floats(0, 300))
def test_being_cancelled_at_any_time(world: World, moment: float) -> None:
    """A consumer cancelled at any time leaves no call behind."""
    run = Run(world)

    async def cancelled() -> None:
        consumer = asyncio.create_task(run.go())
        done, _ = await asyncio.wait((consumer,), timeout=moment)
        consumer.cancel()
        await asyncio.wait((consumer,))
        assert done or consumer.cancelled()
        assert not +run.running

    run_virtual(cancelled())
    check(run, complete=False)


@settings(max_examples=60)
@given(world=worlds(), stops=st.lists(st.integers(1, 6), max_size=6))
def test_restarts_lose_nothing(world: World, stops: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """However often a sweep is left and begun again, every row comes.

    Only the outcome in the consumer's hands comes twice.
    """
    path: Path = tmp_path_factory.mktemp("sweep") / "file.jsonl"
    checkpoint = Checkpoint(path, key=lambda job: str(job.number))
    world = attrs.evolve(world, jobs=[attrs.evolve(job, fails=None) for job in world.jobs])
    rows: Counter[tuple[int, str | None]] = Counter()
    for most in (*stops, None):
        run = run_virtual(Run(world).go(most, checkpoint=checkpoint))
        for outcome in run.taken:
            value: Any = outcome.result()
            names = [None] if outcome.job.rows is None else [row.sett_no for row in value]
            rows.update((outcome.job.number, name) for name in names)
    wanted: set[tuple[int, str | None]] = set()
    for job in world.jobs:
        wanted |= {(job.number, None)} if job.rows is None else {(job.number, str(n)) for n in range(job.rows)}
    assert set(rows) == wanted
    assert rows.total() <= len(rows) + PAGE * len(stops)


@many
@given(world=worlds(), patience=st.sampled_from([1.0, 10.0, 29.0, 45.0]))
def test_with_little_patience(world: World, patience: float) -> None:
    """With little patience jobs may end with the refusal; they still all end.

    None ends before it has waited for so long.
    """
    run = run_virtual(Run(attrs.evolve(world, patience=patience, requeue=True)).go())
    assert {outcome.job.number for outcome in run.taken if outcome.done or outcome.error} == {job.number for job in world.jobs}
    for outcome in run.taken:
        if isinstance(outcome.error, TooFastError):
            assert outcome.waited >= patience - 0.01
