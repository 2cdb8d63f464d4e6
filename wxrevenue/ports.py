"""Every plug of the package on one screen: what goes through it and what may be plugged in.

What a plugged-in ``TokenSource``, ``Signer``, ``Verifier`` or ``Clock`` raises reaches the caller unchanged and is not retried.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpRequest, HttpResponse, StreamedResponse
    from wxrevenue._wire.request import TokenKind
    from wxrevenue._wire.stored import StoredToken, Ticket

__all__ = [
    "Clock", "InstantLimiter", "InstantTokens", "RateLimiter", "RenewableTokenStore", "Signer", "StreamingTransport", "TicketStore",
    "TokenSource", "TokenStore", "Transport", "Turn", "Verdict", "Verifier",
]  # fmt: skip


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


@runtime_checkable
class InstantTokens(TokenSource, Protocol):
    """A token source that can hand a token out without an await. Optional: without it, every call awaits its token."""

    def peek(self, kind: TokenKind, appid: str | None) -> Secret | None:
        """Return the token that ``get`` would return at once, or ``None`` whenever ``get`` would wait or raise.

        It starts the same background refresh that ``get`` would. What it returned is what ``reject`` gets.
        """
        ...


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
    """Permission to send one request. Give it back with :meth:`release`, whatever happened."""

    def report(self, verdict: Verdict) -> None:
        """Say how the request ended. Takes effect in this process at once, elsewhere as soon as the backend is told."""
        ...

    async def again(self, *, timeout: float) -> None:
        """Wait for permission to send once more, at the place in the queue this turn had."""
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
class InstantLimiter(RateLimiter, Protocol):
    """A rate limiter that can give a turn without an await. Optional: without it, every call awaits its turn."""

    def take(self, scope: str) -> Turn | None:
        """Return a turn that counts as a place in line, as one of ``acquire`` does.

        ``None`` whenever ``acquire`` would wait, raise or probe: the limiter is closed, or belongs to another loop or process;
        the gate is closed, a probe is out, or somebody waits. The caller asks ``acquire`` then.
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


@runtime_checkable
class TokenStore(Protocol):
    """Keeps the tokens of one component, or of several, for one process or for many, and lets one of them refresh at a time.

    Each name (``component appid/``, or ``component appid/authorizer appid``) has a record, a lock with a lease, and a counter
    that numbers the locks and never goes back, not even when record and lock are gone. A holder may be paused for longer
    than its lease and write late; the number of its lock, its *fence*, tells that apart. Time is the store's own: seconds
    until something lapses are counted on one clock for all its users. Secrets stay out of the store's messages and ``repr``.

    What ``read`` and ``lock`` raise ends the refresh with ``TokenUnavailableError``; a token that still lives is served meanwhile.
    What ``write`` raises loses nothing: it is called again until it works. One store may serve several sources; none closes it.
    """

    async def read(self, name: str) -> StoredToken | None:
        """Return the record, or ``None`` where there is none or none that this release can read.

        A token whose time is up is left out: ``token`` is ``None`` then, and ``refresh`` is still there.
        """
        ...

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock for up to ``lease`` seconds and return its fence, or ``None`` at once while somebody else has it.

        Every lock's fence is larger than that of all locks of the name before it.
        """
        ...

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record, in one step, unless it was written under a larger fence; return whether it was replaced.

        That the lock has lapsed alone is no reason to refuse: a late writer that nobody has overtaken has the newest token.
        ``record.fence`` is replaced by ``fence``. The token is dropped ``record.left`` seconds later; the refresh token is kept.
        """
        ...

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back, if it is still the one of that fence."""
        ...


@runtime_checkable
class RenewableTokenStore(TokenStore, Protocol):
    """A token store whose locks can be kept beyond their lease: they are taken for ten seconds, and renewed during a refresh.

    Without this a lock is taken for a refresh's whole deadline, which is what the others wait for when its holder is killed.
    """

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock for ``lease`` seconds from now, if it is still the one of that fence; return whether it is."""
        ...
