"""A refresh: the next token, found in the store or got from WeChat.

WeChat is asked only if the store has none, and under a lock.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.tasks import whole
from wxrevenue.ams._authorization import Authorization
from wxrevenue.errors import TokenUnavailableError
from wxrevenue.tokens._advice import unusable
from wxrevenue.tokens._key import NewToken, RefreshReason
from wxrevenue.tokens._locked import LOOK_AGAIN
from wxrevenue.tokens._requests import LIFETIMES
from wxrevenue.tokens.stores._writing import LEASE, PATIENCE

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.stored import StoredToken
    from wxrevenue.ports import Clock
    from wxrevenue.tokens._authorizations import Authorizations
    from wxrevenue.tokens._key import TokenKey
    from wxrevenue.tokens._locked import LockedRecords
    from wxrevenue.tokens._requests import ReadyRequest, TokenRequests

_WORTHWHILE: Final = 10.0
"""Seconds that a stored token must still live to be worth taking."""
_UNKNOWN: Final = 61023
"""WeChat's code for a refresh token that it does not know, or that was replaced."""
MOST_REFUSED, REFUSED_WITHIN = 3, 300.0
"""How many refused tokens are replaced, and within how many seconds."""
_GRACE_AFTER, GRACE = 2, 30.0
"""After how many such replacements the next token gets how many seconds.

Not every gateway has a new token at once.
"""


class RefusalLimit:
    """Counts, for each token, how often a refusal made WeChat hand out another.

    Args:
        clock: what counts the seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: defaultdict[TokenKey, deque[float]] = defaultdict(deque)

    def count(self, key: TokenKey) -> None:
        """Count one more."""
        self._times[key].append(self._clock.monotonic())

    def is_in_grace(self, key: TokenKey) -> bool:
        """Return whether the token is so new that a refusal need not mean anything."""
        return self._lately(key) >= _GRACE_AFTER and self._clock.monotonic() - self._times[key][-1] < GRACE

    def check(self, key: TokenKey) -> None:
        """Raise ``TokenUnavailableError`` if others keep replacing the token."""
        if self._lately(key) >= MOST_REFUSED:
            raise TokenUnavailableError(
                f"{key} was refused and replaced {MOST_REFUSED} times within {REFUSED_WITHIN / 60:.0f} minutes: another process or "
                "system refreshes it with the same secret. Let one alone refresh it, or let all of them share one token store"
            )

    def _lately(self, key: TokenKey) -> int:
        times, now = self._times.get(key, ()), self._clock.monotonic()
        if times and now - times[-1] >= REFUSED_WITHIN:
            del self._times[key]
            return 0
        return sum(now - each < REFUSED_WITHIN for each in times)


@attrs.frozen(repr=False)
class Refresher:
    """Refreshes the tokens of a store, one process at a time.

    Args:
        records: where they are kept.
        requests: ask WeChat.
        authorizations: come first: what a merchant gave last counts.
        clock: what counts the seconds.
        deadline: seconds for one refresh, from when it has the lock; and for waiting for the lock,
            beyond the lease of its holder.
        refusals: how often WeChat was asked because tokens were refused, and may be.
    """

    records: LockedRecords
    requests: TokenRequests
    authorizations: Authorizations
    clock: Clock
    deadline: float
    refusals: RefusalLimit

    async def renew(self, key: TokenKey, reason: RefreshReason, stale: Secret | None) -> NewToken:
        """Return another token than the stale one.

        Once the request is sent, nothing cuts it short: its answer comes only once. A caller that
        cancels this waits until the answer is stored.
        """
        limit = asyncio.timeout(self.deadline)
        try:
            async with limit:
                return await self._renew(key, reason, stale, limit)
        except TimeoutError:
            if not limit.expired():
                raise
        raise TokenUnavailableError(f"{key}: the refresh took longer than {self.deadline:g} s")

    async def _renew(self, key: TokenKey, reason: RefreshReason, stale: Secret | None, limit: asyncio.Timeout) -> NewToken:
        redeeming = await self.authorizations.before_refresh(key)
        if redeeming:  # in its turn it may wait for a holder of a lock that was killed
            limit.reschedule(_in(2 * self.deadline + LEASE))
            await asyncio.wait(redeeming)
            limit.reschedule(_in(self.deadline))
        found, _ = await self._look(key, stale)
        if found is not None:
            return found
        fence = await self.records.take(key.record)
        if fence is None:  # the holder may have been killed: its whole lease must not cost this refresh its own time
            limit.reschedule(_in(self.deadline + LEASE))
        while fence is None:
            await self.clock.sleep(LOOK_AGAIN)
            found, _ = await self._look(key, stale)
            if found is not None:
                return found
            fence = await self.records.take(key.record)
        limit.reschedule(_in(self.deadline))
        async with self.records.held(key.record, fence):
            found, refresh = await self._look(key, stale)
            if found is not None:
                return found
            if reason is RefreshReason.REFUSED:
                self.refusals.check(key)
            ready = await self.requests.prepare(key, refresh)
            limit.reschedule(None)
            return await whole(self._fetch(key, stale, fence, ready))

    async def _look(self, key: TokenKey, stale: Secret | None) -> tuple[NewToken | None, Secret | None]:
        """Return the stored token, if it lives and is not the stale one.

        Also return the refresh token.
        """
        since = self.clock.monotonic()
        record = await self.records.read(key.record)
        if record is None:
            return None, None
        if record.token is None or record.token == stale or not record.left > _WORTHWHILE:
            return None, record.refresh
        return NewToken(record.token, since + min(record.left, LIFETIMES[1]), is_new=False), record.refresh

    async def _answer(self, key: TokenKey, ready: ReadyRequest) -> StoredToken:
        """Ask WeChat.

        If it rejects the refresh token, ask with the one that it lists itself.
        """
        try:
            return await self.requests.fetch(key, ready)
        except TokenUnavailableError as error:
            refusal = error
        is_unknown = getattr(refusal.last, "code", None) == _UNKNOWN
        known = await self.authorizations.authorizers.ask(key.authorizer) if is_unknown else None
        if not isinstance(known, Authorization) or known.authorizer_refresh_token == ready.refresh:
            raise refusal
        return await self.requests.fetch(key, await self.requests.prepare(key, known.authorizer_refresh_token))

    async def _fetch(self, key: TokenKey, stale: Secret | None, fence: int, ready: ReadyRequest) -> NewToken:
        since = self.clock.monotonic()  # before the request: it cannot live longer than from here
        record = await self._answer(key, ready)
        is_newest = await self.records.store.put(key.record, record, fence=fence, since=since, replaces=ready.refresh)
        if record.token is None:
            raise unusable(str(key))
        ours = NewToken(record.token, since + record.left, is_new=True)
        newer = None
        if not is_newest:
            with suppress(Exception):  # nothing ends this work any more, and there is a token
                async with asyncio.timeout(PATIENCE):
                    newer, _ = await self._look(key, stale)
        return newer or ours


def _in(seconds: float) -> float:
    """Return the loop's time so many seconds from now."""
    return asyncio.get_running_loop().time() + seconds
