"""Many processes on one quota, in virtual time.

Measured are how long they take, how often they are refused, and what it costs Redis. Every process
has a limiter of its own, and callers that take jobs from one list. Those of ``shared`` have the
script's own text run by a model of Redis; ``one`` is a single process with the local limiter and
all callers, to which the others are compared.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast
from unittest import mock

import attrs

from benchmarks.limiter_sim.adaptive import Adaptive
from benchmarks.limiter_sim.cases import PATIENCE
from benchmarks.limiter_sim.redis_model import RedisClient, RedisModel, virtual_unix
from benchmarks.limiter_sim.servers import WINDOW, Limit, Server
from benchmarks.limiter_sim.world import Network, NeverEndsError, now, run_virtual
from wxrevenue import LocalRateLimiter, Rate, RedisRateLimiter, Verdict
from wxrevenue.limiters._redis.turn import SharedTurn
from wxrevenue.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

    from wxrevenue.ports import RateLimiter, Turn

SCOPE: Final = "wx-component/-/action"
_PATIENT: Final = 1e8
_MOST: Final = 20
"""A run is given up after so many times the calls that had to be made."""
_LONGEST: Final = 4 * 3600.0
POLICIES: Final = ("shared", "unshared", "gates", "per call", "adaptive", "one")


@attrs.frozen
class FleetCase:
    """What is simulated.

    Args:
        kind: the server's rule.
        quota: calls a window.
        latency: mean seconds of an exchange.
        processes: how many there are.
        callers: how many call at once, in all processes together.
        windows: as many windows' worth of jobs there are.
        trip: seconds of a round trip to Redis.
        seed: decides every latency and phase.
        rate: whether the quota is stated.
        trouble: what happens, and when: see :mod:`benchmarks.limiter_sim.troubles`.
    """

    kind: str
    quota: int
    latency: float = 0.02
    processes: int = 4
    callers: int = 192
    windows: float = 10.0
    trip: float = 0.001
    seed: int = 1
    rate: bool = False
    trouble: Callable[[Fleet], Awaitable[None]] | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def jobs(self) -> int:
        """How many calls have to be made."""
        return round(self.windows * self.quota)

    @property
    def limit(self) -> Limit:
        """The server's limit."""
        phase = random.Random(self.seed).uniform(0.0, WINDOW) if self.kind == "fixed?" else 0.0  # noqa: S311  (not a key)
        return Limit(self.quota, phase)


@attrs.frozen
class FleetResult:
    """How it went.

    Args:
        ended: whether every job was done.
        makespan: seconds until then.
        calls: calls made.
        refused: calls refused.
        scripts: scripts that Redis ran.
        pushes: messages that it sent.
        late_calls: calls, and late_scripts the scripts, of the time after 185 s, when all is
            learned.
        beside_probe: calls made while a probe was out.
        expired: calls made with a permit that Redis had taken back.
        unfair: the largest share of a process ÷ the smallest, at half time.
    """

    ended: bool
    makespan: float
    calls: int
    refused: int
    scripts: int = 0
    pushes: int = 0
    late_calls: int = 0
    late_scripts: int = 0
    beside_probe: int = 0
    expired: int = 0
    unfair: float = 1.0


class Process:
    """One process: its limiter, its callers, and whether it stands still or is gone.

    Args:
        fleet: where it is.
        limiter: its limiter.
        client: its way to Redis, if it has one.
    """

    def __init__(self, fleet: Fleet, limiter: RateLimiter | None, client: RedisClient | None) -> None:
        self.fleet = fleet
        self.limiter = limiter
        self.client = client
        self.done = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.dead = False

    async def caller(self) -> None:
        """Do one job after the other, while there are any."""
        jobs = self.fleet.jobs
        while jobs:
            job = jobs.popleft()
            try:
                await self.call()
            except BaseException:
                jobs.append(job)
                raise
            self.done += 1

    async def call(self) -> None:
        """Make a call until it is accepted, as the client does."""
        limiter = self.limiter
        if limiter is None:
            await self.fleet.rival(self)
            return
        turn = await limiter.acquire(SCOPE, timeout=_PATIENT)
        try:
            while True:
                accepted = await self.fleet.send(self, turn)
                turn.report(Verdict.OK if accepted else Verdict.TOO_FAST)
                if accepted:
                    return
                await turn.again(timeout=_PATIENT)
        finally:
            if not self.dead:
                turn.release()

    def kill(self) -> None:
        """End at once: nothing is said, nothing given back."""
        self.dead = True
        if self.client is not None:
            self.client.stopped = asyncio.Event()  # nothing that it would say arrives
        for task in self.tasks:
            task.cancel()

    def stop(self) -> None:
        """Stand still."""
        self.goes_on.clear()
        if self.client is not None:
            self.client.stopped = self.goes_on

    def go_on(self) -> None:
        """Go on after standing still."""
        self.goes_on.set()

    def cut(self, *, away: bool) -> None:
        """Have Redis be away, or back."""
        if self.client is not None:
            self.client.away = away

    @property
    def name(self) -> str:
        """What Redis calls it."""
        return self.limiter.process if isinstance(self.limiter, RedisRateLimiter) else ""

    @property
    def held(self) -> int:
        """How many permits it holds, used or not."""
        return self.limiter.held if isinstance(self.limiter, RedisRateLimiter) and not self.dead else 0


