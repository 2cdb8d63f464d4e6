"""A provider's client of a sandbox.

Tokens of both kinds come from the sandbox, and its clock is set by hand.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from wxrevenue import RevenueClient, Sandbox, TokenKind

if TYPE_CHECKING:
    from collections.abc import Awaitable

TODAY = date(2026, 3, 20)


class SandboxTokens:
    """Hands out the sandbox's current tokens."""

    def __init__(self, sandbox: Sandbox, component: str) -> None:
        self._sandbox, self.component_appid = sandbox, component

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> str:
        """Return the current token."""
        if kind is TokenKind.COMPONENT:
            return self._sandbox.component_token(self.component_appid)
        return self._sandbox.authorizer_token(appid or "")

    async def reject(self, kind: TokenKind, appid: str | None, token: object) -> None:
        """Do nothing: the next token is the current one."""


class Provider:
    """A sandbox, the client of one provider, and that provider's Mini Programs."""

    def __init__(self, number: int = 0, **options: Any) -> None:
        self.now = 1_774_000_000.0
        options = {"seed": 7, "today": TODAY, "now": lambda: self.now, **options}
        self.sandbox = Sandbox(**options)
        self.appid = self.sandbox.components[number]
        self.programs = self.sandbox.programs(self.appid)
        self.client = RevenueClient(SandboxTokens(self.sandbox, self.appid), transport=self.sandbox.transport())

    def of(self, number: int) -> RevenueClient:
        """Return the client of one of the Mini Programs.

        The last one has no publisher account at first.
        """
        return self.client.authorizer(self.programs[number])

    @property
    def unsigned(self) -> RevenueClient:
        """The client of the Mini Program whose merchant has not signed."""
        return self.client.authorizer(self.sandbox.unsigned_program(self.appid))


async def code_of(call: Awaitable[object]) -> Any:
    """Return the code of a call's refusal."""
    from wxrevenue import ApiError

    try:
        await call
    except ApiError as error:
        return error.code
    return None
