"""A token store in front of another, which writes what that one has not taken."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable
from weakref import WeakSet, finalize

import attrs

from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue.ports import RenewableTokenStore
from wxrevenue.tokens.stores._known import KnownRecord
from wxrevenue.tokens.stores._locks import Locks
from wxrevenue.tokens.stores._writing import PATIENCE, TOLD_AFTER, RecordWriter, tried, wait_for

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.stored import StoredToken
    from wxrevenue.ports import Clock, TokenStore

_log = logging.getLogger("wxrevenue.tokens")

_CATCH_UP: Final = 1.0
"""Seconds that a read waits for a record to be written that the store should have."""


@attrs.define(eq=False, repr=False)
class _StoreState:
    """What this process knows of the records of one store."""

    records: dict[str, KnownRecord] = attrs.field(factory=dict[str, KnownRecord])
    abandoned: set[str] = attrs.field(factory=set[str])
    """The names of records that a source had to write when it closed."""
    fronts: WeakSet[RetryingTokenStore] = attrs.field(factory=WeakSet["RetryingTokenStore"])
    """Those that are in use."""
    store: TokenStore | None = None
    """A store that cannot be referred to weakly.

    It is kept, so that its id stays its own.
    """


_known: Final[dict[int, _StoreState]] = {}
"""What could not be written, by the store's id.

