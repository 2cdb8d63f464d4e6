"""The newest record of one name that this process has.

Also whether a stored one came after it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.stored import StoredToken


@attrs.define(eq=False, repr=False)
class KnownRecord:
    """A record that this process read, or has to write.

    Args:
        record: the record, as it was at ``since``.
        since: when WeChat was asked for it, or when it was read (monotonic seconds).
        fence: the number of the lock under which it was written or has to be; ``None`` if it was
            got without the lock.
        base: the fence of the record that it replaces, as far as this process knows; for one that
            was got without the lock.
        is_stored: whether the store has taken it.
        is_handed_in: whether an authorization, and no refresh, has brought it.
    """

    record: StoredToken
    since: float
    fence: int | None
    base: int | None = None
    is_stored: bool = False
    is_handed_in: bool = False
    overtaken: bool = False
    """The store refused it: another one was written under a later lock."""
    outcome: bool | None = attrs.field(default=None, init=False)
    """Whether it was written.

    ``False``: a newer one is stored; ``None``: not decided yet.
    """
    failures: int = attrs.field(default=0, init=False)
    """How many tries to write it failed."""
    pausing: bool = attrs.field(default=False, init=False)
    tried: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    """Set when the first try to write it is over."""
    writing: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    """Tries to write it again and again."""
    tries: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]], init=False)
    """The tries that are under way.

    One that hangs does not keep the next from beginning.
    """
    ended: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    """Set when any of them is over."""

    @property
    def last_seen(self) -> int | None:
        """The largest fence of a stored record that is certainly older than this one."""
        return self.base if self.fence is None else self.fence

    @property
    def is_authorization(self) -> bool:
        """Whether a refresh token was handed in: it comes after whatever is going on."""
        return self.is_handed_in or self.record.token is None

    @property
    def is_idle(self) -> bool:
        """Whether no try to write it is under way, in the running loop."""
        writing = self.writing
        return writing is None or writing.done() or self.pausing or writing.get_loop() is not asyncio.get_running_loop()

    def was_handed_in_beside(self, sent: Secret | None) -> bool:
        """Return whether it is an authorization that waits to be written.

        ``sent`` is the refresh token that was sent meanwhile.
        """
        return sent is not None and self.is_authorization and not self.is_stored and self.record.refresh != sent

    def as_of(self, now: float) -> StoredToken:
        """Return the record as of ``now``: with its age and its token's seconds left."""
        elapsed = now - self.since
        remaining = self.record.left - elapsed
        dated = attrs.evolve(self.record, fence=self.last_seen or 0, age=(self.record.age or 0.0) + elapsed)
        if self.record.token is None or remaining <= 0:
            return attrs.evolve(dated, token=None, left=0.0)
        return attrs.evolve(dated, left=remaining)

    def is_older_than(self, stored: StoredToken | None, now: float) -> bool:
        """Return whether the stored record came after this one.

        By the locks' numbers where they tell, else by its age, else by how long tokens live.
        """
        if stored is None:
            return False
        if self.overtaken:
            return self._came_before(stored, now)
        if self.is_stored or stored.fence == self.fence:
            return stored.fence >= (self.fence or 0) or 0 <= _age(stored) < now - self.since
        if self.last_seen is not None and stored.fence <= self.last_seen:
            return False
        return self._came_before(stored, now)

    def stop(self) -> None:
        """Write it no more."""
        writing, self.writing = self.writing, None
        if writing is not None and not writing.get_loop().is_closed():
            writing.cancel()

    def _came_before(self, stored: StoredToken, now: float) -> bool:
        elapsed, age = now - self.since, _age(stored)
        if age >= 0:
            return age <= elapsed
        if stored.token is not None and self.record.token is not None:
            return stored.left >= self.record.left - elapsed
        return self.overtaken or self.last_seen is not None


def _age(stored: StoredToken) -> float:
    """Return the seconds since it was written; negative where the store cannot tell."""
    return -1.0 if stored.age is None else stored.age
