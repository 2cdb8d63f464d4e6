"""The endpoints that take a Mini Program's token.

They share one path, and are told apart by their action.
"""

from __future__ import annotations

from wxrevenue._wire.request import Endpoint, Safety, TokenKind


def operation(action: str, safety: Safety) -> Endpoint:
    """Return the endpoint of an action."""
    return Endpoint(path="/wxa/operationams", action=action, token=TokenKind.AUTHORIZER, safety=safety)
