"""A token store in front of another, which writes what that one has not taken."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue.ports import RenewableTokenStore
from wxrevenue.tokens.stores._known import KnownRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxrevenue.ports import Clock, StoredToken, TokenStore

_log = logging.getLogger("wxrevenue.tokens")

LEASE: Final = 10.0
"""Seconds for which a lock is taken: what the others wait for a holder that was killed."""
PATIENCE: Final = 5.0
"""Seconds that a refresh waits for its record to be written, and closing for all of them."""
_PAUSES: Final = (0.1, 1.0, 2.0, 5.0)
"""Seconds between two tries to write a record; the last goes on."""
_TOLD_AFTER: Final = 3
"""How many tries to write a record fail before the log says so."""
_LONGEST_TRY: Final = 60.0
_CATCH_UP: Final = 1.0
"""Seconds that a read waits for a record to be written that the store should have."""

_known: Final[WeakKeyDictionary[TokenStore, dict[str, KnownRecord]]] = WeakKeyDictionary()
"""By store, so that what could not be written outlives the source that got it."""


@runtime_checkable
class KeepingStore(Protocol):
    """A store that keeps by itself what it could not write."""

    async def finish(self) -> None:
        """Try to write it, for some seconds at most."""
        ...


class RetryingTokenStore:
    """Keeps what the store behind did not take, by name, and writes it as soon as that works.

    WeChat replaces a refresh token when it is used. Whoever has the new one must not lose it:
    without it the merchant has to authorize again. So the newest record of each name that has one
    is known here, also when the store behind loses it (a fail-over, a restart without persistence,
    an eviction), and is written again.

    A newer record is never replaced by an older one. The locks' numbers decide; where a record was
    got without the lock, the store's ``age`` of a record, and how long tokens live.

    Args:
        store: the store behind.
        clock: what counts the seconds.
    """

    def __init__(self, store: TokenStore, *, clock: Clock = LOOP_CLOCK) -> None:
        self._store = store
        self._clock = clock
        self._known = _known_by(store)
        self._names: set[str] = set()
        """What this front had to write; others in front of the same store have their own."""
        self._not_unlocked: dict[str, int] = {}

    @property
    def can_renew(self) -> bool:
        """Whether the store behind can renew a lock."""
        return isinstance(self._store, RenewableTokenStore)

    async def read(self, name: str) -> StoredToken | None:
        """Return the newest record, stored or not; see :class:`TokenStore`."""
        before, now = self._known.get(name), self._clock.monotonic()
        try:
            stored = await self._store.read(name)
        except Exception:
            known = self._known.get(name, before)
            if known is None:
                raise
            return known.as_of(self._clock.monotonic())
        known = self._known.get(name, before)
        if known is None or known.is_older_than(stored, now):
            self._learn(name, stored)
            return stored
        await self._catch_up(name, known)
        return await self._store.read(name) if known.outcome is False else known.as_of(self._clock.monotonic())

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock; see :class:`TokenStore`."""
        await self._give_back(name)
        return await self._store.lock(name, lease=lease)

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock; see :class:`RenewableTokenStore`."""
        return isinstance(self._store, RenewableTokenStore) and await self._store.renew(name, fence=fence, lease=lease)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back; see :class:`TokenStore`."""
        self._not_unlocked[name] = fence
        await self._store.unlock(name, fence=fence)
        self._not_unlocked.pop(name, None)

    async def put(self, name: str, record: StoredToken, *, fence: int | None, since: float) -> bool:
        """Write the record, now or later; return whether no newer one is stored.

        Args:
            name: the record's.
            record: what to write, as of ``since``.
            fence: the number of the lock under which it was got; ``None``: without the lock.
            since: when WeChat was asked for it (monotonic seconds).
        """
        known = self.keep(name, record, fence=fence, since=since)
        await _tried(known, PATIENCE)
        return known.outcome or (known.outcome is None and self._known.get(name) is known)

    def keep(self, name: str, record: StoredToken, *, fence: int | None, since: float) -> KnownRecord:
        """Have the record written without waiting for it."""
        before = self._known.get(name)
        if before is not None:
            before.stop()
        base = None if before is None else before.last_seen
        self._names.add(name)
        known = self._known[name] = KnownRecord(record, since, fence, base)
        self._start(name, known)
        return known

    def is_unwritten(self, name: str) -> bool:
        """Return whether a record of that name waits to be written."""
        known = self._known.get(name)
        return known is not None and not known.is_stored

    async def finish(self) -> None:
        """Try to write what is not written yet, for five seconds at most.

        What is left stays known in this process, and is named in the log.
        """
        unwritten = {name: known for name, known in self._known.items() if name in self._names and not known.is_stored}
        for name, known in unwritten.items():
            if known.is_idle:
                self._start(name, known)
        tasks = [known.writing for known in unwritten.values()]
        await _wait(tasks, PATIENCE)
        for known in unwritten.values():
            known.stop()
        await _wait(tasks, None)
        if isinstance(self._store, KeepingStore):
            await self._store.finish()
        lost = sorted(name for name, known in unwritten.items() if known.outcome is None)
        if lost:
            _log.error("the tokens of %s are not stored: they end with this process", ", ".join(lost))

    # ------------------------------------------------------------------ what is known

    def _learn(self, name: str, stored: StoredToken | None) -> None:
        before = self._known.pop(name, None)
        if before is not None:
            before.stop()
        if stored is not None and stored.refresh is not None:
            self._known[name] = KnownRecord(stored, self._clock.monotonic(), stored.fence, is_stored=True)

    async def _catch_up(self, name: str, known: KnownRecord) -> None:
        """Write what the store should have, since it can be reached."""
        if known.is_idle:
            self._start(name, known)
        await _tried(known, _CATCH_UP)

    def _settle(self, name: str, known: KnownRecord) -> None:
        known.is_stored = known.is_stored or known.outcome is True
        if known.failures >= _TOLD_AFTER and known.outcome:
            _log.warning("the token %s is stored now", name)
        if (known.outcome is False or known.record.refresh is None) and self._known.get(name) is known:
            del self._known[name]

    # ------------------------------------------------------------------ writing

    def _start(self, name: str, known: KnownRecord) -> None:
        known.stop()
        known.outcome, known.tried = None, asyncio.Event()
        known.writing = asyncio.get_running_loop().create_task(self._write_until_taken(name, known))

    async def _write_until_taken(self, name: str, known: KnownRecord) -> None:
        tried = known.tried
        try:
            for pause in _pauses():
                known.outcome = await self._try(name, known, _LONGEST_TRY)
                if known.outcome is not None:
                    break
                tried.set()
                await self._pause(known, pause)
            await self._give_back(name)
        except asyncio.CancelledError:
            if known.writing is asyncio.current_task():  # not stopped by us: the loop ends, and this is the last chance
                known.outcome = await self._try(name, known, PATIENCE)
            raise
        finally:
            tried.set()
        self._settle(name, known)

    async def _give_back(self, name: str) -> None:
        """Give a lock back that could not be given back in time: nobody shall wait for its end."""
        fence = self._not_unlocked.get(name)
        if fence is not None:
            with suppress(Exception):
                await self.unlock(name, fence=fence)

    async def _pause(self, known: KnownRecord, seconds: float) -> None:
        known.pausing = True
        try:
            await self._clock.sleep(seconds)
        finally:
            known.pausing = False

    async def _try(self, name: str, known: KnownRecord, limit: float) -> bool | None:
        try:
            async with asyncio.timeout(limit):
                return await self._write(name, known)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            failure = "CancelledError"
        except Exception as error:  # noqa: BLE001  (a user's own store may raise anything)
            failure = type(error).__name__
        known.failures += 1
        if known.failures == _TOLD_AFTER:
            _log.error("the token %s could not be stored (%s): it is kept in this process, and stored as soon as that works", name, failure)
        return None

    async def _write(self, name: str, known: KnownRecord) -> bool | None:
        """Return whether it was written; ``None`` while somebody else holds the lock."""
        if known.fence is not None and await self._store.write(name, self._now(known), fence=known.fence):
            return True
        now = self._clock.monotonic()
        stored = await self._store.read(name)
        if known.fence is not None:
            known.overtaken = True
            if known.is_stored or stored is None:  # it was stored before, or was erased on purpose
                return False
        return False if known.is_older_than(stored, now) else await self._write_locked(name, known)

    async def _write_locked(self, name: str, known: KnownRecord) -> bool | None:
        fence = await self.lock(name, lease=LEASE)
        if fence is None:
            if known.is_authorization:
                known.since = self._clock.monotonic()
            return None
        try:
            now = self._clock.monotonic()
            if known.is_older_than(await self._store.read(name), now):
                return False
            if not await self._store.write(name, self._now(known), fence=fence):
                return None
            known.fence, known.overtaken = fence, False
            return True
        finally:
            with suppress(Exception):  # the lease ends by itself
                await self.unlock(name, fence=fence)

    def _now(self, known: KnownRecord) -> StoredToken:
        return known.as_of(self._clock.monotonic())


def _known_by(store: TokenStore) -> dict[str, KnownRecord]:
    try:
        return _known.setdefault(store, {})
    except TypeError:  # a store that cannot be hashed or referred to: what is known lives as long as this front
        return {}


def _pauses() -> Iterator[float]:
    return chain(_PAUSES, repeat(_PAUSES[-1]))


def _is_cancelled() -> bool:
    """Return whether the running task was cancelled; stores may raise the like by themselves."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _tried(known: KnownRecord, patience: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await known.tried.wait()


async def _wait(tasks: list[asyncio.Task[None] | None], timeout: float | None) -> None:
    running = [task for task in tasks if task is not None and not task.done()]
    if running:
        await asyncio.wait(running, timeout=timeout)
