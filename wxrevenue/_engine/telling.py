"""What a client's listener is told of its calls.

A program without a listener does not load it.
"""

from __future__ import annotations

import itertools
import sys
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wxrevenue import events
from wxrevenue._engine.outcome import error_code, outcome_name, verdict_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._engine.call import Call
    from wxrevenue._engine.service import Service
    from wxrevenue._wire.request import Endpoint
    from wxrevenue.errors import ApiError, WxRevenueError
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, Turn

_numbers = itertools.count(1)


class Listener:
    """Tells ``on_event`` of the calls to one service.

    Args:
        on_event: the user's function.
        service: whose calls they are.
        clock: what durations are measured with.
    """

    def __init__(self, on_event: Callable[[Event], object], service: Service, clock: Clock) -> None:
        self._on_event = on_event
        self._service = service
        self._clock = clock

    def tell(self, endpoint: Endpoint, make: Callable[..., Event], call: int | None = None) -> None:
        """Tell of an event; ``make`` makes it of what every event says."""
        if not sys.is_finalizing():
            events.tell(self._on_event, make(endpoint=endpoint.name, account=self._service.account, call=call))

    def attempt_ended(self, call: Call[object], started: float, outcome: object) -> None:
        """Tell how an attempt ended that began at that time."""
        duration, name = self._clock.monotonic() - started, outcome_name(outcome)
        facts = partial(events.AttemptEvent, attempt=call.attempts, duration=duration)
        self._tell(call, partial(facts, outcome=name, code=error_code(outcome)))

    def repeats(self, call: Call[object], wait: float, error: WxRevenueError) -> None:
        """Tell that an attempt is repeated after so many seconds."""
        facts = partial(events.RetryEvent, attempt=call.attempts, wait=wait)
        self._tell(call, partial(facts, error=outcome_name(error), code=error_code(error)))

    def waited(self, call: Call[object], what: str, duration: float) -> None:
        """Tell of a wait that ended."""
        self._tell(call, partial(events.WaitEvent, what=what, duration=duration))

    def gate_closed(self, call: Call[object], turn: Turn, error: ApiError) -> None:
        """Tell that the server refused the call's scope."""
        closed_for: float | None = getattr(turn, "closed_for", None)  # not every limiter knows
        self._tell(call, partial(events.GateEvent, scope=call.scope or "", verdict=verdict_on(error).value, closed_for=closed_for))

    def token_refused(self, call: Call[object], error: ApiError) -> None:
        """Tell that the server refused the call's token.

        Another token is asked for.
        """
        self._tell(call, partial(events.TokenEvent, kind=call.endpoint.token.value, code=error.code))

    def call_ended(self, call: Call[object], outcome: object) -> None:
        """Tell how a call ended, and what became of it."""
        duration, host = self._clock.monotonic() - call.started, urlsplit(self._service.base_url).hostname or ""
        times = partial(events.CallEvent, waited=sum(call.waits.values()), waits=call.waits, duration=duration)
        facts = partial(times, attempts=call.attempts, request_id=call.request_id, ambiguous=call.ambiguous)
        self._tell(call, partial(facts, outcome=outcome_name(outcome), host=host))

    def _tell(self, call: Call[object], make: Callable[..., Event]) -> None:
        if call.number is None:
            call.number = next(_numbers)
        self.tell(call.endpoint, make, call.number)
