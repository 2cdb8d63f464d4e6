"""One token as this process knows it: whether it still lives, when to get the next, and who waits for that."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

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
from wxrevenue.tokens._single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import Context

    from wxrevenue._base.secret import Secret
    from wxrevenue.ports import Clock

_log = logging.getLogger("wxrevenue.tokens")

EARLY: Final = (300.0, 600.0)
"""How many seconds before its end a token is replaced in the background: anything between the two, so that processes do not meet."""
DUE: Final = 60.0
"""How many seconds before its end callers wait for the next one."""
_EARLY_SHARE, _DUE_SHARE = 0.5, 0.1
"""Neither is more than this share of what a token has to live."""
STALL: Final = 3.0
"""Seconds that a caller waits at most, and half of those it has, while the old token still lives and can be sent instead."""
_SOON: Final = 1.0
"""Seconds in which a token that still lives may be dead before it is sent."""

_PAUSES: Final = (1.0, 10.0)
"""Seconds before a failed refresh is tried again: the first time, and at most; up to twice that by chance."""
_PAUSE_AFTER: Final[tuple[tuple[type[WxRevenueError], float], ...]] = ((QuotaExceededError, 600.0), (TooFastError, 60.0))
_PAUSE_BETWEEN_LOGS: Final = 60.0

_CLOSED: Final = "the token source was closed while the call waited"

MOST_REFUSED, REFUSED_WITHIN = 3, 300.0
"""How often, in how many seconds, a token is replaced because the server refused it."""
_GRACE_AFTER, GRACE = 2, 30.0
"""After how many such replacements the next token is given so many seconds: not every gateway knows a new token at once."""


@attrs.frozen
class LiveToken:
    """A token, and the times (monotonic) from which on the next is fetched in the background, waited for, and this one dead."""

    token: Secret
    early: float
    due: float
    end: float


@attrs.frozen(kw_only=True)
class RefreshReason:
    """Why another token is wanted: ``"first"``, ``"early"``, ``"due"`` or ``"refused"``; and which one will not do any more."""

    why: str
    stale: Secret | None
    check_refresh_budget: Callable[[], None]
    """Called before WeChat is asked; raises ``TokenUnavailableError`` if it was asked too often."""


@attrs.frozen
class NewToken:
    """A token that was found, or that WeChat handed out anew; ``end`` on the monotonic clock."""

    token: Secret
    end: float
    is_new: bool


Outcome: TypeAlias = "LiveToken | WxRevenueError"


@attrs.define(eq=False, repr=False, kw_only=True)
class CachedToken:
    """Hands out one token; has at most one refresh at a time, which belongs to no caller.

    Args:
        what: how messages call the token.
        renew: gets the next one; raises ``WxRevenueError``.
        tell: is told how refreshes begin and end.
        clock: what counts the seconds.
        jitter: returns 0..1.
        deadline: seconds that a refresh may take.
        context: what refreshes run in.
    """

    what: str
    renew: Callable[[RefreshReason, SingleFlight[Outcome]], Awaitable[NewToken]]
    tell: Callable[..., None]
    clock: Clock
    jitter: Callable[[], float]
    deadline: float
    context: Context
    flight: SingleFlight[Outcome] | None = attrs.field(default=None, init=False)
    """The refresh that goes on, if one does."""
    _cached: LiveToken | None = attrs.field(default=None, init=False)
    _refused_token: Secret | None = attrs.field(default=None, init=False)
    """The last token that the server refused, until there is another."""
    _failure: WxRevenueError | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    """How many refreshes in a row failed that WeChat was asked in, or could not be reached."""
    _retry_at: float = attrs.field(default=0.0, init=False)
    _logged_at: float = attrs.field(default=float("-inf"), init=False)
    _forced: deque[float] = attrs.field(factory=deque[float], init=False)
    """When refused tokens were replaced by new ones."""

    async def get(self, timeout: float) -> Secret:
        """Return a token that lives, within ``timeout`` seconds.

        Raises:
            TokenUnavailableError: none can be had; a copy for each caller.
            DeadlineExceededError: none was had in time. The refresh goes on.
            ClientStateError: the source was closed meanwhile.
        """
        now = self.clock.monotonic()
        return self.peek(now) or await self._wait(now, timeout)

    def peek(self, now: float) -> Secret | None:
        """Return the token if nobody need wait for another; near its end start the refresh that replaces it."""
        held = self._cached
        if held is None or now >= held.due:
            return None
        if now >= held.early and self.flight is None and now >= self._retry_at:
            self._start(now)
        return held.token

    def reject(self, token: Secret) -> None:
        """Let go of the token, if it is the one that is held: of many late refusals only the first has an effect.

        Not so if it is new, and came in the place of one that was refused while it was new: to replace it at once, again and
        again, would never give any token the time to become known.
        """
        if self._cached is not None and self._cached.token == token and not self._is_in_grace():
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
            raise DeadlineExceededError(f"the deadline passed while waiting for {self.what}")
        raise copy.copy(outcome)

    def _patience(self, now: float, timeout: float) -> float:
        """Return how long a caller waits; a refresh that hangs must leave it time to use the old token, while that one lives."""
        brief = min(timeout / 2, STALL)
        return brief if self._cached is not None and now + brief + _SOON < self._cached.end else timeout

    # ------------------------------------------------------------------ the refresh

    def _start(self, now: float) -> SingleFlight[Outcome]:
        need = self._reason(now)
        flight = SingleFlight(lambda flight: self._run(flight, need), clock=self.clock, deadline=self.deadline, context=self.context.copy())
        if flight.outcome is None:  # a loop whose tasks begin at once may have ended it by now
            self.flight = flight
        return flight

    def _reason(self, now: float) -> RefreshReason:
        held = self._cached
        if held is not None:
            return RefreshReason(why="early" if now < held.due else "due", stale=held.token, check_refresh_budget=lambda: None)
        if self._refused_token is not None:
            return RefreshReason(why="refused", stale=self._refused_token, check_refresh_budget=self._check_refresh_budget)
        return RefreshReason(why="first", stale=None, check_refresh_budget=lambda: None)

    async def _run(self, flight: SingleFlight[Outcome], need: RefreshReason) -> Outcome:
        try:
            return await self._outcome(flight, need)
        finally:
            self.flight = None

    async def _outcome(self, flight: SingleFlight[Outcome], need: RefreshReason) -> Outcome:
        started = self.clock.monotonic()
        self.tell("started", need.why)
        failure: Any = None
        try:
            return self._keep(await self.renew(need, flight), need, started)
        except asyncio.CancelledError as error:
            failure = error
            if flight.late:
                failure = TokenUnavailableError(f"{self.what}: the refresh took longer than {self.deadline:g} s")
            elif not is_cancelled():
                failure = TokenUnavailableError(f"{self.what}: getting one raised CancelledError")
        except Exception as error:  # noqa: BLE001  (a user's own store may raise anything)
            failure = error
        return self._failed(without_history(failure), need, started)

    def _keep(self, grant: NewToken, need: RefreshReason, started: float) -> LiveToken:
        now = self.clock.monotonic()
        if grant.is_new and need.why == "refused":
            self._forced.append(now)
        left = grant.end - now
        early = min(EARLY[0] + (EARLY[1] - EARLY[0]) * self.jitter(), left * _EARLY_SHARE)
        self._cached = LiveToken(grant.token, grant.end - early, grant.end - min(DUE, left * _DUE_SHARE), grant.end)
        self._refused_token = self._failure = None
        self._failures, self._retry_at = 0, 0.0
        self.tell("ok", need.why, duration=now - started)
        return self._cached

    def _failed(self, error: BaseException, need: RefreshReason, started: float) -> WxRevenueError:
        if isinstance(error, asyncio.CancelledError):
            self.tell("failed", need.why, error="CancelledError", duration=self.clock.monotonic() - started)
            return ClientStateError(_CLOSED)
        if not isinstance(error, WxRevenueError):
            error = TokenUnavailableError(f"{self.what}: getting one raised {type(error).__name__}")
        now = self.clock.monotonic()
        last = getattr(error, "last", None)
        self._failures += last is not None
        self._failure, self._retry_at = error, now + self._pause(last)
        self.tell("failed", need.why, error=type(last or error).__name__, code=getattr(last, "code", None), duration=now - started)
        self._log(now, last or error)
        return error

    def _pause(self, last: WxRevenueError | None) -> float:
        """Return the seconds before another try: short where nobody was asked, longer and longer where WeChat or its line fails."""
        first, most = _PAUSES
        usual = first if last is None else min(most, first * 2.0 ** min(self._failures - 1, 30))
        return next((seconds for kind, seconds in _PAUSE_AFTER if isinstance(last, kind)), usual) * (1 + self.jitter())

    def _is_in_grace(self) -> bool:
        return self._forced_lately() >= _GRACE_AFTER and self.clock.monotonic() - self._forced[-1] < GRACE

    def _forced_lately(self) -> int:
        now = self.clock.monotonic()
        while self._forced and now - self._forced[0] >= REFUSED_WITHIN:
            self._forced.popleft()
        return len(self._forced)

    def _check_refresh_budget(self) -> None:
        """Refuse a refresh that a refusal forces if others keep replacing the token."""
        if self._forced_lately() >= MOST_REFUSED:
            raise TokenUnavailableError(
                f"{self.what} was refused and replaced {MOST_REFUSED} times within {REFUSED_WITHIN / 60:.0f} minutes: another process or "
                "system refreshes it with the same secret. Let one alone refresh it, or let all of them share one token store"
            )

    def _log(self, now: float, error: WxRevenueError) -> None:
        if self._cached is not None and now < self._cached.end and now - self._logged_at >= _PAUSE_BETWEEN_LOGS:
            self._logged_at = now
            facts = type(error).__name__, getattr(error, "code", None), self._cached.end - now
            _log.warning("%s could not be refreshed (%s, code %s); it lives for %.0f s more", self.what, *facts)
