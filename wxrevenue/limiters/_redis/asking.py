"""What an exchange with Redis needs of the scope that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wxrevenue.errors import WxRevenueError
    from wxrevenue.limiters._redis.answer import Answer


class AskingScope(Protocol):
    """A scope for which an exchange asks."""

    group: str
    scopes: tuple[str, ...]

    @property
    def is_away(self) -> bool:
        """Whether Redis is away."""
        ...

    @property
    def waiters(self) -> int:
        """How many callers wait."""
        ...

    def advance(self, now: float) -> None:
        """Let go who may."""
        ...

    def away_flag(self) -> str:
        """Return what Redis is to be told about an outage."""
        ...

    def fail_all(self, error: Exception) -> None:
        """End every wait with an error that lasts."""
        ...

    def hear(self, answer: Answer, sent: float | None, asked_at: float) -> None:
        """Take what Redis says."""
        ...

    def moved(self, group: str) -> None:
        """Go on as another group."""
        ...

    def redis_gone(self, error: WxRevenueError) -> None:
        """Go on without Redis."""
        ...
