"""The pool of connections.

It is watched from the first request on, and closed where nobody did.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiohttp import BaseConnector
from aiohttp.client_proto import ResponseHandler

from wxrevenue.transports._aiohttp.internals import AnswerHandler

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Collection, Iterable, Mapping

    from aiohttp import ClientSession

    class _Pool(Protocol):
        """What a connector keeps to itself."""

        _factory: Callable[[], ResponseHandler]
        _loop: AbstractEventLoop
        _conns: Mapping[object, Iterable[tuple[ResponseHandler, float]]]
        _acquired: Iterable[ResponseHandler]


class LaterHandler(AnswerHandler):
    """For a release of aiohttp that tells a connection of settings not known here."""

    __slots__ = ()

    def set_response_params(self, **params: Any) -> None:
        """Get ready for an answer, whatever else is said of it."""
        self.begin(params.get("timer"))
        ResponseHandler.set_response_params(self, **params)


def handler_for(settings: Collection[str]) -> type[AnswerHandler]:
    """Return the class of connections for an aiohttp with those settings."""
    known = AnswerHandler.set_response_params.__kwdefaults__ or ()
    return AnswerHandler if set(settings) == set(known) else LaterHandler


HANDLER: Final = handler_for(ResponseHandler.set_response_params.__kwdefaults__ or ())
"""The class of connections for the aiohttp that is installed."""


def guard(connector: BaseConnector | None) -> bool:
    """Make further connections of a connector drop answers that were not asked for.

    Return whether that is possible. Connections that it has already are not used again.
    """
    if connector is None:
        return True  # the session is closed, and sends nothing
    if type(connector).connect is not BaseConnector.connect or not hasattr(connector, "_factory"):
        return False
    inner = cast("_Pool", connector)  # no public way leads there
    if getattr(inner._factory, "func", None) is not HANDLER:  # noqa: SLF001
        inner._factory = partial(HANDLER, inner._loop)  # noqa: SLF001
        for idle in inner._conns.values():  # noqa: SLF001
            for protocol, _since in idle:
                protocol.close()
        for protocol in inner._acquired:  # noqa: SLF001
            getattr(protocol, "force_close", bool)()
    return True


def let_go(owner: str, session: ClientSession, *twins: ClientSession) -> None:
    """Close what was left open, and warn once.

    aiohttp would warn of each session and of the connector, by names of its own.
    """
    connector = session.connector
    for one in (session, *twins):
        one.detach()
    close_now = getattr(connector, "_close", None)  # the public one is to be awaited, which nobody can any more
    if close_now is not None:
        close_now()
    warnings.warn(f"{owner} was never closed: use it as 'async with', or await its aclose()", ResourceWarning, stacklevel=2)
