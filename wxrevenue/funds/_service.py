"""How WeChat Pay differs: signed requests, verified answers, HTTP statuses that mean something."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from wxrevenue._engine.clock import within
from wxrevenue._engine.outcome import request_id
from wxrevenue._version import USER_AGENT
from wxrevenue._wire.codec import parse
from wxrevenue._wire.codes import api_error
from wxrevenue._wire.http import HttpRequest, retry_after
from wxrevenue.errors import (
    ApiError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    ServerBusyError,
    SignatureError,
    WxRevenueError,
    without_history,
)
from wxrevenue.signing._answer import SCHEME, is_signed, signed_part

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.call import Call
    from wxrevenue._wire.http import HttpResponse
    from wxrevenue._wire.request import PayRequest
    from wxrevenue.ports import Clock, Signer, Verifier

_ACCEPTED: Final = 202
_OK: Final = range(200, 300)
_NONCE_BYTES: Final = 16
_LONGEST_MESSAGE: Final = 500
_LONGEST_CODE: Final = 64


class PayService:
    """Funds distribution for one merchant.

    Args:
        base_url: where it lives.
        mchid: the merchant's number, who signs.
        serial_no: the serial number of the merchant's API certificate.
        signer: signs with the merchant's key.
        verifier: knows WeChat Pay's keys.
        clock: where timestamps come from.
    """

    signed = True

    def __init__(self, base_url: str, mchid: str, serial_no: str, *, signer: Signer, verifier: Verifier, clock: Clock) -> None:  # noqa: PLR0913
        self.account = mchid
        self.base_url = base_url
        self._serial_no = serial_no
        self._signer = signer
        self._verifier = verifier
        self._clock = clock

    def scope(self, request: PayRequest[Any]) -> str:
        """Return ``merchant/path``."""
        return f"{self.account}{request.endpoint.path}"

    async def bind(self, call: Call, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the HTTP request with a signature of its own: the bytes signed are the bytes sent."""
        timestamp, nonce = str(int(self._clock.time())), secrets.token_hex(_NONCE_BYTES)
        try:
            signature = await within(timeout, self._signer.sign(self._message(call, timestamp, nonce)), "a signature")
        except DeadlineExceededError as error:
            return error
        if not isinstance(signature, bytes):
            return ConfigurationError(f"a signature must be bytes, got {type(signature).__name__}")
        headers = self._headers(timestamp, nonce, base64.b64encode(signature).decode())
        return HttpRequest(call.endpoint.method, self.base_url + call.path, headers, call.body)

    def _message(self, call: Call, timestamp: str, nonce: str) -> bytes:
        """Return what is signed: the request as it is sent, path and query included."""
        parts = urlsplit(self.base_url + call.path)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return b"%s\n%s\n" % (f"{call.endpoint.method}\n{target}\n{timestamp}\n{nonce}".encode(), call.body)

    async def token_refused(self, call: Call) -> None:
        """Do nothing: there is no token to refuse."""

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return a ``SignatureError`` for an answer that WeChat Pay did not sign; error answers may be unsigned."""
        if response.status not in _OK and not is_signed(response):
            return None
        signed = signed_part(response, self._clock.time())
        if isinstance(signed, SignatureError):
            return signed
        try:
            await self._verifier.verify(serial=signed.serial, message=signed.message, signature=signed.signature, timeout=timeout)
        except (SignatureError, DeadlineExceededError) as error:
            wrong = error
            wrong.ambiguous = True
        else:
            return None
        return without_history(wrong)  # type: ignore[no-any-return]

    def unwrap(self, response: HttpResponse, *live: Secret | None) -> Any:  # noqa: ARG002
        """Return the payload (``None`` for an empty body), or the error that the answer stands for.

        Every documented answer is an object or empty. Anything else is no success, signed or not, and an object with the two
        fields of an error is that error, also under a status of success.
        """
        if response.status == _ACCEPTED:
            return self._unfinished(response)
        if response.status not in _OK:
            return self._error(response)
        if not response.body:
            return None
        payload: Any = parse(response.body)
        if type(payload) is dict:
            return self._error(response) if _is_error(cast("dict[str, Any]", payload)) else payload
        return payload if isinstance(payload, DecodeError) else DecodeError("expected an object")

    def _unfinished(self, response: HttpResponse) -> ApiError:
        """Return the reading of 202 that is safe: the English page says that it is done, the Chinese one says repeat."""
        busy = ServerBusyError("accepted, to be repeated", status=response.status, request_id=request_id(response))
        busy.ambiguous = True
        return busy

    def _error(self, response: HttpResponse) -> ApiError:
        parsed = parse(response.body)
        payload = cast("dict[str, Any]", parsed if type(parsed) is dict else {})
        code, message = payload.get("code"), payload.get("message")
        return api_error(
            " ".join(message.split())[:_LONGEST_MESSAGE] if isinstance(message, str) else "",
            code=code if isinstance(code, str) and code.isprintable() and 0 < len(code) <= _LONGEST_CODE else None,
            status=response.status,
            detail=payload.get("detail"),
            request_id=request_id(response),
            retry_after=retry_after(response.header("Retry-After"), self._clock.time()),
        )

    def _headers(self, timestamp: str, nonce: str, signature: str) -> dict[str, str]:
        fields = {"mchid": self.account, "nonce_str": nonce, "signature": signature, "timestamp": timestamp, "serial_no": self._serial_no}
        headers = {
            "Accept": "application/json",
            "Accept-Language": "en",
            "Authorization": f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items()),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        if (serial := self._verifier.request_serial()) is not None:
            headers["Wechatpay-Serial"] = serial
        return headers


def _is_error(payload: dict[str, Any]) -> bool:
    return isinstance(payload.get("code"), str) and isinstance(payload.get("message"), str)
