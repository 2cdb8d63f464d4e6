"""A case of the conformance suite of rate limiters, and how it is played.

It is played in virtual time, around a limiter made for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from wxrevenue.errors import WxRevenueError
from wxrevenue.testing._limiter_suite.scene import COOLDOWN, EVENING, LimiterScene
from wxrevenue.testing._suite import Case
from wxrevenue.testing._virtual import PATIENCE, VirtualClock, run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.ports import RateLimiter

    MakeLimiter: TypeAlias = Callable[..., RateLimiter]

_LONGEST: Final = 20_000.0
"""Virtual seconds after which a case is given up."""


@attrs.frozen(repr=False)
class LimiterCase(Case[LimiterScene]):
    """One situation that every rate limiter must come through.

    It is played in virtual time on an event loop of its own, where a cool-down passes at once and
    open sockets are waited for. Around each case two things are seen to: no task is left behind,
    and no exception that was not retrieved.
    """

    def run(self, make: MakeLimiter, *, patience: float = PATIENCE) -> None:
        """Play the case. Not for a running event loop: call it from a plain test function.

        Args:
            make: makes a limiter: a class, or a function, taking ``cooldown``, in seconds, and
                ``clock`` by keyword. It is called inside the loop. The limiters it makes may share
                their state: each case uses scopes that were not used before.
            patience: real seconds of silence after which nothing more is expected from the sockets
                that are open; raise it for a limiter whose server is slow.

        Raises:
            AssertionError: the limiter does not do what it must.
        """
        run_virtual(self._played(make), patience=patience)

    async def _played(self, make: MakeLimiter) -> None:
        clock = VirtualClock(EVENING)
        scene = LimiterScene(make(cooldown=COOLDOWN, clock=clock), clock)
        try:
            await self.play_in(scene, longest=_LONGEST, kind="limiter")
        except WxRevenueError as error:
            raise AssertionError(f"the limiter refused where it must not: {error!r}") from error
