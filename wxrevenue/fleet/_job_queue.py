"""The jobs that wait for workers, in a Redis."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterable, Iterable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, cast

from wxrevenue._base import checks, extras
from wxrevenue._base.secret import NeverPickled, Secret, as_secret
from wxrevenue._redis.keyring import Keyring, as_secret_keys
from wxrevenue._redis.link import key_prefix
from wxrevenue._redis.url import place_of
from wxrevenue.errors import ClientStateError, ConfigurationError, WxRevenueError, without_history
from wxrevenue.ledger import FetchJob
from wxrevenue.ledger._arguments import pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from typing import Self, TypeVar

    from wxrevenue.fleet._queue_state import QueueState
    from wxrevenue.fleet._streaq import EnduringWorker

    T = TypeVar("T")

__all__ = ["JobQueue"]

JOB: Final = "fetch"
"""What the jobs are called in Redis."""
PIECE: Final = 1000
"""Jobs that are sent to Redis at once."""
_NOTED_S: Final = 30 * 86_400
"""Seconds that the reason of a failed job is kept for after the last one."""
_SIGNS: Final = b"wxrevenue job queue"
_UNFINISHED: Final = "local found = {} for i = 1, #KEYS do found[i] = redis.call('EXISTS', KEYS[i]) end return found"


class JobQueue(NeverPickled):
    """The jobs of one provider in a Redis, for ``async with``.

    Needs ``pip install "wxrevenue[workers]"``, and Redis 7 or Valkey. A job is a string, the
    ``str()`` of a :class:`FetchJob`, and its own name: a job that is queued or runs is not added
    again. A worker that is killed loses its jobs to the others within 20 seconds. A job that is
    handed out twice is fetched once: the ledger's claims decide.

    What lies in Redis is JSON, signed with a key if there is one. Nothing is unpickled. Let Redis
    be persistent (``appendonly yes``) and evict nothing; what it loses, the ledger still misses.

    Args:
        redis: a URL: ``redis://[user:password@]host:port/db``, ``rediss://…`` or ``unix:///path``,
            with the password percent-encoded.
        component_appid: the provider whose jobs they are.
        keys: 32 bytes, or several such keys, as those of :class:`RedisTokenStore`. The first signs.
            Queues of different keys are different queues.
        prefix: how their names begin. Give each environment its own where several use one Redis.

    Raises:
        ConfigurationError: one of these is not allowed, or streaq is not installed.
    """

    name, place = "", "Redis"
    """A traceback may show a queue that is not made yet."""

    def __init__(
        self,
        redis: str | Secret,
        component_appid: str,
        *,
        keys: bytes | Secret | Sequence[bytes | Secret] = (),
        prefix: str = "wxrevenue",
    ) -> None:
        redis, keys = as_secret(redis), as_secret_keys(keys)  # first of all: what follows may raise
        where = type(self).__name__
        if find_spec("streaq") is None or find_spec("redis") is None:
            raise ConfigurationError(extras.missing(where, "streaq", "workers"))
        if not isinstance(redis, Secret):
            raise ConfigurationError(f"{where}.redis: expected a URL")
        self.place = place_of(f"{where}.redis", redis)
        Keyring(keys, f"{where}.keys")  # refuses what is no key
        self._redis, self._signs = redis, _signing_secret(keys)
        mark = "" if self._signs is None else f":{hmac.digest(self._signs.reveal().encode(), b'name', 'sha256').hex()[:8]}"
        appid = checks.credential(f"{where}.component_appid", component_appid)
        self.name = f"{{{key_prefix(f'{where}.prefix', prefix)}:{appid}{mark}}}"  # in braces: one slot of a cluster
        self._engine: EnduringWorker | None = None
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} in {self.place}>"

    async def __aenter__(self) -> Self:
        if self._engine is not None:
            raise ClientStateError(f"{type(self).__name__}: open already; share it, or make another")
        engine = self._new(asyncio.Event(), concurrency=1)
        await self._doing(self._stack.enter_async_context(engine))
        self._engine = engine
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        from wxrevenue.fleet import _streaq

        self._engine = None
        try:
            await self._stack.aclose()
        except Exception as error:
            if not _streaq.is_trouble(error):  # connections that broke are closed all the same
                raise

    async def add(self, jobs: Iterable[FetchJob] | AsyncIterable[FetchJob]) -> list[FetchJob]:
        """Queue jobs, and forget why they failed earlier.

        Those that are queued or run are not added again.

        Returns:
            The jobs, those that were there included.

        Raises:
            ConfigurationError: something is not a job. Those before it may be queued.
            TransportError: Redis did not answer. Some may be queued: add them again.
        """
        engine, added = self._opened(), list[FetchJob]()
        if isinstance(jobs, str) or not isinstance(jobs, (Iterable, AsyncIterable)):
            raise ConfigurationError(f"JobQueue.add.jobs: expected an iterable of FetchJob, got {type(jobs).__name__}")
        async for some in pieces(_each(jobs), PIECE):
            piece = checks.instances("JobQueue.add.jobs", some, FetchJob)
            names = [str(job) for job in piece]
            await self._doing(engine.redis.hdel(self._failed_key, names))
            tasks = [engine.enqueue_unsafe(JOB, name) for name in names]
            for task, name in zip(tasks, names, strict=True):
                task.id = name
            await self._doing(engine.enqueue_many(tasks))
            added += piece
        return added

    async def unfinished(self, jobs: Sequence[FetchJob]) -> list[FetchJob]:
        """Return those jobs that wait or run."""
        engine, found = self._opened(), list[FetchJob]()
        for begin in range(0, len(jobs), PIECE):
            piece = jobs[begin : begin + PIECE]
            answer = await self._doing(engine.redis.eval(_UNFINISHED, keys=[engine.task_key + str(job) for job in piece]))
            found += [job for job, flag in zip(piece, cast("list[int]", answer), strict=True) if flag]
        return found

    async def failed(self, jobs: Sequence[FetchJob]) -> dict[FetchJob, str]:
        """Return why jobs failed that no other try would help.

        The reasons are kept for 30 days.
        """
        engine, found = self._opened(), dict[FetchJob, str]()
        for begin in range(0, len(jobs), PIECE):
            piece = jobs[begin : begin + PIECE]
            reasons = await self._doing(engine.redis.hmget(self._failed_key, [str(job) for job in piece]))
            found |= {job: reason for job, reason in zip(piece, reasons, strict=True) if reason is not None}
        return found

    async def state(self) -> QueueState:
        """Return how many jobs and workers there are."""
        from wxrevenue.fleet import _streaq

        return await self._doing(_streaq.state(self._opened()))

    async def note(self, name: str, reason: str) -> None:
        """Note why a job failed that no other try would help."""
        redis = self._opened().redis
        await self._doing(redis.hset(self._failed_key, {name: reason}))
        await self._doing(redis.expire(self._failed_key, _NOTED_S))

    def new_engine(self, stop: asyncio.Event, work: Callable[[str], Awaitable[None]], concurrency: int) -> EnduringWorker:
        """Return an engine that does work for each job."""
        engine = self._new(stop, concurrency=concurrency)
        engine.task(name=JOB, max_tries=None, timeout=None, ttl=0, silent=True)(work)
        return engine

    def _new(self, stop: asyncio.Event, *, concurrency: int) -> EnduringWorker:
        from wxrevenue.fleet import _streaq

        signs = None if self._signs is None else self._signs.reveal()
        return _streaq.EnduringWorker(
            stop, redis_pool=_streaq.pool(self._redis), queue_name=self.name, signing_secret=signs, concurrency=concurrency
        )

    @property
    def _failed_key(self) -> str:
        return f"{self.name}:failed"

    def _opened(self) -> EnduringWorker:
        if self._engine is None:
            raise ClientStateError(f"{type(self).__name__}: not open; use async with")
        return self._engine

    async def _doing(self, work: Awaitable[T]) -> T:
        """Return what comes of it; what fails is told in this package's words."""
        from wxrevenue.fleet import _streaq

        failure: WxRevenueError
        try:
            return await work
        except Exception as error:
            if not _streaq.is_trouble(error):
                raise
            failure = _streaq.queue_error(self.place, error)
            without_history(error)
        raise failure


def _signing_secret(keys: tuple[Secret, ...]) -> Secret | None:
    """Return what signs jobs, made of the first key."""
    return Secret(hmac.digest(keys[0].reveal().encode("latin-1"), _SIGNS, "sha256").hex()) if keys else None


async def _each(jobs: Iterable[FetchJob] | AsyncIterable[FetchJob]) -> AsyncIterator[FetchJob]:
    if isinstance(jobs, AsyncIterable):
        async for job in jobs:
            yield job
        return
    for job in jobs:
        yield job
