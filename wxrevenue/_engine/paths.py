"""Which of its two documented paths an interface lives on: pinned by the user, or remembered by what worked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxrevenue._engine.outcome import verdict_on
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from wxrevenue._engine.call import Call
    from wxrevenue._wire.request import Endpoint
    from wxrevenue.errors import ApiError


class Paths:
    """What a client and its clones know of endpoints that have an alternate path.

    Args:
        pinned: a path that is used, alone, by the endpoints that may live there.
    """

    def __init__(self, pinned: str | None = None) -> None:
        self._pinned = pinned
        self._found: dict[Endpoint, str] = {}

    def current(self, endpoint: Endpoint) -> str:
        """Return the path to try first."""
        if endpoint.alternate is None:
            return endpoint.path
        if self._pinned in {endpoint.path, endpoint.alternate}:
            return self._pinned
        return self._found.get(endpoint, endpoint.path)

    def try_other(self, call: Call, error: ApiError) -> bool:
        """Send the call to its other path if the error says that it lives there; once per call."""
        endpoint = call.endpoint
        if not endpoint.alternate or error.code != endpoint.alternate_on or call.alternate_tried or call.path == self._pinned:
            return False
        call.alternate_tried = True
        call.path = endpoint.path if call.path == endpoint.alternate else endpoint.alternate
        return True

    def remember(self, call: Call, outcome: Any) -> None:
        """Remember the path if the outcome proves it: a result, or a refusal that is not about the path."""
        if verdict_on(outcome) is Verdict.OK and getattr(outcome, "code", 0) != call.endpoint.alternate_on:
            self._found[call.endpoint] = call.path