class Fleet:
    """All processes, the server and Redis.

    Args:
        case: what is simulated.
        policy: how they share, one of :data:`POLICIES`.
    """

    def __init__(self, case: FleetCase, policy: str) -> None:
        self.case = case
        self.policy = policy
        self.network = Network(Server(case.kind, case.limit), case.latency, case.seed, _MOST * case.jobs, PATIENCE)
        self.jobs: deque[int] = deque(range(case.jobs))
        self.redis = RedisModel(virtual_unix())
        self.redis.delay = case.trip / 2
        self._rivals: dict[int, Adaptive] = {}
        self._gates: dict[int, float] = {}
        self.processes = [self._process() for _ in range(1 if policy == "one" else case.processes)]
        self.probing = 0
        self.beside_probe = self.expired = 0
        self.half: list[int] = []
        self.early = (0, 0)
        """Calls and scripts up to 185 s."""

    def _process(self) -> Process:
        clock = VirtualClock()
        rate = Rate(self.case.quota) if self.case.rate else None
        if self.policy in {"shared", "per call"}:
            client = RedisClient(self.redis, self.case.trip)
            client.edited = one_at_a_time if self.policy == "per call" else None
            redis = cast("Redis", client)
            with mock.patch("uuid.uuid4", _seeded_name):  # Redis puts equal ranks in the order of names
                limiter = RedisRateLimiter(redis, cooldown=WINDOW, rate=rate, clock=clock)
            limiter._link._timeout = _PATIENT  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (one that stands still has no timers)
            return Process(self, limiter, client)
        if self.policy in {"one", "unshared"}:
            return Process(self, LocalRateLimiter(WINDOW, rate, clock=clock), None)
        return Process(self, None, None)

    async def rival(self, process: Process) -> None:
        """Make a call in the way of a policy that is not ours."""
        key = id(process)
        if self.policy == "adaptive":
            policy = self._rivals.setdefault(key, Adaptive())
            await policy.call(self.network.send, SCOPE)
            return
        while True:
            await asyncio.sleep(max(0.0, self._gates.get(key, 0.0) - now()))
            if self._gates.get(key, 0.0) > now():
                continue
            if await self.network.send(SCOPE):
                return
            self._gates[key] = now() + WINDOW

    async def send(self, process: Process, turn: Turn) -> bool:
        """Make one call; watch what must never be."""
        left = turn.left if isinstance(turn, SharedTurn) else None
        probe = left is not None and left.probe
        self.beside_probe += bool(self.probing and not probe)
        if left is not None and process.client is not None:
            self.expired += not any(left.gen in str(record) for record in self._records())
        self.probing += probe
        try:
            accepted = await self.network.send(SCOPE)
        finally:
            self.probing -= probe
        await process.goes_on.wait()
        self._note_progress()
        return accepted

    def _records(self) -> list[str]:
        return [record for key, value in self.redis.data.items() if key.endswith(":processes") for record in value.values()]

    def _note_progress(self) -> None:
        if not self.half and sum(process.done for process in self.processes) * 2 >= self.case.jobs:
            self.half = [process.done for process in self.processes]
        if now() <= 185:
            self.early = (len(self.network.admitted), self.redis.scripts)

    async def run(self) -> FleetResult:
        """Do all jobs."""
        ended = True
        trouble = None if self.case.trouble is None else asyncio.create_task(cast("Any", self.case.trouble(self)))
        try:
            async with asyncio.timeout(_LONGEST):
                await self._all_jobs()
        except (NeverEndsError, TimeoutError):
            ended = False
        makespan = now()
        await self._end(trouble)
        return self._result(ended, makespan)

    async def _all_jobs(self) -> None:
        for number in range(self.case.callers):
            process = self.processes[number % len(self.processes)]
            process.tasks.append(asyncio.create_task(process.caller()))
        while waiting := [task for process in self.processes for task in process.tasks if not task.done()]:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
            if self.jobs:  # a killed process's jobs are another's
                living = [process for process in self.processes if not process.dead]
                living[0].tasks.append(asyncio.create_task(living[0].caller()))

    async def _end(self, trouble: asyncio.Task[Any] | None) -> None:
        tasks = [task for process in self.processes for task in process.tasks] + ([] if trouble is None else [trouble])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for process in self.processes:
            if process.limiter is not None and not process.dead:
                await process.limiter.aclose()

    def _result(self, ended: bool, makespan: float) -> FleetResult:  # noqa: FBT001  (private)
        calls, refused = self.network.calls, len(self.network.refused)
        shares = self.half or [1]
        scripts, pushes = self.redis.scripts, self.redis.pushes
        late = (len(self.network.admitted) - self.early[0], scripts - self.early[1])
        unfair = max(shares) / max(1, min(shares))
        return FleetResult(ended, makespan, calls, refused, scripts, pushes, *late, self.beside_probe, self.expired, unfair)


def _seeded_name() -> uuid.UUID:
    return uuid.UUID(int=random.getrandbits(128), version=4)


def one_at_a_time(text: str) -> str:
    """Return the script without lots: a permit for every call."""
    return text.replace("local function is_wide()", "local function is_wide() if true then return false end", 1)


def simulate(case: FleetCase, policy: str) -> FleetResult:
    """Simulate a case."""
    random.seed(case.seed)

    async def run() -> FleetResult:
        return await Fleet(case, policy).run()

    return run_virtual(run())
