"""OpenTelemetry spans from events: one per call, one per attempt.

Needs the extra ``otel``; nothing else imports it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from wxrevenue._version import __version__
from wxrevenue.events import AttemptEvent, CallEvent, RetryEvent, WaitEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from wxrevenue.events import Event

_NANO: Final = 1_000_000_000
_KEPT: Final = (AttemptEvent, RetryEvent, WaitEvent)


class Spans:
    """Makes spans from what ``on_event`` is told.

    Use it as ``RevenueClient(…, on_event=Spans())``.

    A call is a span named after its action, a child of the span that its caller was in; its
    attempts are children of it, its waits and repetitions span events. They carry the action, the
    account, the server's host, attempts, the server's code and request id and how it ended: never a
    URL, a token or a message of the server. A call's spans are made when it has ended.

    Args:
        provider: where the spans go; the global tracer provider by default.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("wxrevenue", __version__, provider)
        self._running: dict[int | None, list[tuple[float, AttemptEvent | RetryEvent | WaitEvent]]] = {}
        """Events of the calls that have not ended, with their times.

        Seconds on the monotonic clock.
        """

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, _KEPT):
            self._running.setdefault(event.call, []).append((time.perf_counter(), event))
        elif isinstance(event, CallEvent):
            self._call(event, self._running.pop(event.call, ()))

    def _call(self, call: CallEvent, told: Iterable[tuple[float, AttemptEvent | RetryEvent | WaitEvent]]) -> None:
        end, now = time.time_ns(), time.perf_counter()
        span = self._span(call, end)
        span.set_attributes({"server.address": call.host, "wxrevenue.attempts": call.attempts, "wxrevenue.waited": call.waited})
        if call.request_id is not None:
            span.set_attribute("wxrevenue.request_id", call.request_id)
        if call.ambiguous:
            span.set_attribute("wxrevenue.ambiguous", value=True)
        inside = trace.set_span_in_context(span)
        for at, event in told:
            ended = end - round((now - at) * _NANO)
            if isinstance(event, AttemptEvent):
                attempt = self._span(event, ended, inside)
                attempt.set_attributes(_facts(event) | {"server.address": call.host})
                attempt.end(ended)
            else:
                span.add_event("retry" if isinstance(event, RetryEvent) else f"waited for a {event.what}", _facts(event), ended)
        span.end(end)

    def _span(self, event: CallEvent | AttemptEvent, end: int, inside: Context | None = None) -> Span:
        """Start a span whose end is known, in the caller's span or in the call's."""
        name = f"{event.endpoint} attempt" if isinstance(event, AttemptEvent) else event.endpoint
        facts = {"wxrevenue.operation": event.endpoint, "wxrevenue.account": event.account}
        span = self._tracer.start_span(name, inside, SpanKind.CLIENT, attributes=facts, start_time=end - round(event.duration * _NANO))
        if event.outcome != "ok":
            span.set_attribute("error.type", event.outcome)
            span.set_status(Status(StatusCode.ERROR, event.outcome))
        return span


def _facts(event: AttemptEvent | RetryEvent | WaitEvent) -> dict[str, AttributeValue]:
    if isinstance(event, WaitEvent):
        return {"wxrevenue.duration": event.duration}
    facts: dict[str, AttributeValue] = {"wxrevenue.attempt": event.attempt}
    if event.code is not None:
        facts["wxrevenue.code"] = str(event.code)
    if isinstance(event, RetryEvent):
        facts |= {"error.type": event.error, "wxrevenue.wait": event.wait}
    return facts
