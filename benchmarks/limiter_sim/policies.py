"""Ways to obey a server that says "operating too fast": this package's and others.

The others are what one would use instead.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import backoff

from benchmarks.limiter_sim.adaptive import Adaptive
from benchmarks.limiter_sim.servers import WINDOW
from wxrevenue import LocalRateLimiter, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiolimiter import AsyncLimiter

    from benchmarks.limiter_sim.world import Send
    from wxrevenue.ports import Turn
    from wxrevenue.testing import VirtualClock

_PATIENT: Final = 1e8
"""Seconds: no caller gives up."""


class Policy(Protocol):
    """Makes calls until they are accepted; one for all callers."""

    async def call(self, send: Send, action: str) -> None:
        """Make a call until it is accepted."""
        ...


class Ours:
    """The library's limiter, driven as the client drives it.

    Args:
        clock: which time it is.
        saved: what an earlier limiter knew.
    """

    def __init__(self, clock: VirtualClock, saved: Mapping[str, Any] | None = None) -> None:
        self.limiter = LocalRateLimiter(WINDOW, clock=clock)
        if saved is not None:
            self.limiter.restore(json.loads(json.dumps(saved)))

    async def call(self, send: Send, action: str) -> None:
        """Make a call until it is accepted, within one turn."""
        turn = await self.limiter.acquire(action, timeout=_PATIENT)
        try:
            while not await self._accepted(turn, send, action):
                await turn.again(timeout=_PATIENT)
        finally:
            turn.release()

    async def _accepted(self, turn: Turn, send: Send, action: str) -> bool:
        accepted = await send(action)
        turn.report(Verdict.OK if accepted else Verdict.TOO_FAST)
        return accepted


class Fixed:
    """Every caller waits a window's length after a refusal, on its own."""

    async def call(self, send: Send, action: str) -> None:
        """Make a call until it is accepted."""
        while not await send(action):  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(WINDOW)


class RefusedError(Exception):
    """The server said "operating too fast"."""


class Backoff:
    """Every caller backs off on its own, exponentially: the ``backoff`` package.

    Waits have full jitter and last for a window's length at most.
    """

    @backoff.on_exception(backoff.expo, RefusedError, jitter=backoff.full_jitter, logger=None, max_value=WINDOW)
    async def call(self, send: Send, action: str) -> None:
        """Make a call until it is accepted."""
        if not await send(action):
            raise RefusedError


@attrs.define
class Told:
    """``aiolimiter`` with the true quota, for every action its own.

    A refused caller waits a window's length.
    """

    quota: int
    shared: bool
    _limiters: dict[str, AsyncLimiter] = attrs.field(factory=dict[str, "AsyncLimiter"])

    async def call(self, send: Send, action: str) -> None:
        """Make a call until it is accepted."""
        key = "" if self.shared else action
        from aiolimiter import AsyncLimiter  # here: the fleets of the tests need no rival

        limiter = self._limiters.get(key) or self._limiters.setdefault(key, AsyncLimiter(self.quota, WINDOW))
        await limiter.acquire()
        while not await send(action):
            await asyncio.sleep(WINDOW)
            await limiter.acquire()


OURS: Final = ("cold", "saved")
"""The policies of this package.

One knows nothing, and one knows what an earlier run on such a server has learned.
"""
RIVALS: Final = ("fixed 60 s", "backoff", "aiolimiter", "adaptive")


def rival(name: str, quota: int, *, shared: bool) -> Policy:
    """Return a rival by its name.

    ``quota`` and ``shared`` are given to ``aiolimiter`` only.
    """
    table: dict[str, Callable[[], Policy]] = {
        "fixed 60 s": Fixed,
        "backoff": Backoff,
        "aiolimiter": lambda: Told(quota, shared),
        "adaptive": Adaptive,
    }
    return table[name]()
