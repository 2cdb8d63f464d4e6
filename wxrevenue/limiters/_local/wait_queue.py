"""The callers that wait for a turn: in order of arrival, and by deadline.

A caller that has left is passed over when it comes up.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from wxrevenue.limiters._quota.pacer import Pacer

_SLACK: Final = 64


class QueuedTurn(Protocol):
    """What a queue and a scope need of a turn."""

    out: Pacer | None
    """What counts it in flight, from its beginning to its end."""
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


_sequence: Final = attrgetter("turn.sequence")
_deadline: Final = attrgetter("deadline")
_NOBODY: Final = deque[Waiter]()
"""Never appended to: an empty deque takes 600 bytes."""


class _SortedWaiters:
    """Waiters sorted by a number.

    Nearly all come in its order. They are only appended, so that a long line costs no more for each
    of them than a short one. The others are few, and go on a heap.
    """

    __slots__ = ("_last", "_number", "_others", "_sorted")

    def __init__(self, number: Callable[[Waiter], float]) -> None:
        self._number = number
        self._sorted = _NOBODY
        self._others: list[tuple[float, Waiter]] = []
        self._last = float("-inf")
        """The number of the last that was appended."""

    def __len__(self) -> int:
        return len(self._sorted) + len(self._others)

    def __iter__(self) -> Iterator[Waiter]:
        yield from self._sorted
        for _, waiter in self._others:
            yield waiter

    def push(self, waiter: Waiter) -> None:
        """Let a waiter in."""
        number = self._number(waiter)
        if not self._sorted:
            self._sorted = deque((waiter,))
            self._last = number
        elif number >= self._last:
            self._sorted.append(waiter)
            self._last = number
        else:
            heapq.heappush(self._others, (number, waiter))

    def first(self) -> Waiter | None:
        """Return the waiter with the least number, gone or not."""
        if not self._others:
            return self._sorted[0] if self._sorted else None
        number, waiter = self._others[0]
        return self._sorted[0] if self._sorted and self._number(self._sorted[0]) < number else waiter

    def pop(self, waiter: Waiter) -> None:
        """Take a waiter out if it comes first, where that costs next to nothing."""
        if self._sorted and self._sorted[0] is waiter:
            self._sorted.popleft()
        elif self._others and self._others[0][1] is waiter:
            heapq.heappop(self._others)

    def clear(self) -> None:
        """Take all out."""
        self._sorted = _NOBODY
        self._others.clear()

    def tidy(self) -> None:
        """Take out all that are gone."""
        self._sorted = deque([waiter for waiter in self._sorted if not waiter.removed])
        self._others = [entry for entry in self._others if not entry[1].removed]
        heapq.heapify(self._others)


_NO_WAITERS: Final = _SortedWaiters(_sequence)
"""Never pushed to: of thousands of scopes most never have a waiter."""


class WaitQueue:
    """First come, first served; ``len()`` counts the callers that still wait."""

    __slots__ = ("_by_deadline", "_in_order", "_waiting")

    def __init__(self) -> None:
        self._in_order = self._by_deadline = _NO_WAITERS
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def __iter__(self) -> Iterator[Waiter]:
        return iter(sorted(waiter for waiter in self._in_order if not waiter.removed))

    def push(self, waiter: Waiter) -> None:
        """Let a caller in, at the place its sequence number gives."""
        if self._in_order is _NO_WAITERS:
            self._in_order, self._by_deadline = _SortedWaiters(_sequence), _SortedWaiters(_deadline)
        elif max(len(self._in_order), len(self._by_deadline)) > 2 * self._waiting + _SLACK:
            self._tidy()
        waiter.removed = False
        self._waiting += 1
        self._in_order.push(waiter)
        self._by_deadline.push(waiter)

    def first(self) -> Waiter | None:
        """Return the first caller in line."""
        return self._first(self._in_order) if self._waiting else None

    def most_urgent(self) -> Waiter | None:
        """Return whose deadline comes first."""
        return self._first(self._by_deadline) if self._waiting else None

    def _first(self, line: _SortedWaiters) -> Waiter | None:
        while (waiter := line.first()) is not None and (waiter.removed or waiter.woken.done()):
            line.pop(waiter)
            self.remove(waiter)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Count a caller out, whatever the reason; harmless when done twice."""
        if waiter.removed:
            return
        waiter.removed = True
        self._waiting -= 1
        if self._waiting:
            self._in_order.pop(waiter)
            self._by_deadline.pop(waiter)
        else:
            self._in_order.clear()
            self._by_deadline.clear()

    def take(self, scopes: Container[str]) -> list[Waiter]:
        """Take out the callers of these scopes; return them, in order."""
        taken = [waiter for waiter in self if waiter.turn.scope in scopes]
        for waiter in taken:
            self.remove(waiter)
        if self._waiting:
            self._tidy()  # in another queue they are not removed
        return taken

    def _tidy(self) -> None:
        self._in_order.tidy()
        self._by_deadline.tidy()
