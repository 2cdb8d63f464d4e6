"""Sides in turns, and the median of what one costs in terms of another."""

from __future__ import annotations

import gc
import importlib
import random
import time
from contextlib import contextmanager
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

SEED: Final = 20_261
"""Of the order in which sides run. It is fixed, so that a run can be repeated."""


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
        spread: how far the middle half of the rounds' ratios lies apart, where there are rounds.
        judged: the figure says something about us; ``False``: about the machine.
    """

    goal: str
    what: str
    ours: float
    rival: float
    unit: str
    ratio: float
    limit: float
    spread: float | None = None
    judged: bool = True

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= self.limit


@attrs.frozen
class NotInstalled:
    """A line of the table for a rival that is not there.

    Args:
        goal: the goal's id.
        what: what would have been compared with what.
        package: what to install.
    """

    goal: str
    what: str
    package: str


Row: TypeAlias = Outcome | NotInstalled


def module(name: str) -> Any:
    """Return a rival's module, or ``None`` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


class Comparison(NamedTuple):
    """What both sides took, as medians over the rounds, and the median ratio."""

    ours: float
    rival: float
    ratio: float
    spread: float

    def outcome(self, goal: str, what: str, unit: str, limit: float) -> Outcome:
        """Return the line of the table."""
        return Outcome(goal, what, self.ours, self.rival, unit, self.ratio, limit, self.spread)


def compared(pairs: Sequence[tuple[float, float]]) -> Comparison:
    """Return what pairs of figures, ours and the rival's, come to."""
    ratios = [a / b for a, b in pairs]
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else (0.0, 0.0, 0.0)
    return Comparison(median(a for a, _ in pairs), median(b for _, b in pairs), median(ratios), high - low)


def in_turns(ours: Callable[[], float], rival: Callable[[], float], rounds: int) -> Comparison:
    """Run both sides in turns; return medians, and the median of the rounds' ratios.

    Each side returns its own figure of one round.
    """
    found = in_rounds({"ours": ours, "rival": rival}, rounds)
    return compared(list(zip(found["ours"], found["rival"], strict=True)))


def in_rounds(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run every side once a round; return each side's figures, a figure a round.

    The order within a round is drawn anew, so that no side always inherits the caches, or the
    clock frequency, that another one left behind. Two sides go first equally often.
    """
    for side in sides.values():
        side()  # what runs only once (imports, connections, generated code) is not part of it
    found: dict[str, list[float]] = {name: [] for name in sides}
    with no_garbage_collection():
        for order in orders(list(sides), rounds):
            for name in order:
                found[name].append(sides[name]())
            gc.collect()
    return found


def orders(names: Sequence[str], rounds: int, seed: int = SEED) -> list[list[str]]:
    """Return an order of the sides for each round.

    An order and its reverse come equally often: what a side gains by going first, it loses again.
    """
    chance = random.Random(seed)  # noqa: S311  (an order, no key)
    drawn: list[list[str]] = []
    for _ in range((rounds + 1) // 2):
        order = chance.sample(names, len(names))
        drawn += [order, order[::-1]]
    chance.shuffle(drawn)
    return drawn[:rounds]


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
    """Return the CPU time of one run of ``work`` in microseconds.

    It is the mean of ``count`` runs.
    """
    started = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - started) / count * 1e6


async def awaited_microseconds(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Return the CPU time of one awaited call in microseconds.

    It is the mean of ``count`` calls one after the other.
    """
    started = time.process_time()
    for _ in range(count):
        await call()
    return (time.process_time() - started) / count * 1e6
