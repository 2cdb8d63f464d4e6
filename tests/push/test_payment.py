"""Notifications of WeChat Pay.

They are verified as they came, opened, typed by their fields, and reported once.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.leaks import assert_no_leak
from support.payside import NOW, Scene

from wxrevenue import (
    ConfigurationError,
    DistributionRefundChanged,
    MemoryTicketStore,
    PaymentEvent,
    PaymentReceiver,
    PlatformCertificates,
    RefundChanged,
    StaticVerifier,
)
from wxrevenue.push import aiohttp_handler, asgi_app, receive_payment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.sandbox._pay.notification import Notification

REFUND = {"sp_mchid": "19", "sub_mchid": "20", "out_trade_no": "P", "out_refund_no": "R-1", "refund_status": "SUCCESS", "more": 1}
KEY = "0123456789abcdef0123456789abcdef"


class Notified(Scene):
    """A scene of WeChat Pay with a receiver of its notifications."""

    def __init__(self) -> None:
        super().__init__()
        self.receiver_ = PaymentReceiver(StaticVerifier(self.merchant.platform_keys), self.merchant.apiv3_key, clock=self.clock)

    def refund(self, resource: Mapping[str, Any] = REFUND, **kinds: Any) -> Notification:
        """Return the notification of a refund."""
        return self.sandbox.pay.notification(resource, **kinds)

    def signed(self, body: bytes) -> dict[str, str]:
        """Return the headers that sign a body."""
        return self.sandbox._pay.signature((int(self.clock.time()), "fa4e"), body)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (REFUND, RefundChanged),
        ({"sub_mchid": "20", "out_order_no": "D-1", "refund_state": "SUCCESS"}, DistributionRefundChanged),
        ({"something": {"else": 1}}, dict),
        ({"out_refund_no": 7, "refund_status": "SUCCESS"}, dict),
    ],
)
async def test_events_are_typed_by_their_fields(resource: dict[str, Any], kind: type) -> None:
    """A notification's type follows from its fields.

    An unknown one is the dict. Kinds are passed on unchanged.
    """
    scene = Notified()
    note = scene.refund(resource, event_type="X.Y", original_type="z")
    reply = await scene.receiver_.handle({name.lower(): value for name, value in note.headers.items()}, note.body)
    assert (reply.status, orjson.loads(reply.body)["code"], reply.content_type) == (200, "SUCCESS", "application/json")
    assert isinstance(reply.event, PaymentEvent)
    assert isinstance(reply.event.resource, kind)
    assert (reply.event.event_type, reply.event.original_type, reply.event.create_time.timestamp()) == ("X.Y", "z", NOW)
    found: Any = reply.event.resource
    assert found == resource if kind is dict else found.sub_mchid == "20"


async def test_a_repetition_is_no_event() -> None:
    """S-05: a repetition is a success without an event.

    A repetition has the same bytes, or the same id under a new signature.
    """
    scene = Notified()
    note = scene.refund()
    assert (await scene.receiver_.handle(note.headers, note.body)).event is not None
    for again in (note, note.again()):
        reply = await scene.receiver_.handle(again.headers, again.body)
        assert (reply.status, reply.event, reply.reason) == (200, None, "it came before")
    await scene.clock.sleep(299.0)
    assert (await scene.receiver_.handle(note.headers, note.body)).event is None
    await scene.clock.sleep(24 * 3600.0)  # the last resend comes 24 h and 4 min after the first
    assert (await scene.receiver_.handle(note.again().headers, note.body)).event is None
    await scene.clock.sleep(3600.0)
    assert (await scene.receiver_.handle(note.again().headers, note.body)).event is not None


async def test_the_same_id_of_another_sub_merchant_is_new() -> None:
    """An id is one sub-merchant's: the same id of another one is an event of its own."""
    scene = Notified()
    one, other = scene.refund(), scene.refund({**REFUND, "sub_mchid": "21"})
    number = orjson.loads(one.body)["id"]
    body = other.body.replace(orjson.loads(other.body)["id"].encode(), number.encode())
    for sealed, whose in ((one.body, "20"), (body, "21"), (body, None), (one.body, None)):
        event = (await scene.receiver_.handle(scene.signed(sealed), sealed)).event
        assert (event and (event.id, getattr(event.resource, "sub_mchid", ""))) == (whose and (number, whose))
        await scene.clock.sleep(1.0)


async def test_what_could_not_be_dealt_with_comes_again() -> None:
    """A notification that the listener refused counts as new when it comes again."""
    scene = Notified()
    note = scene.refund()
    reply = await scene.receiver_.handle(note.headers, note.body)
    refusal = scene.receiver_.refuse(reply, "no database")
    assert (refusal.status, orjson.loads(refusal.body)["code"], refusal.is_success) == (500, "FAIL", False)
    assert (await scene.receiver_.handle(note.again().headers, note.body)).event is not None


def changed(note: Notification, **headers: str | None) -> dict[str, str]:
    """Return the headers of a notification, some of them changed or taken away."""
    found = {**note.headers, **{f"Wechatpay-{name}": value for name, value in headers.items()}}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Signature": None, "Serial": None}, "the headers Wechatpay-Serial, Wechatpay-Signature are missing: does a proxy drop them?"),
        ({"Timestamp": str(NOW - 300)}, "300 s or more"),
        ({"Timestamp": "soon"}, "not a number"),
        ({"Nonce": ""}, "nonce is empty"),
        ({"Nonce": "other"}, "does not fit"),
        ({"Serial": "ABCD"}, "no key is known for ABCD"),
        ({"Signature": "WECHATPAY/SIGNTEST/AAAA"}, "wrong on purpose"),
        ({"Signature": "no base64!"}, "not base64"),
        ({"Signature": "AAAA"}, "does not fit"),
    ],
)
async def test_forgeries(headers: dict[str, str | None], says: str) -> None:
    """S-01 S-02 S-03 S-04: any wrong header gets the same refusal.

    The log gets the reason.
    """
    scene = Notified()
    note = scene.refund()
    reply = await scene.receiver_.handle(changed(note, **headers), note.body)
    assert (reply.status, reply.body, reply.event) == (401, b'{"code":"FAIL","message":"refused"}', None)
    assert says in reply.reason
    assert (await scene.receiver_.handle(note.headers, note.body)).event is not None, "a forgery takes no number"


