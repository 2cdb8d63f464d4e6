"""What a refresh is about.

Which token, why another one is wanted, and what comes of it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._wire.request import TokenKind

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret


class RefreshReason(enum.StrEnum):
    """Why another token is wanted."""

    FIRST = "first"
    EARLY = "early"
    DUE = "due"
    REFUSED = "refused"


@attrs.frozen(repr=False)
class TokenKey:
    """Names a token; ``str()`` of it is what messages call it.

    Args:
        component: the appid of the component.
        authorizer: that of the Mini Program; ``None`` for the component's own token.
    """

    component: str
    authorizer: str | None = None

    @property
    def kind(self) -> TokenKind:
        """Whose token it is."""
        return TokenKind.COMPONENT if self.authorizer is None else TokenKind.AUTHORIZER

    @property
    def record(self) -> str:
        """The name of its record in a store."""
        return f"{self.component}/{self.authorizer or ''}"

    def __str__(self) -> str:
        return f"the token of {self.kind.value} {self.authorizer or self.component}"


@attrs.frozen
class NewToken(Printable):
    """A token that was found, or that WeChat handed out anew.

    ``end`` is on the monotonic clock.
    """

    token: Secret
    end: float
    is_new: bool
