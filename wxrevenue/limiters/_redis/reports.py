"""How calls ended, gathered until the next question to Redis takes it along."""

from __future__ import annotations

from typing import Final

import attrs

_TOGETHER_S: Final = 0.02
"""Seconds within which calls that ended alike are told as one entry."""
_PRESSING: Final = frozenset("fFqQeOUB")


@attrs.define
class Entry:
    """Calls that ended alike."""

    kind: str
    calls: int
    at: float
    sent: float

    @property
    def is_refusal(self) -> bool:
        """Whether the server refused."""
        return self.kind in "fFeqQ"


class Reports:
    """Entries in the order in which calls ended. Times are seconds on one clock."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, kind: str, now: float, *, calls: int = 1, sent: float | None = None) -> None:
        """Note how calls ended that are reported now; refusals are never put together."""
        last = self._entries[-1] if self._entries else None
        if last is not None and last.kind == kind and kind in "oub" and now - last.at < _TOGETHER_S:
            last.calls += calls
            last.at = now
        else:
            self._entries.append(Entry(kind, calls, now, now if sent is None else sent))

    @property
    def pressing(self) -> bool:
        """Whether one of these must not wait: a refusal, or what became of a probe."""
        return any(entry.kind in _PRESSING for entry in self._entries)

    @property
    def refused(self) -> bool:
        """Whether one of these is a refusal."""
        return any(entry.is_refusal for entry in self._entries)

    @property
    def since(self) -> float:
        """When the oldest was noted; there must be one."""
        return self._entries[0].at

    def take(self) -> list[Entry]:
        """Return all, and forget them."""
        taken, self._entries = self._entries, []
        return taken

    def settle(self) -> int:
        """Forget all; return how many calls they were of which Redis was not told."""
        return sum(entry.calls for entry in self.take() if entry.kind in "oOuU")


def written(entries: list[Entry], now: float) -> str:
    """Return the entries as the script reads them.

    Each: kind, calls, age, seconds since the call left.
    """
    return ",".join(f"{one.kind}:{one.calls}:{max(0.0, now - one.at):.6f}:{max(0.0, now - one.sent):.6f}" for one in entries)
