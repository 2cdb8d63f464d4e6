"""One token as this process has it.

Whether it still lives, when to get the next, and which callers wait for that.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import random
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._base.tasks import is_cancelled
from wxrevenue.errors import (
    ClientStateError,
    DeadlineExceededError,
    QuotaExceededError,
    TokenUnavailableError,
    TooFastError,
    WxRevenueError,
    without_history,
)
from wxrevenue.tokens._key import RefreshReason
from wxrevenue.tokens._single_flight import SingleFlight

if TYPE_CHECKING:
    from contextvars import Context

    from wxrevenue._base.secret import Secret
    from wxrevenue.ports import Clock
    from wxrevenue.tokens._events import TokenEvents
    from wxrevenue.tokens._key import NewToken, TokenKey
    from wxrevenue.tokens._refresh import Refresher

_log = logging.getLogger("wxrevenue.tokens")

EARLY: Final = (300.0, 600.0)
"""Seconds before its end at which a token is replaced in the background.

It is any number between the two, so that processes do not meet.
"""
DUE: Final = 60.0
"""Seconds before its end from which on callers wait for the next token."""
_EARLY_SHARE, _DUE_SHARE = 0.5, 0.1
"""Shares of a token's life that neither of the two may exceed."""
STALL: Final = 3.0
"""Seconds that a caller waits at most while the old token can still be sent.

It also waits no longer than half of the seconds that it has.
"""
_SOON: Final = 1.0
"""Seconds in which a token that still lives may be dead before it is sent."""

_PAUSES: Final = (1.0, 10.0)
"""Seconds before a failed refresh is tried again: at first, and at most.

By chance it is up to twice that.
"""
_PAUSE_AFTER: Final[tuple[tuple[type[WxRevenueError], float], ...]] = ((QuotaExceededError, 600.0), (TooFastError, 60.0))
_PAUSE_BETWEEN_LOGS: Final = 60.0
_jitter: Final = random.random

_CLOSED: Final = "the token source was closed while the call waited"


@attrs.frozen
class LiveToken(Printable):
    """A token, and the times from which on it is old.

    Seconds on the monotonic clock: from ``early`` on the next is fetched in the background, from
    ``due`` on it is waited for, from ``end`` on this one is dead.
    """

    token: Secret
    early: float
    due: float
    end: float


Outcome: TypeAlias = "LiveToken | WxRevenueError"


