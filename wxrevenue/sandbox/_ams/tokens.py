"""Which made-up token belongs to whom, and whether it is still good."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

COMPONENT, AUTHORIZER = "sandbox-component-", "sandbox-authorizer-"
OVERLAP = 300.0
"""Seconds for which a token goes on working after another one was handed out."""
_SHAPE = re.compile(f"({COMPONENT}|{AUTHORIZER})(.+)-([1-9][0-9]{{0,8}})")


@attrs.define
class _TokenLine:
    """The tokens of one account, numbered.

    The last one is good until ``ends``, the one before until ``overlaps``.
    """

    number: int = 1
    ends: float = math.inf
    overlaps: float = -math.inf
    pushed_out: set[int] = attrs.field(factory=set[int])


class Tokens:
    """The tokens of providers and of Mini Programs.

    One that was never handed out by a call has no end of its own.

    Args:
        now: the time in Unix seconds.
        lifetime: how many seconds a token is good that a call hands out.
    """

    def __init__(self, now: Callable[[], float], lifetime: int) -> None:
        self.lifetime = lifetime
        self._now = now
        self._lines: dict[tuple[str, str], _TokenLine] = {}

    def component(self, appid: str) -> str:
        """Return the provider's current token."""
        return self.current(COMPONENT, appid)

    def authorizer(self, appid: str) -> str:
        """Return a Mini Program's current token."""
        return self.current(AUTHORIZER, appid)

    def expire(self, kind: str, appid: str) -> None:
        """Put a new token in force; all before have expired."""
        line = self._line(kind, appid)
        self._lines[kind, appid] = _TokenLine(line.number + 1)

    def hand_out(self, kind: str, appid: str) -> str:
        """Return a new token.

        The one before works a little longer, and the one before that does not any more.
        """
        line, now = self._lines.setdefault((kind, appid), _TokenLine()), self._now()
        line.overlaps = min(line.ends, now + OVERLAP)
        line.pushed_out.add(line.number)
        line.number += 1
        line.ends = now + self.lifetime
        return self.current(kind, appid)

    def owner(self, token: str) -> str | None:
        """Return the appid inside a component token, whether or not it is still good."""
        kind, appid = self.holder(token)
        return appid if kind == COMPONENT else None

    def holder(self, token: str) -> tuple[str, str]:
        """Return the kind of a token and the appid inside it.

        It may be good no more. Empty strings if it is not a token.
        """
        found = _SHAPE.fullmatch(token)
        return (found[1], found[2]) if found else ("", "")

    def refusal(self, token: str | None, wrong_kind: int | None = None) -> int | None:
        """Return the gateway's code for a token that is not good.

        It is missing, unknown, expired, or an authorizer's where that is wrong.
        """
        if not token:
            return 41001
        found = _SHAPE.fullmatch(token)
        if found is None:
            return 40001
        line, number = self._line(found[1], found[2]), int(found[3])
        # A number that was not handed out yet makes a token as unknown as any other text.
        if number > line.number:
            return 40001
        if self._now() >= (line.ends if number == line.number else line.overlaps if number == line.number - 1 else -math.inf):
            return 40001 if number in line.pushed_out else 42001
        return wrong_kind if found[1] == AUTHORIZER else None

    def current(self, kind: str, appid: str) -> str:
        """Return the current token of a provider or a Mini Program."""
        return f"{kind}{appid}-{self._line(kind, appid).number}"

    def _line(self, kind: str, appid: str) -> _TokenLine:
        return self._lines.get((kind, appid)) or _TokenLine()
