"""Which plugs can answer without an await."""

from __future__ import annotations

from typing import Any


def instant(plug: object, awaited: str, at_once: str) -> Any:
    """Return a plug's method that answers at once.

    ``None`` where it has none to be trusted. A subclass that replaces the awaited method alone
    means to change what is handed out: its base's answer would pass it by.

    Args:
        plug: a rate limiter or a token source.
        awaited: the name of the method that is always there.
        at_once: the name of the method that answers without an await, where there is one.
    """
    method = getattr(plug, at_once, None)
    for kind in type(plug).__mro__:
        if at_once in vars(kind):
            return method
        if awaited in vars(kind):
            break
    return method if at_once in getattr(plug, "__dict__", ()) else None
