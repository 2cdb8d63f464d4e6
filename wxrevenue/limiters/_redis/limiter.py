"""The rate limiter of many processes that share quotas through Redis."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import NeverPickled, as_secret
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._redis.link import RedisLink, key_prefix
from wxrevenue.errors import ClientStateError, ConfigurationError
from wxrevenue.limiters._local.clock import LimiterClock
from wxrevenue.limiters._local.gate import Gate
from wxrevenue.limiters._local.scope import Common, ScopeLimiter
from wxrevenue.limiters._quota.fixed_rate import Rate
from wxrevenue.limiters._redis.answer import Answer
from wxrevenue.limiters._redis.hub import Hub
from wxrevenue.limiters._redis.listener import Listener
from wxrevenue.limiters._redis.scope import SharedScope
from wxrevenue.limiters._redis.turn import SharedTurn

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from redis.asyncio import Redis, RedisCluster

    from wxrevenue._base.secret import Secret
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock

_NAME: Final = "RedisRateLimiter"
_PARTING_S: Final = 1.0
"""Seconds for which closing waits for Redis."""


class RedisRateLimiter(NeverPickled):
    """Obeys 1737, 45011 and 45009 for all processes on one Redis.

    These are "operating too fast" and a spent daily quota. It does what :class:`LocalRateLimiter`
    does, for callers in any number of processes and on any number of machines. Redis (6.2 or newer,
    or Valkey, also a cluster) grants every call, by its own clock. What answers teach is shared.
    One call probes for all processes. Needs ``pip install "wxrevenue[redis]"``.

    Within a process callers go in order of arrival. Processes get fair shares. A process that is
    killed or stopped loses its permits when ``lease`` ends: they count as used. While Redis is
    away, each process goes on with its share of what was known: ``on_event`` is told so
    (:class:`LimiterEvent`). The bounds stand in ``wxrevenue/limiters/README.md``.

    Every client that uses it needs a ``component_appid``: scopes begin with it, and a name that
    only one process knows would share nothing. Use it on one event loop and in one process, and
    ``await limiter.aclose()`` at the end, or ``async with``. Making one does no I/O.

    Args:
        url: of Redis, ``redis://[user:password@]host:port/db``, ``rediss://…`` or
            ``unix:///path``, with the password percent-encoded; or a client of ``redis.asyncio``,
            also for a cluster or behind sentinels, with settings of your own. A client that you
            give is not closed.
        cooldown: seconds for which a refusal shuts a scope, and also the window that the server is
            supposed to count for: the first guess, as for ``LocalRateLimiter``. The same in all
            processes.
        rate: how often a scope may be called by all processes together, if you know. Then nothing
            is learned. The same in all processes.
        lease: seconds after which Redis takes back what a process holds that says nothing. A
            probe's lasts as long as a call may take, if that is longer.
        prefix: how keys and channels begin. Give each environment its own where several use one
            Redis.
        clock: where waits are measured; the running loop by default.
        on_event: is told when Redis goes and comes back.

    Raises:
        ConfigurationError: one of these is not allowed, or redis-py is not installed.
    """

    _place = "Redis"
    """A traceback may show a limiter that is not made yet."""

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        url: str | Secret | Redis | RedisCluster,
        *,
        cooldown: float = 60.0,
        rate: Rate | None = None,
        lease: float = 5.0,
        prefix: str = "wxrevenue",
        clock: Clock | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        url = as_secret(url, "execute_command")  # first of all: what follows may raise
        cooldown = _checks.seconds(f"{_NAME}.cooldown", cooldown)
        rate = _checks.instance(f"{_NAME}.rate", rate, Rate)
        lease = _checks.seconds(f"{_NAME}.lease", lease)
        prefix = key_prefix(f"{_NAME}.prefix", prefix)
        on_event = _checks.listener(f"{_NAME}.on_event", on_event)
        self._clock = LimiterClock(LOOP_CLOCK if clock is None else clock)
        self._link = RedisLink(url, owner=_NAME)
        self._place = self._link.place
        self._hub = Hub(
            self._link, self._clock, cooldown=float(cooldown), rate=rate, lease=float(lease), prefix=prefix, on_event=on_event
        )  # fmt: skip
        self._common = Common(self._clock, self._scope_of, self._on_refused, self._on_quiet)
        self._by_scope: dict[str, SharedScope] = {}
        self._by_group: dict[str, SharedScope] = {}
        self._sequences = 0
        self._listener = Listener(self._link, self._hub.channel, self._heard, self._hub.set_hears)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def check_client(self, where: str, *, component_appid: str, timeout: float) -> None:
        """Look whether a client can use this; clients do so when they are made.

        Raises:
            ConfigurationError: the client has no ``component_appid``.
        """
        if not component_appid:
            raise ConfigurationError(f"{where}.component_appid: a RedisRateLimiter needs one: without it nothing can be shared")
        self._hub.probe_lease = max(self._hub.probe_lease, float(timeout))

    # ------------------------------------------------------------------ turns

    def take(self, scope: str) -> SharedTurn | None:
        """Return a turn if this process holds a permit.

        See :class:`wxrevenue.ports.InstantLimiter`.
        """
        limiter = self._by_scope.get(scope)
        if limiter is None or not limiter.may_leave():
            return None
        try:
            self._link.check_usable()
        except ClientStateError:
            return None
        turn = self._turn(scope, limiter)
        limiter.leave(turn)
        return turn

    async def acquire(self, scope: str, *, timeout: float) -> SharedTurn:
        """Wait for a turn; see :class:`wxrevenue.ports.RateLimiter`."""
        self._common.check_open()
        self._link.check_usable()
        self._listener.start()
        limiter = self._scope_of(scope)
        turn = self._turn(scope, limiter)
        await limiter.wait(turn, timeout)
        return turn

    def _turn(self, scope: str, limiter: SharedScope) -> SharedTurn:
        turn = SharedTurn()
        turn.limiter, turn.scope, turn.out = limiter, scope, None
        turn.sequence = self._sequences = self._sequences + 1
        return turn

    async def reopen(self, scope: str) -> None:
        """Let the scope's callers go, in all processes, whatever shut it."""
        self._common.check_open()
        self._link.check_usable()
        await self._scope_of(scope).ask_to_reopen()

    async def aclose(self) -> None:
        """End every wait with ``ClientStateError``, and close the connections.

        What this process holds is given back. May be called twice.
        """
        if not self._common.closed:
            self._common.closed = True
            for limiter in self._by_group.values():
                limiter.end_waits()
            self._hub.closed = True
            for limiter in self._by_group.values():
                await limiter.exchange.aclose(_PARTING_S)
        await self._listener.aclose()
        await self._link.aclose()

    @property
    def process(self) -> str:
        """What this process is called in Redis: a random name."""
        return self._hub.process

    @property
    def held(self) -> int:
        """How many permits this process holds now, calls under way included."""
        return sum(limiter.permits.stock + limiter.permits.in_flight for limiter in self._by_group.values())

    def __repr__(self) -> str:
        return f"<{_NAME} in {self._place}>"

    # ------------------------------------------------------------------ scopes

    def _scope_of(self, scope: str) -> SharedScope:
        limiter = self._by_scope.get(scope)
        if limiter is None:
            _checks.text("scope", scope)
            limiter = self._by_scope[scope] = self._group_of(self._hub.own_group(scope), scope)
        return limiter

    def _group_of(self, group: str, scope: str) -> SharedScope:
        limiter = self._by_group.get(group)
        if limiter is None:
            gate = Gate(self._hub.cooldown, random.random, self._clock.margin)
            limiter = SharedScope(self._common, self._hub, (scope,), group=group, gate=gate, regroup=self._regroup)
            self._by_group[group] = limiter
        elif scope not in limiter.scopes:
            limiter.scopes += (scope,)
        return limiter

    def _regroup(self, limiter: SharedScope, group: str) -> None:
        """Have a limiter's first scope go on in another group.

        Without a group, do so with all scopes that do not belong to the limiter's own.
        """
        if not group:
            alone = [scope for scope in limiter.scopes if self._hub.own_group(scope) != limiter.group]
            for scope in alone:
                self._move(limiter, scope, self._hub.own_group(scope))
        else:
            self._move(limiter, limiter.scopes[0], group)
        if not limiter.scopes:
            del self._by_group[limiter.group]
            limiter.exchange.stop()
            limiter.retire()

    def _move(self, limiter: SharedScope, scope: str, group: str) -> None:
        target = self._by_scope[scope] = self._group_of(group, scope)
        limiter.move_to(target)
        limiter.scopes = tuple(one for one in limiter.scopes if one != scope)
        if not limiter.scopes:
            limiter.hand_refusals(target)
        target.advance(self._clock.now_or_last())

    def _heard(self, message: str) -> None:
        group, _, words = message.partition(" ")
        limiter = self._by_group.get(group)
        if limiter is not None and not self._common.closed:
            limiter.exchange.pushed(Answer.read(words))

    def _on_refused(self, limiter: ScopeLimiter, now: float, probe: bool) -> None:  # noqa: FBT001  (a callback)
        """Do nothing: scopes are merged inside Redis."""

    def _on_quiet(self, limiter: ScopeLimiter, now: float) -> None:
        """Do nothing: likewise."""
