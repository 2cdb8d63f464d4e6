"""What the shared scopes of one limiter have in common.

The way to Redis, this process's name, the clocks.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Final

from wxrevenue._engine.clock import LoopClock
from wxrevenue._redis.link import key_stem
from wxrevenue.events import LimiterEvent, tell
from wxrevenue.limiters._local.scope_names import account_of, family_of
from wxrevenue.limiters._redis.script_turn import TURN

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._redis.link import RedisLink
    from wxrevenue.errors import WxRevenueError
    from wxrevenue.events import Event
    from wxrevenue.limiters._local.clock import LimiterClock
    from wxrevenue.limiters._quota.fixed_rate import Rate

_log = logging.getLogger("wxrevenue.limiters")
_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", None)
"""It goes on while a virtual machine sleeps, which the monotonic clock does not."""
_LOT_SHARE: Final = 0.6
_PARTS: Final = ("state", "log", "past", "processes", "leases", "queue", "members")


class Hub:
    """Runs the script for the scopes of one limiter.

    Args:
        link: the way to Redis.
        clock: the time.
        cooldown: seconds for which a refusal closes a scope at first.
        rate: what the user says of the quota.
        lease: seconds that Redis keeps permits for a process that says nothing.
        prefix: how keys and channels begin.
        on_event: is told when Redis goes and comes back.
    """

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        link: RedisLink,
        clock: LimiterClock,
        *,
        cooldown: float,
        rate: Rate | None,
        lease: float,
        prefix: str,
        on_event: Callable[[Event], object] | None,
    ) -> None:
        self.link = link
        self.clock = clock
        self.cooldown = cooldown
        self.rate = rate
        self.lease = lease
        self.lot_lease = _LOT_SHARE * lease
        """Seconds of the lease of permits that probe nothing.

        What is lost with a process is few calls, and comes back soon.
        """
        self.probe_lease = lease
        """No shorter than a call takes, as far as clients said."""
        self.process = f"p{uuid.uuid4().hex}"
        self.random: Callable[[], float] = random.random
        self.closed = False
        self._names = 0
        self.hears = False
        """Whether messages reach this process."""
        self._prefix = prefix
        self._on_event = on_event
        self._stated = "" if rate is None else f"{rate.calls} {rate.per!r} {rate.burst}"
        self.channel = f"{prefix}:limiter:{self.process}"

    def lease_now(self) -> float:
        """Return the time by which leases run.

        Where there is one, it is a clock that goes on while a machine sleeps.
        """
        if _BOOT is not None and isinstance(self.clock.source, LoopClock) and not self.clock.is_virtual():
            return time.clock_gettime(_BOOT)
        return self.clock.now_or_last()

    def set_hears(self, hears: bool) -> None:  # noqa: FBT001  (a callback)
        """Note whether messages reach this process."""
        self.hears = hears

    def new_name(self) -> str:
        """Return what Redis calls one more of this process's scopes.

        None goes on under the numbers of another.
        """
        self._names += 1
        return f"{self.process}.{self._names}"

    def own_group(self, scope: str) -> str:
        """Return the group of a scope that shares its quota with no other."""
        return hashlib.sha256(scope.encode(errors="surrogatepass")).hexdigest()[:24]

    def keys(self, scope: str, group: str) -> tuple[str, ...]:
        """Return the script's keys: all in one slot of a cluster, that of the account."""
        stem = f"{key_stem(self._prefix, account_of(scope))}limiter:"
        return (f"{stem}scopes", *(f"{stem}{group}:{part}" for part in _PARTS), f"{stem}closed", f"{stem}called")

    async def turn(self, name: str, scope: str, group: str, question: tuple[str | int, ...], last: tuple[str | int, ...]) -> list[object]:
        """Run the script; see :data:`~wxrevenue.limiters._redis.script_turn.TURN`."""
        first = (repr(self.cooldown), repr(self.lot_lease), repr(max(self.lease, self.probe_lease)), self._stated)
        where = (f"{self._prefix}:limiter:", name)
        chance = (repr(self.random()), repr(self.clock.margin()))
        own = self.own_group(scope)
        words = (
            *first,
            *where,
            *question,
            *chance,
            scope,
            group,
            *last[:3],
            own,
            last[3],
            "" if self.hears else "deaf",
            family_of(scope) or "",
        )
        found: list[object] = await self.link.run_script(TURN, self.keys(scope, group), *words)
        return found

    def tell_gone(self, scope: str, error: WxRevenueError, *, budget: int, span: float, processes: int) -> None:
        """Tell that Redis went."""
        _log.warning("the rate limiter goes on with its share of %s: %s", scope, error)
        event = partial(self._event(scope), state="away", error=str(error))
        self._tell(partial(event, budget=budget, span=span, processes=processes))

    def tell_back(self, scope: str, duration: float, calls: int) -> None:
        """Tell that Redis is back."""
        _log.warning("the rate limiter shares %s again, after %.0f s", scope, duration)
        self._tell(partial(self._event(scope), state="back", duration=duration, calls=calls))

    def _event(self, scope: str) -> Callable[..., LimiterEvent]:
        return partial(LimiterEvent, endpoint="limiter", account=account_of(scope), scope=scope)

    def _tell(self, make: Callable[[], LimiterEvent]) -> None:
        if self._on_event is not None:
            tell(self._on_event, make())
