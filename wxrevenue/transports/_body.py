"""Undoes gzip and deflate in bounded pieces.

It notices when the compressed data stops short.
"""

from __future__ import annotations

import zlib
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Protocol

from wxrevenue._wire.http import LARGEST_BODY
from wxrevenue.errors import ResponseLostError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    class _Engine(Protocol):
        """zlib's decompression object, whose class has no public name."""

        @property
        def eof(self) -> bool: ...
        @property
        def unconsumed_tail(self) -> bytes: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_GZIP = 16 + zlib.MAX_WBITS
_METHOD, _DEFLATED = 0x0F, 8
_WITHOUT_BODY: Final = frozenset({204, 304})


class Inflater:
    """Decodes one body.

    Args:
        encoding: the ``Content-Encoding`` header, if there is one; anything but gzip and deflate is
            refused.
        piece: bytes to hand out at a time, at most.
    """

    def __init__(self, encoding: str | None, piece: int) -> None:
        self._encoding = (encoding or "identity").strip().lower()
        if self._encoding not in {"identity", "gzip", "x-gzip", "deflate"}:
            raise ResponseLostError("the answer is compressed in a way that was not asked for", reason="protocol")
        self._piece = piece
        self._engine: _Engine | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes decode to."""
        if self._encoding == "identity":
            yield from (data[start : start + self._piece] for start in range(0, len(data), self._piece))
            return
        while data:
            engine = self._engine
            if engine is None:
                engine = self._engine = zlib.decompressobj(_window(self._encoding, data[0]))
            decoded = _decompressed(engine, data, self._piece)
            data = engine.unconsumed_tail or engine.unused_data
            if decoded:
                yield decoded
            if engine.eof and data:
                data = data.lstrip(b"\0")  # gzip allows padding
                self._engine = None if data else engine  # another member follows, as gzip allows

    def end(self) -> None:
        """Refuse a body that stopped in the middle of its compressed data, or before it."""
        if self._encoding != "identity" and (self._engine is None or not self._engine.eof):
            raise ResponseLostError("the compressed answer stops short", reason="protocol")


class Body:
    """The body of one answer, decoded.

    Args:
        raw: the body as it comes over the wire; closed with this one.
        status: the answer's status; some have no body, whatever their headers say.
        encoding: the ``Content-Encoding`` header, if there is one.
        piece: bytes to hand out at a time, at most.
    """

    def __init__(self, raw: AsyncGenerator[bytes], status: int, encoding: str | None, piece: int) -> None:
        self._inflater = Inflater(None if status in _WITHOUT_BODY else encoding, piece)
        self._pieces = self._decoded(raw)
        self._complete = False

    async def whole(self) -> bytes:
        """Return the body, unless it is larger than the cap."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self._pieces:
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_BODY:
                raise ResponseLostError(f"the answer is larger than {LARGEST_BODY} bytes", reason="too_large")
        return b"".join(pieces)

    async def read(self) -> bytes:
        """Return the next piece, or nothing at the end."""
        piece = await anext(self._pieces, b"")
        if not piece and not self._complete:  # a step before this one was interrupted, or the stream was left
            raise ResponseLostError("reading was broken off before the end of the answer", reason="reset")
        return piece

    async def aclose(self) -> None:
        """Give up what has not been read."""
        await self._pieces.aclose()

    async def _decoded(self, raw: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async with aclosing(raw):
            async for data in raw:
                for piece in self._inflater.feed(data):
                    yield piece
        self._inflater.end()
        self._complete = True


def _decompressed(engine: _Engine, data: bytes, most: int) -> bytes:
    try:
        return engine.decompress(data, most)
    except zlib.error:
        pass
    raise ResponseLostError("the answer is not compressed as it says", reason="protocol")


def _window(encoding: str, first: int) -> int:
    """Return zlib's ``wbits``.

    Some servers send deflate without the header it should have.
    """
    if encoding != "deflate":
        return _GZIP
    return zlib.MAX_WBITS if first & _METHOD == _DEFLATED else -zlib.MAX_WBITS
