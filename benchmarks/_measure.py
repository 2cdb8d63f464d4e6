"""Two sides in turns, and the median of what one costs in terms of the other."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator


@attrs.frozen
class Outcome:
    """One line of the table.

    Args:
        goal: the goal's id.
        what: what is compared with what.
        ours: our figure, median over the rounds.
        rival: the rival's figure of the same run.
        unit: what both are counted in.
        ratio: the median of the rounds' ratios; not the ratio of the medians.
        limit: up to which ratio the goal is met.
    """

    goal: str
    what: str
    ours: float
    rival: float
    unit: str
    ratio: float
    limit: float

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= self.limit


def in_turns(ours: Callable[[], float], rival: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """Run both sides alternately; return the median of each and the median of the rounds' ratios.

    Each side returns its own figure of one round. Who goes first changes from round to round, so that neither side always
    inherits the caches, or the clock frequency, that the other left behind.
    """
    pairs: list[tuple[float, float]] = []
    ours()  # what runs only once (imports, connections, generated code) is not part of the comparison
    rival()
    with no_garbage_collection():
        for number in range(rounds):
            if number % 2:
                theirs, mine = rival(), ours()
            else:
                mine, theirs = ours(), rival()
            pairs.append((mine, theirs))
            gc.collect()
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs)


@contextmanager
def no_garbage_collection() -> Generator[None]:
    """Keep the cyclic collector out: which side it strikes is chance."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def microseconds(work: Callable[[], object], count: int) -> float:
    """Return the CPU time of one run of ``work``, in microseconds, over ``count`` runs."""
    started = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - started) / count * 1e6


async def awaited_microseconds(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Return the CPU time of one awaited call, in microseconds, over ``count`` calls one after the other."""
    started = time.process_time()
    for _ in range(count):
        await call()
    return (time.process_time() - started) / count * 1e6
