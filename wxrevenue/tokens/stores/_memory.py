"""Where refreshed tokens are kept: the port, and a store within one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.printable import Printable
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue.ports import Clock

if TYPE_CHECKING:
    from wxrevenue._wire.stored import StoredToken


class MemoryTokenStore(Printable):
    """Keeps tokens within one process; what it knew is gone when the process ends.

    Args:
        clock: what counts the seconds; the running loop's time by default.

    Raises:
        ConfigurationError: the clock is none.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock: Clock = _checks.instance("MemoryTokenStore.clock", clock, Clock) or LOOP_CLOCK
        self._records: dict[str, tuple[StoredToken, float]] = {}
        """Each with the time at which it was written."""
        self._locks: dict[str, tuple[int, float]] = {}
        """The newest fence of each name, and when its lock lapses."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the record; see :class:`TokenStore`."""
        record, written = self._records.get(name, (None, 0.0))
        if record is None:
            return None
        elapsed = self._clock.monotonic() - written
        age = (record.age or 0.0) + elapsed
        if record.token is not None and record.left > elapsed:
            return attrs.evolve(record, left=record.left - elapsed, age=age)
        return None if record.refresh is None else attrs.evolve(record, token=None, left=0.0, age=age)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock; see :class:`TokenStore`."""
        now = self._clock.monotonic()
        fence, lapses = self._locks.get(name, (0, now))
        if now < lapses:
            return None
        self._locks[name] = fence + 1, now + lease
        return fence + 1

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record; see :class:`TokenStore`."""
        before, _ = self._records.get(name, (None, 0.0))
        if before is not None and before.fence > fence:
            return False
        self._records[name] = attrs.evolve(record, fence=fence), self._clock.monotonic()
        return True

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock; see :class:`RenewableTokenStore`."""
        newest, lapses = self._locks.get(name, (0, 0.0))
        now = self._clock.monotonic()
        if newest != fence or now >= lapses:
            return False
        self._locks[name] = fence, now + lease
        return True

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back; see :class:`TokenStore`."""
        if self._locks.get(name, (0, 0.0))[0] == fence:
            self._locks[name] = fence, self._clock.monotonic()

    def __repr__(self) -> str:
        return f"<MemoryTokenStore of {len(self._records)} tokens>"
