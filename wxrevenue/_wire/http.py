"""HTTP as values: a request, an answer, and the beginning of an answer.

Also the header that says when to come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import NeverPickled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from wxrevenue._base.secret import Secret


LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes of an answer's body, decoded. More than this is a bomb or a mistake."""


@attrs.define(eq=False, repr=False, getstate_setstate=False)
class HttpRequest(Printable, NeverPickled):
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
        """Return the URL to send, byte for byte, with the secret.

        Pass it on; do not keep it.
        """
        return self.url if self.secret is None else self.url + self.secret.reveal()

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self.url} headers={list(self.headers)} body={len(self.body)} B>"


@attrs.define(eq=False, repr=False, getstate_setstate=False)
class HttpResponse(Printable, NeverPickled):
    """One HTTP answer. ``body`` is decoded from gzip or deflate, and complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of_json(cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """Return an answer with JSON in its body, for tests.

        ``HttpResponse.of_json({"share_ratio": 50})`` is one.

        Args:
            value: plain data, or a value such as ``ShareRatio``, which is sent under the wire's
                names.
            status: the HTTP status.
            headers: beside ``Content-Type``.

        Raises:
            ConfigurationError: JSON cannot hold the value.
        """
        from wxrevenue._wire.plain import as_sent  # who plays no server does without

        return cls(status, {"Content-Type": "application/json", **(headers or {})}, as_sent(value))

    def header(self, name: str) -> str | None:
        """Return a header's value, its name looked up in any case."""
        found = self.headers.get(name)
        return _any_case(self.headers, name) if found is None else found

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status} headers={list(self.headers)} body={len(self.body)} B>"


@attrs.define(eq=False, repr=False)
class StreamedResponse(Printable):
    """The beginning of an HTTP answer.

    ``chunks`` yields its body as it arrives, decoded from gzip or deflate, without a cap.
    """

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


_LONGEST_HEADER = 64


def retry_after(header: str | None, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for.

    Return ``None`` when it asks for nothing sensible.

    Args:
        header: the header's value: seconds, or an HTTP date.
        now: Unix time.
    """
    if header is None or len(header) > _LONGEST_HEADER:
        return None
    try:
        seconds = float(header)
    except ValueError:
        seconds = _until(header, now)
    return seconds if 0 < seconds < float("inf") else None


def _until(date: str, now: float) -> float:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(date)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return 0
