"""The tokens of one component as this process has them.

Each is there from when it is first asked for.
"""

from __future__ import annotations

import contextvars
from functools import partial
from typing import TYPE_CHECKING

from wxrevenue._wire.request import TokenKind
from wxrevenue.errors import ConfigurationError, WxRevenueError
from wxrevenue.tokens._cache import CachedToken, LiveToken
from wxrevenue.tokens._key import TokenKey

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue.ports import Clock
    from wxrevenue.tokens._events import TokenEvents
    from wxrevenue.tokens._refresh import Refresher
    from wxrevenue.tokens._single_flight import SingleFlight


class CachedTokens:
    """Finds a token by its kind and appid.

    Args:
        component: the component's appid.
        refresher: gets the next ones.
        events: are told of refreshes.
        clock: what counts the seconds.
    """

    def __init__(self, component: str, refresher: Refresher, events: TokenEvents, clock: Clock) -> None:
        self._component, self._clock = component, clock
        self._made = partial(CachedToken, refresher=refresher, events=events, clock=clock, context=contextvars.copy_context())
        self._tokens: dict[str | None, CachedToken] = {}
        """By the authorizer's appid; the component's own under ``None``."""

    def of(self, kind: TokenKind, appid: str | None) -> CachedToken:
        """Return the token, known or not."""
        if kind is TokenKind.COMPONENT:
            appid = None
        elif kind is not TokenKind.AUTHORIZER or not appid:
            raise ConfigurationError("ComponentTokens: expected the component's token, or an authorizer's with its appid")
        found = self._tokens.get(appid)
        if found is None:
            found = self._tokens[appid] = self._made(key=TokenKey(self._component, appid))
        return found

    def peek(self, kind: TokenKind, appid: str | None) -> Secret | None:
        """Return the token if no caller need wait for another."""
        cached = self._tokens.get(None if kind is TokenKind.COMPONENT else appid or "")
        return None if cached is None else cached.peek(self._clock.monotonic())

    def forget(self, appid: str) -> None:
        """Let go of what is known of an authorizer's token."""
        cached = self._tokens.get(appid)
        if cached is not None:
            cached.forget()

    def flights(self) -> list[SingleFlight[LiveToken | WxRevenueError]]:
        """Return the refreshes that go on."""
        return [cached.flight for cached in self._tokens.values() if cached.flight is not None]
