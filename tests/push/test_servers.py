"""Pushes through real web servers.

The servers are aiohttp, and uvicorn with FastAPI, Starlette or the plain application.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from aiohttp import ClientSession, web
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from support.leaks import assert_no_leak
from support.merchants import Merchants
from support.pushkit import NOON, SECRETS, TICKET, inner, push, receiver, ticket_push
from support.serving import serve_aiohttp, serve_asgi

from wxrevenue import FileTicketStore, MemoryTicketStore, Ticket
from wxrevenue.push import AuthorizationPush, TicketReceiver, aiohttp_handler, asgi_app
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from wxrevenue import TicketStore

    Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[str]]

PATH = "/wechat/push"


def on_aiohttp(judge: TicketReceiver, store: TicketStore, **options: Any) -> AbstractAsyncContextManager[str]:
    """Serve the push application as a handler of an aiohttp application."""
    app = web.Application()
    app.router.add_post(PATH, aiohttp_handler(judge, store, **options))
    return serve_aiohttp(app, PATH)


def on_fastapi(judge: TicketReceiver, store: TicketStore, **options: Any) -> AbstractAsyncContextManager[str]:
    """Serve the push application as a route of a FastAPI application."""
    return serve_asgi(FastAPI(routes=[Route(PATH, asgi_app(judge, store, **options), methods=["POST"])]), PATH)


def on_starlette(judge: TicketReceiver, store: TicketStore, **options: Any) -> AbstractAsyncContextManager[str]:
    """Serve the push application as a route of a Starlette application."""
    return serve_asgi(Starlette(routes=[Route(PATH, asgi_app(judge, store, **options), methods=["POST"])]), PATH)


def on_a_mount(judge: TicketReceiver, store: TicketStore, **options: Any) -> AbstractAsyncContextManager[str]:
    """Serve the push application mounted below a path."""
    return serve_asgi(Starlette(routes=[Mount("/wechat", asgi_app(judge, store, **options))]), PATH)


def alone(judge: TicketReceiver, store: TicketStore, **options: Any) -> AbstractAsyncContextManager[str]:
    """Serve the push application without any framework."""
    return serve_asgi(asgi_app(judge, store, **options), PATH)


@pytest.fixture(params=[on_aiohttp, on_fastapi, on_starlette, on_a_mount, alone], ids=lambda serve: serve.__name__)
def serve(request: pytest.FixtureRequest) -> Serve:
    """Return each way to serve the push application."""
    found: Serve = request.param
    return found


async def post(url: str, pushed: tuple[str, Any]) -> tuple[int, bytes, str | None]:
    """Post a push; return the status, the body and the media type of the reply."""
    async with ClientSession() as session, session.post(f"{url}?{pushed[0]}", data=pushed[1]) as reply:
        return reply.status, await reply.read(), reply.headers["Content-Type"].partition(";")[0]


SUCCESS, REFUSED = (200, b"success", "text/plain"), (403, b"refused", "text/plain")


async def raw(url: str, text: bytes) -> bytes:
    """Send bytes to the server of a URL, hang up, and return what it answered.

    The URL's path stands for ``PATH`` in the bytes.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].partition("/")[0]))
    writer.write(text.replace(b"PATH", PATH.encode()))
    if b"gzip" not in text:
        writer.write_eof()
    answered = await reader.read(200)
    writer.close()
    return answered


def both_on_aiohttp(judge: TicketReceiver, store: TicketStore) -> AbstractAsyncContextManager[str]:
    """Serve the URL with and without a final slash, by aiohttp, as the README does."""
    app = web.Application()
    app.router.add_post(f"{PATH}{{slash:/?}}", aiohttp_handler(judge, store))
    return serve_aiohttp(app, PATH)


def both_on_fastapi(judge: TicketReceiver, store: TicketStore) -> AbstractAsyncContextManager[str]:
    """Serve the URL with and without a final slash, as the chapter on pushes does."""
    answer = asgi_app(judge, store)
    return serve_asgi(FastAPI(routes=[Route(path, answer, methods=["POST"]) for path in (PATH, f"{PATH}/")]), PATH)


