"""A refresh: the next token, from the store if there is one, else from WeChat, under a lock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxrevenue.errors import TokenUnavailableError
from wxrevenue.tokens._cache import NewToken
from wxrevenue.tokens.stores._writing import LEASE, PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.stored import StoredToken
    from wxrevenue.ports import Clock
    from wxrevenue.tokens._cache import RefreshReason
    from wxrevenue.tokens._single_flight import SingleFlight
    from wxrevenue.tokens.stores._retrying import RetryingTokenStore

LIFETIMES: Final = (60.0, 7200.0)
"""Seconds between which the life of a token is taken to be, whatever a server or a store says."""
_WORTHWHILE: Final = 10.0
"""How many seconds a stored token must have left to be worth taking."""
_LOOK_AGAIN: Final = 0.1
"""Seconds before another try to look for what the holder of the lock has done."""
_RENEWALS: Final = 3
"""How often a lock is renewed within its lease."""
_UNLOCK: Final = 5.0
"""Seconds that giving a lock back may take."""


@attrs.frozen(kw_only=True)
class Refresher:
    """Refreshes the tokens of a store, one process at a time.

    Args:
        store: where they are kept.
        clock: what counts the seconds.
        deadline: seconds for one refresh, from when it has the lock; and for waiting for the lock,
            beyond the lease of whoever has it.
    """

    store: RetryingTokenStore
    clock: Clock
    deadline: float

    async def renew(
        self,
        name: str,
        need: RefreshReason,
        ask: Callable[[Secret | None, Callable[[], None]], Awaitable[StoredToken]],
        work: SingleFlight[Any],
    ) -> NewToken:
        """Return another token than the stale one.

        Args:
            name: the record's.
            need: why another one is wanted.
            ask: gets one from WeChat, given the refresh token; calls what else it is given before
                the request is sent.
            work: the work that this is.
        """
        found, _ = await self._look(name, need)
        if found is not None:
            return found
        fence = await self._taken(name)
        if fence is None:  # the holder may have been killed: its whole lease must not cost this refresh its own time
            work.allow(self.deadline + LEASE)
        while fence is None:
            await self.clock.sleep(_LOOK_AGAIN)
            found, _ = await self._look(name, need)
            if found is not None:
                return found
            fence = await self._taken(name)
        work.allow(self.deadline)
        async with self._held(name, fence):
            found, refresh = await self._look(name, need)
            return found or await self._ask(name, need, fence, refresh, lambda: ask(refresh, work.commit))

    async def put(self, name: str, record: StoredToken) -> None:
        """Replace a record, once nobody refreshes it. If that fails it is kept, and written later.

        Raises:
            TokenUnavailableError: it is not written yet.
        """
        try:
            while (fence := await self._taken(name)) is None:
                await self.clock.sleep(_LOOK_AGAIN)
        except (Exception, asyncio.CancelledError):
            self.store.keep(name, record, fence=None, since=self.clock.monotonic())
            raise
        async with self._held(name, fence):
            await self.store.put(name, record, fence=fence, since=self.clock.monotonic())
        if self.store.is_unwritten(name):
            raise TokenUnavailableError(
                f"the refresh token of {name} could not be stored: it is kept in this process, and stored as soon as that works"
            )

    async def _taken(self, name: str) -> int | None:
        return await self.store.lock(name, lease=self._lease)

    @property
    def _lease(self) -> float:
        return min(LEASE, self.deadline) if self.store.can_renew else self.deadline

    @asynccontextmanager
    async def _held(self, name: str, fence: int) -> AsyncGenerator[None]:
        """Keep the lock, and give it back at the end."""
        renewing = asyncio.get_running_loop().create_task(self._renew_lock(name, fence)) if self.store.can_renew else None
        try:
            yield
        finally:
            if renewing is not None:
                renewing.cancel()
            with suppress(Exception):  # the lease ends by itself
                async with asyncio.timeout(_UNLOCK):
                    await self.store.unlock(name, fence=fence)

    async def _renew_lock(self, name: str, fence: int) -> None:
        while True:
            await self.clock.sleep(self._lease / _RENEWALS)
            with suppress(Exception):  # the next try may work; until then the lease runs on
                await self.store.renew(name, fence=fence, lease=self._lease)

    async def _look(self, name: str, need: RefreshReason) -> tuple[NewToken | None, Secret | None]:
        """Return the stored token, if it is not the stale one and lives, and the refresh token."""
        since = self.clock.monotonic()
        record = await self.store.read(name)
        if record is None:
            return None, None
        if record.token is None or record.token == need.stale or not record.left > _WORTHWHILE:
            return None, record.refresh
        return NewToken(record.token, since + min(record.left, LIFETIMES[1]), is_new=False), record.refresh

    async def _ask(
        self, name: str, need: RefreshReason, fence: int, refresh: Secret | None, ask: Callable[[], Awaitable[StoredToken]]
    ) -> NewToken:
        need.check_refresh_budget()
        since = self.clock.monotonic()  # before the request: it cannot live longer than from here
        record = await ask()
        is_newest = await self.store.put(name, record, fence=fence, since=since, replaces=refresh)
        if record.token is None:
            raise TokenUnavailableError(f"the token {name} could not be refreshed: WeChat answered without a token, or without its life")
        ours = NewToken(record.token, since + record.left, is_new=True)
        newer = None
        if not is_newest:
            with suppress(Exception):  # nothing ends this work any more, and there is a token
                async with asyncio.timeout(PATIENCE):
                    newer, _ = await self._look(name, need)
        return newer or ours
