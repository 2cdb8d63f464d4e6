"""A client-side bucket whose rate follows CUBIC, like AWS's adaptive retry mode.

Written after the published behaviour of botocore, with its constants: nothing is limited until the
first refusal; then the bucket's rate is the measured one times ``BETA``, and grows back along a
cubic curve. botocore also gives up after a few attempts. Here no caller does, and waits between
attempts are its standard ones.
"""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.limiter_sim.world import now

if TYPE_CHECKING:
    from benchmarks.limiter_sim.world import Send

BETA: Final = 0.7
SCALE: Final = 0.4
SMOOTHING: Final = 0.8
SLICE: Final = 0.5
"""Seconds over which a rate is measured."""
LEAST_RATE: Final = 0.5
MOST_AHEAD: Final = 2.0
"""How many times the measured rate the bucket's rate may be."""
LONGEST_WAIT: Final = 20.0
_LOOK_AGAIN: Final = 0.1
"""Seconds after which a caller that waits for a token sees that the rate changed."""


@attrs.define
class MeasuredRate:
    """How many answers came per second, smoothed."""

    rate: float = 0.0
    _since: float = 0.0
    _count: int = 0

    def count(self) -> None:
        """Count an answer."""
        self._count += 1
        slice_began = math.floor(now() / SLICE) * SLICE
        if slice_began > self._since:
            latest = self._count / (slice_began - self._since)
            self.rate = SMOOTHING * latest + (1 - SMOOTHING) * self.rate
            self._since, self._count = slice_began, 0


@attrs.define
class Cubic:
    """The rate that a client may try, by the time since the last refusal."""

    _plateau: float = 0.0
    _refused: float = 0.0

    def accepted(self) -> float:
        """Return the rate after an accepted call.

        It grows slowly near the plateau, and ever faster beyond it.
        """
        flat_after: float = (self._plateau * (1 - BETA) / SCALE) ** (1 / 3)
        return SCALE * (now() - self._refused - flat_after) ** 3 + self._plateau

    def refused(self, rate: float) -> float:
        """Return the rate after a refused call."""
        self._plateau, self._refused = rate, now()
        return rate * BETA


@attrs.define
class Bucket:
    """Tokens that come at a rate; callers are served in order of arrival."""

    rate: float = 1.0
    _tokens: float = 0.0
    _filled: float = 0.0
    _line: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    def set_rate(self, rate: float) -> None:
        """Change the rate from now on; a second's worth may be saved up."""
        self._fill()
        self.rate = max(rate, LEAST_RATE)
        self._tokens = min(self._tokens, max(rate, 1.0))

    async def take(self) -> None:
        """Wait for a token."""
        async with self._line:
            self._fill()
            while self._tokens < 1:
                await asyncio.sleep(min(_LOOK_AGAIN, (1 - self._tokens) / self.rate + 1e-6))
                self._fill()
            self._tokens -= 1

    def _fill(self) -> None:
        self._tokens = min(max(self.rate, 1.0), self._tokens + (now() - self._filled) * self.rate)
        self._filled = now()


@attrs.define
class Adaptive:
    """The policy: a bucket for all callers once the server has refused.

    The waits between a call's attempts have full jitter.
    """

    _measured: MeasuredRate = attrs.field(factory=MeasuredRate)
    _curve: Cubic = attrs.field(factory=Cubic)
    _bucket: Bucket = attrs.field(factory=Bucket)
    _limiting: bool = False

    async def call(self, send: Send, action: str) -> None:
        """Make a call until it is accepted."""
        attempt = 0
        while not await self._attempt(send, action):
            await asyncio.sleep(min(LONGEST_WAIT, 2.0 ** min(attempt, 10)) * random.random())  # noqa: S311  (spreads waits)
            attempt += 1

    async def _attempt(self, send: Send, action: str) -> bool:
        if self._limiting:
            await self._bucket.take()
        accepted = await send(action)
        self._measured.count()
        if accepted:
            rate = self._curve.accepted()
        else:
            known = self._measured.rate
            rate = self._curve.refused(min(known, self._bucket.rate) if self._limiting else known)
            self._limiting = True
        self._bucket.set_rate(min(rate, MOST_AHEAD * self._measured.rate))
        return accepted
