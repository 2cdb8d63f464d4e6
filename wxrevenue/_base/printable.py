"""Objects that can be printed while they are half made: a traceback with locals shows what a constructor that failed left behind."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Printable:
    """Base of values: their ``repr``, written by hand or by attrs, tells an object whose attributes are not all set by its class alone."""

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        written = vars(cls).get("__repr__")
        if written is not None:
            cls.__repr__ = _guarded(written)  # type: ignore[method-assign]


def _guarded(written: Callable[[Any], str]) -> Callable[[Any], str]:
    @functools.wraps(written)
    def shown(self: Any) -> str:
        try:
            return written(self)
        except AttributeError:
            return f"<{type(self).__name__}, half made>"

    return shown
