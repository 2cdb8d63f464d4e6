"""Pushes for any ASGI server and framework.

FastAPI, Starlette, Litestar, Quart, or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Required, TypedDict, overload

from wxrevenue.push._component.receiver import LARGEST_PUSH
from wxrevenue.push._served import Served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue.ports import TicketStore
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.push._payment.event import PaymentReply
    from wxrevenue.push._payment.receive import OnPayment
    from wxrevenue.push._payment.receiver import PaymentReceiver
    from wxrevenue.push._receive import AuthorizationTaker, OnPush
    from wxrevenue.push._reply import Reply

    class _Message(TypedDict, total=False):
        """A message of ASGI's, as far as a body is concerned."""

        type: Required[str]
        body: bytes
        more_body: bool


class PushApp:
    """An ASGI application that answers pushes on whatever path it is mounted."""

    def __init__(self, served: Served) -> None:
        self._served = served

    async def __call__(self, scope: Any, receive_message: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            body = await _body(receive_message)
            if body is None:
                self._served.disconnected()  # for the log: the sender is gone
                return
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
            await _answer(await self._served.reply(headers, scope["query_string"], body), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            raise NotImplementedError(f"{scope['type']} is not for this application")  # as the ASGI specification asks


@overload
def asgi_app(
    receiver: TicketReceiver, store: TicketStore, *, on_push: OnPush | None = None, tokens: AuthorizationTaker | None = None
) -> PushApp: ...
@overload
def asgi_app(receiver: PaymentReceiver, *, on_push: OnPayment | None = None) -> PushApp: ...
def asgi_app(
    receiver: TicketReceiver | PaymentReceiver,
    store: TicketStore | None = None,
    *,
    on_push: OnPush | OnPayment | None = None,
    tokens: AuthorizationTaker | None = None,
) -> PushApp:
    """Return an ASGI application that answers pushes wherever it is routed to.

    Arguments as :func:`receive`, or :func:`receive_payment`.

    In FastAPI and Starlette:
    ``FastAPI(routes=[Route("/wechat/push", asgi_app(receiver, store), methods=["POST"])])``. The
    path is the one that was entered on the platform, a slash at its end included: frameworks answer
    the other spelling with a redirect (307), which WeChat does not follow. Where you are not sure,
    route both spellings to the same application.

    Raises:
        ConfigurationError: one of them is something else.
    """
    return PushApp(Served(receiver, store, on_push, tokens))


async def _body(receive_message: Callable[[], Awaitable[_Message]]) -> bytes | None:
    """Return the body, cut off where it becomes too large.

    ``None`` if the sender hangs up in the middle.
    """
    body = bytearray()
    while len(body) <= LARGEST_PUSH:
        message = await receive_message()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body)


async def _answer(reply: Reply | PaymentReply, send: Callable[[dict[str, object]], Awaitable[None]]) -> None:
    headers = [(b"content-type", reply.content_type.encode()), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
