"""The newest ticket, in Redis for all processes and machines."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import Secret, as_secret
from wxrevenue._redis.keyring import Keyring, as_secret_keys
from wxrevenue._redis.link import RedisLink, key_prefix, key_stem
from wxrevenue._redis.script import TEXT, Script
from wxrevenue._wire.stored import Ticket

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from redis.asyncio import Redis, RedisCluster

_NAME: Final = "RedisTicketStore"
_KEEP: Final = 30 * 86_400_000
"""Milliseconds after which a ticket is deleted.

That is long after WeChat refuses it, so that its age can be told until then.
"""

_GET: Final = Script(
    TEXT
    + """
return {text(redis.pcall('HGET', KEYS[1], 'ticket')), text(redis.pcall('HGET', KEYS[1], 'created'))}
"""
)
_PUT: Final = Script(
    TEXT
    + """
local ticket, created, keep = ARGV[1], ARGV[2], ARGV[3]
local kept = tonumber(text(redis.pcall('HGET', KEYS[1], 'created')) or '')
if kept and kept > tonumber(created) and kept < 1e12 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ticket', ticket, 'created', created)
redis.call('PEXPIRE', KEYS[1], keep)
return 1
"""
)


class RedisTicketStore:
    """Keeps a component's ticket in Redis (5 or newer, or Valkey).

    All its processes share it. Needs ``pip install "wxrevenue[redis]"``.

    The newest ticket wins, by WeChat's own time of it, in one step inside Redis. It is kept for 30
    days. One that this release cannot read counts as absent until the next push replaces it. While
    Redis is away both methods raise ``TokenUnavailableError``; put a ``MemoryTicketStore`` in front
    to go on with what this process has seen.

    Use it on one event loop and in one process; ``await store.aclose()`` at the end, or
    ``async with``. Making one does no I/O.

    Args:
        redis: a URL or a client, as for ``RedisTokenStore``.
        component_appid: whose tickets these are.
        keys: 32 bytes, or several such keys, with which tickets are encrypted, as for
            ``RedisTokenStore``.
        prefix: how keys begin.
        timeout: seconds for one attempt, of which there are two at most.

    Raises:
        ConfigurationError: one of these is not allowed, or redis-py is not installed.
    """

    _place = "Redis"
    """A traceback may show a store that is not made yet."""

    def __init__(
        self,
        redis: str | Secret | Redis | RedisCluster,
        component_appid: str,
        *,
        keys: bytes | Secret | Sequence[bytes | Secret] = (),
        prefix: str = "wxrevenue",
        timeout: float = 0.25,
    ) -> None:
        redis, keys = as_secret(redis, "execute_command"), as_secret_keys(keys)  # first of all: what follows may raise
        self._link = RedisLink(redis, owner=_NAME, timeout=timeout)
        self._place = self._link.place
        self._keyring = Keyring(keys, f"{_NAME}.keys")
        name = _checks.credential(f"{_NAME}.component_appid", component_appid)
        self._key = key_stem(key_prefix(f"{_NAME}.prefix", prefix), f"{name}/") + "ticket"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def get(self) -> Ticket | None:
        """Return the newest ticket, or ``None`` before the first one came."""
        written, created = await self._link.run_script(_GET, (self._key,)) or (None, None)
        if written is None or created is None:
            return None
        value = self._keyring.decrypt(written, self._spot(created.reveal()))
        return None if value is None else _ticket(value, created.reveal())

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket unless a newer one is kept; return whether it was kept."""
        created = repr(float(ticket.created))
        written = self._keyring.encrypt(ticket.value, self._spot(created))
        return bool(await self._link.run_script(_PUT, (self._key,), written, created, _KEEP))

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        await self._link.aclose()

    def _spot(self, created: str) -> str:
        return f"{self._key}@{created}"

    def __repr__(self) -> str:
        return f"<{_NAME} in {self._place}>"


def _ticket(value: Secret, created: str) -> Ticket | None:
    """Return the ticket, or ``None`` if what was found is none."""
    with suppress(ValueError):
        return Ticket(value, float(created))
    return None