async def test_bodies() -> None:
    """S-11 S-17: wrong bodies are refused.

    A body may be another one, too large, no notification, or impossible to open.
    """
    scene = Notified()
    note = scene.refund()
    rewritten = orjson.dumps(orjson.loads(note.body), option=orjson.OPT_INDENT_2)
    assert "does not fit" in (await scene.receiver_.handle(note.headers, rewritten)).reason
    assert "64 KiB" in (await scene.receiver_.handle(note.headers, b"x" * 65_537)).reason
    for body in (b"[]", b"{}", b"", b'{"id":"1"}', b'{"id":"","resource":{}}'):
        assert "no notification" in (await scene.receiver_.handle(scene.signed(body), body)).reason
    envelope = orjson.loads(note.body)
    envelope["resource"]["ciphertext"] = base64.b64encode(b"x" * 40).decode()
    body = orjson.dumps(envelope)
    reply = await scene.receiver_.handle(scene.signed(body), body)
    assert (reply.status, "cannot be opened" in reply.reason) == (401, True)
    del envelope["create_time"]
    envelope["resource"] = orjson.loads(note.body)["resource"]
    body = orjson.dumps(envelope)
    event = (await scene.receiver_.handle(scene.signed(body), body)).event
    assert event is not None
    assert event.create_time.timestamp() == NOW


@pytest.mark.parametrize("kind", [None, 7, ["x"]])
async def test_kinds_that_are_no_text(kind: Any) -> None:
    """An event type that is no string is empty; the notification still counts."""
    scene = Notified()
    sealed = scene.sandbox._pay.platform.sealed(orjson.dumps(REFUND), "refund")  # pyright: ignore[reportPrivateUsage]
    body = orjson.dumps({"id": "1", "event_type": kind, "resource": {"original_type": kind, **sealed}})
    reply = await scene.receiver_.handle(scene.signed(body), body)
    assert reply.event is not None
    assert (reply.event.event_type, reply.event.original_type, type(reply.event.resource)) == ("", "", RefundChanged)


async def test_a_verifier_that_is_late() -> None:
    """A verifier has three seconds.

    A notification that cannot be verified in time comes again.
    """
    scene = Notified()

    class Slow:
        async def verify(self, **_: Any) -> None:
            await asyncio.Event().wait()

        def request_serial(self) -> None: ...

    receiver = PaymentReceiver(Slow(), scene.merchant.apiv3_key, clock=scene.clock)
    note = scene.refund()
    reply = await receiver.handle(note.headers, note.body, timeout=0.01)
    assert (reply.status, reply.reason) == (500, "the deadline passed while waiting for the verifier")


async def test_certificates_are_fetched_for_notifications() -> None:
    """S-07: a notification with an unknown certificate fetches it."""
    scene = Notified()
    verifier = PlatformCertificates(
        scene.merchant.apiv3_key,
        mchid=scene.merchant.mchid,
        serial_no=scene.merchant.serial_no,
        private_key=scene.merchant.private_key,
        transport=scene.sandbox.transport(),
        clock=scene.clock,
    )
    receiver = PaymentReceiver(verifier, scene.merchant.apiv3_key, clock=scene.clock)
    note = scene.refund()
    assert (await receiver.handle(note.headers, note.body)).event is not None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"apiv3_key": "short-fake-key"}, "expected the APIv3 key, 32"),
        ({"verifier": KEY}, "verifier: expected a Verifier such as StaticVerifier, got str"),
        ({"clock": 7}, "clock: expected a Clock"),
    ],
)
async def test_wrong_arguments(given: dict[str, Any], says: str) -> None:
    """S-24: a wrong argument is refused by the constructor, and no key shows."""
    scene = Scene()
    right: dict[str, Any] = {"verifier": StaticVerifier(scene.merchant.platform_keys), "apiv3_key": KEY}
    with pytest.raises(ConfigurationError, match=says) as caught:
        PaymentReceiver(**{**right, **given})
    assert_no_leak(caught.value, secrets=[KEY, "short-fake-key"])
    receiver = PaymentReceiver(**right)
    with pytest.raises(ConfigurationError, match="headers as a mapping, and the body as bytes"):
        await receiver.handle([], "text")  # type: ignore[arg-type]
    for headers in ({b"Wechatpay-Nonce": b"x"}, {"Wechatpay-Timestamp": 5}):
        with pytest.raises(ConfigurationError, match="names and values as text, got"):
            await receiver.handle(headers, b"{}")  # type: ignore[arg-type]
    assert KEY not in repr(receiver)


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
    note, began = scene.refund(), asyncio.Event()

    async def hang(_: PaymentEvent) -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(receive_payment(scene.receiver_, note.headers, note.body, on_push=hang))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
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
    note = scene.refund()
    began = asyncio.Event()

    async def hang(_: PaymentEvent) -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(receive_payment(scene.receiver_, note.headers, note.body, on_push=hang))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


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
