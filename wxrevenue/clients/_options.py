"""What a clone may have of its own, whichever client it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, RateLimiter, Transport


class Options(TypedDict, total=False):
    """What a clone of any client may have of its own."""

    timeout: float
    deadline: float
    retry: RetryPolicy
    on_event: Callable[[Event], object] | None


class RevenueSettings(Options, total=False):
    """What :meth:`RevenueClient.from_env` may be given beside the environment."""

    component_appid: str | None
    base_url: str
    transport: Transport | None
    limiter: RateLimiter | None
    scope: Callable[[AmsRequest[object], str], str] | None
    clock: Clock | None
    settlement_path: str | None
    page_deadline: float


def unknown_option(where: str, changes: Mapping[str, object], known: type) -> None:
    """Raise ``ConfigurationError`` for an option that is not known.

    ``known`` is the ``TypedDict`` of those that are.
    """
    from difflib import get_close_matches

    if strange := changes.keys() - set(_names(known)):
        name = min(strange)
        near = get_close_matches(name, _names(known), 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"{where}: {name!r} is not one of {', '.join(_names(known))}{meant}")


def _names(known: type) -> list[str]:
    """Return the names of the options.

    Annotations of a subclass of a TypedDict hold those of its base, too.
    """
    return [*known.__annotations__]
