"""Certificates kept in Redis, for the processes of many machines."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from wxrevenue._base.secret import Secret, as_secret
from wxrevenue._redis.link import RedisLink, key_prefix, key_stem
from wxrevenue._redis.script import TEXT, Script

if TYPE_CHECKING:
    from typing import Self

    from redis.asyncio import Redis, RedisCluster

_NAME: Final = "RedisCertificateStore"
_KEEP: Final = 30 * 86_400_000
"""Milliseconds after which a list is gone."""
_GET: Final = Script(TEXT + "\nreturn text(redis.pcall('HGET', KEYS[1], 'list'))\n")
_PUT: Final = Script(
    TEXT
    + """
local kept = tonumber(text(redis.pcall('HGET', KEYS[1], 'fetched')) or '')
if kept and kept > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'list', ARGV[1], 'fetched', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
)


class RedisCertificateStore:
    """Keeps the newest list of each merchant in Redis (5 or newer, or Valkey).

    Needs ``pip install "wxrevenue[redis]"``. What it holds is sealed and signed by WeChat Pay:
    Redis can lose a list, and plant none.

    Use it on one event loop and in one process; ``await store.aclose()`` at the end, or
    ``async with``. Making one does no I/O.

    Args:
        redis: a URL or a client, as for ``RedisTokenStore``.
        prefix: how keys begin.
        timeout: seconds for one attempt, of which there are two at most.

    Raises:
        ConfigurationError: one of these is not allowed, or redis-py is not installed.
    """

    _place = "Redis"
    """A traceback may show a store that is not made yet."""

    def __init__(self, redis: str | Secret | Redis | RedisCluster, *, prefix: str = "wxrevenue", timeout: float = 0.25) -> None:
        redis = as_secret(redis, "execute_command")  # first of all: what follows may raise
        self._link = RedisLink(redis, owner=_NAME, timeout=timeout)
        self._place = self._link.place
        self._prefix = key_prefix(f"{_NAME}.prefix", prefix)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def get(self, mchid: str) -> bytes | None:
        """Return the newest list, or ``None``."""
        found = await self._link.run_script(_GET, (self._key(mchid),))
        try:
            return base64.b64decode(found.reveal(), validate=True) if isinstance(found, Secret) else None
        except ValueError:
            return None

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep a list unless a newer one is kept; return whether it was kept."""
        text = base64.b64encode(certificates).decode()
        return bool(await self._link.run_script(_PUT, (self._key(mchid),), text, repr(float(fetched)), _KEEP))

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        await self._link.aclose()

    def _key(self, mchid: str) -> str:
        return key_stem(self._prefix, f"certificates/{mchid}") + "certificates"

    def __repr__(self) -> str:
        return f"<{_NAME} in {self._place}>"
