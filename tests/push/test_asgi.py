"""The ASGI application, message by message, and the arguments of both adapters."""

from __future__ import annotations

from typing import Any

import pytest
from support.pushkit import push, receiver

from wxrevenue import ConfigurationError, MemoryTicketStore, TicketStore
from wxrevenue.push import aiohttp_handler, asgi_app


async def ask(scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the ASGI application sends for a scope and messages."""
    said: list[dict[str, Any]] = []
    coming = iter(messages)

    async def hear() -> dict[str, Any]:
        return next(coming)

    async def say(message: dict[str, Any]) -> None:
        said.append(message)

    await asgi_app(receiver(), MemoryTicketStore())(scope, hear, say)
    return said


def http(parameters: str) -> dict[str, Any]:
    """Return the scope of a POST."""
    return {"type": "http", "method": "POST", "path": "/", "query_string": parameters.encode()}


async def test_asgi_messages() -> None:
    """The reply is one start, with type and length, and one body.

    The request may come in pieces, empty ones too.
    """
    parameters, body = push()
    pieces = [{"type": "http.request", "body": body[:9], "more_body": True}, {"type": "http.request", "more_body": True}]
    said = await ask(http(parameters), *pieces, {"type": "http.request", "body": body[9:]})
    assert said == [
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"content-length", b"7")]},
        {"type": "http.response.body", "body": b"success"},
    ]


async def test_asgi_bodies_without_end() -> None:
    """X-16: at most 64 KiB and one more piece of a body are read."""
    piece = {"type": "http.request", "body": b"x" * 65_536, "more_body": True}
    assert (await ask(http(push()[0]), piece, piece))[0]["status"] == 403  # a third message would end the test


@pytest.mark.parametrize("read", [0, 99, None])
async def test_asgi_clients_that_hang_up(read: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """A client that hangs up within its body, or before its end, gets no answer.

    Servers may raise if the application gives them one.
    """
    parameters, body = push()
    pieces = {"type": "http.request", "body": body[:read], "more_body": True}, {"type": "http.disconnect"}
    assert await ask(http(parameters), *pieces) == []
    assert "its body broke off" in caplog.text


async def test_asgi_other_scopes() -> None:
    """A websocket is closed; a lifespan is refused, as the specification wants it."""
    assert await ask({"type": "websocket", "path": "/"}) == [{"type": "websocket.close"}]
    with pytest.raises(NotImplementedError, match="lifespan"):
        await ask({"type": "lifespan"})


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("adapter", [aiohttp_handler, asgi_app])
def test_parts_are_checked_at_once(adapter: Any) -> None:
    """Arguments in the wrong order are an error when the application is made.

    The error does not wait for the first push.
    """
    judge, store = receiver(), MemoryTicketStore()
    assert isinstance(store, TicketStore)
    for wrong in ((store, judge), (judge, None), (None, store)):
        with pytest.raises(ConfigurationError, match="expected a TicketReceiver and a TicketStore, got"):
            adapter(*wrong)
    with pytest.raises(ConfigurationError, match="on_push: expected a function, got str"):
        adapter(judge, store, on_push="print")
