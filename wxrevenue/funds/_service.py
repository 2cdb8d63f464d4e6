"""How WeChat Pay differs from other services.

It has signed requests, verified answers, and HTTP statuses that mean something.
"""

from __future__ import annotations

import base64
import secrets
from inspect import isawaitable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from wxrevenue._base.secret import NeverPickled, Secret
from wxrevenue._engine.clock import within
from wxrevenue._version import USER_AGENT
from wxrevenue._wire.http import HttpRequest
from wxrevenue.errors import ConfigurationError, DeadlineExceededError, SignatureError, WxRevenueError, without_history
from wxrevenue.funds._answers import OK, unwrapped
from wxrevenue.funds._encoding import JSON, outgoing
from wxrevenue.ports import EncryptingVerifier, EncryptionKey
from wxrevenue.signing._answer import SCHEME, is_signed, signed_part
from wxrevenue.signing._serial import printable_name

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpResponse
    from wxrevenue._wire.request import PayRequest
    from wxrevenue.errors import ApiError
    from wxrevenue.funds._encoding import Outgoing
    from wxrevenue.ports import Clock, Signer, Verifier

_NONCE_BYTES: Final = 16


class PayService:
    """Funds distribution for one merchant.

    Args:
        base_url: where it lives.
        mchid: the number of the merchant, which signs.
        serial_no: the serial number of the merchant's API certificate.
        signer: signs with the merchant's key.
        verifier: knows WeChat Pay's keys.
        clock: where timestamps come from.
        language: in which messages are.
        verifies_refusals: whether a signed refusal is verified, too. Where no key is known yet it
            cannot be, and an unsigned one would be believed as well.
    """

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        base_url: str,
        mchid: str,
        serial_no: str,
        *,
        signer: Signer,
        verifier: Verifier,
        clock: Clock,
        language: str = "en",
        verifies_refusals: bool = True,
    ) -> None:
        self.account = mchid
        self.base_url = base_url
        self._prefix = urlsplit(base_url).path  # a gateway's, which is signed with the rest
        self.serial_no = serial_no
        self.signer = signer
        self.verifier = verifier
        self.clock = clock
        self.language = language
        self.verifies_refusals = verifies_refusals

    def scope(self, request: PayRequest[object]) -> None:
        """Return ``None``: WeChat Pay has no "operating too fast"."""

    def begin(self, request: PayRequest[object]) -> PayCall | WxRevenueError:
        """Return what binds a call of this request to the merchant.

        Or return why it cannot be sent.
        """
        plain = outgoing(request, self.account)
        if isinstance(plain, WxRevenueError):
            return plain
        if plain.is_sensitive and not isinstance(self.verifier, EncryptingVerifier):
            kind = type(self.verifier).__name__
            return ConfigurationError(f"{type(request).__name__}: sensitive fields need a verifier with encryption_key(), got {kind}")
        return PayCall(self, request, plain)

    def on_wire(self, target: str) -> str:
        """Return path and query as they are sent.

        They stand behind the path of a gateway, if there is one.
        """
        return self._prefix + target

    async def signature(self, method: str, target: str | Secret, body: bytes, *, timeout: float) -> str | WxRevenueError:
        """Return the ``Authorization`` header of a request.

        It has a nonce and a time of its own. ``target`` is path and query as they are sent; a
        ``Secret`` where the query holds a token.
        """
        timestamp, nonce = str(int(self.clock.time())), secrets.token_hex(_NONCE_BYTES)
        tail = f"\n{timestamp}\n{nonce}\n".encode()
        try:
            signed: object = await within(timeout, self.signer.sign(self._head(method, target) + tail + body + b"\n"), "a signature")
        except DeadlineExceededError as error:
            return error
        if not isinstance(signed, bytes) or not signed:
            kind = type(signed).__name__
            return ConfigurationError(f"a signature must be bytes, got {'none at all' if kind == 'bytes' else kind}")
        fields = {
            "mchid": self.account,
            "nonce_str": nonce,
            "signature": base64.b64encode(signed).decode(),
            "timestamp": timestamp,
            "serial_no": self.serial_no,
        }
        return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items())

    @staticmethod
    def _head(method: str, target: str | Secret) -> bytes:
        found = target.reveal() if isinstance(target, Secret) else target
        return f"{method}\n{found}".encode()

    def headers(self, authorization: str, content_type: str = JSON, serial: str | None = None) -> dict[str, str]:
        """Return the headers of a signed request."""
        headers = {
            "Accept": JSON,
            "Accept-Language": self.language,
            "Authorization": authorization,
            "Content-Type": content_type,
            "User-Agent": USER_AGENT,
        }
        named: object = self.verifier.request_serial() if serial is None else serial
        if named is not None:
            if not isinstance(named, str) or printable_name(named) is None:
                raise ConfigurationError(f"a verifier's serial must be letters and digits or None, got {type(named).__name__}")
            headers["Wechatpay-Serial"] = named
        return headers


