"""What was worked out once, by what it was worked out from."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """Values by their keys, each worked out when it is first asked for.

    For what is asked for at every row: an item takes half as long as a call of
    ``functools.lru_cache``. What fails is not kept.

    Args:
        work_out: returns the value of a key, always the same one.
        most: how many values are kept. When there would be more, all are forgotten.
    """

    __slots__ = ("_most", "_work_out")

    def __init__(self, work_out: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._work_out, self._most = work_out, most

    def __missing__(self, key: K) -> V:
        found = self._work_out(key)
        if len(self) >= self._most:
            self.clear()
        self[key] = found
        return found
