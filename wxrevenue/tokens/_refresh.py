"""A refresh: the next token is taken from the store if somebody has put one there, else from WeChat, under the store's lock."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from wxrevenue.tokens._cache import NewToken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from wxrevenue._base.secret import Secret
    from wxrevenue.ports import Clock, StoredToken, TokenStore
    from wxrevenue.tokens._cache import RefreshReason

T = TypeVar("T")
_log = logging.getLogger("wxrevenue.tokens")

LIFETIMES: Final = (60.0, 7200.0)
"""Seconds between which the life of a token is taken to be, whatever a server or a store says."""
_WORTHWHILE: Final = 10.0
"""How many seconds a stored token must have left to be worth taking."""
_LOOK_AGAIN: Final = 0.1
_WRITE_AGAIN: Final = (0.1, 1.0)
"""Seconds before another try to look for what the holder of the lock has done, and to store what WeChat has handed out."""
_GRACE: Final = 5.0
"""Seconds that storing may go on when the refresh is ended: a refresh token that was replaced is had from nobody else."""


@attrs.frozen(kw_only=True)
class Refresher:
    """Refreshes the tokens of a store, one process at a time.

    Args:
        store: where they are kept.
        clock: what counts the seconds.
        lease: for how many seconds a lock is taken.
    """

    store: TokenStore
    clock: Clock
    lease: float

    async def renew(self, name: str, need: RefreshReason, ask: Callable[[Secret | None], Awaitable[StoredToken]]) -> NewToken:
        """Return another token than the stale one; ``ask`` gets one from WeChat, given the refresh token."""
        found, _ = await self._look(name, need)
        if found is not None:
            return found
        while (fence := await self.store.lock(name, lease=self.lease)) is None:
            await self.clock.sleep(_LOOK_AGAIN)
            found, _ = await self._look(name, need)
            if found is not None:
                return found
        try:
            found, refresh = await self._look(name, need)
            return found or await self._ask(name, need, fence, lambda: ask(refresh))
        finally:
            with suppress(Exception):  # the lease ends by itself
                await self.store.unlock(name, fence=fence)

    async def put(self, name: str, record: StoredToken) -> None:
        """Replace a record, once nobody refreshes it."""
        while (fence := await self.store.lock(name, lease=self.lease)) is None:
            await self.clock.sleep(_LOOK_AGAIN)
        try:
            await self.store.write(name, record, fence=fence)
        finally:
            with suppress(Exception):
                await self.store.unlock(name, fence=fence)

    async def _look(self, name: str, need: RefreshReason) -> tuple[NewToken | None, Secret | None]:
        """Return the stored token, if it is not the stale one and lives, and the refresh token."""
        since = self.clock.monotonic()
        record = await self.store.read(name)
        if record is None:
            return None, None
        if record.token is None or record.token == need.stale or not record.left > _WORTHWHILE:
            return None, record.refresh
        return NewToken(record.token, since + min(record.left, LIFETIMES[1]), is_new=False), record.refresh

    async def _ask(self, name: str, need: RefreshReason, fence: int, ask: Callable[[], Awaitable[StoredToken]]) -> NewToken:
        need.check_refresh_budget()
        since = self.clock.monotonic()  # before the request: it cannot live longer than from here
        record = await ask()
        assert record.token is not None  # noqa: S101  (for type checkers)
        ours = NewToken(record.token, since + record.left, is_new=True)
        if await _to_its_end(self._written(name, record, since, fence)):
            return ours
        newer, _ = await self._look(name, need)
        return newer or ours

    async def _written(self, name: str, record: StoredToken, since: float, fence: int) -> bool:
        """Store what WeChat has handed out; return whether nobody was faster. A store that fails costs nobody the token."""
        failure = ""
        for pause in (*_WRITE_AGAIN, None):
            left = since + record.left - self.clock.monotonic()
            try:
                return await self.store.write(name, attrs.evolve(record, left=left), fence=fence)
            except Exception as error:  # noqa: BLE001  (a user's own store may raise anything)
                failure = type(error).__name__
            if pause is not None:
                await self.clock.sleep(pause)
        _log.error("the token %s could not be stored (%s): other processes, and the next one, do without", name, failure)
        return True


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await what must not be cut off in the middle: a cancellation is raised after it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        try:
            await asyncio.wait([task], timeout=_GRACE)
        finally:
            task.cancel()