@pytest.mark.parametrize("serving", [both_on_aiohttp, both_on_fastapi])
async def test_both_spellings(serving: Serve) -> None:
    """X-19: routed as documented, a push is handled with or without a final slash."""
    store = MemoryTicketStore()
    async with serving(receiver(), store) as url:
        assert await post(url, ticket_push(1, NOON)) == SUCCESS
        assert await post(f"{url}/", ticket_push(2, NOON + 1)) == SUCCESS
    assert await store.get() == Ticket("fake-ticket-2", NOON + 1)


# -- what comes in ---------------------------------------------------------------------------------


async def test_bodies_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """A body that breaks off is refused like any other; the handler raises nothing.

    So is one that is not what its Content-Encoding says.
    """
    async with on_aiohttp(receiver(), MemoryTicketStore()) as url:
        await raw(url, b"POST PATH?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n<xml>")
        said = await raw(url, b"POST PATH?x=1 HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n<xml>")
    assert said.startswith(b"HTTP/1.1 403 ")
    assert caplog.text.count("its body broke off") == 2
    assert "Error handling request" not in caplog.text


async def test_the_sandbox_pushes_a_ticket(serve: Serve, tmp_path: Path) -> None:
    """A ticket that the sandbox posts is in the file before the reply ``success``.

    It has WeChat's time.
    """
    sandbox = Sandbox(seed=1, now=lambda: NOON)
    appid = sandbox.components[0]
    keys = sandbox.push_keys(appid)
    store = FileTicketStore(tmp_path / "ticket")
    async with serve(TicketReceiver(appid, keys.token, keys.aes_key), store) as url:
        assert await sandbox.ticket_push(appid).post(url) == (200, "success")
        assert await store.get() == Ticket(f"sandbox-ticket-{appid}-1", NOON)


async def test_what_is_refused_and_what_is_not(serve: Serve) -> None:
    """Forged, oversized, empty and odd requests get the same refusal over the wire.

    They leave the store as it was.
    """
    store = MemoryTicketStore()
    good = push()
    requests: list[tuple[str, bytes]] = [
        (good[0] + "0", good[1]),
        (good[0], b""),
        ("", good[1]),
        ("%ff&é&=", good[1]),
        (good[0], good[1] + b" " * 65_536),
        (good[0], good[1] + b" " * 900_000),
        push(key="A" * 43),
    ]
    async with serve(receiver(), store) as url:
        answers = [await post(url, request) for request in requests]
        assert answers == [REFUSED] * len(requests)
        assert await store.get() is None
        assert await post(url, good) == SUCCESS
    assert await store.get() == Ticket(TICKET, NOON)


async def test_a_body_in_pieces(serve: Serve) -> None:
    """A body that arrives in many chunks is joined."""
    parameters, body = push()

    async def pieces() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    async with serve(receiver(), MemoryTicketStore()) as url:
        assert await post(url, (parameters, pieces())) == SUCCESS


async def test_a_body_without_end(serve: Serve) -> None:
    """X-16: a body that never ends is answered with the refusal after 64 KiB."""

    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"x" * 1024
            await asyncio.sleep(0)

    async with serve(receiver(), MemoryTicketStore()) as url, asyncio.timeout(20):
        assert await post(url, (push()[0], endless())) == REFUSED


async def test_authorizations_are_told(serve: Serve) -> None:
    """``on_push``, plain or async, gets every new ticket and every authorization.

    It is called before the reply.
    """
    told: list[object] = []

    async def later(event: object) -> None:
        await asyncio.sleep(0)
        told.append(event)

    ended = push(inner(InfoType="unauthorized", AuthorizerAppid="wx9", ComponentVerifyTicket=None))
    for on_push in (told.append, later):
        told.clear()
        async with serve(receiver(), MemoryTicketStore(), on_push=on_push) as url:
            assert [await post(url, pushed) for pushed in (ticket_push(), ended, ended)] == [SUCCESS] * 3
        assert told == [Ticket(TICKET, NOON), AuthorizationPush(info_type="unauthorized", authorizer_appid="wx9", created=NOON)]


async def test_codes_are_kept(serve: Serve) -> None:
    """With ``tokens=`` a merchant's code ends in the token store.

    A withdrawal removes its tokens.
    """
    world = Merchants()
    async with world.source() as tokens, serve(world.receiver, world.tickets, tokens=tokens) as url:
        for info_type, stored in (("authorized", world.sandbox.refresh_token(world.program)), ("unauthorized", "withdrawn")):
            assert await world.push(info_type).post(url) == (200, "success")
            if info_type == "authorized":
                await world.token(tokens)
            assert await world.stored() == stored


