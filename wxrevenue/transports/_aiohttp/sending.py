"""The body of a request, as aiohttp takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import Payload

if TYPE_CHECKING:
    from typing import Self

    from aiohttp.abc import AbstractStreamWriter


class Content(Payload, bytes):
    """Bytes to send as they are.

    aiohttp would make a payload of them itself. That costs 2 % of a call, most of it for headers
    of a body's own, which every body has alike. It still is ``bytes``: whoever looks at what is
    handed to aiohttp (a mock, a middleware) sees the body.
    """

    def __new__(cls, value: bytes) -> Self:
        """Return the bytes."""
        return bytes.__new__(cls, value)

    def __init__(self, value: bytes) -> None:  # noqa: ARG002  (taken by __new__)
        vars(self).update(_BLANK)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self)

    @property
    def autoclose(self) -> bool:
        """Whether there is nothing to close."""
        return True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the bytes as text."""
        return bytes.decode(self, encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """Return the bytes."""
        return self

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the bytes."""
        await writer.write(self)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the bytes, up to that length."""
        await writer.write(self[:content_length])


class _Blank(Content):
    def __init__(self, value: bytes) -> None:
        Payload.__init__(self, value)


_BLANK = vars(_Blank(b""))
