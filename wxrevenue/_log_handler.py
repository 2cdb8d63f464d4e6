"""``WXREVENUE_LOG``: a log on stderr where logging is not set up."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from wxrevenue._call_log import log_calls
from wxrevenue.errors import ConfigurationError, one_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.events import Event

VARIABLE: Final = "WXREVENUE_LOG"
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO}
_FORMAT: Final = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s  %(message)s"


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """The one that is added, once."""


def listener_with_log(on_event: Callable[[Event], object] | None) -> Callable[[Event], object] | None:
    """Return the listener of a client.

    With ``WXREVENUE_LOG`` set, it also logs calls.

    Raises:
        ConfigurationError: the variable is set to something else than ``debug`` or ``info``.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return on_event
    if wanted.lower() not in _LEVELS:
        raise ConfigurationError(f"the environment variable {VARIABLE}: expected {one_of([*_LEVELS])}")
    _set_up(_LEVELS[wanted.lower()])
    if on_event is None or on_event is log_calls:
        return log_calls
    return _Both(on_event)


class _Both:
    def __init__(self, own: Callable[[Event], object]) -> None:
        self._own = own

    def __call__(self, event: Event) -> None:
        log_calls(event)
        self._own(event)


def _set_up(level: int) -> None:
    log = logging.getLogger("wxrevenue")
    if any(isinstance(handler, _Handler) for handler in log.handlers):
        return
    handler = _Handler()
    handler.setFormatter(logging.Formatter(_FORMAT, "%H:%M:%S"))
    log.addHandler(handler)
    log.setLevel(level)
