"""streaq, the engine of the workers.

A Redis that goes away costs no job, and only strings lie in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final, Unpack, cast
from urllib.parse import parse_qsl, urlsplit

import orjson
from anyio import TASK_STATUS_IGNORED, BrokenResourceError, ClosedResourceError, EndOfStream
from coredis.connection import TCPLocation, UnixDomainSocketLocation
from coredis.exceptions import (
    AuthenticationError,
    CommandNotSupportedError,
    ConnectionError,  # noqa: A004  (coredis' own)
    NoKeyError,
    RedisError,
    ResponseError,
    StreamConsumerGroupError,
    UnknownCommandError,
)
from coredis.pool import ConnectionPool
from streaq import Worker
from streaq.constants import REDIS_GROUP
from streaq.types import StreaqError

from wxrevenue._base.json_types import is_object
from wxrevenue.errors import ConfigurationError, TransportError
from wxrevenue.fleet._queue_state import QueueState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from anyio import CancelScope, CapacityLimiter
    from anyio.abc import TaskStatus
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from streaq.types import StreamMessage

    from wxrevenue._base.json_types import JsonValue
    from wxrevenue._base.secret import Secret
    from wxrevenue.fleet._streaq_settings import Pool, PoolSettings, WorkerSettings


_log = logging.getLogger("wxrevenue.fleet")
IDLE_S: Final = 6.0
"""Seconds without a sign of life after which another worker gets the job.

It is looked for at least as often.
"""
_PAUSE_S: Final = 1.0
_QUIET_S: Final = 60.0
_ALIVE_MS: Final = 3_000 * IDLE_S
_ANSWER_S: Final = 20.0
"""Seconds to wait for an answer.

A worker's question for new jobs takes up to ``IDLE_S``.
"""
_CONNECT_S: Final = 5.0
_JOB: Final = {"f": str, "a": list, "k": dict, "t": int}
"""What streaq writes for a job.

The function, its arguments, by position and name, and the time.
"""
AWAY: Final = (ConnectionError, OSError, BrokenResourceError, ClosedResourceError, EndOfStream)
"""What it looks like when Redis is away."""
TROUBLE: Final = (RedisError, *AWAY)
_MARK: Final = b"\xff"
"""No UTF-8 begins so: the Redis client hands out as text what it can decode."""


def dumps(value: object) -> bytes:
    """Write a value for Redis: JSON."""
    return _MARK + orjson.dumps(value, default=_name)


def _name(error: object) -> str:
    return type(error).__name__


def loads(data: bytes) -> JsonValue:
    """Read what :func:`dumps` wrote."""
    value: JsonValue = orjson.loads(data.removeprefix(_MARK))
    return value


def queue_error(place: str, error: BaseException) -> ConfigurationError | TransportError:
    """Return an error of this package, in its own words.

    Those of the server may repeat what was sent.
    """
    error = _inner(error)[0]
    if isinstance(error, (UnknownCommandError, CommandNotSupportedError)):
        return ConfigurationError(f"{place}, for the job queue, is too old: Redis 7 and Valkey have functions")
    if isinstance(error, AuthenticationError):
        return ConfigurationError(f"{place}, for the job queue, does not take this user and password")
    kind = type(error).__name__
    why = f"no connection ({kind}): is it running?" if isinstance(error, AWAY) else f"it refused a command ({kind})"
    found = TransportError(f"{place} did not serve the job queue: {why}")
    found.retryable = True
    return found


def is_trouble(error: BaseException) -> bool:
    """Return whether Redis, or the way to it, is the cause, and nothing else."""
    return all(isinstance(one, TROUBLE) for one in _inner(error))


def kinds(error: BaseException) -> str:
    """Return the classes of the errors in a group."""
    return ", ".join(sorted({type(one).__name__ for one in _inner(error)}))


def _inner(error: BaseException) -> list[BaseException]:
    """Return the errors in a group, at any depth, or the error itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    return [inner for one in group.exceptions for inner in _inner(one)]


def pool(url: Secret) -> Pool:
    """Return a pool of connections, which has connected to nothing yet.

    Options of the URL that tune redis-py alone are passed over.

    Args:
        url: as ``place_of`` allows it.

    Raises:
        ConfigurationError: an option has a value that is not allowed.
    """
    found = _settings(url)
    if found is None:
        raise ConfigurationError("JobQueue.redis: an option behind the question mark has a value that is not allowed")
    location, settings = found
    return ConnectionPool(location=location, decode_responses=True, connect_timeout=_CONNECT_S, stream_timeout=_ANSWER_S, **settings)


def _settings(url: Secret) -> tuple[TCPLocation | UnixDomainSocketLocation, PoolSettings] | None:
    """Return where a URL leads and what it sets, or ``None``.

    It raises nothing: a traceback would show the URL.
    """
    from redis.asyncio.connection import parse_url

    with contextlib.suppress(Exception):
        parsed: Mapping[str, object] = parse_url(url.reveal())
        options = dict(parse_qsl(urlsplit(url.reveal()).query))
        host, port, path = str(parsed.get("host", "localhost")), int(str(parsed.get("port", 6379))), parsed.get("path")
        location = UnixDomainSocketLocation(str(path)) if path else TCPLocation(host, port)
        context = _tls(options) if url.reveal().startswith("rediss") else None
        found: PoolSettings = {"db": int(str(parsed.get("db", 0))), "ssl_context": context}
        for name in ("username", "password", "client_name"):
            if text := parsed.get(name):
                found[name] = str(text)
        return location, found
    return None


