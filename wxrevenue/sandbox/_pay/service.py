"""The WeChat Pay side: who may call what, with signatures both ways."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import orjson

from wxrevenue.sandbox._call import Answer
from wxrevenue.sandbox._pay.bills import DOWNLOAD_PATH, Bills
from wxrevenue.sandbox._pay.books import Mark, PayBooks
from wxrevenue.sandbox._pay.notification import Notification, envelope
from wxrevenue.sandbox._pay.orders import MARK_PATH, Orders
from wxrevenue.sandbox._pay.receivers import UPLOAD_PATH, Receivers, form_parts
from wxrevenue.sandbox._pay.refunds import Refunds
from wxrevenue.sandbox._pay.side import PaySide
from wxrevenue.sandbox._pay.visit import (
    BAD_SIGNATURE,
    CODES,
    JSON,
    NO_RELATION,
    NO_SUB_MCHID,
    PayRefusedError,
    Visit,
    bad_parameter,
    found_action,
)
from wxrevenue.sandbox._seeded import between, digest
from wxrevenue.sandbox._trouble import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._pay.platform import PayPlatform
    from wxrevenue.sandbox._pay.signing import SignatureCheck
    from wxrevenue.sandbox._pay.visit import Actions
    from wxrevenue.sandbox._trouble import Trouble

__all__ = ["MARK_PATH", "Mark", "Merchant", "Pay"]

_PROBE = "WECHATPAY/SIGNTEST/"
_CERTIFICATES = "/v3/global/certificates"
_NO_AUTH = {
    "unsigned": "the merchant has not signed the overseas funds distribution product",
    "pending": "the product is enabled and waits to take effect, usually on the next day",
    "punished": "the receiver's overseas permission is punished",
}


@attrs.frozen(kw_only=True)
class Merchant:
    """What a merchant needs to call the sandbox.

    Args:
        mchid: the merchant number.
        serial_no: the serial of the merchant's certificate.
        private_key: the merchant's private key, PEM; made for this sandbox and of no use elsewhere.
        platform_keys: serial to public key (PEM) of the keys that sign answers: first one known by
            the serial of a certificate, then one by a ``PUB_KEY_ID_…``.
        sub_mchids: the sub-merchants that the merchant may act for.
        apiv3_key: the key with which certificates and notifications are sealed.
    """

    mchid: str
    serial_no: str
    private_key: str = attrs.field(repr=False)
    platform_keys: Mapping[str, str] = attrs.field(repr=lambda keys: str(list(keys)))
    sub_mchids: tuple[str, ...]
    apiv3_key: str = attrs.field(repr=False)


class Pay:
    """Answers the calls to ``apihk.mch.weixin.qq.com``."""

    def __init__(self, *, seed: int, now: Callable[[], float]) -> None:
        self.side = PaySide(self)  # pyright: ignore[reportArgumentType]  (it takes no cached property for one)
        self.books = PayBooks(seed, now, lambda: self.side.distribute_after)
        self.receivers = Receivers(self._whose, now, lambda: self.side.review_after, self._decrypted)
        self.refunds = Refunds(self.books, self._whose, lambda: self._gate.mchid)
        self.bills = Bills(self.books, self.refunds, self._whose, lambda: self._gate.mchid)
        orders = Orders(self.books, self.receivers, self._whose, lambda: self._gate.mchid)
        listed: Actions = {("GET", _CERTIFICATES): lambda _: Answer(200, {"Content-Type": JSON}, self.platform.listed())}
        self._actions = {**orders.actions, **self.receivers.actions, **self.refunds.actions, **self.bills.actions, **listed}
        self._seed, self._now = seed, now
        self._answers = 0

    @property
    def merchant(self) -> Merchant:
        """What the client needs; the first look makes the keys."""
        return Merchant(
            mchid=self._gate.mchid,
            serial_no=self._gate.serial_no,
            private_key=self._gate.key.private_pem(),
            platform_keys=self.platform.public_keys(),
            sub_mchids=self.sub_mchids,
            apiv3_key=self.platform.apiv3_key,
        )

    def answer(self, call: Call, mishap: Mishap | None, trouble: Trouble) -> Answer:  # noqa: ARG002  (the rates are drawn already)
        """Carry a call out and return its signed answer; that of a bill is not signed."""
        try:
            answer = self._carried_out(call)
        except PayRefusedError as refused:
            answer = self._refusal(refused)
        else:
            answer = attrs.evolve(answer, headers={**answer.headers, "Request-ID": self._request_id(0)})
        return answer if call.path == DOWNLOAD_PATH else self._sign(call, answer, mishap)

    def paths(self) -> list[str]:
        """Return what is served, as ``method path``."""
        return [f"{method} {path}" for method, path in (*self._actions, ("GET", DOWNLOAD_PATH))]

    def _decrypted(self, text: str) -> str | None:
        return self.platform.decrypted(text)

    def refuse(self, call: Call, code: int) -> Answer:
        """Return a refusal with this HTTP status.

        What is none (the other interfaces' codes) becomes 500.
        """
        status = code if code in CODES else 500
        return self._sign(call, self._refusal(PayRefusedError(status, "forced by the sandbox")), None)

    def _carried_out(self, call: Call) -> Answer:
        found = found_action(self._actions, call)
        if found is None and call.path != DOWNLOAD_PATH:
            raise PayRefusedError(404, "no such interface")
        objection = self._gate.objection(call, self._now())
        if objection is not None:
            raise PayRefusedError(401, f"the signature is not accepted: {objection}", number=BAD_SIGNATURE)
        if found is None:
            return self.bills.download(call, self._now())
        kind = "multipart/form-data" if call.path == UPLOAD_PATH else JSON
        if JSON not in call.headers.get("accept", "") or kind not in call.headers.get("content-type", ""):
            raise PayRefusedError(400, f"Accept must be {JSON} and Content-Type {kind}", code="PARAM_ERROR")
        if call.path != _CERTIFICATES and self.side.product != "signed":
            raise PayRefusedError(403, _NO_AUTH[self.side.product])
        action, named = found
        return action(Visit(call=call, named=named, payload=_payload(call), now=self._now()))

    def _whose(self, visit: Visit) -> str | None:
        """Return the sub-merchant of a call.

        Refuse one that is another's, and an institution's call without one.
        """
        sub_mchid = visit.named.get("sub_mchid") or visit.maybe_text("sub_mchid", 32)
        if sub_mchid is not None and sub_mchid not in self.sub_mchids:
            raise PayRefusedError(403, "the relation between merchant and sub-merchant does not exist", number=NO_RELATION)
        if sub_mchid is None and self.side.institution:
            raise PayRefusedError(400, "an institution has to name the sub-merchant", number=NO_SUB_MCHID)
        if visit.payload.get("mchid" if sub_mchid is None else "sp_mchid", self._gate.mchid) != self._gate.mchid:
            raise bad_parameter("mchid or sp_mchid is another merchant's than that of the signature")
        return sub_mchid

    def _refusal(self, refused: PayRefusedError) -> Answer:
        said: dict[str, object] = {"code": refused.code, "message": refused.message}
        if refused.status == 401:  # noqa: PLR2004  (the one refusal that explains itself)
            said["detail"] = {"location": "authorization", "field": "signature", "detail": {"issue": "sign not match"}}
        headers = {"Content-Type": JSON, "Content-Language": "en", "Request-ID": self._request_id(refused.number)}
        return Answer(refused.status, headers, orjson.dumps(said), outcome=refused.code)

    def _sign(self, call: Call, answer: Answer, mishap: Mishap | None) -> Answer:
        """Return the answer signed, or with the flaw asked for.

        A call with a wrong signature gets an unsigned refusal.
        """
        outcome = mishap.value if mishap else answer.outcome
        if mishap is Mishap.UNSIGNED or answer.status == 401:  # noqa: PLR2004
            return attrs.evolve(answer, outcome=outcome)
        # Every digit of the nonce follows from the seed and the count, so that two runs ask and
        # answer alike.
        stamp = int(self._now()), digest(self._seed, "nonce", self._answers, size=16).hex()
        body = answer.body + (b" " if mishap is Mishap.MISSIGNED else b"")
        signed = self.signature(stamp, body, call.headers.get("wechatpay-serial", ""))
        if mishap is Mishap.PROBE:
            signed["Wechatpay-Signature"] = _PROBE + base64.b64encode(digest(*stamp, size=63) * 4).decode()
        return attrs.evolve(answer, headers={**answer.headers, **signed}, outcome=outcome)

    def signature(self, stamp: tuple[int, str], body: bytes, asked: str = "") -> dict[str, str]:
        """Return the headers that sign a body, with the key that a request asked for."""
        from wxrevenue.sandbox._pay.signing import signature_headers

        serial, key = self.platform.key_for(asked)
        return signature_headers(key, serial, stamp, body)

    def notification(self, resource: dict[str, object], event_type: str, original_type: str) -> Notification:
        """Return a notification, signed and sealed."""
        self._answers += 1
        number = digest(self._seed, "notification", self._answers, size=16).hex()
        body = envelope(self.platform, number, (event_type, original_type), resource, self._now())
        return Notification(self.signature((int(self._now()), number), body), body, self.signature, self._now)

    def _request_id(self, number: int) -> str:
        self._answers += 1
        return f"{digest(self._seed, 'request', self._answers, size=16).hex().upper()}-{number}"

    @cached_property
    def _gate(self) -> SignatureCheck:
        from wxrevenue.sandbox._pay.signing import KeyPair, SignatureCheck  # cryptography, for those who use it

        mchid, serial = f"1900{between(0, 999_999, self._seed, 'mchid'):06d}", digest(self._seed, "merchant", size=20).hex().upper()
        return SignatureCheck(mchid=mchid, serial_no=serial, key=KeyPair(), signed_part=_signed_part)

    @cached_property
    def platform(self) -> PayPlatform:
        """WeChat Pay's keys, made at the first look."""
        from wxrevenue.sandbox._pay.platform import PayPlatform  # as above

        return PayPlatform(self._seed, self._now)

    @cached_property
    def sub_mchids(self) -> tuple[str, ...]:
        """The sub-merchants that the merchant may act for."""
        return tuple(f"1901{between(0, 99_999, self._seed, 'sub', n):05d}{n}" for n in range(2))


def _payload(call: Call) -> Mapping[str, object]:
    """Return what a call says: its query, its JSON, or nothing for a form."""
    if call.method == "GET":
        return call.query
    if call.path == UPLOAD_PATH:
        return {}
    asked = call.json_object()
    if asked is None:
        raise PayRefusedError(400, "the body is not a JSON object", code="PARAM_ERROR")
    return asked


def _signed_part(call: Call) -> bytes:
    """Return what of a body is signed: of a form the part ``meta`` alone."""
    if call.path != UPLOAD_PATH:
        return call.body
    try:
        return form_parts(call)["meta"]
    except PayRefusedError:
        return call.body
