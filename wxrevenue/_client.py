"""What every client shares: checked options, clones, and how it ends."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import attrs

from wxrevenue import _checks
from wxrevenue._clock import LOOP_CLOCK
from wxrevenue._retry import RetryPolicy
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from wxrevenue._engine import Engine
    from wxrevenue._ports import RateLimiter, Transport


class Client:
    """An engine with an end. A client closes what it made itself; what it was given stays open."""

    _engine: Engine
    _owned: tuple[Transport | RateLimiter, ...] | None
    """What to close at the end; ``None`` in a clone, which closes nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the client; may be called twice.

        New calls are refused and waiting ones end with ``ClientStateError``; requests on the wire finish within their
        ``timeout``. On a clone (``with_options``) this does nothing.
        """
        if self._owned is None:
            return
        await self._engine.lifetime.aclose()
        for made in self._owned:
            await made.aclose()

    def _clone(self, **changes: Any) -> Self:
        clone = copy.copy(self)
        clone._engine = attrs.evolve(self._engine, **changes)  # noqa: SLF001
        clone._owned = None  # noqa: SLF001
        return clone


def checked(where: str, **options: Any) -> dict[str, Any]:
    """Return a client's options, defaults in place of ``None``.

    Args:
        where: the client's name, for messages.
        options: any of those in the table below.

    Raises:
        ConfigurationError: one is not allowed.
    """
    return {name: _CHECKS[name](f"{where}.{name}", value) for name, value in options.items()}


def unknown_option(where: str, changes: Mapping[str, Any], known: type) -> None:
    """Raise ``ConfigurationError`` for an option that a clone cannot change; ``known`` is the ``TypedDict`` of those it can."""
    if strange := changes.keys() - known.__annotations__.keys():
        raise ConfigurationError(f"{where}.with_options: {strange.pop()!r} is not one of {', '.join(known.__annotations__)}")


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "timeout": _checks.seconds,
    "deadline": _checks.seconds,
    "page_deadline": _checks.seconds,
    "retry": lambda where, value: _checks.instance(where, value, RetryPolicy) or RetryPolicy(),
    "clock": lambda _where, value: LOOP_CLOCK if value is None else value,
    "on_event": _checks.function,
}