def _tls(options: dict[str, str]) -> ssl.SSLContext:
    """Return a context for the options that redis-py has for TLS."""
    context = ssl.create_default_context(
        cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path"), cadata=options.get("ssl_ca_data")
    )
    wanted = options.get("ssl_cert_reqs", "required")
    verified = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}[wanted]
    checked = options.get("ssl_check_hostname", "true").lower() in {"true", "1", "yes"}
    context.check_hostname = checked and verified is not ssl.CERT_NONE
    context.verify_mode = verified
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), options.get("ssl_password"))
    if "ssl_ciphers" in options:
        context.set_ciphers(options["ssl_ciphers"])
    return context


class EnduringWorker(Worker[None]):
    """A worker of streaq's that outlives a Redis that goes away.

    It is stopped by an event, not by signals. streaq's own ends with the first connection that
    breaks. What its parts do may be done again: each only acknowledges, renews, reads or moves.

    Args:
        stop: set it to let the worker take no more jobs, finish those it has, and end.
        settings: as streaq's.
    """

    def __init__(self, stop: asyncio.Event, **settings: Unpack[WorkerSettings]) -> None:
        super().__init__(serializer=dumps, deserializer=loads, idle_timeout=IDLE_S, **settings)
        self.prefetch = self.concurrency  # a job that waits in a worker is not renewed: fetch none ahead
        self._stop = stop
        self._quiet_until = 0.0

    async def signal_handler(self, scope: CancelScope) -> None:
        """End when told to."""
        await self._stop.wait()
        scope.cancel("told to stop")

    async def renew_idle_timeouts(self, scope: CancelScope) -> None:
        """Renew the running jobs, so that no other worker is handed them."""
        await self._again(lambda: super(EnduringWorker, self).renew_idle_timeouts(scope))

    async def schedule_delayed_tasks(self) -> None:
        """Queue the jobs whose pause is over."""
        await self._again(super().schedule_delayed_tasks)

    async def producer(self, queue: MemoryObjectSendStream[StreamMessage], limiter: CapacityLimiter, scope: CancelScope) -> None:
        """Read jobs."""
        with queue:
            await self._again(lambda: super(EnduringWorker, self).producer(queue.clone(), limiter, scope))

    async def run_consumers(
        self,
        receive: MemoryObjectReceiveStream[StreamMessage],
        renew_scope: CancelScope,
        produce_scope: CancelScope,
        *,
        task_status: TaskStatus[CapacityLimiter] = TASK_STATUS_IGNORED,
    ) -> None:
        """Run jobs side by side, and close the stream that they come by.

        streaq forgets to close it.
        """
        with receive:
            await super().run_consumers(receive, renew_scope, produce_scope, task_status=task_status)

    async def deserialize(self, data: bytes | str) -> dict[str, object]:
        """Read a job; what is none costs a worker nothing but a line in its log."""
        found = await super().deserialize(data.encode() if isinstance(data, str) else data)
        if not is_object(found) or not all(isinstance(found.get(name), kind) for name, kind in _JOB.items()):
            raise StreaqError("what lies in Redis is no job")
        return found

    async def run_task(self, msg: StreamMessage) -> None:
        """Run a job; one that cannot be begun since Redis is away is handed out again."""
        with self._told():
            await super().run_task(msg)

    async def finish_task(self, *args: Any, **settings: Any) -> None:
        """Acknowledge a job."""
        await self._again(lambda: super(EnduringWorker, self).finish_task(*args, **settings))

    async def finish_failed_task(self, *args: Any, **settings: Any) -> None:
        """Acknowledge what is not a job."""
        await self._again(lambda: super(EnduringWorker, self).finish_failed_task(*args, **settings))

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something until Redis is there for it."""
        while True:
            with self._told():
                await work()
                return
            if self._stop.is_set():
                raise ConnectionError("away while the worker was told to stop")
            await asyncio.sleep(_PAUSE_S)

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        """Log that Redis is away, but not every second."""
        try:
            yield
        except AWAY as error:
            now = asyncio.get_running_loop().time()
            if now >= self._quiet_until:
                _log.warning("Redis is away (%s); jobs that run go on", type(error).__name__)
                self._quiet_until = now + _QUIET_S


async def state(engine: EnduringWorker) -> QueueState:
    """Return how many jobs and workers a queue has."""
    (priority,) = engine.priorities
    stream, redis = engine.stream_key + priority, engine.redis
    consumers = await _consumers(engine, stream)
    running = sum(int(one["pending"] or 0) for one in consumers)
    queued, postponed = int(await redis.xlen(stream)), int(await redis.zcard(engine.queue_key + priority))
    alive = sum(int(one["idle"] or 0) < _ALIVE_MS for one in consumers)
    return QueueState(max(0, queued - running), postponed, running, alive)


async def _consumers(engine: EnduringWorker, stream: str) -> list[dict[str, str | int | None]]:
    """Return the consumers of the stream; before the first worker it does not exist."""
    try:
        return [{str(name): value for name, value in one.items()} for one in await engine.redis.xinfo_consumers(stream, REDIS_GROUP)]
    except (ResponseError, StreamConsumerGroupError, NoKeyError):
        return []
