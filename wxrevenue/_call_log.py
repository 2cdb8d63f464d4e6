"""A ready-made listener: one log line per call, from which one can tell why it took so long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wxrevenue.events import CallEvent

if TYPE_CHECKING:
    from wxrevenue.events import Event

_log = logging.getLogger("wxrevenue.calls")


def log_calls(event: Event) -> None:
    """Log one line per call at INFO to the logger ``wxrevenue.calls``; pass it as ``on_event``.

    The line tells the action, the account, the host, how the call ended, how long it took, how often it was tried, what it
    waited for, and the server's request id: no URL, no token. The record's ``event`` is the :class:`CallEvent` itself.
    """
    if isinstance(event, CallEvent) and _log.isEnabledFor(logging.INFO):
        _log.info("%s", _line(event), extra={"event": event})


def _line(event: CallEvent) -> str:
    parts = [f"{event.endpoint} of {event.account} at {event.host}: {event.outcome} in {event.duration:.3f} s"]
    parts.append(f"{event.attempts} attempt{'' if event.attempts == 1 else 's'}")
    if event.waits:
        parts.append("waited " + " + ".join(f"{seconds:.3f} s for a {what}" for what, seconds in event.waits.items()))
    if event.ambiguous:
        parts.append("may have taken effect")
    if event.request_id:
        parts.append(f"request {event.request_id}")
    return ", ".join(parts)
