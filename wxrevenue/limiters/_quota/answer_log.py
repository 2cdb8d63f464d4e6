"""When calls were answered, kept for one window in slices.

So its size does not grow with the calls.
"""

from __future__ import annotations

import itertools
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SLICES = 1_200
"""The most slices that one window is cut into."""


_END: Final = itemgetter(0)


class AnswerLog:
    """Counts answered calls by their time.

    ``grain`` is how long a slice may last, in seconds.
    """

    __slots__ = ("_grain", "_past", "_slices", "count", "unknown")

    def __init__(self, grain: float) -> None:
        self._grain = grain
        self._past: deque[list[float]] = deque(maxlen=SLICES)
        """What was dropped lately."""
        self._slices: deque[list[float]] = deque()
        self.count = 0
        self.unknown = 0
        """How many of these it is unknown whether they were accepted."""

    def add(self, now: float, calls: int = 1) -> None:
        """Note calls that are answered now.

        Calls of one slice count as answered when its last one was.
        """
        self.count += calls
        if self._slices and now - self._slices[-1][0] < self._grain:
            newest = self._slices[-1]
            newest[1] = max(newest[1], now)
            newest[2] += calls
        else:
            self._slices.append([now, now, calls, 0])

    def doubt_newest(self, calls: int = 1) -> None:
        """Note that it is unknown whether the calls noted last were accepted."""
        self._slices[-1][3] += calls
        self.unknown += calls

    def forget(self, until: float) -> None:
        """Drop what was answered up to then."""
        slices = self._slices
        while slices and slices[0][1] <= until:
            self._past.append(slices.popleft())
            self.count -= int(self._past[-1][2])
            self.unknown -= int(self._past[-1][3])

    def clear(self) -> None:
        """Drop everything."""
        self._slices.clear()
        self._past.clear()
        self.count = self.unknown = 0

    @property
    def first(self) -> float:
        """When the oldest call was answered; there must be one."""
        return self._slices[0][0]

    @property
    def last(self) -> float:
        """When the newest call was answered; there must be one."""
        return self._slices[-1][1]

    def oldest(self, calls: int) -> float | None:
        """Return when the oldest so many were all answered; ``None`` if there are fewer."""
        for _, end, count, _ in self._slices:
            calls -= int(count)
            if calls <= 0:
                return end
        return None

    def newest(self, calls: int) -> float | None:
        """Return when the newest so many began, dropped ones included.

        ``None`` if there are fewer.
        """
        for start, _, count, _ in itertools.chain(reversed(self._slices), reversed(self._past)):
            calls -= int(count)
            if calls <= 0:
                return start
        return None

    def since(self, start: float) -> int:
        """Return how many calls were answered from then on."""
        return sum(int(count) for _, count in itertools.takewhile(lambda entry: entry[0] >= start, self.backwards()))

    def backwards(self) -> Iterator[tuple[float, int]]:
        """Yield times and counts, the newest first."""
        for start, _, count, _ in reversed(self._slices):
            yield start, int(count)

    def entries(self) -> list[list[float]]:
        """Return the slices.

        Each: when the last call was answered, how many, when the first was, how many are doubted.
        """
        return [_entry(found) for found in self._slices]

    def dropped(self) -> list[list[float]]:
        """Return likewise what was dropped lately."""
        return [_entry(found) for found in self._past]

    def flat(self) -> Iterator[float]:
        """Yield the numbers of the slice dropped last, or four zeros, and of all slices."""
        dropped = self._past[-1] if self._past else (0.0,) * 4
        return itertools.chain(dropped, *self._slices)

    def take_flat(self, numbers: Sequence[float]) -> None:
        """Take up what :meth:`flat` yielded."""
        columns = (numbers[0::4], numbers[1::4], numbers[2::4], numbers[3::4])
        rows: list[list[float]] = [[start, end, int(count), int(unknown)] for start, end, count, unknown in zip(*columns, strict=True)]
        self._past.extend(rows[:1] if rows[0][2] else ())
        self._slices.extend(rows[1:])
        self.count = sum(int(row[2]) for row in rows[1:])
        self.unknown = sum(int(row[3]) for row in rows[1:])

    def recall(self, recent: Sequence[Sequence[float]], past: Sequence[Sequence[float]]) -> None:
        """Take up slices of another log, from :meth:`entries` and :meth:`dropped`.

        Times and counts alone will do.
        """
        self._slices.extend(map(_slice, sorted(recent, key=_END)))
        self._past.extend(map(_slice, sorted(past, key=_END)))
        self.count = sum(int(found[2]) for found in self._slices)
        self.unknown = sum(int(found[3]) for found in self._slices)


def _entry(found: list[float]) -> list[float]:
    start, end, count, unknown = found
    return [end, count, start, unknown]


def _slice(entry: Sequence[float]) -> list[float]:
    end, count, start, unknown = entry if len(entry) > 2 else (*entry, entry[0], 0)  # noqa: PLR2004
    return [start, end, int(count), int(unknown)]
