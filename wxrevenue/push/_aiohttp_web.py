"""Pushes for a server made with aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from wxrevenue.push._component.receiver import LARGEST_PUSH
from wxrevenue.push._served import Served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from wxrevenue.ports import TicketStore
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.push._payment.receive import OnPayment
    from wxrevenue.push._payment.receiver import PaymentReceiver
    from wxrevenue.push._receive import AuthorizationTaker, OnPush


@overload
def aiohttp_handler(
    receiver: TicketReceiver, store: TicketStore, *, on_push: OnPush | None = None, tokens: AuthorizationTaker | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]: ...
@overload
def aiohttp_handler(receiver: PaymentReceiver, *, on_push: OnPayment | None = None) -> Callable[[web.Request], Awaitable[web.Response]]: ...
def aiohttp_handler(
    receiver: TicketReceiver | PaymentReceiver,
    store: TicketStore | None = None,
    *,
    on_push: OnPush | OnPayment | None = None,
    tokens: AuthorizationTaker | None = None,
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler for ``app.router.add_post(path, …)``.

    Arguments as :func:`receive`, or :func:`receive_payment`.

    Raises:
        ConfigurationError: one of them is something else.
    """
    from aiohttp import web  # on first use

    served = Served(receiver, store, on_push, tokens)

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await _body(request)
        except (ConnectionError, web.RequestPayloadError):
            reply = served.disconnected()
        else:
            reply = await served.reply(request.headers, request.rel_url.raw_query_string, body)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    return handle


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_PUSH:
            break
    return bytes(body)
