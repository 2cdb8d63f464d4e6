"""What every client shares: how it is cloned, and how it ends."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from wxrevenue.clients._assembly import Assembly


class Client:
    """An engine with an end. A client closes what was made for it; what it was given stays open."""

    _parts: Assembly
    _is_clone = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the client; may be called twice.

        New calls are refused and waiting ones end with ``ClientStateError``; requests on the wire finish within their
        ``timeout``. On a clone (``with_options``) this does nothing.
        """
        if self._is_clone:
            return
        await self._parts.engine.lifetime.aclose()
        from contextlib import AsyncExitStack  # loaded by then anyway

        async with AsyncExitStack() as stack:  # one that fails to close keeps none of the others open
            for part in self._parts.owned:
                stack.push_async_callback(part.aclose)

    def _with_defaults(self, request: Any, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002  (the same for every request)
        """Return the arguments of a request, with those that the client fills in."""
        return given

    def _clone(self, changes: Mapping[str, Any]) -> Self:
        from wxrevenue.clients import _assembly  # as in the constructor

        clone = copy.copy(self)
        clone._parts = _assembly.Assembly(_assembly.with_changes(type(self).__name__, self._parts.engine, changes))  # noqa: SLF001
        clone._is_clone = True  # noqa: SLF001
        return clone


def unknown_option(where: str, changes: Mapping[str, Any], known: type) -> None:
    """Raise ``ConfigurationError`` for an option that a clone cannot change; ``known`` is the ``TypedDict`` of those it can."""
    if strange := changes.keys() - known.__annotations__.keys():
        raise ConfigurationError(f"{where}.with_options: {strange.pop()!r} is not one of {', '.join(known.__annotations__)}")
