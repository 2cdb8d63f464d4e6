"""What ``inspect.signature`` and ``help`` show of a class of requests."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class VisibleSignature:
    """The ``__signature__`` of a class and its subclasses.

    Their parameters without hidden ones.

    Args:
        is_visible: returns whether a class shows a parameter of that name.
    """

    def __init__(self, is_visible: Callable[[type, str], bool]) -> None:
        self._is_visible = is_visible

    def __get__(self, instance: object, kind: type) -> inspect.Signature:
        whole = inspect.signature(kind.__init__)  # type: ignore[misc]  # of the class itself, which has made it
        _, *given = whole.parameters.values()
        return whole.replace(parameters=[one for one in given if self._is_visible(kind, one.name)])
