"""Judges a notification: whether it is WeChat Pay's, and new, and what it says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from wxrevenue._base import checks
from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import as_port, as_secret_key
from wxrevenue._engine.clock import LOOP_CLOCK, within
from wxrevenue._wire.codec import decode, parse
from wxrevenue._wire.http import HttpResponse
from wxrevenue.errors import ConfigurationError, SignatureError, WxRevenueError, without_history
from wxrevenue.ports import Clock, Verifier
from wxrevenue.push._component.in_flight import InFlight
from wxrevenue.push._payment.event import DistributionRefundChanged, PaymentEvent, RefundChanged, accepted, refused
from wxrevenue.signing._aead import ApiV3Key
from wxrevenue.signing._answer import signed_part

if TYPE_CHECKING:
    from wxrevenue._base.json_types import JsonObject
    from wxrevenue._base.secret import Secret
    from wxrevenue.push._payment.event import PaymentReply
    from wxrevenue.signing._answer import Signed

LARGEST_NOTIFICATION: Final = 64 * 1024
"""Bytes of a notification's body. A real one has about one kilobyte."""
_NAME: Final = "PaymentReceiver"
_HEADERS: Final = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature")
_REMEMBERED_S: Final = 25 * 3600.0
"""WeChat Pay sends a notification again for 24 hours and 4 minutes."""
_REMEMBERED: Final = 8192
_KINDS: Final[tuple[tuple[type[DistributionRefundChanged | RefundChanged], set[str]], ...]] = (
    (DistributionRefundChanged, {"refund_state", "out_order_no"}),
    (RefundChanged, {"refund_status", "out_refund_no"}),
)


