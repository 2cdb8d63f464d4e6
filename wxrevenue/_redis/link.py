"""The way to Redis: short timeouts, one repetition, and nothing of what goes over it in any error."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import NeverPickled, Secret
from wxrevenue._engine.lifetime import Lifetime
from wxrevenue._redis.url import checked_url, pool_at
from wxrevenue.errors import ConfigurationError, TokenUnavailableError, without_history

if TYPE_CHECKING:
    from wxrevenue._redis.script import Script

_LONGEST_CODE: Final = 16
_CONNECTIONS: Final = 32
_TRIES: Final = 2
_TIMEOUT: Final = 0.25
_STALE: Final = frozenset({"ReadOnlyError", "MasterDownError"})
"""What a server says that is no master any more: the next connection may find the one that is."""


@attrs.frozen
class _Trouble:
    """Why a script has no answer."""

    what: str
    code: str = ""
    """The class, or the first word, of the server's own error, of which the rest may repeat what was sent."""


class RedisLink(NeverPickled):
    """Runs scripts on one Redis, for one event loop and one process.

    Each try has ``timeout`` seconds, from a free connection's handshake to the answer; one that broke or took too long is repeated
    once, since every script may be. redis-py repeats nothing by itself here.

    Args:
        redis: a URL (``redis://``, ``rediss://`` or ``unix://``), boxed, or a client of redis-py's, cluster or not, that the caller
            set up and will close.
        whose: how messages call the store.
        timeout: seconds.

    Raises:
        ConfigurationError: one of these is not allowed, or redis-py is not installed.
    """

    def __init__(self, redis: Any, *, whose: str, timeout: float = _TIMEOUT) -> None:
        self._timeout = _checks.seconds(f"{whose}.timeout", timeout)
        if find_spec("redis") is None:
            raise ConfigurationError(f'{whose} needs redis-py: pip install "wxrevenue[redis]"')
        self.place, self._made = "a Redis of the caller's", None
        if isinstance(redis, Secret):
            url, self.place = checked_url(f"{whose}.redis", redis)
            redis = self._made = _client(f"{whose}.redis", url, timeout)
        if not inspect.iscoroutinefunction(getattr(redis, "execute_command", None)):
            raise ConfigurationError(f"{whose}.redis: expected a URL or a client of redis.asyncio")
        self._client = redis
        self._whose = whose
        self._lifetime = Lifetime(f"the {whose}")
        self._slots = asyncio.Semaphore(_CONNECTIONS)

    async def run_script(self, script: Script, keys: tuple[str, ...], *args: str | int | Secret) -> Any:
        """Return the script's answer: numbers as they are, every text in a box.

        Raises:
            TokenUnavailableError: there is none.
            ClientStateError: the store is closed, belongs to another event loop, or was used before a fork.
        """
        self._lifetime.check_usable()
        answer: Any = None
        async with self._slots:
            for _ in range(_TRIES):
                self._lifetime.check_usable()  # redis-py would connect again after it was closed
                answer = await self._attempt(script, keys, args)
                if not isinstance(answer, _Trouble) or answer.code:
                    break
        if isinstance(answer, _Trouble):
            raise TokenUnavailableError(f"{self.place} did not serve the {self._whose}: {answer.what}")
        return answer

    async def aclose(self) -> None:
        """Close the connections, if they are its own; may be called twice."""
        self._lifetime.closed = True
        made, self._made = self._made, None
        if made is not None:
            with suppress(Exception):
                await made.aclose()

    async def _attempt(self, script: Script, keys: tuple[str, ...], args: tuple[str | int | Secret, ...]) -> Any:
        failure: BaseException
        try:
            async with asyncio.timeout(self._timeout):
                return _boxed(await self._evaluated(script, keys, args))
        except asyncio.CancelledError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  (redis-py raises its own, the system's and the parser's)
            failure = error
        without_history(failure)
        if not isinstance(failure, Exception):
            raise failure
        trouble = _trouble(failure, self._timeout)
        if trouble.code in _STALE and self._made is not None:
            await self._made.connection_pool.disconnect(inuse_connections=False)
        return trouble

    async def _evaluated(self, script: Script, keys: tuple[str, ...], args: tuple[str | int | Secret, ...]) -> Any:
        from redis.exceptions import NoScriptError  # noqa: PLC0415

        with suppress(NoScriptError):
            return await self._client.execute_command("EVALSHA", script.sha, len(keys), *keys, *map(_raw, args))
        return await self._client.execute_command("EVAL", script.text, len(keys), *keys, *map(_raw, args))


def key_prefix(where: str, prefix: object) -> str:
    """Return a prefix of keys that leaves the choice of their slot to the hash behind it."""
    prefix = _checks.text(where, prefix)
    if set(prefix) & set("{}"):
        raise ConfigurationError(f"{where}: expected no braces")
    return prefix


def key_stem(prefix: str, name: str) -> str:
    """Return how all keys of a name begin; the hash in braces puts them into one slot of a cluster."""
    return f"{prefix}:{{{hashlib.sha256(name.encode()).hexdigest()[:32]}}}:"


def _client(where: str, url: Secret, timeout: float) -> Any:
    from redis.asyncio import Redis  # noqa: PLC0415
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    times = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    pool = pool_at(where, url, protocol=2, retry=Retry(NoBackoff(), 0), max_connections=_CONNECTIONS + 1, **times)
    return Redis.from_pool(pool)  # pyright: ignore[reportUnknownMemberType]


def _raw(value: str | int | Secret) -> Any:
    return value.reveal().encode(errors="surrogatepass") if isinstance(value, Secret) else value


def _boxed(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_boxed(one) for one in answer]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    return Secret(answer) if isinstance(answer, str) else answer


def _trouble(error: Exception, timeout: float) -> _Trouble:
    from redis.exceptions import ConnectionError as Broken  # noqa: PLC0415
    from redis.exceptions import RedisError, ResponseError  # noqa: PLC0415
    from redis.exceptions import TimeoutError as Late  # noqa: PLC0415

    if isinstance(error, (TimeoutError, Late)):
        return _Trouble(f"no answer within {timeout:g} s")
    if isinstance(error, ResponseError) or (isinstance(error, RedisError) and not isinstance(error, Broken)):
        code = _code(error)
        return _Trouble(f"it answered {code}", code)
    return _Trouble(f"no connection ({type(error).__name__})")


def _code(error: Exception) -> str:
    word = str(error).partition(" ")[0]
    return word if word.isascii() and word.isalpha() and word.isupper() and len(word) < _LONGEST_CODE else type(error).__name__
