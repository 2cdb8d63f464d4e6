"""Mini Programs.

Any number to a provider, none of which takes memory before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import overload

MADE_UP = re.compile(r"wx([ab])([0-9a-f]{9})([0-9a-f]{6})")
"""The appid of a Mini Program, signed or not, and its numbers."""


class Programs(Sequence[str]):
    """The appids of a provider's Mini Programs.

    ``count`` made-up ones, then those of a test's own. The last of the made-up ones has no
    publisher account at first.
    """

    def __init__(self, provider: int, count: int) -> None:
        self._provider, self._count = provider, count
        self._own: dict[str, None] = {}

    @property
    def without_account(self) -> str:
        """The one that has no publisher account at first."""
        return self._appid(self._count - 1)

    def add(self, appid: str) -> None:
        """Add one of a test's own."""
        self._own[appid] = None

    def __len__(self) -> int:
        return self._count + len(self._own)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        found = range(len(self))[place]
        return self._appid(found) if isinstance(found, int) else tuple(map(self._appid, found))

    def __contains__(self, appid: object) -> bool:
        if appid in self._own:
            return True
        found = MADE_UP.fullmatch(appid) if isinstance(appid, str) else None
        number = int(found[3], 16) if found else -1
        return 0 <= number < self._count and appid == self._appid(number)

    def _appid(self, number: int) -> str:
        if number >= self._count:
            return [*self._own][number - self._count]
        return f"wxa{self._provider:09x}{number:06x}"
