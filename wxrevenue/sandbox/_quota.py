"""Four ways in which a server may count.

It counts before it says "operating too fast" (1737). WeChat documents the code and the advice to
wait a minute, not the counting. A client has to get along with each of these.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import attrs
from attrs.validators import gt, in_

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind: TypeAlias = Literal["fixed", "sliding", "bucket", "extending"]
Per: TypeAlias = Literal["action", "component"]


@attrs.frozen
class Quota:
    """How much one provider may call.

    Args:
        calls: how many calls are let through in a window.
        window: seconds.
        kind: ``fixed`` windows that start on the clock, a ``sliding`` window, a token ``bucket`` of
            size ``calls`` that fills up within one window, or ``extending``: a call too many blocks
            for a window, and so does every call made while blocked.
        per: one count for each ``action`` of a provider, or one for all that the ``component``
            does.
    """

    calls: int = attrs.field(validator=gt(0))
    window: float = attrs.field(default=60.0, validator=gt(0))
    kind: Kind = attrs.field(default="sliding", validator=in_(("fixed", "sliding", "bucket", "extending")))
    per: Per = attrs.field(default="action", validator=in_(("action", "component")))


class Meter(Protocol):
    """Counts the calls of one scope."""

    def admit(self, now: float) -> bool:
        """Return whether a call at ``now`` (Unix seconds) goes through, and remember it."""
        ...


@attrs.define
class _Fixed:
    quota: Quota
    _window: float = -1.0
    _used: int = 0

    def admit(self, now: float) -> bool:
        window = now // self.quota.window
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        return self._used <= self.quota.calls


@attrs.define
class _Sliding:
    quota: Quota
    _admitted: deque[float] = attrs.field(factory=deque[float])

    def admit(self, now: float) -> bool:
        while self._admitted and self._admitted[0] <= now - self.quota.window:
            self._admitted.popleft()
        if len(self._admitted) >= self.quota.calls:
            return False
        self._admitted.append(now)
        return True


@attrs.define
class _Bucket:
    quota: Quota
    _level: float = attrs.field(default=attrs.Factory(lambda self: float(self.quota.calls), takes_self=True))
    _filled: float = 0.0

    def admit(self, now: float) -> bool:
        gained = (now - self._filled) * self.quota.calls / self.quota.window
        self._level, self._filled = min(self.quota.calls, self._level + gained), now
        if self._level < 1:
            return False
        self._level -= 1
        return True


@attrs.define
class _Extending:
    quota: Quota
    _count: _Sliding = attrs.field(default=attrs.Factory(lambda self: _Sliding(self.quota), takes_self=True))
    _blocked_until: float = 0.0

    def admit(self, now: float) -> bool:
        if now >= self._blocked_until and self._count.admit(now):
            return True
        self._blocked_until = now + self.quota.window
        self._count = _Sliding(self.quota)
        return False


_METERS: Mapping[Kind, Callable[[Quota], Meter]] = {"fixed": _Fixed, "sliding": _Sliding, "bucket": _Bucket, "extending": _Extending}


class Meters:
    """Every meter there is.

    One that a quota has started goes on when the same quota comes back.
    """

    def __init__(self) -> None:
        self._meters: dict[tuple[object, ...], Meter] = {}

    def admit(self, quota: Quota | None, component: str, action: str, now: float) -> bool:
        """Return whether the call goes through; without a quota every call does."""
        if quota is None:
            return True
        key = (quota, component, action if quota.per == "action" else "")
        if key not in self._meters:
            self._meters[key] = _METERS[quota.kind](quota)
        return self._meters[key].admit(now)
