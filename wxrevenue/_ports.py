"""Every plug of the package on one screen: what goes through it and what may be plugged in.

What a plugged-in ``TokenSource``, ``Signer``, ``Verifier`` or ``Clock`` raises reaches the caller unchanged and is not retried.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, cast, runtime_checkable

import attrs

from wxrevenue import _checks
from wxrevenue._secret import Secret, boxed
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from wxrevenue._request import TokenKind

LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes of an answer's body, decoded. More than this is a bomb or a mistake."""

TICKET_LIFETIME: Final = 12 * 3600.0
TICKET_OVERDUE: Final = 30 * 60.0


@attrs.define(eq=False, repr=False)
class HttpRequest:
    """One HTTP request, as bytes on the wire.

    Args:
        method: the HTTP verb.
        url: the URL up to the secret; safe to print.
        headers: header names and values.
        body: exactly the bytes to send.
        secret: what :meth:`wire_url` appends to ``url``: a token, percent-encoded.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    secret: Secret | None = None

    def wire_url(self) -> str:
        """Return the URL to send, secret included, byte for byte. Pass it on; do not keep it."""
        return self.url if self.secret is None else self.url + self.secret.reveal()

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self.url} headers={list(self.headers)} body={len(self.body)} B>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an HttpRequest is never pickled: its headers and its body may hold secrets")


@attrs.define(eq=False, repr=False)
class HttpResponse:
    """One HTTP answer. ``body`` is decoded from gzip or deflate, and complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value, its name looked up in any case."""
        found = self.headers.get(name)
        return _any_case(self.headers, name) if found is None else found

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status} headers={list(self.headers)} body={len(self.body)} B>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an HttpResponse is never pickled: its body may hold secrets")


@attrs.define(eq=False, repr=False)
class StreamedResponse:
    """The beginning of an HTTP answer. ``chunks`` yields its body as it arrives, decoded from gzip or deflate, without a cap."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    def header(self, name: str) -> str | None:
        """Return a header's value, its name looked up in any case."""
        return _any_case(self.headers, name)

    def __repr__(self) -> str:
        return f"<StreamedResponse {self.status} headers={list(self.headers)}>"


def _any_case(headers: Mapping[str, str], name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


@runtime_checkable
class Transport(Protocol):
    """Carries one request to the server and its answer back."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request once, URL byte for byte, and return the answer within ``timeout`` seconds.

        Stop reading at 16 MiB (``reason="too_large"``): no client parses a larger body, whichever transport brings it.

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
    """A transport that can also hand out an answer piece by piece, for bodies too large to hold."""

    def stream(self, request: HttpRequest, *, timeout: float) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send the request once; within ``async with`` its answer can be read.

        ``timeout`` seconds after the start nothing more is waited for. Leaving early gives the rest of the body up. Errors are
        those of :meth:`Transport.send`; a body that ends too soon raises in its iteration.
        """
        ...


@runtime_checkable
class TokenSource(Protocol):
    """Hands out the tokens of AMS calls. A client never closes a source it was given."""

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret | str:
        """Return a token of that kind within ``timeout`` seconds; ``appid`` names the authorizer."""
        ...

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Take notice that the server refused this very token."""
        ...


@attrs.frozen(init=False)
class Ticket:
    """A ``component_verify_ticket``, with which WeChat hands out a component's token. WeChat pushes a new one every ten minutes.

    Args:
        value: the ticket.
        created: when WeChat made it, in Unix seconds (the ``CreateTime`` inside the push).

    Raises:
        ConfigurationError: the ticket is empty, or one of the two is of another type.
    """

    value: Secret
    created: float

    def __init__(self, value: Secret | str, created: float) -> None:
        value = boxed(value)  # first of all: what follows may raise
        self.__attrs_init__(cast("Any", value), created)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        if not isinstance(value, Secret) or not value.reveal():
            raise ConfigurationError("Ticket.value: expected a Secret or a str that is not empty")
        _checks.seconds("Ticket.created", created)

    @property
    def expires(self) -> float:
        """When it stops being good, in Unix seconds: 12 hours after it was made."""
        return self.created + TICKET_LIFETIME

    def age(self, now: float) -> float:
        """Return how many seconds old it is, ``now`` in Unix seconds; never negative, whatever the clocks say."""
        return max(0.0, now - self.created)

    def is_overdue(self, now: float) -> bool:
        """Tell whether pushes have stopped: nothing newer came for 30 minutes, while one is due every 10."""
        return self.age(now) > TICKET_OVERDUE

    def is_expired(self, now: float) -> bool:
        """Tell whether its 12 hours are over. By the caller's clock: WeChat's decides."""
        return now >= self.expires


@runtime_checkable
class TicketStore(Protocol):
    """Keeps the newest ticket of one component, for one process or for several.

    An error of ours that it raises reaches whoever asked for a token; anything else is told by its class alone, in a
    ``TokenUnavailableError``, since its text may show the ticket. A push that could not be stored is refused, so that WeChat repeats it.
    """

    async def get(self) -> Ticket | None:
        """Return the newest ticket, or ``None`` before the first one came. A ticket past its 12 hours is returned, too."""
        ...

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket unless a newer one is kept; return whether it was kept.

        Decided by :attr:`Ticket.created` alone, in one step: of two processes that put at the same time, the newer ticket stays.
        Once this returns, the ticket survives what the store promises to survive.
        """
        ...


class Verdict(enum.Enum):
    """How a turn ended, as far as the rate limiter is concerned."""

    OK = "ok"
    TOO_FAST = "too_fast"
    QUOTA_SPENT = "quota_spent"
    UNKNOWN = "unknown"


class Turn(Protocol):
    """Leave to send one request. Give it back with :meth:`release`, whatever happened."""

    async def report(self, verdict: Verdict) -> None:
        """Say how the request ended. Takes effect in this process before the first await."""
        ...

    async def again(self, *, timeout: float) -> None:
        """Wait for leave to send once more, at the place in the queue this turn had."""
        ...

    def release(self) -> None:
        """End the turn; without a report it counts as ``UNKNOWN``. May be called twice."""
        ...


@runtime_checkable
class RateLimiter(Protocol):
    """Decides when a call of a scope may go. A scope is printable, stable and never derived from a token."""

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
class Clock(Protocol):
    """Time: monotonic for waits and deadlines, wall-clock for signatures and Beijing dates."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def time(self) -> float:
        """Return Unix seconds."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...
