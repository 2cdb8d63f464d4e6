"""Objects that can be printed while they are half made.

A constructor may fail. A traceback with locals then shows the object as it was left.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Printable:
    """Base of values that can be printed half made.

    Some attributes may not be set yet. The ``repr``, written by hand or by attrs, is the class
    alone then.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        written = vars(cls).get("__repr__")
        if written is not None:
            cls.__repr__ = _guarded(written)  # type: ignore[method-assign]


def _guarded(written: Callable[[T], str]) -> Callable[[T], str]:
    @functools.wraps(written)
    def shown(self: T) -> str:
        try:
            return written(self)
        except AttributeError:
            return f"<{type(self).__name__}, half made>"

    return shown
