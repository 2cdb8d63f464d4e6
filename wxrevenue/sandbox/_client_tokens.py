"""The tokens of a sandbox's provider and of its Mini Programs.

They are as a client takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._wire.request import TokenKind

if TYPE_CHECKING:
    from wxrevenue.sandbox._sandbox import Sandbox


class SandboxTokens:
    """A token source.

    It gives the current token of the component, or of a Mini Program that authorized it.

    Args:
        sandbox: hands them out.
        component_appid: the provider.
    """

    def __init__(self, sandbox: Sandbox, component_appid: str) -> None:
        self._sandbox, self.component_appid = sandbox, component_appid

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> str:  # noqa: ARG002  (the port's)
        """Return the token that is good now."""
        if kind is TokenKind.AUTHORIZER and appid is not None:
            return self._sandbox.authorizer_token(appid)
        return self._sandbox.component_token(self.component_appid)

    async def reject(self, kind: TokenKind, appid: str | None, token: object) -> None:
        """Take notice of nothing: the next token is current anyway."""