class PayCall(NeverPickled):
    """One call to WeChat Pay.

    It has its signature, and checks and reads its answers.
    """

    waits_for = "signature"
    verifies = True

    def __init__(self, service: PayService, request: PayRequest[object], plain: Outgoing) -> None:
        self._service = service
        self._request = request
        self._outgoing = None if plain.is_sensitive else plain

    def ready(self) -> None:
        """Return ``None``: a request is signed off the event loop."""

    async def prepare(self, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the HTTP request with a signature of its own.

        The bytes signed are the bytes sent. Sensitive fields are encrypted here, after every wait:
        certificates change.
        """
        service, until = self._service, self._service.clock.monotonic() + timeout
        key = await self._key(timeout) if self._outgoing is None else None
        if isinstance(key, WxRevenueError):
            return key
        out = outgoing(self._request, service.account, key.encrypt) if key is not None else self._outgoing
        assert out is not None  # noqa: S101  (without a key it was encoded at the beginning)
        if isinstance(out, WxRevenueError):
            return out
        method, left = self._request.endpoint.method, until - service.clock.monotonic()
        authorization = await service.signature(method, service.on_wire(out.target), out.signed, timeout=left)
        if isinstance(authorization, WxRevenueError):
            return authorization
        headers = service.headers(authorization, out.content_type, key.serial if key else None)
        return HttpRequest(method, service.base_url + out.target, headers, out.body)

    async def _key(self, timeout: float) -> EncryptionKey | WxRevenueError:
        """Return the key to encrypt with; nothing was sent if there is none."""
        assert isinstance(self._service.verifier, EncryptingVerifier)  # noqa: S101  (begin has looked)
        try:
            found: object = await within(timeout, self._service.verifier.encryption_key(timeout=timeout), "a key to encrypt with")
        except WxRevenueError as error:
            failure = error
            failure.ambiguous = False
        else:
            if isinstance(found, EncryptionKey) and found.serial:
                return found
            failure = ConfigurationError(f"a verifier's encryption_key() must return an EncryptionKey, got {type(found).__name__}")
        return without_history(failure)

    async def repeats(self, error: ApiError) -> bool:  # noqa: ARG002
        """Return ``False``: there is neither another token nor another path."""
        return False

    def live(self) -> tuple[()]:
        """Return nothing: the signature is of no use to a third party."""
        return ()

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return a ``SignatureError`` for an answer that WeChat Pay did not sign.

        Error answers may be unsigned.
        """
        if response.status not in OK and (not is_signed(response) or not self._service.verifies_refusals):
            return None
        signed = signed_part(response, self._service.clock.time())
        if isinstance(signed, SignatureError):
            return signed
        verifying: object = self._service.verifier.verify(
            serial=signed.serial, message=signed.message, signature=signed.signature, timeout=timeout
        )
        wrong: WxRevenueError = ConfigurationError(f"a verifier's verify() must be async, got {type(verifying).__name__}")
        try:
            if isawaitable(verifying):
                await verifying
                return None
        except (SignatureError, DeadlineExceededError) as error:
            wrong = error
        wrong.ambiguous = True
        return without_history(wrong)

    def unwrap(self, response: HttpResponse) -> object:
        """Return the payload (``None`` for an empty body), or the error of the answer."""
        return unwrapped(response, self._service.clock.time())
