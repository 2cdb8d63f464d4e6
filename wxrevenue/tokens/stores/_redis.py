"""Tokens in Redis, for all processes that share a component's secret."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import Secret, as_secret
from wxrevenue._redis.keyring import Keyring, as_secret_keys
from wxrevenue._redis.link import RedisLink, key_prefix, key_stem
from wxrevenue._wire.stored import StoredToken
from wxrevenue.tokens.stores._fallback import FallbackStore
from wxrevenue.tokens.stores._redis_scripts import LOCK, READ, RENEW, UNLOCK, WRITE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from redis.asyncio import Redis, RedisCluster

    from wxrevenue.ports import RenewableTokenStore

_log = logging.getLogger("wxrevenue.tokens")
_NAME: Final = "RedisTokenStore"
_DAY: Final = 86_400.0
_MS: Final = 1000
_US: Final = 1_000_000


class RedisTokenStore:
    """Keeps tokens in Redis (5 or newer, or Valkey): of many processes one refreshes.

    Needs ``pip install "wxrevenue[redis]"``.

    One lock per token; a holder that is stopped or killed loses it when its lease ends, and what it
    writes later is refused once another process has written. Only Redis' clock counts, and every
    key has a time to live. Keys begin with ``prefix`` and a hash of the appids; the keys of one
    token share a slot of a cluster. A value that this release cannot read (written by a newer one,
    under another key, or by another program) counts as absent.

    Each attempt has ``timeout`` seconds and is repeated once at most. While Redis is away, tokens
    that live are served; a refresh is refused with ``TokenUnavailableError``, since it would end
    the life of the token that other processes have.

    Redis must be persistent (``appendonly yes``) and evict nothing (``maxmemory-policy
    noeviction``): what it loses, and no running process knows, has to be authorized again.

    Use it on one event loop and in one process; ``await store.aclose()`` at the end, or
    ``async with``. Making one does no I/O.

    Args:
        redis: a URL, ``redis://[user:password@]host:port/db``, ``rediss://…`` or ``unix:///path``,
            with the password percent-encoded; or a client of ``redis.asyncio``, also for a cluster,
            with settings of your own. A client that you give is not closed.
        keys: 32 bytes, or several such keys, with which values are encrypted (AES-256-GCM, bound to
            their place). The first encrypts, all decrypt: put a new one in front, and drop the old
            one after ``keep``. Without any, a reader of Redis can read the tokens.
        prefix: how keys begin. Give each environment its own where several use one Redis.
        timeout: seconds for one attempt.
        keep: seconds that refresh tokens are kept after they were written last; access tokens live
            as long as WeChat says.
        refresh_without_lock: whether this process may refresh while Redis is away. Allow it in one
            process alone.

    Raises:
        ConfigurationError: one of these is not allowed, or redis-py is not installed.
    """

    _place = "Redis"
    """A traceback may show a store that is not made yet."""

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        redis: str | Secret | Redis | RedisCluster,
        *,
        keys: bytes | Secret | Sequence[bytes | Secret] = (),
        prefix: str = "wxrevenue",
        timeout: float = 0.25,
        keep: float = 400 * _DAY,
        refresh_without_lock: bool = False,
    ) -> None:
        redis, keys = as_secret(redis, "execute_command"), as_secret_keys(keys)  # first of all: what follows may raise
        self._link = RedisLink(redis, owner=_NAME, timeout=timeout)
        self._place = self._link.place
        records = self._records = _Records(
            self._link,
            Keyring(keys, f"{_NAME}.keys"),
            prefix=key_prefix(f"{_NAME}.prefix", prefix),
            keep=round(_checks.seconds(f"{_NAME}.keep", keep) * _MS),
        )
        self._fallback = FallbackStore(records) if refresh_without_lock else None
        self._store: RenewableTokenStore = self._fallback or records

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    @property
    def without_fallback(self) -> RenewableTokenStore:
        """The records themselves: what fails raises, also with ``refresh_without_lock``."""
        return self._records

    async def read(self, name: str) -> StoredToken | None:
        """Return the record; see :class:`TokenStore`."""
        return await self._store.read(name)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock; see :class:`TokenStore`."""
        return await self._store.lock(name, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record; see :class:`TokenStore`."""
        return await self._store.write(name, record, fence=fence)

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock; see :class:`RenewableTokenStore`."""
        return await self._store.renew(name, fence=fence, lease=lease)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back; see :class:`TokenStore`."""
        await self._store.unlock(name, fence=fence)

    async def aclose(self) -> None:
        """Write what was got without the lock, then close the connections.

        Writing gets five seconds. May be called twice.
        """
        await self.finish()
        await self._link.aclose()

    async def finish(self) -> None:
        """Write what was got without the lock, if that works within five seconds.

        Closing a source does so, too.
        """
        if self._fallback is not None:
            await self._fallback.finish()

    def __repr__(self) -> str:
        return f"<{_NAME} in {self._place}>"


class _Records:
    """The records themselves."""

    def __init__(self, link: RedisLink, keyring: Keyring, *, prefix: str, keep: int) -> None:
        self._link = link
        self._keyring = keyring
        self._prefix = prefix
        self._keep = max(1, keep)
        self._told = False

    async def read(self, name: str) -> StoredToken | None:
        keys = self._keys(name)
        found = await self._link.run_script(READ, keys)
        if found is None:  # from a proxy; the script itself always answers with five values
            return None
        token, left, refresh, fence, age = found
        token = self._opened(token, keys[1]) if left > 0 else None
        refresh = self._opened(refresh, keys[0])
        if token is None and refresh is None:
            return None
        seconds = int(age.reveal()) / _US
        number = int(fence.reveal())
        return StoredToken(
            token=token, left=left / _MS if token else 0.0, refresh=refresh, fence=number, age=seconds if seconds >= 0 else None
        )

    async def lock(self, name: str, *, lease: float) -> int | None:
        fence = await self._link.run_script(LOCK, self._keys(name), max(1, int(lease * _MS)), uuid.uuid4().hex, self._keep)
        return None if fence is None else int(fence.reveal())

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        keys, left = self._keys(name), int(record.left * _MS)
        token = self._sealed(record.token if left > 0 else None, keys[1])
        refresh = self._sealed(record.refresh, keys[0])
        age = int((record.age or 0.0) * _US)
        return bool(await self._link.run_script(WRITE, keys, fence, token, max(1, left), refresh, self._keep, age))

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        return bool(await self._link.run_script(RENEW, self._keys(name), fence, max(1, int(lease * _MS))))

    async def unlock(self, name: str, *, fence: int) -> None:
        await self._link.run_script(UNLOCK, self._keys(name), fence)

    def _keys(self, name: str) -> tuple[str, str, str]:
        """Return where the record, the token and the lock of a name are."""
        stem = key_stem(self._prefix, name)
        return f"{stem}record", f"{stem}token", f"{stem}lock"

    def _sealed(self, value: Secret | None, key: str) -> Secret | str:
        return "" if value is None else self._keyring.encrypt(value, key)

    def _opened(self, written: Secret | None, key: str) -> Secret | None:
        if written is None:
            return None
        value = self._keyring.decrypt(written, key)
        if value is None and not self._told:
            self._told = True
            _log.warning("what is stored at %s cannot be read: of another release, for another key, or not ours; it counts as absent", key)
        return value
