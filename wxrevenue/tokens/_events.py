"""What a source of tokens tells.

How refreshes begin and end, and that tickets stay away.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from wxrevenue._wire.request import TokenKind
from wxrevenue.ams.authorization import GetAuthorizerAccessToken, GetComponentAccessToken

if TYPE_CHECKING:
    from wxrevenue._engine.engine import Engine
    from wxrevenue.tokens._key import RefreshReason, TokenKey


@attrs.frozen(repr=False)
class TokenEvents:
    """Tells them through the engine of the source."""

    engine: Engine

    def refresh(  # noqa: PLR0913  (facts, by keyword)
        self,
        key: TokenKey,
        progress: str,
        reason: RefreshReason,
        *,
        code: int | str | None = None,
        error: str | None = None,
        duration: float | None = None,
    ) -> None:
        """Tell how far a refresh is: ``"started"``, ``"ok"`` or ``"failed"``."""
        if self.engine.listener is None:
            return
        from wxrevenue.events import TokenEvent  # every listener has loaded it

        endpoint = (GetComponentAccessToken if key.authorizer is None else GetAuthorizerAccessToken).endpoint
        about = partial(TokenEvent, kind=key.kind.value, appid=key.authorizer, refresh=progress, why=reason.value)
        self.engine.listener.tell(endpoint, partial(about, code=code, error=error, duration=duration))

    def warning(self, warning: str) -> None:
        """Tell what to look after."""
        if self.engine.listener is None:
            return
        from wxrevenue.events import TokenEvent  # as above

        kind = TokenKind.COMPONENT.value
        self.engine.listener.tell(GetComponentAccessToken.endpoint, partial(TokenEvent, kind=kind, code=None, warning=warning))