class PaymentReceiver(Printable):
    """Judges WeChat Pay's notifications.

    It has no HTTP of its own, so that any web server can use it.

    A notification must have at most 64 KiB, the four ``Wechatpay-…`` headers, a time within five
    minutes of this machine's clock, and a right signature over the body as it came. Then it is
    opened with the APIv3 key. A probe's signature (``WECHATPAY/SIGNTEST/…``) is refused like any
    other forgery. Whatever is wrong, only :attr:`PaymentReply.reason` tells you.

    Args:
        verifier: knows WeChat Pay's keys, the client's own for instance.
        apiv3_key: the merchant's overseas APIv3 key, 32 characters; an institution has one for all
            its sub-merchants.
        clock: where the time comes from.

    Raises:
        ConfigurationError: one of these is not allowed. The key shows nowhere.
    """

    def __init__(self, verifier: Verifier, apiv3_key: str | bytes | Secret, *, clock: Clock | None = None) -> None:
        apiv3_key, verifier = as_secret_key(apiv3_key), as_port(verifier, "verify")  # first of all: what follows may raise
        if not isinstance(verifier, Verifier):
            kind = getattr(verifier, "kind", type(verifier).__name__)
            raise ConfigurationError(f"{_NAME}.verifier: expected a Verifier such as StaticVerifier, got {kind}")
        self._verifier = verifier
        self._key = ApiV3Key(f"{_NAME}.apiv3_key", apiv3_key)
        self._clock: Clock = checks.instance(f"{_NAME}.clock", clock, Clock) or LOOP_CLOCK
        self._seen: OrderedDict[str, float] = OrderedDict()
        self.in_flight = InFlight()
        """What is being dealt with; the adapters ask."""

    async def handle(self, headers: Mapping[str, str], body: bytes, *, timeout: float = 3.0) -> PaymentReply:
        """Judge a notification and return the reply.

        WeChat Pay waits five seconds for it. Deal with ``reply.event`` *before* you send the reply.
        **If you cannot, send what** :meth:`refuse` **returns instead**: the notification is then
        forgotten here, and taken for new when it comes again. One that came before, told by its
        nonce, or by its sub-merchant and ``id``, is a success without an event. (In this process:
        one that reaches another process is new there. Take in ``id`` once in your own database.)

        Args:
            headers: the request's headers, in any case.
            body: the request's body, byte for byte: JSON that was read and written again does not
                fit its signature.
            timeout: seconds for the verifier, which may have to fetch certificates.

        Raises:
            ConfigurationError: an argument is of another type.
        """
        _check_types(headers, body)
        checks.seconds(f"{_NAME}.handle: timeout", timeout)
        if len(body) > LARGEST_NOTIFICATION:
            return refused("the body is larger than 64 KiB")
        request = HttpResponse(0, headers, body)
        if missing := [name for name in _HEADERS if request.header(name) is None]:
            return refused(f"the headers {', '.join(missing)} are missing: does a proxy drop them?")
        signed = signed_part(request, self._clock.time())
        problem = signed if isinstance(signed, SignatureError) else await self._forgery(signed, timeout)
        if problem is not None:
            lasting = isinstance(problem, SignatureError) and not (problem.retryable and not problem.is_probe)
            return refused(problem.explained(), status=401 if lasting else 500)
        return self._opened(request)

    def refuse(self, reply: PaymentReply, reason: str = "it could not be dealt with") -> PaymentReply:
        """Return the reply to a notification that could not be dealt with.

        Forget that it came. ``reason`` is for your log.
        """
        for mark in reply.marks:
            self._seen.pop(mark, None)
        return refused(reason, status=500)

    async def _forgery(self, signed: Signed, timeout: float) -> WxRevenueError | None:
        """Return what is wrong with the signature, or why that cannot be told in time."""
        verify = self._verifier.verify(serial=signed.serial, message=signed.message, signature=signed.signature, timeout=timeout)
        try:
            await within(timeout, verify, "the verifier")
        except WxRevenueError as error:
            failure = error
        else:
            return None
        return without_history(failure)

    def _opened(self, request: HttpResponse) -> PaymentReply:
        """Return the reply to a notification that is WeChat Pay's."""
        payload = parse(request.body)
        fields = payload if isinstance(payload, dict) else {}
        sealed, number = fields.get("resource"), fields.get("id")
        if not isinstance(sealed, dict) or not isinstance(number, str) or not number:
            return refused("it is signed, and no notification: id or resource is missing")
        plain = self._key.opened(sealed)
        resource = None if plain is None else parse(plain)
        if not isinstance(resource, dict):
            return refused("what is sealed cannot be opened: is this the APIv3 key of this merchant, overseas?")
        whose = _text(resource.get("sub_mchid"))  # an institution's sub-merchants share the URL; an id is one of theirs
        marks = f"id {whose} {number}", f"nonce {request.header('Wechatpay-Timestamp')} {request.header('Wechatpay-Nonce')}"
        now = self._clock.time()
        if any(now - self._seen.get(mark, -_REMEMBERED_S) < _REMEMBERED_S for mark in marks):
            return accepted(reason="it came before", marks=marks[:1])
        self._remember(marks, now)
        made = _moment(fields.get("create_time"), now)
        kinds = [_text(fields.get("event_type")), _text(sealed.get("original_type"))]
        event = PaymentEvent(id=number, event_type=kinds[0], original_type=kinds[1], create_time=made, resource=_typed(resource))
        return accepted(event, marks=marks)

    def _remember(self, marks: tuple[str, ...], now: float) -> None:
        for mark in marks:
            self._seen[mark] = now
            self._seen.move_to_end(mark)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def __repr__(self) -> str:
        return f"<{_NAME} with {self._verifier!r}>"


def _check_types(headers: object, body: object) -> None:
    if not isinstance(headers, Mapping) or not isinstance(body, bytes):
        kinds = f"{type(headers).__name__} and {type(body).__name__}"  # pyright: ignore[reportUnknownArgumentType]
        raise ConfigurationError(f"{_NAME}.handle: expected headers as a mapping, and the body as bytes; got {kinds}")
    parts = {type(part) for pair in cast("Mapping[object, object]", headers).items() for part in pair if part is not None}
    if not all(issubclass(kind, str) for kind in parts):
        raise ConfigurationError(f"{_NAME}.handle: expected headers with names and values as text, got {_named(parts)}")


def _named(kinds: set[type]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))


def _text(value: object) -> str:
    """Return a kind as WeChat Pay words it; of anything but a str, an empty one."""
    return value if isinstance(value, str) else ""


def _moment(text: object, now: float) -> datetime:
    """Return when it was made.

    Where that cannot be read, the time of its signature is near enough.
    """
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromtimestamp(now, UTC)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _typed(resource: JsonObject) -> RefundChanged | DistributionRefundChanged | JsonObject:
    """Return what a notification says by its fields: types are told by them alone."""
    for kind, names in _KINDS:
        if names <= resource.keys():
            found = decode(kind, resource)
            return resource if isinstance(found, WxRevenueError) else found
    return resource
