"""Pushes for any ASGI server and framework: FastAPI, Starlette, Litestar, Quart, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxrevenue.push._component.receiver import LARGEST_PUSH
from wxrevenue.push._receive import check_parts, disconnected, receive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue.ports import TicketStore
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.push._receive import OnPush
    from wxrevenue.push._reply import Reply


class PushApp:
    """An ASGI application that answers pushes on whatever path it is mounted."""

    def __init__(self, receiver: TicketReceiver, store: TicketStore, on_push: OnPush | None) -> None:
        check_parts(receiver, store, on_push)
        self._receiver, self._store, self._on_push = receiver, store, on_push

    async def __call__(self, scope: Any, receive_message: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            body = await _body(receive_message)
            if body is None:
                disconnected(self._receiver)  # for the log: there is nobody left to answer
                return
            await _answer(await receive(self._receiver, self._store, scope["query_string"], body, on_push=self._on_push), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            raise NotImplementedError(f"{scope['type']} is not for this application")  # as the ASGI specification asks


def asgi_app(receiver: TicketReceiver, store: TicketStore, *, on_push: OnPush | None = None) -> PushApp:
    """Return an ASGI application that answers pushes wherever it is routed to. Arguments as :func:`receive`.

    In FastAPI and Starlette: ``FastAPI(routes=[Route("/wechat/push", asgi_app(receiver, store), methods=["POST"])])``. The path is
    the one that was entered on the platform, a slash at its end included: frameworks answer the other spelling with a redirect
    (307), which WeChat does not follow. Where you are not sure, route both spellings to the same application.

    Raises:
        ConfigurationError: one of them is something else.
    """
    return PushApp(receiver, store, on_push)


async def _body(receive_message: Callable[[], Awaitable[Any]]) -> bytes | None:
    """Return the body, cut off where it becomes too large; ``None`` if whoever pushes hangs up in the middle."""
    body = bytearray()
    while len(body) <= LARGEST_PUSH:
        message = await receive_message()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body)


async def _answer(reply: Reply, send: Callable[[Any], Awaitable[None]]) -> None:
    headers = [(b"content-type", reply.content_type.encode()), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
