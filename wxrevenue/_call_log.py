"""A ready-made listener: one log line per call.

The line says why the call took so long.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wxrevenue.events import AttemptEvent, CallEvent, GateEvent, RetryEvent, TokenEvent, WaitEvent

if TYPE_CHECKING:
    from wxrevenue.events import Event

_log = logging.getLogger("wxrevenue.calls")


def log_calls(event: Event) -> None:
    """Log one line per call at INFO to the logger ``wxrevenue.calls``.

    Pass it as ``on_event``.

    The line tells the action, the account, the host, how the call ended, how long it took, how
    often it was tried, what it waited for, and the server's request id. It has no URL and no token.
    The record's ``event`` is the :class:`CallEvent` itself. A gate that closes has a line at INFO,
    too. Attempts, repetitions, waits and tokens have theirs at DEBUG.
    """
    if isinstance(event, CallEvent):
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s", _line(event), extra={"event": event})
    elif isinstance(event, GateEvent):
        until = "" if event.closed_for is None else f" for {event.closed_for:.0f} s"
        _log.info("%s of %s: %s, its gate is closed%s", event.endpoint, event.account, event.verdict, until, extra={"event": event})
    elif _log.isEnabledFor(logging.DEBUG):
        said = _detail(event)
        if said:
            _log.debug("%s of %s: %s", event.endpoint, event.account, said, extra={"event": event})


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


def _detail(event: Event) -> str | None:
    """Return what the debugging log says of an event other than a call or a gate."""
    if isinstance(event, AttemptEvent):
        return f"attempt {event.attempt}: {event.outcome}{_code(event.code)} in {event.duration:.3f} s"
    if isinstance(event, RetryEvent):
        return f"repeated after {event.wait:.3f} s, because of {event.error}{_code(event.code)}"
    if isinstance(event, WaitEvent):
        return f"waited {event.duration:.3f} s for a {event.what}"
    if isinstance(event, TokenEvent):
        return event.warning or f"{event.kind} token: {event.refresh or 'refused'}{_code(event.code)}"
    return None


def _code(code: int | str | None) -> str:
    return "" if code is None else f" ({code})"
