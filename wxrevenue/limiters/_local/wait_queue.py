"""The callers that wait for a turn: in order of arrival, and by deadline.

A caller that has left is passed over when it comes up.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLACK = 64


class QueuedTurn(Protocol):
    """What a queue and a scope need of a turn."""

    out: bool
    """Whether it began and has not ended."""
    scope: str
    sequence: int
    """Its place in every queue."""


class Waiter:
    """One caller in a queue, until a deadline on the rate limiter's clock."""

    __slots__ = ("deadline", "removed", "turn", "woken")

    def __init__(self, turn: QueuedTurn, deadline: float) -> None:
        self.turn = turn
        self.deadline = deadline
        self.removed = False
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __lt__(self, other: Waiter) -> bool:
        # a turn that waits again has the same sequence number, and often the same deadline, as its
        # own entry that was not yet passed over
        return self.turn.sequence < other.turn.sequence


class WaitQueue:
    """First come, first served; ``len()`` counts the callers that still wait."""

    __slots__ = ("_by_deadline", "_in_order", "_waiting")

    def __init__(self) -> None:
        self._in_order: list[tuple[int, Waiter]] = []
        self._by_deadline: list[tuple[float, int, Waiter]] = []
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def __iter__(self) -> Iterator[Waiter]:
        return iter([waiter for _, waiter in sorted(self._in_order) if not waiter.removed])

    def push(self, waiter: Waiter) -> None:
        """Let a caller in, at the place its sequence number gives."""
        if len(self._in_order) > 2 * self._waiting + _SLACK:
            self._tidy()
        self._waiting += 1
        heapq.heappush(self._in_order, (waiter.turn.sequence, waiter))
        heapq.heappush(self._by_deadline, (waiter.deadline, waiter.turn.sequence, waiter))

    def first(self) -> Waiter | None:
        """Return the first caller in line."""
        heap = self._in_order
        while heap and (heap[0][1].removed or heap[0][1].woken.done()):
            self.remove(heapq.heappop(heap)[1])
        return heap[0][1] if heap else None

    def most_urgent(self) -> Waiter | None:
        """Return whose deadline comes first."""
        heap = self._by_deadline
        while heap and (heap[0][2].removed or heap[0][2].woken.done()):
            heapq.heappop(heap)
        return heap[0][2] if heap else None

    def remove(self, waiter: Waiter) -> None:
        """Count a caller out, whatever the reason; harmless when done twice."""
        if not waiter.removed:
            waiter.removed = True
            self._waiting -= 1
        if not self._waiting:
            self._in_order.clear()
            self._by_deadline.clear()

    def _tidy(self) -> None:
        self._in_order = [entry for entry in self._in_order if not entry[1].removed]
        self._by_deadline = [entry for entry in self._by_deadline if not entry[2].removed]
        heapq.heapify(self._in_order)
        heapq.heapify(self._by_deadline)