@pytest.mark.slow("floods real servers")
async def test_a_flood(serve: Serve) -> None:
    """X-16: two hundred pushes at once, good, repeated and forged, are all answered.

    The newest ticket is kept.
    """
    store = MemoryTicketStore()
    pushes = [ticket_push(n, NOON + n) for n in range(50)]
    forged = [(parameters + "0", body) for parameters, body in pushes]
    async with serve(receiver(), store) as url:
        answers = await asyncio.gather(*(post(url, pushed) for pushed in [*pushes, *forged, *reversed(pushes), *forged]))
    assert [answer == SUCCESS for answer in answers] == [*[True] * 50, *[False] * 50, *[True] * 50, *[False] * 50]
    assert await store.get() == Ticket("fake-ticket-49", NOON + 49)


# -- what goes wrong -------------------------------------------------------------------------------


class Broken(MemoryTicketStore):
    """A store that fails until it is repaired."""

    error: Exception | None = ConnectionError("redis://:fake-password@h is down")

    async def put(self, ticket: Ticket) -> bool:
        """Raise an error, or keep the ticket."""
        if self.error:
            raise self.error
        return await super().put(ticket)


async def test_a_store_that_is_down(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """X-17: while the store is down a good push is refused, so that it comes again.

    It is kept in this process meanwhile; then it is stored.
    """
    broken = Broken()
    store = MemoryTicketStore(behind=broken)
    async with serve(receiver(), store) as url:
        assert await post(url, push()) == REFUSED
        assert await store.get() == Ticket(TICKET, NOON)
        broken.error = None
        assert await post(url, push()) == SUCCESS
        assert await post(url, push()) == SUCCESS
    assert await broken.get() == Ticket(TICKET, NOON)
    assert "a push could not be dealt with (ConnectionError)" in caplog.text
    assert_no_leak(secrets=[*SECRETS, "fake-password"], caplog=caplog)


async def test_a_listener_that_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """When ``on_push`` fails the push is refused and comes again.

    The ticket is kept already, and ``on_push`` gets it again.
    """
    told: list[object] = []

    def fail_once(event: object) -> None:
        told.append(event)
        if len(told) == 1:
            raise ValueError("fake-ticket-1 is not to my liking")

    store = MemoryTicketStore()
    async with serve(receiver(), store, on_push=fail_once) as url:
        assert [await post(url, push()), await post(url, push()), await post(url, push())] == [REFUSED, SUCCESS, SUCCESS]
    assert told == [Ticket(TICKET, NOON)] * 2
    assert_no_leak(secrets=SECRETS, caplog=caplog)


async def test_an_older_ticket_is_acknowledged_and_dropped(serve: Serve) -> None:
    """K-18: an older ticket that comes late is acknowledged and dropped.

    It is neither kept nor given to ``on_push``.
    """
    told: list[object] = []
    store = MemoryTicketStore()
    async with serve(receiver(), store, on_push=told.append) as url:
        assert [await post(url, ticket_push(2, NOON + 2)), await post(url, ticket_push(1, NOON + 1))] == [SUCCESS] * 2
    assert told == [Ticket("fake-ticket-2", NOON + 2)] == [await store.get()]


async def test_only_posts(serve: Serve) -> None:
    """A GET of the address gets no server error."""
    async with serve(receiver(), MemoryTicketStore()) as url, ClientSession() as session, session.get(f"{url}?{push()[0]}") as reply:
        assert reply.status in {403, 405}


async def test_reasons_are_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """The log ``wxrevenue.push`` says why a push was refused.

    It shows nothing that the sender made up.
    """
    async with serve(receiver(), MemoryTicketStore()) as url:
        await post(url, ("timestamp=1&nonce=fake-nonce&msg_signature=fake-signature", b"<xml><Encrypt>fake-text</Encrypt></xml>"))
    lines = [record.getMessage() for record in caplog.records if record.name == "wxrevenue.push"]
    assert lines == ["a push was refused: the signature is wrong; is this the token that the platform has?"]
