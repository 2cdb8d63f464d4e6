"""The way to Redis.

Short timeouts, one repetition, and nothing of what goes over it in any error.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from wxrevenue._base import checks as _checks
from wxrevenue._base import extras
from wxrevenue._base.json_types import is_array
from wxrevenue._base.secret import NeverPickled, Secret
from wxrevenue._engine.lifetime import InFlight, Lifetime
from wxrevenue._redis.answers import DEMOTED, POOL_EXHAUSTED, Trouble, is_unknown_script, trouble_of
from wxrevenue._redis.url import place_of, pool_at
from wxrevenue.errors import ConfigurationError, without_history

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from wxrevenue._redis.script import Script

    class Messages(Protocol):
        """What listens to channels, as redis-py has it."""

        async def subscribe(self, channel: str, /) -> object: ...
        async def get_message(self, *, ignore_subscribe_messages: bool, timeout: float) -> dict[str, object] | None: ...
        async def aclose(self) -> object: ...


_CONNECTIONS: Final = 32
_NO_LIMIT: Final = 2**31
_TRIES: Final = 2
_TIMEOUT: Final = 0.25
_POOL_PATIENCE: Final = 5.0
"""Seconds to wait for a connection of a caller's own pool.

Others may have them all meanwhile.
"""
_POOL_PAUSE: Final = 0.01


class RedisLink(NeverPickled):
    """Runs scripts on one Redis, for one event loop and one process.

    Each try has ``timeout`` seconds, from a free connection's handshake to the answer; one that
    broke or took too long is repeated once, since every script may be, and so is one that a server
    refuses since it is not a primary any more: on a new connection. redis-py repeats nothing by
    itself here. Calls that are on the wire when the link is closed get their answer.

    Args:
        redis: a URL (``redis://``, ``rediss://`` or ``unix://``), boxed, or a client of redis-py's,
            cluster or not, that the caller set up and will close.
        owner: how messages call the store.
        timeout: seconds.

    Raises:
        ConfigurationError: one of these is not allowed, or redis-py is not installed.
    """

    def __init__(self, redis: Any, *, owner: str, timeout: float = _TIMEOUT) -> None:
        self._timeout = _checks.seconds(f"{owner}.timeout", timeout)
        if find_spec("redis") is None:
            raise ConfigurationError(extras.missing(owner, "redis-py", "redis"))
        self.place, self._made = "a Redis of the caller's", None
        if isinstance(redis, Secret):
            self.place = place_of(f"{owner}.redis", redis)
            redis = self._made = _client(f"{owner}.redis", redis, timeout)
        if not inspect.iscoroutinefunction(getattr(redis, "execute_command", None)):
            raise ConfigurationError(f"{owner}.redis: expected a URL or a client of redis.asyncio")
        self._client = redis
        self._owner = owner
        self._lifetime = Lifetime(f"the {owner}")
        self._slots = asyncio.Semaphore(_CONNECTIONS)

    async def run_script(self, script: Script, keys: tuple[str, ...], *args: str | int | Secret) -> Any:
        """Return the script's answer: numbers as they are, every text in a box.

        Raises:
            TokenUnavailableError: there is none.
            ConfigurationError: there will never be one: this Redis is too old, for example.
            ClientStateError: the store is closed, belongs to another event loop, or was used before
                a fork.
        """
        self._lifetime.check_usable()
        async with self._slots:
            self._lifetime.check_usable()
            call = InFlight()
            self._lifetime.calls.add(call)
            try:
                answer = await self._answer(script, keys, args)
            finally:
                self._lifetime.remove_call(call)
        if isinstance(answer, Trouble):
            raise answer.error(self.place, self._owner)
        return answer

    def pubsub(self) -> Messages | None:
        """Return what listens to channels, not connected yet.

        ``None`` where the client has no such thing.
        """
        make = getattr(self._client, "pubsub", None)
        return None if make is None else make()

    def check_usable(self) -> None:
        """Raise ``ClientStateError`` if this cannot be used here and now.

        It is closed, belongs to another event loop, or was used before a fork.
        """
        self._lifetime.check_usable()

    async def aclose(self) -> None:
        """Refuse new calls, wait for those on the wire, and close its connections.

        Those of a caller's own client stay open. May be called twice.

        Raises:
            ClientStateError: calls are on the wire on another event loop, or this process was
                forked meanwhile.
        """
        try:
            await self._lifetime.aclose()
        except asyncio.CancelledError:
            await self._disconnect()
            raise
        await self._disconnect()

    async def _disconnect(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            with suppress(Exception):
                await made.aclose()

    async def _answer(self, script: Script, keys: tuple[str, ...], args: tuple[str | int | Secret, ...]) -> object:
        answer: object = None
        for _ in range(_TRIES):
            answer = await self._attempt_with_connection(script, keys, args)
            if not isinstance(answer, Trouble):
                break
            if answer.code in DEMOTED:
                await self._drop_idle_connections()
            elif answer.code:
                break
            if self._lifetime.closed:  # it would connect again
                break
        return answer

    async def _attempt_with_connection(self, script: Script, keys: tuple[str, ...], args: tuple[str | int | Secret, ...]) -> object:
        """Try once there is a connection.

        A caller's own pool may have too few, and others may use it.
        """
        until = asyncio.get_running_loop().time() + _POOL_PATIENCE
        while True:
            answer = await self._attempt(script, keys, args) if self._has_connection() else POOL_EXHAUSTED
            if answer is not POOL_EXHAUSTED or self._lifetime.closed or asyncio.get_running_loop().time() > until:
                return answer
            await asyncio.sleep(_POOL_PAUSE)

    def _has_connection(self) -> bool:
        """Return whether the client's pool has one to give.

        Where that cannot be told, the attempt tells.
        """
        if getattr(self._client, "connection", None) is not None:  # single_connection_client=True
            return True
        can_get = getattr(getattr(self._client, "connection_pool", None), "can_get_connection", None)
        return can_get is None or bool(can_get())

    async def _attempt(self, script: Script, keys: tuple[str, ...], args: tuple[str | int | Secret, ...]) -> object:
        failure: BaseException
        try:
            async with asyncio.timeout(self._timeout):
                return _boxed(await self._evaluated(script, keys, args))
        except asyncio.CancelledError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  (redis-py raises its own, the system's and the parser's)
            failure = error
        trouble = trouble_of(failure, self._timeout) if isinstance(failure, Exception) else None
        without_history(failure)
        if trouble is None:
            raise failure
        return trouble

    async def _drop_idle_connections(self) -> None:
        """Let the next call connect anew.

        The name of a server may lead to another one now, or the client may have another one.
        """
        with suppress(Exception):  # a client of the caller's may be of any make
            await self._client.connection_pool.disconnect(inuse_connections=False)
        with suppress(Exception):  # single_connection_client=True
            await self._client.connection.disconnect()

    async def _evaluated(self, script: Script, keys: tuple[str, ...], args: tuple[str | int | Secret, ...]) -> object:
        from redis.exceptions import ResponseError

        try:
            return await self._client.execute_command("EVALSHA", script.sha, len(keys), *keys, *map(_raw, args))
        except ResponseError as error:
            if not is_unknown_script(error):
                raise
        return await self._client.execute_command("EVAL", script.text, len(keys), *keys, *map(_raw, args))


def key_prefix(where: str, prefix: object) -> str:
    """Return a prefix of keys that leaves the choice of their slot to the hash.

    The hash stands behind it.
    """
    prefix = _checks.text(where, prefix)
    if set(prefix) & set("{}"):
        raise ConfigurationError(f"{where}: expected no braces")
    return prefix


def key_stem(prefix: str, name: str) -> str:
    """Return how all keys of a name begin.

    The hash in braces puts them into one slot of a cluster.
    """
    return f"{prefix}:{{{hashlib.sha256(name.encode()).hexdigest()[:32]}}}:"


def _client(where: str, url: Secret, timeout: float) -> Redis:
    """Return a client with no limit of its own.

    redis-py's would be an error, and up to 7.1 it connects under a lock.
    """
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    times = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    pool = pool_at(where, url, protocol=2, retry=Retry(NoBackoff(), 0), timeout=None, max_connections=_NO_LIMIT, **times)
    return Redis.from_pool(pool)  # pyright: ignore[reportUnknownMemberType]


def _raw(value: str | int | Secret) -> bytes | str | int:
    return value.reveal().encode(errors="surrogatepass") if isinstance(value, Secret) else value


def _boxed(answer: object) -> object:
    if is_array(answer):
        return [_boxed(one) for one in answer]
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    return Secret(answer) if isinstance(answer, str) else answer
