"""What every client shares: how it is cloned, and how it ends."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

from wxrevenue._base.asynchronous import Asynchronous
from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from typing import Self

    from wxrevenue._engine.service import Service
    from wxrevenue._wire.answer import Answer
    from wxrevenue._wire.request import Request
    from wxrevenue.clients._assembly import Assembly
    from wxrevenue.clients._options import Options


T = TypeVar("T")


class Client(Asynchronous, Printable):
    """An engine with an end.

    A client closes what was made for it. What it was given stays open.
    """

    _parts: Assembly
    _is_clone = False
    _fills_in = False
    """It has something to fill in where a request's arguments are given."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        engine = self._parts.engine
        host = engine.service.base_url.partition("://")[2]
        state = ", closed" if engine.lifetime.closed else ", a clone" if self._is_clone else ""
        return f"<{type(self).__name__} of {engine.service.account} at {host}{state}>"

    async def _send_raw(self, request: Request[T]) -> Answer[T]:
        """Send a request; return its result with the HTTP answer it came in."""
        from wxrevenue.clients._raw import send_raw

        return await send_raw(self._parts.engine, request)

    async def aclose(self) -> None:
        """End the client; may be called twice.

        New calls are refused and waiting ones end with ``ClientStateError``; requests on the wire
        finish within their ``timeout``. On a clone (``with_options``) this does nothing.
        """
        if self._is_clone:
            return
        await self._parts.engine.lifetime.aclose()
        from contextlib import AsyncExitStack  # loaded by then anyway

        async with AsyncExitStack() as stack:  # one that fails to close keeps none of the others open
            for part in self._parts.owned:
                stack.push_async_callback(part.aclose)

    def _with_defaults(self, request: type[Request[object]], given: dict[str, object]) -> dict[str, object]:  # noqa: ARG002  (the same for every request)
        """Return the arguments of a request, with those that the client fills in."""
        return given

    def _clone(self, changes: Options, page_deadline: float | None = None, service: Service | None = None) -> Self:
        from wxrevenue.clients import _assembly  # as in the constructor

        clone = copy.copy(self)
        engine = _assembly.with_changes(type(self).__name__, self._parts.engine, changes, page_deadline, service)
        clone._parts = _assembly.Assembly(engine)  # noqa: SLF001
        clone._is_clone = True  # noqa: SLF001
        return clone
