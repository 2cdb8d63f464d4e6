"""Every plug of the package: what goes through it and what may be plugged in.

What a plugged-in ``TokenSource``, ``Signer``, ``Verifier`` or ``Clock`` raises reaches the caller
unchanged and is not retried.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from wxrevenue._store_ports import CertificateStore, RenewableTokenStore, TicketStore, TokenStore

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpRequest, HttpResponse, StreamedResponse
    from wxrevenue._wire.request import TokenKind

__all__ = [
    "CertificateStore", "Clock", "EncryptingVerifier", "EncryptionKey", "InstantLimiter", "InstantTokens", "RateLimiter",
    "RenewableTokenStore", "Signer", "StreamingTransport", "TicketStore", "TokenSource", "TokenStore", "Transport", "Turn", "Verdict",
    "Verifier",
]  # fmt: skip


@runtime_checkable
class Transport(Protocol):
    """Carries one request to the server and its answer back."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request once, URL byte for byte, and return the answer.

        At most ``timeout`` seconds may pass. Stop reading at 16 MiB (``reason="too_large"``): no
        client parses a larger body, whichever transport brings it.

        Raises:
            NotSentError: no byte of the request can have arrived.
            ResponseLostError: anything else that went wrong.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        ...


@runtime_checkable
class StreamingTransport(Transport, Protocol):
    """A transport that can also hand out an answer piece by piece.

    For bodies too large to hold.
    """

    def stream(self, request: HttpRequest, *, timeout: float) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send the request once; within ``async with`` its answer can be read.

        ``timeout`` seconds after the start nothing more is waited for. Leaving early gives the rest
        of the body up. Errors are those of :meth:`Transport.send`; a body that ends too soon raises
        in its iteration.
        """
        ...


@runtime_checkable
class TokenSource(Protocol):
    """Hands out the tokens of AMS calls. A client never closes a source it was given."""

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret | str:
        """Return a token of that kind within ``timeout`` seconds.

        ``appid`` names the authorizer.
        """
        ...

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Take notice that the server refused this very token."""
        ...


@runtime_checkable
class InstantTokens(TokenSource, Protocol):
    """A token source that can hand a token out without an await.

    Optional: without it, every call awaits its token.
    """

    def peek(self, kind: TokenKind, appid: str | None) -> Secret | None:
        """Return the token that ``get`` would return at once.

        ``None`` whenever ``get`` would wait or raise. It starts the same background refresh that
        ``get`` would. What it returned is what ``reject`` gets.
        """
        ...


class Verdict(enum.Enum):
    """How a turn ended, as far as the rate limiter is concerned."""

    OK = "ok"
    TOO_FAST = "too_fast"
    QUOTA_SPENT = "quota_spent"
    UNKNOWN = "unknown"


class Turn(Protocol):
    """Permission to send one request.

    Give it back with :meth:`release`, whatever happened.
    """

    def report(self, verdict: Verdict) -> None:
        """Say how the request ended.

        Takes effect in this process at once, elsewhere as soon as the backend is told.
        """
        ...

    async def again(self, *, timeout: float) -> None:
        """Wait for permission to send once more, at the place in the queue this turn had."""
        ...

    def release(self) -> None:
        """End the turn; without a report it counts as ``UNKNOWN``. May be called twice."""
        ...


@runtime_checkable
class RateLimiter(Protocol):
    """Decides when a call of a scope may go.

    A scope is printable, stable and never derived from a token.
    """

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Wait for a turn.

        Raises:
            TooFastError: at once, when the turn cannot come within ``timeout`` seconds.
            QuotaExceededError: likewise, when the day's quota is spent.
        """
        ...

    async def reopen(self, scope: str) -> None:
        """Forget that the scope is closed, for instance after its quota was reset by hand."""
        ...

    async def aclose(self) -> None:
        """End every wait with ``ClientStateError``; may be called twice."""
        ...


@runtime_checkable
class InstantLimiter(RateLimiter, Protocol):
    """A rate limiter that can give a turn without an await.

    Optional: without it, every call awaits its turn.
    """

    def take(self, scope: str) -> Turn | None:
        """Return a turn that counts as a place in line, as one of ``acquire`` does.

        ``None`` whenever ``acquire`` would wait, raise or probe: the limiter is closed, or belongs
        to another loop or process; the gate is closed, a probe is out, or a caller waits. The
        caller asks ``acquire`` then.
        """
        ...


@runtime_checkable
class Signer(Protocol):
    """Signs WeChat Pay requests: RSA PKCS#1 v1.5 with SHA-256."""

    async def sign(self, message: bytes) -> bytes:
        """Return the raw signature of the message."""
        ...


@runtime_checkable
class Verifier(Protocol):
    """Holds the keys with which WeChat Pay signs its answers."""

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
        """Return if the key of that serial made the signature.

        Raises:
            SignatureError: it did not, or no such key is known.
        """
        ...

    def request_serial(self) -> str | None:
        """Return the ``Wechatpay-Serial`` to send with requests, if any."""
        ...


@runtime_checkable
class EncryptionKey(Protocol):
    """A key of WeChat Pay's, with which sensitive fields are encrypted."""

    @property
    def serial(self) -> str:
        """What WeChat Pay calls it: the ``Wechatpay-Serial`` of the request."""
        ...

    def encrypt(self, text: str, /) -> str:
        """Return the text encrypted (RSA-OAEP with SHA-1) in base64."""
        ...


@runtime_checkable
class EncryptingVerifier(Verifier, Protocol):
    """A verifier that can also hand out a key to encrypt with.

    Requests with sensitive fields need one.
    """

    async def encryption_key(self, *, timeout: float) -> EncryptionKey:
        """Return the key that is good for longest, within ``timeout`` seconds."""
        ...


@runtime_checkable
class Clock(Protocol):
    """Tells the time: monotonic for waits, wall-clock for signatures and dates.

    Dates are those of Beijing; deadlines are monotonic.
    """

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def time(self) -> float:
        """Return Unix seconds."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...