So it outlives the source that got it, also where stores cannot be hashed.
"""


@runtime_checkable
class KeepingStore(Protocol):
    """A store that keeps by itself what it could not write."""

    async def finish(self) -> None:
        """Try to write it, for some seconds at most."""
        ...


class RetryingTokenStore:
    """Keeps what the store behind did not take, by name.

    It is written as soon as that works.

    WeChat replaces a refresh token when it is used. A process that has the new one must not lose
    it: without it the merchant has to authorize again. So the newest record of each name that has
    one is known here, also when the store behind loses it (a fail-over, a restart without
    persistence, an eviction), and is written again.

    A newer record is never replaced by an older one. The locks' numbers decide; where a record was
    got without the lock, the store's ``age`` of a record, and how long tokens live.

    Args:
        store: the store behind.
        clock: what counts the seconds.
    """

    def __init__(self, store: TokenStore, *, clock: Clock = LOOP_CLOCK) -> None:
        self._store = store
        self._clock = clock
        known = _known_by(store)
        self._known, self._abandoned, self._fronts = known.records, known.abandoned, known.fronts
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where it is used."""
        self._names: set[str] = set()
        """What this front had to write; others in front of the same store have their own."""
        self._locks = Locks(store)
        self._writer = RecordWriter(store, self._locks, clock, self._on_decided)

    @property
    def can_renew(self) -> bool:
        """Whether the store behind can renew a lock."""
        return isinstance(self._store, RenewableTokenStore)

    async def read(self, name: str) -> StoredToken | None:
        """Return the newest record, stored or not; see :class:`TokenStore`."""
        self._loop = asyncio.get_running_loop()
        self._fronts.add(self)
        self._adopt()
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
        return await self._locks.take(name, lease=lease)

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock; see :class:`RenewableTokenStore`."""
        return isinstance(self._store, RenewableTokenStore) and await self._store.renew(name, fence=fence, lease=lease)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back; see :class:`TokenStore`."""
        await self._locks.give(name, fence=fence)

    @property
    def behind(self) -> TokenStore:
        """The store behind, for records that are written at once or not at all."""
        found: TokenStore = getattr(self._store, "without_fallback", self._store)
        return found

    async def put(  # noqa: PLR0913  (facts about the record, by keyword)
        self,
        name: str,
        record: StoredToken,
        *,
        fence: int | None,
        since: float,
        replaces: Secret | None = None,
        is_handed_in: bool = False,
    ) -> bool:
        """Write the record, now or later; return whether no newer one is stored.

        Args:
            name: the record's.
            record: what to write, as of ``since``.
            fence: the number of the lock under which it was got; ``None``: without the lock.
            since: when WeChat was asked for it (monotonic seconds).
            replaces: the refresh token that it was got with. Another one that was handed in
                meanwhile, and is not written yet, is the newer one.
            is_handed_in: an authorization, and no refresh, has brought it.
        """
        known = self._known.get(name)
        if known is None or not known.was_handed_in_beside(replaces):
            known = self.keep(name, record, fence=fence, since=since, is_handed_in=is_handed_in)
        await tried(known, PATIENCE)
        return known.outcome or (known.outcome is None and self._known.get(name) is known)

    def keep(self, name: str, record: StoredToken, *, fence: int | None, since: float, is_handed_in: bool = False) -> KnownRecord:
        """Have the record written without waiting for it."""
        before = self._known.get(name)
        if before is not None:
            before.stop()
        base = None if before is None else before.last_seen
        self._names.add(name)
        known = self._known[name] = KnownRecord(record, since, fence, base, is_handed_in=is_handed_in)
        self._writer.start(name, known)
        return known

    def is_unwritten(self, name: str) -> bool:
        """Return whether a record of that name waits to be written."""
        known = self._known.get(name)
        return known is not None and not known.is_stored

    async def finish(self) -> None:
        """Try to write what is not written yet, for five seconds at most.

        What is left stays known in this process, and is named in the log. Another front that is in
        use on this loop goes on with it.
        """
        self._fronts.discard(self)
        self._adopt()
        unwritten = {name: known for name, known in self._known.items() if name in self._names and not known.is_stored}
        for name, known in unwritten.items():
            self._writer.hurry(name, known)
        tasks = [known.writing for known in unwritten.values()]
        await wait_for(tasks, PATIENCE)
        for known in unwritten.values():
            known.stop()
        await wait_for([*tasks, *self._writer.stopped()], None)
        if isinstance(self._store, KeepingStore):
            await self._store.finish()
        lost = sorted(name for name, known in unwritten.items() if known.outcome is None)
        self._abandoned.update(lost)
        self._hand_over()
        if lost:
            _log.error("the tokens of %s are not stored: they end with this process", ", ".join(lost))

    # ------------------------------------------------------------------ what is known

    def _learn(self, name: str, stored: StoredToken | None) -> None:
        before = self._known.pop(name, None)
        if before is not None:
            before.stop()
        if stored is not None and stored.refresh is not None:
            self._known[name] = KnownRecord(stored, self._clock.monotonic(), stored.fence, is_stored=True)

    def _adopt(self) -> None:
        """Go on with what a source before this one left unwritten."""
        while self._abandoned:
            name = self._abandoned.pop()
            known = self._known.get(name)
            if known is not None and not known.is_stored and known.is_idle:
                self._names.add(name)
                self._writer.start(name, known)

    def _hand_over(self) -> None:
        loop = asyncio.get_running_loop()
        for front in tuple(self._fronts):
            if front._loop is loop:  # noqa: SLF001  (one of this class)
                front._adopt()  # noqa: SLF001

    async def _catch_up(self, name: str, known: KnownRecord) -> None:
        """Write what the store should have, since it can be reached."""
        self._writer.hurry(name, known)
        await tried(known, _CATCH_UP)

    def _on_decided(self, name: str, known: KnownRecord) -> None:
        known.is_stored = known.is_stored or known.outcome is True
        if known.failures >= TOLD_AFTER and known.outcome:
            _log.warning("the token %s is stored now", name)
        if (known.outcome is False or known.record.refresh is None) and self._known.get(name) is known:
            del self._known[name]


def _known_by(store: TokenStore) -> _StoreState:
    key = id(store)
    if key not in _known:
        _known[key] = known = _StoreState()
        try:
            finalize(store, _known.pop, key, None).atexit = False
        except TypeError:
            known.store = store
    return _known[key]
