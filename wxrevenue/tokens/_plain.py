"""Token sources for users that get their tokens elsewhere.

Fixed ones, and a function.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import NotASecret, Secret, as_secret, as_secret_items, require_secret, require_token
from wxrevenue._engine.clock import within
from wxrevenue._wire.request import TokenKind
from wxrevenue.errors import ConfigurationError, TokenUnavailableError
from wxrevenue.ports import TokenSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Tokens: TypeAlias = str | Secret | Callable[[], Awaitable[str | Secret]] | TokenSource


class StaticTokens(Printable):
    """Tokens that never change.

    After a refusal there is no other to try, so the refusal surfaces at once.

    Args:
        component: the component's token.
        authorizers: authorizers' tokens by appid.
    """

    def __init__(self, *, component: str | Secret | None = None, authorizers: Mapping[str, str | Secret] | None = None) -> None:
        component = None if component is None else _token(component)
        authorizers = as_secret_items({} if authorizers is None else authorizers, _token)
        self._component: Secret | None = None
        self._authorizers: dict[str, Secret] = {}
        if component is not None:
            self._component = require_token(component, "StaticTokens.component")
        if isinstance(authorizers, NotASecret):
            raise ConfigurationError(f"StaticTokens.authorizers: expected a mapping of appids to tokens, got {authorizers.kind}")
        for appid, token in cast("list[tuple[object, object]]", authorizers):
            name = require_secret("StaticTokens.authorizers: an appid", appid).reveal()
            self._authorizers[name] = require_token(token, "StaticTokens.authorizers: a token")

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret:  # noqa: ARG002
        """Return the token of that kind.

        Raises:
            TokenUnavailableError: none was given.
        """
        found = self.peek(kind, appid)
        if found is None:
            whose = f" for {appid}" if appid else ""
            raise TokenUnavailableError(f"no {kind.value} token was given{whose}: give StaticTokens its token, or use ComponentTokens")
        return found

    def peek(self, kind: TokenKind, appid: str | None) -> Secret | None:
        """Return the token of that kind, if it was given."""
        return self._component if kind is TokenKind.COMPONENT else self._authorizers.get(appid or "")

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Do nothing: there is no other token."""

    def __repr__(self) -> str:
        return f"StaticTokens(component={self._component!r}, authorizers={sorted(self._authorizers)})"


class CallableTokens:
    """Asks an async function for the component's token at every request.

    So the user's own cache stays in charge.
    """

    def __init__(self, function: Callable[[], Awaitable[str | Secret]]) -> None:
        self._function = function

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret | str:  # noqa: ARG002
        """Return what the function returns."""
        if kind is not TokenKind.COMPONENT:
            raise TokenUnavailableError("a token function hands out the component's token only: use a TokenSource for authorizers")
        answer: object = self._function()
        if not inspect.isawaitable(answer):
            answer = None
            raise ConfigurationError("tokens: expected an async function; it returned something that cannot be awaited")
        return await within(timeout, answer, "a token")

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Do nothing: the function is asked again anyway."""


def token_source(tokens: object) -> TokenSource:
    """Return the token source that a client's ``tokens`` argument, boxed, stands for."""
    if isinstance(tokens, Secret):
        return StaticTokens(component=require_token(tokens, "tokens"))
    if isinstance(tokens, TokenSource):
        return tokens
    if callable(tokens):
        return CallableTokens(cast("Callable[[], Awaitable[str | Secret]]", tokens))
    kind = tokens.kind if isinstance(tokens, NotASecret) else type(tokens).__name__
    raise ConfigurationError(f"tokens: expected a str, an async function returning one, or a TokenSource, got {kind}")


def _token(value: object) -> Any:
    """Return a token boxed; a function is none here."""
    return NotASecret(type(value).__name__) if callable(value) else as_secret(value)
