"""The WeChat Pay side: marking a transaction, with signatures both ways."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from wxrevenue.sandbox._call import Answer
from wxrevenue.sandbox._seeded import between, digest
from wxrevenue.sandbox._trouble import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._pay.signing import KeyPair, SignatureCheck
    from wxrevenue.sandbox._trouble import Trouble

MARK_PATH = "/v3/global/profit-sharing/transactions/mark"

_PROBE = "WECHATPAY/SIGNTEST/"
_JSON = "application/json"
_BAD_PARAMETER, _NO_RELATION, _BAD_SIGNATURE = 268435461, 268443701, 270283348
_CODES = {
    400: "INVALID_REQUEST",
    401: "SIGN_ERROR",
    403: "NO_AUTH",
    404: "NOT_FOUND",
    429: "RATE_LIMITED",
    500: "SYSTEM_ERROR",
    502: "SERVICE_UNAVAILABLE",
    503: "SERVICE_UNAVAILABLE",
}


@attrs.frozen(kw_only=True)
class Merchant:
    """What a merchant needs to call the sandbox.

    Args:
        mchid: the merchant number.
        serial_no: the serial of the merchant's certificate.
        private_key: the merchant's private key, PEM; made for this sandbox and of no use elsewhere.
        platform_keys: serial to public key (PEM) of whoever signs the answers: first one known by the serial of a
            certificate, then one by a ``PUB_KEY_ID_…``.
        sub_mchids: the sub-merchants that the merchant may act for.
    """

    mchid: str
    serial_no: str
    private_key: str = attrs.field(repr=False)
    platform_keys: Mapping[str, str] = attrs.field(repr=lambda keys: str(list(keys)))
    sub_mchids: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Mark:
    """A transaction whose funds are to be distributed, as its merchant named it."""

    out_trade_no: str
    sub_mchid: str | None
    currency: str


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, *, code: str | None = None, number: int = _BAD_PARAMETER) -> None:
        super().__init__(message)
        self.status, self.message, self.number = status, message, number
        self.code = code or _CODES[status]


class Pay:
    """Answers the calls to ``apihk.mch.weixin.qq.com``."""

    def __init__(self, *, seed: int, now: Callable[[], float]) -> None:
        self.marks: dict[Mark, None] = {}
        self.confirmed: set[str] = set()
        self._seed, self._now = seed, now
        self._answers = 0

    @cached_property
    def merchant(self) -> Merchant:
        """What the client needs; the first look makes the keys."""
        return Merchant(
            mchid=self._gate.mchid,
            serial_no=self._gate.serial_no,
            private_key=self._gate.key.private_pem(),
            platform_keys={serial: key.public_pem() for serial, key in self._platform.items()},
            sub_mchids=self._sub_mchids,
        )

    def answer(self, call: Call, mishap: Mishap | None, trouble: Trouble) -> Answer:  # noqa: ARG002  (the rates are drawn already)
        """Carry a call out and return its signed answer."""
        try:
            self._mark(call)
        except _RefusedError as refused:
            answer = self._refusal(refused)
        else:
            answer = Answer(204, {"Request-ID": self._request_id(0)})
        return self._sign(call, answer, mishap)

    def refuse(self, call: Call, code: int) -> Answer:
        """Return a refusal with this HTTP status; what is none (the other interfaces' codes) becomes 500."""
        status = code if code in _CODES else 500
        return self._sign(call, self._refusal(_RefusedError(status, "forced by the sandbox")), None)

    def _mark(self, call: Call) -> None:
        if (call.method, call.path) != ("POST", MARK_PATH):
            raise _RefusedError(404, "no such interface")
        objection = self._gate.objection(call, self._now())
        if objection is not None:
            raise _RefusedError(401, f"the signature is not accepted: {objection}", number=_BAD_SIGNATURE)
        if any(_JSON not in call.headers.get(name, "") for name in ("accept", "content-type")):
            raise _RefusedError(400, "Accept and Content-Type must be application/json", code="PARAM_ERROR")
        self._record(_mark_of(call))

    def _record(self, mark: Mark) -> None:
        if mark.currency != "CNY":
            raise _RefusedError(400, "only CNY is supported for transactions that need funds distribution")
        if mark.sub_mchid is not None and mark.sub_mchid not in self._sub_mchids:
            raise _RefusedError(403, "the relation between merchant and sub-merchant does not exist", number=_NO_RELATION)
        if mark.out_trade_no in self.confirmed:
            raise _RefusedError(400, "the transaction is confirmed already, its funds cannot be distributed")
        self.marks[mark] = None

    def _refusal(self, refused: _RefusedError) -> Answer:
        said: dict[str, Any] = {"code": refused.code, "message": refused.message}
        if refused.status == 401:  # noqa: PLR2004  (the one refusal that explains itself)
            said["detail"] = {"location": "authorization", "field": "signature", "detail": {"issue": "sign not match"}}
        headers = {"Content-Type": _JSON, "Content-Language": "en", "Request-ID": self._request_id(refused.number)}
        return Answer(refused.status, headers, orjson.dumps(said), outcome=refused.code)

    def _sign(self, call: Call, answer: Answer, mishap: Mishap | None) -> Answer:
        """Return the answer signed, or with the flaw asked for. Who signed wrongly gets an unsigned refusal."""
        outcome = mishap.value if mishap else answer.outcome
        if mishap is Mishap.UNSIGNED or answer.status == 401:  # noqa: PLR2004
            return attrs.evolve(answer, outcome=outcome)
        # Every digit of the nonce follows from the seed and the count, so that two runs ask and answer alike.
        stamp = int(self._now()), digest(self._seed, "nonce", self._answers, size=16).hex()
        signed = _headers(self._platform, call, stamp, answer.body + (b" " if mishap is Mishap.MISSIGNED else b""))
        if mishap is Mishap.PROBE:
            signed["Wechatpay-Signature"] = _PROBE + base64.b64encode(digest(*stamp, size=63) * 4).decode()
        return attrs.evolve(answer, headers={**answer.headers, **signed}, outcome=outcome)

    def _request_id(self, number: int) -> str:
        self._answers += 1
        return f"{digest(self._seed, 'request', self._answers, size=16).hex().upper()}-{number}"

    @cached_property
    def _gate(self) -> SignatureCheck:
        from wxrevenue.sandbox._pay.signing import KeyPair, SignatureCheck  # cryptography, for those who use it

        return SignatureCheck(
            mchid=f"1900{between(0, 999_999, self._seed, 'mchid'):06d}", serial_no=self._serial("merchant"), key=KeyPair()
        )

    @cached_property
    def _platform(self) -> dict[str, KeyPair]:
        from wxrevenue.sandbox._pay.signing import KeyPair

        number = between(10**18, 10**19 - 1, self._seed, "public key")
        return {self._serial("platform"): KeyPair(), f"PUB_KEY_ID_{number:022d}": KeyPair()}

    @cached_property
    def _sub_mchids(self) -> tuple[str, ...]:
        return tuple(f"1901{between(0, 99_999, self._seed, 'sub', n):05d}{n}" for n in range(2))

    def _serial(self, whose: str) -> str:
        return digest(self._seed, whose, size=20).hex().upper()


def _headers(platform: Mapping[str, KeyPair], call: Call, stamp: tuple[int, str], body: bytes) -> dict[str, str]:
    from wxrevenue.sandbox._pay.signing import signature_headers

    by_certificate, by_public_key = platform
    asked = call.headers.get("wechatpay-serial", "")
    serial = by_public_key if asked.startswith("PUB_KEY_ID_") else by_certificate
    return signature_headers(platform[serial], serial, stamp, body)


def _mark_of(call: Call) -> Mark:
    asked = call.json_object()
    if asked is None:
        raise _RefusedError(400, "the body is not a JSON object", code="PARAM_ERROR")
    return Mark(
        out_trade_no=_text(asked, "out_trade_no", 6, 32),
        sub_mchid=_text(asked, "sub_mchid", 1, 32) if "sub_mchid" in asked else None,
        currency=_text(asked, "currency", 1, 10),
    )


def _text(asked: Mapping[str, Any], key: str, least: int, most: int) -> str:
    value = asked.get(key)
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise _RefusedError(400, f"{key} must be a string of {least} to {most} characters", code="PARAM_ERROR")
    return value
