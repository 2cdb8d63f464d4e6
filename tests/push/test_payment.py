"""Notifications of WeChat Pay are verified as they came, opened, and typed.

Their type follows from their fields.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.leaks import assert_no_leak
from support.notified import REFUND, Notified
from support.payside import NOW, Scene

from wxrevenue import (
    ConfigurationError,
    DistributionRefundChanged,
    PaymentEvent,
    PaymentReceiver,
    PlatformCertificates,
    RefundChanged,
    StaticVerifier,
)

if TYPE_CHECKING:
    from wxrevenue.sandbox._pay.notification import Notification


KEY = "0123456789abcdef0123456789abcdef"


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
