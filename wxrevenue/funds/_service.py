"""How WeChat Pay differs: signed requests, verified answers, HTTP statuses that mean something."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from wxrevenue._base.secret import NeverPickled
from wxrevenue._engine.clock import within
from wxrevenue._engine.outcome import request_id
from wxrevenue._version import USER_AGENT
from wxrevenue._wire.codec import encode, parse
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

    def __init__(self, base_url: str, mchid: str, serial_no: str, *, signer: Signer, verifier: Verifier, clock: Clock) -> None:  # noqa: PLR0913
        self.account = mchid
        self.base_url = base_url
        self.serial_no = serial_no
        self.signer = signer
        self.verifier = verifier
        self.clock = clock

    def scope(self, request: PayRequest[Any]) -> None:
        """Return ``None``: WeChat Pay has no "operating too fast"."""

    def begin(self, request: PayRequest[Any]) -> PayCall | WxRevenueError:
        """Return what binds a call of this request to the merchant; or why it cannot be sent."""
        body = encode(request)
        return body if isinstance(body, WxRevenueError) else PayCall(self, request, body)


class PayCall(NeverPickled):
    """One call to WeChat Pay: its signature, and the check and the reading of its answers."""

    waits_for = "signature"
    verifies = True

    def __init__(self, service: PayService, request: PayRequest[Any], body: bytes) -> None:
        self._service = service
        self._method = request.endpoint.method
        self._url = service.base_url + request.endpoint.path
        self._body = body

    def ready(self) -> None:
        """Return ``None``: a request is signed off the event loop."""

    async def prepare(self, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the HTTP request with a signature of its own: the bytes signed are the bytes sent."""
        timestamp, nonce = str(int(self._service.clock.time())), secrets.token_hex(_NONCE_BYTES)
        try:
            signature = await within(timeout, self._service.signer.sign(self._message(timestamp, nonce)), "a signature")
        except DeadlineExceededError as error:
            return error
        if not isinstance(signature, bytes):
            return ConfigurationError(f"a signature must be bytes, got {type(signature).__name__}")
        return HttpRequest(self._method, self._url, self._headers(timestamp, nonce, base64.b64encode(signature).decode()), self._body)

    def _message(self, timestamp: str, nonce: str) -> bytes:
        """Return what is signed: the request as it is sent, path and query included."""
        parts = urlsplit(self._url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return b"%s\n%s\n" % (f"{self._method}\n{target}\n{timestamp}\n{nonce}".encode(), self._body)

    async def repeats(self, error: ApiError) -> bool:  # noqa: ARG002
        """Return ``False``: there is neither another token nor another path."""
        return False

    def live(self) -> tuple[()]:
        """Return nothing: the signature is of no use to anybody else."""
        return ()

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return a ``SignatureError`` for an answer that WeChat Pay did not sign; error answers may be unsigned."""
        if response.status not in _OK and not is_signed(response):
            return None
        signed = signed_part(response, self._service.clock.time())
        if isinstance(signed, SignatureError):
            return signed
        verify = self._service.verifier.verify
        try:
            await verify(serial=signed.serial, message=signed.message, signature=signed.signature, timeout=timeout)
        except (SignatureError, DeadlineExceededError) as error:
            wrong = error
            wrong.ambiguous = True
        else:
            return None
        return without_history(wrong)  # type: ignore[no-any-return]

    def unwrap(self, response: HttpResponse) -> Any:
        """Return the payload (``None`` for an empty body), or the error that the answer stands for.

        Every documented answer is an object or empty. Anything else is no success, signed or not, and an object with an
        error's code is that error, also under a status of success.
        """
        if response.status == _ACCEPTED:
            return self._unfinished(response)
        if response.status not in _OK:
            return self._error(response)
        if not response.body:
            return None
        payload = parse(response.body)
        if type(payload) is not dict:
            return payload if isinstance(payload, DecodeError) else DecodeError("expected an object")
        fields = cast("dict[str, Any]", payload)
        return self._error(response) if isinstance(fields.get("code"), str) else fields

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
            retry_after=retry_after(response.header("Retry-After"), self._service.clock.time()),
        )

    def _headers(self, timestamp: str, nonce: str, signature: str) -> dict[str, str]:
        fields = {
            "mchid": self._service.account,
            "nonce_str": nonce,
            "signature": signature,
            "timestamp": timestamp,
            "serial_no": self._service.serial_no,
        }
        headers = {
            "Accept": "application/json",
            "Accept-Language": "en",
            "Authorization": f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items()),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        if (serial := self._service.verifier.request_serial()) is not None:
            headers["Wechatpay-Serial"] = serial
        return headers
