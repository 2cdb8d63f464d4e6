"""Which made-up token belongs to whom, and whether it is still good."""

from __future__ import annotations

import re
from collections import defaultdict

_COMPONENT, _AUTHORIZER = "sandbox-component-", "sandbox-authorizer-"
_SHAPE = re.compile(_COMPONENT + "(wx[0-9a-f]{16})-([1-9][0-9]{0,8})")


class Tokens:
    """One current component token for each provider; what it replaced has expired."""

    def __init__(self) -> None:
        self._serial: defaultdict[str, int] = defaultdict(lambda: 1)

    def component(self, appid: str) -> str:
        """Return the provider's current token."""
        return f"{_COMPONENT}{appid}-{self._serial[appid]}"

    def authorizer(self, appid: str) -> str:
        """Return a Mini Program's token, which is of the wrong kind for all of the sandbox's calls."""
        return f"{_AUTHORIZER}{appid}-1"

    def expire(self, appid: str) -> None:
        """Put a new token in force for this provider; the old one has expired."""
        self._serial[appid] += 1

    def owner(self, token: str) -> str | None:
        """Return the appid inside a component token, whether or not it is still good."""
        found = _SHAPE.fullmatch(token)
        return found[1] if found else None

    def refusal(self, token: str | None) -> int | None:
        """Return the gateway's code for a token that it does not take: missing, of the wrong kind, unknown or expired."""
        if not token:
            return 41001
        if token.startswith(_AUTHORIZER):
            return 48001
        appid = self.owner(token)
        # A number that was not handed out yet makes a token as unknown as any other text.
        if appid is None or int(token.rpartition("-")[2]) > self._serial[appid]:
            return 40001
        return None if token == self.component(appid) else 42001
