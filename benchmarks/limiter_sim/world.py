"""The network that calls cross in virtual time.

Everything in it is decided by the seed: two runs of one seed are equal call by call.
"""

from __future__ import annotations

import asyncio
import random
from array import array
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from wxrevenue.testing._virtual import START, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from benchmarks.limiter_sim.servers import Server

T = TypeVar("T")
Send = Callable[[str], Awaitable[bool]]
"""Makes one call of an action; returns whether the server accepted it."""
UNIX: Final = 1_700_000_000.0
"""The wall clock at the beginning."""
JITTER: Final = 0.3
"""By which share a latency is shorter or longer than the mean at most."""
_TICK: Final = 1e-7
"""Seconds that every round of the loop takes.

Some rivals wait for less than the clock can show, again and again.
"""


class NeverEndsError(Exception):
    """The run was given up.

    Too many calls were made, or none was accepted for too long.
    """


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(tick=_TICK)) as runner:
        return runner.run(main)


def now() -> float:
    """Return the virtual seconds since the beginning of the run."""
    return asyncio.get_running_loop().time() - START


@attrs.define(eq=False)
class Network:
    """Carries calls to a server and answers back, and keeps the books.

    Args:
        server: the server that admits or refuses.
        latency: mean seconds of a whole exchange; the server decides half-way.
        seed: decides every latency.
        most: calls after which the run is given up.
        patience: seconds without an admitted call after which the run is given up.
    """

    server: Server
    latency: float
    seed: int
    most: float = float("inf")
    patience: float = float("inf")
    admitted: array[float] = attrs.field(init=False, factory=lambda: array("d"))
    """When each admitted call arrived."""
    refused: array[float] = attrs.field(init=False, factory=lambda: array("d"))
    """When each refused call arrived."""
    _random: random.Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  (latencies, not keys)

    @property
    def calls(self) -> int:
        """How many calls arrived."""
        return len(self.admitted) + len(self.refused)

    async def send(self, action: str) -> bool:
        """Make one call; return whether the server accepted it."""
        half = self.latency / 2 * self._random.uniform(1 - JITTER, 1 + JITTER)
        await asyncio.sleep(half)
        arrival = now()
        if self.calls >= self.most or arrival > self.patience + (self.admitted[-1] if self.admitted else 0.0):
            raise NeverEndsError(f"given up after {self.calls} calls")
        accepted = self.server.admit(action, arrival)
        (self.admitted if accepted else self.refused).append(arrival)
        await asyncio.sleep(half)
        return accepted
