"""Where refreshed tokens are kept: the port, and a store within one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from wxrevenue import _checks
from wxrevenue._clock import LOOP_CLOCK
from wxrevenue._ports import Clock

if TYPE_CHECKING:
    from wxrevenue._secret import Secret


@attrs.frozen(kw_only=True)
class StoredToken:
    """What a :class:`TokenStore` keeps under one name.

    Args:
        token: an access token; ``None`` where there is none, or none that still lives.
        left: how many seconds the token has to live, as of the ``write`` that it goes into or the ``read`` that it comes from.
            Seconds left, not a time of day: hosts' clocks differ.
        refresh: an authorizer's refresh token. It outlives access tokens, and is all there is to get another one with.
        fence: the number of the lock under which it was written.
    """

    token: Secret | None = None
    left: float = 0.0
    refresh: Secret | None = None
    fence: int = 0


@runtime_checkable
class TokenStore(Protocol):
    """Keeps the tokens of one component, or of several, for one process or for many, and lets one of them refresh at a time.

    Each name (``component appid/``, or ``component appid/authorizer appid``) has a record, a lock with a lease, and a counter
    that numbers the locks and never goes back, not even when record and lock are gone. A holder may be paused for longer
    than its lease and write late; the number of its lock, its *fence*, tells that apart. Time is the store's own: seconds
    until something lapses are counted on one clock for all its users. Secrets stay out of the store's messages and ``repr``.

    What it raises ends the refresh with ``TokenUnavailableError``; a token that still lives is served meanwhile. Calls that
    need long are ended with the refresh's deadline, by cancellation. One store may serve several sources; none closes it.
    """

    async def read(self, name: str) -> StoredToken | None:
        """Return the record, or ``None`` where there is none or none that this release can read.

        A token whose time is up is left out: ``token`` is ``None`` then, and ``refresh`` is still there.
        """
        ...

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock for up to ``lease`` seconds and return its fence, or ``None`` at once while somebody else has it.

        Every lock's fence is larger than that of all locks of the name before it.
        """
        ...

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record, in one step, unless it was written under a larger fence; return whether it was replaced.

        That the lock has lapsed alone is no reason to refuse: a late writer that nobody has overtaken has the newest token.
        ``record.fence`` is replaced by ``fence``. The token is dropped ``record.left`` seconds later; the refresh token is kept.
        """
        ...

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back, if it is still the one of that fence."""
        ...


class MemoryTokenStore:
    """Keeps tokens within one process; what it knew is gone when the process ends.

    Args:
        clock: what counts the seconds; the running loop's time by default.

    Raises:
        ConfigurationError: the clock is none.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock: Clock = _checks.instance("MemoryTokenStore.clock", clock, Clock) or LOOP_CLOCK
        self._records: dict[str, tuple[StoredToken, float]] = {}
        """Each with the time at which its token ends."""
        self._locks: dict[str, tuple[int, float]] = {}
        """The newest fence of each name, and when its lock lapses."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the record; see :class:`TokenStore`."""
        record, end = self._records.get(name, (None, 0.0))
        if record is None:
            return None
        left = end - self._clock.monotonic()
        if record.token is not None and left > 0:
            return attrs.evolve(record, left=left)
        return None if record.refresh is None else attrs.evolve(record, token=None, left=0.0)

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
        self._records[name] = attrs.evolve(record, fence=fence), self._clock.monotonic() + record.left
        return True

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back; see :class:`TokenStore`."""
        if self._locks.get(name, (0, 0.0))[0] == fence:
            self._locks[name] = fence, self._clock.monotonic()

    def __repr__(self) -> str:
        return f"<MemoryTokenStore of {len(self._records)} tokens>"
