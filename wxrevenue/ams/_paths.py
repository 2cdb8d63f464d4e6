"""Which of its two documented paths an interface lives on.

It is pinned by the user, or remembered by what worked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._engine.outcome import verdict_on
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
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
        if endpoint.alternate is None or (self._pinned is None and not self._found):
            return endpoint.path
        if self._pinned in {endpoint.path, endpoint.alternate}:
            return self._pinned
        return self._found.get(endpoint, endpoint.path)

    def other(self, endpoint: Endpoint, path: str, error: ApiError) -> str | None:
        """Return the other path if the error may mean that the interface lives there."""
        if not endpoint.alternate or error.code not in endpoint.alternate_on or path == self._pinned:
            return None
        return endpoint.path if path == endpoint.alternate else endpoint.alternate

    def settle(self, endpoint: Endpoint, path: str, outcome: object, refusal: ApiError) -> object:
        """Return what to make of an answer from the other path.

        The path is remembered if the answer proves it. A result proves it, and so does a refusal
        that is not about the path. Where both paths refuse alike, the one that is known to work
        tells why (a permission that was taken back, say), and the other only that it is the wrong
        one.

        Args:
            endpoint: the interface.
            path: the path that was tried last.
            outcome: what its answer stands for.
            refusal: what the path that was tried first answered.
        """
        if getattr(outcome, "code", 0) in endpoint.alternate_on:
            return refusal if endpoint in self._found else outcome
        if verdict_on(outcome) is Verdict.OK:
            self._found[endpoint] = path
        return outcome