@attrs.define(eq=False, repr=False, kw_only=True)
class CachedToken:
    """Hands out one token, with at most one refresh at a time.

    The refresh belongs to no caller.

    Args:
        key: which token.
        refresher: gets the next one.
        events: are told how refreshes begin and end.
        clock: what counts the seconds.
        context: what refreshes run in.
    """

    key: TokenKey
    refresher: Refresher
    events: TokenEvents
    clock: Clock
    context: Context
    flight: SingleFlight[Outcome] | None = attrs.field(default=None, init=False)
    """The refresh that goes on, if one does."""
    _cached: LiveToken | None = attrs.field(default=None, init=False)
    _refused_token: Secret | None = attrs.field(default=None, init=False)
    """The last token that the server refused, until there is another."""
    _failure: WxRevenueError | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    """How many refreshes in a row failed.

    Only those count that asked WeChat, or could not reach it.
    """
    _retry_at: float = attrs.field(default=0.0, init=False)
    _logged_at: float = attrs.field(default=float("-inf"), init=False)

    async def get(self, timeout: float) -> Secret:
        """Return a token that lives, within ``timeout`` seconds.

        Raises:
            TokenUnavailableError: there is none; a copy for each caller.
            DeadlineExceededError: none came in time. The refresh goes on.
            ClientStateError: the source was closed meanwhile.
        """
        now = self.clock.monotonic()
        return self.peek(now) or await self._wait(now, timeout)

    def peek(self, now: float) -> Secret | None:
        """Return the token if no caller need wait for another.

        Near its end start the refresh that replaces it.
        """
        held = self._cached
        if held is None or now >= held.due:
            return None
        if now >= held.early and self.flight is None and now >= self._retry_at:
            self._start(now)
        return held.token

    def reject(self, token: Secret) -> None:
        """Drop the token, if it is the one that is held.

        Of many late refusals only the first has an effect. A new token is kept if it replaced one
        that was refused while it was new. To replace it at once, again and again, would never give
        any token the time to become known.
        """
        if self._cached is not None and self._cached.token == token and not self.refresher.refusals.is_in_grace(self.key):
            self._cached, self._refused_token = None, token

    def forget(self) -> None:
        """Let go of everything known: the account authorized anew."""
        self._cached = self._refused_token = self._failure = None
        self._failures, self._retry_at = 0, 0.0

    # ------------------------------------------------------------------ callers

    async def _wait(self, now: float, timeout: float) -> Secret:
        if self.flight is None and self._failure is not None and now < self._retry_at:
            outcome: Outcome | None = self._failure
        else:
            flight = self.flight or self._start(now)
            await flight.wait(self._patience(now, timeout))
            outcome = ClientStateError(_CLOSED) if flight.ended else flight.outcome
        if isinstance(outcome, LiveToken):
            return outcome.token
        held = self._cached
        if held is not None and self.clock.monotonic() < held.end:
            return held.token
        if outcome is None:
            raise DeadlineExceededError(f"the deadline passed while waiting for {self.key}")
        raise copy.copy(outcome)

    def _patience(self, now: float, timeout: float) -> float:
        """Return how long a caller waits.

        A refresh that hangs must leave it time to use the old token, while that one lives.
        """
        brief = min(timeout / 2, STALL)
        return brief if self._cached is not None and now + brief + _SOON < self._cached.end else timeout

    # ------------------------------------------------------------------ the refresh

    def _start(self, now: float) -> SingleFlight[Outcome]:
        reason, stale = self._why(now)
        flight = SingleFlight(self._run(reason, stale), clock=self.clock, context=self.context.copy())
        if flight.outcome is None:  # a loop whose tasks begin at once may have ended it by now
            self.flight = flight
        return flight

    def _why(self, now: float) -> tuple[RefreshReason, Secret | None]:
        """Return why another token is wanted, and which one will not do any more."""
        held = self._cached
        if held is not None:
            return RefreshReason.EARLY if now < held.due else RefreshReason.DUE, held.token
        return RefreshReason.FIRST if self._refused_token is None else RefreshReason.REFUSED, self._refused_token

    async def _run(self, reason: RefreshReason, stale: Secret | None) -> Outcome:
        try:
            return await self._outcome(reason, stale)
        finally:
            self.flight = None

    async def _outcome(self, reason: RefreshReason, stale: Secret | None) -> Outcome:
        started = self.clock.monotonic()
        self.events.refresh(self.key, "started", reason)
        failure: object = None
        try:
            return self._keep(await self.refresher.renew(self.key, reason, stale), reason, started)
        except asyncio.CancelledError as error:
            failure = error if is_cancelled() else TokenUnavailableError(f"{self.key}: getting one raised CancelledError")
        except Exception as error:  # noqa: BLE001  (a user's own store may raise anything)
            failure = error
        return self._failed(without_history(failure), reason, started)

    def _keep(self, grant: NewToken, reason: RefreshReason, started: float) -> LiveToken:
        now = self.clock.monotonic()
        if grant.is_new and reason is RefreshReason.REFUSED:
            self.refresher.refusals.count(self.key)
        left = grant.end - now
        early = min(EARLY[0] + (EARLY[1] - EARLY[0]) * _jitter(), left * _EARLY_SHARE)
        self._cached = LiveToken(grant.token, grant.end - early, grant.end - min(DUE, left * _DUE_SHARE), grant.end)
        self._refused_token = self._failure = None
        self._failures, self._retry_at = 0, 0.0
        self.events.refresh(self.key, "ok", reason, duration=now - started)
        return self._cached

    def _failed(self, error: BaseException, reason: RefreshReason, started: float) -> WxRevenueError:
        if isinstance(error, asyncio.CancelledError):
            self.events.refresh(self.key, "failed", reason, error="CancelledError", duration=self.clock.monotonic() - started)
            return ClientStateError(_CLOSED)
        if not isinstance(error, WxRevenueError):
            error = TokenUnavailableError(f"{self.key}: getting one raised {type(error).__name__}")
        now = self.clock.monotonic()
        last = getattr(error, "last", None)
        self._failures += last is not None
        self._failure, self._retry_at = error, now + self._pause(last)
        kind, code = type(last or error).__name__, getattr(last, "code", None)
        self.events.refresh(self.key, "failed", reason, error=kind, code=code, duration=now - started)
        self._log(now, last or error)
        return error

    def _pause(self, last: WxRevenueError | None) -> float:
        """Return the seconds before another try.

        It is short where WeChat was not asked, and longer and longer where WeChat or its line
        fails.
        """
        first, most = _PAUSES
        usual = first if last is None else min(most, first * 2.0 ** min(self._failures - 1, 30))
        return next((seconds for kind, seconds in _PAUSE_AFTER if isinstance(last, kind)), usual) * (1 + _jitter())

    def _log(self, now: float, error: WxRevenueError) -> None:
        if self._cached is not None and now < self._cached.end and now - self._logged_at >= _PAUSE_BETWEEN_LOGS:
            self._logged_at = now
            facts = type(error).__name__, getattr(error, "code", None), self._cached.end - now
            _log.warning("%s could not be refreshed (%s, code %s); it lives for %.0f s more", self.key, *facts)
