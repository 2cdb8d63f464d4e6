"""Writes a record to a store again and again.

It ends when the store takes the record, or has a newer one.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wxrevenue._wire.stored import StoredToken
    from wxrevenue.ports import Clock, TokenStore
    from wxrevenue.tokens.stores._known import KnownRecord
    from wxrevenue.tokens.stores._locks import Locks

_log = logging.getLogger("wxrevenue.tokens")

LEASE: Final = 10.0
"""Seconds for which a lock is taken.

The other processes wait for so long if its holder was killed.
"""
PATIENCE: Final = 5.0
"""Seconds that a refresh waits for its record to be written.

Closing waits so long for all of them.
"""
TOLD_AFTER: Final = 3
"""Failed tries to write a record after which the log says so."""
_PAUSES: Final = (0.1, 1.0, 2.0, 5.0)
"""Seconds between two tries to write a record; the last goes on."""
_LONGEST_TRY: Final = 60.0
_MOST_TRIES: Final = 4
"""Tries to write a record that may hang at the same time."""


class RecordWriter:
    """Writes known records, each in a task of its own.

    Args:
        store: where to.
        locks: the store's locks.
        clock: what counts the seconds.
        on_decided: called when a record is written, or a newer one is stored.
    """

    def __init__(
        self,
        store: TokenStore,
        locks: Locks,
        clock: Clock,
        on_decided: Callable[[str, KnownRecord], None],
    ) -> None:
        self._store = store
        self._locks = locks
        self._clock = clock
        self._on_decided = on_decided
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, known: KnownRecord) -> None:
        """Begin to write the record."""
        known.stop()
        known.outcome, known.tried = None, asyncio.Event()
        known.writing = task = asyncio.get_running_loop().create_task(self._write_until_taken(name, known))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stopped(self) -> list[asyncio.Task[None]]:
        """Return the tasks that were told to stop, and have not ended yet."""
        return [task for task in self._tasks if task.cancelling()]

    def hurry(self, name: str, known: KnownRecord) -> None:
        """Try at once, instead of after a pause, or beside a try that may hang."""
        if known.is_idle:
            self.start(name, known)
        else:
            self._begin_try(name, known)

    async def _write_until_taken(self, name: str, known: KnownRecord) -> None:
        tried = known.tried
        try:
            for pause in _pauses():
                await self._try_once_more(name, known)
                if known.outcome is not None:
                    break
                tried.set()
                await self._pause(known, pause)
            await self._locks.give_back(name)
        except asyncio.CancelledError:
            if known.writing is asyncio.current_task():  # not stopped by us: the loop ends, and this is the last chance
                await self._try(name, known, PATIENCE)
            raise
        finally:
            tried.set()
            for task in known.tries:
                task.cancel()
            await wait_for(tuple(known.tries), None)
        self._on_decided(name, known)

    async def _try_once_more(self, name: str, known: KnownRecord) -> None:
        """Begin a try, and wait until one is over, or this one seems to hang."""
        known.ended.clear()
        self._begin_try(name, known)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await known.ended.wait()

    def _begin_try(self, name: str, known: KnownRecord) -> None:
        if len(known.tries) < _MOST_TRIES:
            task = asyncio.get_running_loop().create_task(self._try(name, known, _LONGEST_TRY))
            known.tries.add(task)
            task.add_done_callback(known.tries.discard)

    async def _pause(self, known: KnownRecord, seconds: float) -> None:
        known.pausing = True
        try:
            await self._clock.sleep(seconds)
        finally:
            known.pausing = False

    async def _try(self, name: str, known: KnownRecord, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                outcome = await self._write(name, known)
        except Exception as error:  # noqa: BLE001  (a user's own store may raise anything)
            failure = type(error).__name__
        else:
            known.outcome = outcome if known.outcome is None else known.outcome
            return
        finally:
            known.ended.set()
        known.failures += 1
        if known.failures == TOLD_AFTER:
            _log.error("the token %s could not be stored (%s): it is kept in this process, and stored as soon as that works", name, failure)

    async def _write(self, name: str, known: KnownRecord) -> bool | None:
        """Return whether it was written; ``None`` while another holder has the lock."""
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
        fence = await self._locks.take(name, lease=LEASE)
        if fence is None:
            if known.is_authorization:
                now = self._clock.monotonic()
                known.record, known.since = attrs.evolve(known.as_of(now), age=None), now
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
                await self._locks.give(name, fence=fence)

    def _now(self, known: KnownRecord) -> StoredToken:
        return known.as_of(self._clock.monotonic())


def _pauses() -> Iterator[float]:
    return chain(_PAUSES, repeat(_PAUSES[-1]))


async def tried(known: KnownRecord, patience: float) -> None:
    """Wait until the first try to write the record is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await known.tried.wait()


async def wait_for(tasks: Iterable[asyncio.Task[None] | None], timeout: float | None) -> None:
    """Wait until the tasks are done."""
    running = [task for task in tasks if task is not None and not task.done()]
    if running:
        await asyncio.wait(running, timeout=timeout)
