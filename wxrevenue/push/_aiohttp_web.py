"""Pushes for a server made with aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.push._component.receiver import LARGEST_PUSH
from wxrevenue.push._receive import check_parts, disconnected, receive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from wxrevenue.ports import TicketStore
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.push._receive import OnPush


def aiohttp_handler(
    receiver: TicketReceiver, store: TicketStore, *, on_push: OnPush | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler for ``app.router.add_post(path, …)``. Arguments as :func:`receive`.

    Raises:
        ConfigurationError: one of them is something else.
    """
    from aiohttp import web  # on first use

    check_parts(receiver, store, on_push)

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await _body(request)
        except (ConnectionError, web.RequestPayloadError):
            reply = disconnected(receiver)
        else:
            reply = await receive(receiver, store, request.rel_url.raw_query_string, body, on_push=on_push)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    return handle


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_PUSH:
            break
    return bytes(body)
