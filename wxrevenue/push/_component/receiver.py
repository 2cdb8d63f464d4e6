"""Judges a push: whether it is WeChat's, for this component, and new."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks as _checks
from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import as_secret
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue.errors import ConfigurationError
from wxrevenue.ports import Clock
from wxrevenue.push._component.content import FIELDS, parse_content, required
from wxrevenue.push._component.envelope import Envelope
from wxrevenue.push._component.in_flight import InFlight
from wxrevenue.push._component.query import read_query
from wxrevenue.push._component.xml import read_fields
from wxrevenue.push._reply import AuthorizationPush, RefusedError, refusal, success

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue.push._reply import Reply

LARGEST_PUSH: Final = 64 * 1024
"""Bytes of a push's body. A real one has about one kilobyte."""

_DAY: Final = 24 * 3600.0
_REMEMBERED: Final = 4096


class TicketReceiver(Printable):
    """Judges the pushes to a service provider's "authorization event URL".

    It does no I/O: any web server can use it.

    A push must have at most 64 KiB, a right signature (compared in constant time, before anything
    is decrypted), an encryption with the platform's key, harmless XML, and this component's appid.
    Whatever is wrong, the refusal is the same; only :attr:`Reply.reason` tells you which. Pushes in
    plain text, which other kinds of accounts may choose, are refused.

    See
    https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/component_verify_ticket.html.

    Args:
        component_appid: the platform's appid.
        token: the platform's token for messages, as configured there.
        aes_key: its ``EncodingAESKey``, 43 characters.
        previous_aes_key: the one before, which WeChat may still use for a while after a change.
        clock: tells the time by which pushes are old.

    Raises:
        ConfigurationError: one of them is of another shape. Token and keys show nowhere.
    """

    def __init__(
        self,
        component_appid: str,
        token: str | Secret,
        aes_key: str | Secret,
        *,
        previous_aes_key: str | Secret | None = None,
        clock: Clock | None = None,
    ) -> None:
        token, aes_key = as_secret(token), as_secret(aes_key)  # first of all: what follows may raise
        previous_aes_key = None if previous_aes_key is None else as_secret(previous_aes_key)
        self.component_appid = component_appid
        _checks.credential("TicketReceiver.component_appid", component_appid)
        keys = {"aes_key": aes_key} if previous_aes_key is None else {"aes_key": aes_key, "previous_aes_key": previous_aes_key}
        self._envelope = Envelope(self.component_appid, token, keys)
        self._clock: Clock = LOOP_CLOCK if clock is None else _checks.instance("TicketReceiver.clock", clock, Clock)
        self._seen = _ReplayCache()
        self.in_flight = InFlight()
        """What is being dealt with; :func:`receive` asks."""

    def handle(self, query: str | bytes, body: bytes) -> Reply:
        """Judge a push and return the reply.

        Raises nothing, whatever the str and the bytes are. Deal with ``reply.event`` *before* the
        reply is sent and then call :meth:`confirm`; if you cannot, send :meth:`refuse` instead, so
        that WeChat pushes again. :func:`receive` does all this.

        Args:
            query: the URL's query as it was on the wire, without the ``?``.
            body: the request's body.

        Raises:
            ConfigurationError: one of the two is of another type.
        """
        _check_types(query, body)
        try:
            return self._judge(query, body)
        except RefusedError as refused:
            return refusal(refused.reason)

    def confirm(self, reply: Reply) -> None:
        """Remember that what this reply says was dealt with.

        A repetition within a day is answered without an event.
        """
        if reply.digest:
            self._seen.add(reply.digest, self._clock.time())

    def refuse(self, reason: str) -> Reply:
        """Return the reply to a push that could not be dealt with.

        ``reason`` is for your log.
        """
        return refusal(reason)

    def _judge(self, query: str | bytes, body: bytes) -> Reply:
        if len(body) > LARGEST_PUSH:
            raise RefusedError("the body is larger than 64 KiB")
        signed = read_query(query)
        sealed = self._envelope.verify_signature(read_fields(body, {"Encrypt"}).get("Encrypt", ""), signed)
        content = self._envelope.open(sealed)
        now, digest = self._clock.time(), hashlib.sha256(content).digest()  # not of the ciphertext: a repetition may be sealed anew
        if self._seen.has(digest, now):
            return success(reason="it came before")
        fields = read_fields(content, FIELDS)
        if required(fields, "AppId") != self.component_appid:
            raise RefusedError("the AppId inside is another one")
        event = parse_content(fields)
        if event is None:
            return success(reason=f"{fields['InfoType'][:64]!r} is not handled here")
        if event.created > now + _DAY:  # kept, it would outlast every ticket after it
            raise RefusedError("it comes from the future; is this machine's clock right?")
        if isinstance(event, AuthorizationPush) and event.created < now - _DAY:
            return success(reason="it is older than a day")
        return success(event, digest=digest)

    def __repr__(self) -> str:
        return f"TicketReceiver({self.component_appid!r})"


def _check_types(query: object, body: object) -> None:
    if not isinstance(query, (str, bytes)) or not isinstance(body, bytes):
        kinds = f"{type(query).__name__} and {type(body).__name__}"
        raise ConfigurationError(f"TicketReceiver.handle: expected the query as it was on the wire, and the body as bytes; got {kinds}")


class _ReplayCache:
    """Which pushes of the last day were dealt with.

    Beyond a few thousand the oldest are forgotten.
    """

    def __init__(self) -> None:
        self._times: OrderedDict[bytes, float] = OrderedDict()

    def has(self, digest: bytes, now: float) -> bool:
        found = self._times.get(digest)
        return found is not None and now - found < _DAY

    def add(self, digest: bytes, now: float) -> None:
        self._times[digest] = now
        self._times.move_to_end(digest)
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)
