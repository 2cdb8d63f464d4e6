"""The rate limiter of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxrevenue._base import checks as _checks
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue.errors import ClientStateError
from wxrevenue.limiters._local.registry import ScopeRegistry
from wxrevenue.limiters._local.snapshot import dump, load
from wxrevenue.limiters._local.turn import LocalTurn
from wxrevenue.limiters._quota.fixed_rate import Rate

if TYPE_CHECKING:
    from wxrevenue.ports import Clock


class LocalRateLimiter:
    """Obeys "operating too fast" and a spent daily quota for callers of this process.

    The codes are 1737 and 45011 (too fast), and 45009 (quota spent). A refusal shuts the scope for
    everyone. When the cool-down is over one call probes, and the others follow in order of arrival.
    From what was accepted before the refusal it learns how many calls a window holds, and stays
    below that; now and then one call more than that looks for a larger quota.

    Args:
        cooldown: seconds for which a refusal shuts a scope, and also the window that the server is
            supposed to count for. It is the first guess: where answers teach that calls count, or
            that a block lasts, for longer, that replaces it.
        rate: how often a scope may be called, if you know. Every scope is then kept to this rate
            from its first call on, and nothing is learned; a refusal still shuts the scope for
            ``cooldown``.
        clock: where the time comes from; the running loop by default.

    Raises:
        ConfigurationError: an argument makes no sense.
    """

    def __init__(self, cooldown: float = 60.0, rate: Rate | None = None, clock: Clock | None = None) -> None:
        cooldown = _checks.seconds("LocalRateLimiter.cooldown", cooldown)
        rate = _checks.instance("LocalRateLimiter.rate", rate, Rate)
        self._registry = ScopeRegistry(cooldown, rate, LOOP_CLOCK if clock is None else clock)
        self._by_scope = self._registry.by_scope  # looked into on every call
        self._sequences = 0

    def take(self, scope: str) -> LocalTurn | None:
        """Return a turn, if no caller waits and nothing is known against it.

        See :class:`wxrevenue.ports.InstantLimiter`.
        """
        try:
            limiter = self._by_scope[scope]
        except KeyError:
            return None
        pacer = limiter.pacer
        if pacer.in_flight < pacer.limit:  # see LocalTurn.report
            pacer.in_flight += 1
        elif not limiter.try_leave():
            return None
        turn = LocalTurn()
        turn.limiter = limiter
        turn.scope = scope
        turn.sequence = self._sequences = self._sequences + 1
        turn.out = pacer
        return turn

    async def acquire(self, scope: str, *, timeout: float) -> LocalTurn:
        """Wait for a turn; see :class:`wxrevenue.ports.RateLimiter`."""
        if (free := self.take(scope)) is not None:
            return free
        limiter = self._by_scope.get(scope) or self._registry.limiter_of(scope)
        turn = LocalTurn()
        turn.limiter = limiter
        turn.scope = scope
        turn.sequence = self._sequences = self._sequences + 1
        turn.out = None
        await limiter.wait(turn, timeout)
        return turn

    def snapshot(self) -> dict[str, Any]:
        """Return what the limiter knows, as plain data that JSON can carry.

        ``version``: of this layout. ``window``: the cool-down in seconds. ``lanes``: a dict for
        each scope, or for several that share a quota, of which something is known:

        - ``scopes``: which.
        - ``opens``: when the next probe may go, or ``None`` if it is open; ``quota_ends``: when the
          day's quota is back.
        - ``budget``: calls that may be made per ``span`` seconds, or ``None`` while unknown;
          ``kind``: how the server seems to count, as ``"window"``, ``"bucket"`` or ``"unknown"``.
        - ``tested_at``: when one call more than the budget was tried last; ``interval``: windows
          from that to the next test.
        - ``recent``: the calls of the last span, as pairs of a time and a count.
        - ``tripped``: when the last refusal came; ``pause``: seconds for which one closes the
          scope, as far as was learned.
        - ``phase``: what the limiter is about, as ``"new"``, ``"releasing"``, ``"keeping"``,
          ``"testing"``, ``"measuring"`` or ``"refused"``; ``in_flight``: calls under way.
        - everything else: for the limiter itself, so that the next process goes on where this one
          stopped, be it in the middle of a lesson. Calls under way count as made.
        - ``due``: instead of these, where a ``rate`` was given: when the last call would have been
          due.

        All times are Unix seconds.
        """
        return dump(self._registry)

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what another limiter knew, in another process for instance.

        Call it before the first turn.

        Raises:
            ConfigurationError: the data is not what :meth:`snapshot` returns; it names the field.
                Nothing is changed then.
            ClientStateError: turns were taken already, or the limiter is closed.
        """
        self._registry.check_open()
        if self._sequences:
            raise ClientStateError("a rate limiter can be restored only before its first turn")
        load(self._registry, snapshot)

    async def reopen(self, scope: str) -> None:
        """Let the scope's callers go, whatever shut it."""
        limiter = self._registry.find(scope)
        if limiter is not None:
            limiter.reopen()

    async def aclose(self) -> None:
        """End every wait with ``ClientStateError``; may be called twice."""
        self._registry.close()
