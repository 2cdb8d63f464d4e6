"""Notifications of WeChat Pay are reported once, by whatever server they come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.notified import Notified

from wxrevenue import ConfigurationError, MemoryTicketStore, PaymentEvent
from wxrevenue.push import aiohttp_handler, asgi_app, receive_payment

if TYPE_CHECKING:
    from wxrevenue.sandbox._pay.notification import Notification


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_receive_tells_once(kind: str) -> None:
    """``on_push`` is called once for a notification.

    If it fails, the notification is refused; when it comes again, ``on_push`` is called again.
    """
    scene = Notified()
    told: list[PaymentEvent] = []

    def plain(event: PaymentEvent) -> None:
        told.append(event)
        if len(told) == 1:
            raise LookupError("fake secret")

    async def later(event: PaymentEvent) -> None:
        await asyncio.sleep(0)
        plain(event)

    on_push = plain if kind == "plain" else later
    note = scene.refund()
    assert (await receive_payment(scene.receiver_, note.headers, note.body, on_push=on_push)).status == 500
    again = note.again()
    assert (await receive_payment(scene.receiver_, again.headers, again.body, on_push=on_push)).status == 200
    assert (await receive_payment(scene.receiver_, again.headers, again.body, on_push=on_push)).status == 200
    assert len(told) == 2


async def test_a_repetition_waits_for_the_first() -> None:
    """A repetition that comes while the first is handled gets its outcome.

    So no push is acknowledged too early.
    """
    scene = Notified()
    began, go_on = asyncio.Event(), asyncio.Event()

    async def fail(_: PaymentEvent) -> None:
        began.set()
        await go_on.wait()
        raise LookupError

    note = scene.refund()
    first = asyncio.create_task(receive_payment(scene.receiver_, note.headers, note.body, on_push=fail))
    await began.wait()
    again = note.again()
    second = asyncio.create_task(receive_payment(scene.receiver_, again.headers, again.body, on_push=fail))
    await asyncio.sleep(0)
    go_on.set()
    assert [(await one).status for one in (first, second)] == [500, 500]


async def test_what_was_cancelled_comes_again() -> None:
    """A notification whose handling was cancelled counts as new when it comes again.

    One that is cancelled after the listener has returned does not.
    """
    scene = Notified()
    told: list[PaymentEvent] = []
    note = scene.refund()
    await _cancelled_in_the_listener(scene, note)
    for again in (note, note.again()):
        assert (await receive_payment(scene.receiver_, again.headers, again.body, on_push=told.append)).status == 200
    assert len(told) == 1
    done = scene.refund()

    async def tell(event: PaymentEvent) -> None:
        told.append(event)
        task.cancel()

    task = asyncio.create_task(receive_payment(scene.receiver_, done.headers, done.body, on_push=tell))
    with suppress(asyncio.CancelledError):
        await task
    assert (await receive_payment(scene.receiver_, done.headers, done.body, on_push=told.append)).status == 200
    assert len(told) == 2


async def test_a_failure_is_forgotten_before_it_is_told() -> None:
    """A repetition that comes just after a failure is new.

    The first one has no reply yet then.
    """
    scene = Notified()
    told: list[PaymentEvent] = []
    note = scene.refund()

    async def repeat() -> None:
        again = note.again()
        await receive_payment(scene.receiver_, again.headers, again.body, on_push=told.append)

    async def fail(_: PaymentEvent) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: tasks.append(loop.create_task(repeat())))
        await asyncio.sleep(0)
        raise LookupError

    tasks: list[asyncio.Task[None]] = []
    assert (await receive_payment(scene.receiver_, note.headers, note.body, on_push=fail)).status == 500
    await asyncio.gather(*tasks)
    assert len(told) == 1


async def test_failures_of_all_kinds() -> None:
    """Each kind of failure refuses the notification.

    The failure is an error of this package, a timeout, or a cancellation that the listener raised.
    A cancellation from outside passes.
    """
    scene = Notified()
    ends: list[Any] = [ConfigurationError("fake"), asyncio.CancelledError(), TimeoutError()]
    for end in ends:
        note = scene.refund()

        async def fail(_: PaymentEvent, end: Any = end) -> None:
            raise end

        assert (await receive_payment(scene.receiver_, note.headers, note.body, on_push=fail)).status == 500
    await _cancelled_in_the_listener(scene, scene.refund())


async def test_aiohttp() -> None:
    """The adapter for aiohttp answers in WeChat Pay's form.

    A request without headers is refused.
    """
    scene = Notified()
    told: list[PaymentEvent] = []
    app = web.Application()
    app.router.add_post("/pay", aiohttp_handler(scene.receiver_, on_push=told.append))
    async with TestServer(app) as server:
        url = str(server.make_url("/pay"))
        note = scene.refund()
        assert await note.post(url) == (200, b'{"code":"SUCCESS","message":"OK"}')
        bare = attrs.evolve(note, headers={})
        assert (await bare.post(url))[0] == 401
    assert len(told) == 1


async def test_asgi() -> None:
    """The ASGI application answers in WeChat Pay's form, too."""
    scene = Notified()
    told: list[PaymentEvent] = []
    app = asgi_app(scene.receiver_, on_push=told.append)
    note = scene.refund()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": note.body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in note.headers.items()]
    await app({"type": "http", "query_string": b"", "headers": headers}, receive, send)
    assert (sent[0]["status"], sent[1]["body"]) == (200, b'{"code":"SUCCESS","message":"OK"}')
    assert len(told) == 1

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    await app({"type": "http", "query_string": b"", "headers": headers}, gone, send)
    assert len(sent) == 2


def test_payments_have_no_store() -> None:
    """A receiver of payments takes neither a ticket store nor tokens."""
    scene = Notified()
    arguments: Any = (scene.receiver_, MemoryTicketStore())
    for adapter in (aiohttp_handler, asgi_app):
        with pytest.raises(ConfigurationError, match="neither a store nor tokens"):
            adapter(*arguments)
        with pytest.raises(ConfigurationError, match="on_push"):
            adapter(scene.receiver_, on_push=7)  # type: ignore[call-overload]


async def _cancelled_in_the_listener(scene: Notified, note: Notification) -> None:
    """Hand in a notification, and cancel that while the listener is told."""
    began = asyncio.Event()

    async def hang(_: PaymentEvent) -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(receive_payment(scene.receiver_, note.headers, note.body, on_push=hang))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
