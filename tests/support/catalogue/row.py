"""A row of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wxrevenue import TokenKind

if TYPE_CHECKING:
    from wxrevenue import Safety


class Row(NamedTuple):
    """What WeChat's pages say of one interface."""

    path: str
    action: str
    safety: Safety
    result: Any
    example: Any
    body: dict[str, Any]
    token: TokenKind = TokenKind.COMPONENT
    method: str = "POST"
    alternate: str | None = None
    alternate_on: frozenset[int] = frozenset()
    left_out: frozenset[str] = frozenset()
    """Other parameters, for which the example's keys must be dropped."""
