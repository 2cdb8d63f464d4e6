"""Undoes gzip and deflate in bounded pieces, and notices when the compressed data stops short."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from wxrevenue.errors import ResponseLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

_GZIP = 16 + zlib.MAX_WBITS
_METHOD, _DEFLATED = 0x0F, 8


class Inflater:
    """Decodes one body.

    Args:
        encoding: the ``Content-Encoding`` header, if there is one; anything but gzip and deflate is refused.
        piece: bytes to hand out at a time, at most.
    """

    def __init__(self, encoding: str | None, piece: int) -> None:
        self._encoding = (encoding or "identity").strip().lower()
        if self._encoding not in {"identity", "gzip", "x-gzip", "deflate"}:
            raise ResponseLostError("the answer is compressed in a way that was not asked for", reason="protocol")
        self._piece = piece
        self._engine: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes decode to."""
        if self._encoding == "identity":
            yield from (data[start : start + self._piece] for start in range(0, len(data), self._piece))
            return
        while data:
            if self._engine is None:
                self._engine = zlib.decompressobj(_window(self._encoding, data[0]))
            decoded = self._engine.decompress(data, self._piece)
            data = self._engine.unconsumed_tail or self._engine.unused_data
            if decoded:
                yield decoded
            if self._engine.eof and data:
                self._engine = None  # another member follows, as gzip allows

    def end(self) -> None:
        """Refuse a body that stopped in the middle of its compressed data."""
        if self._engine is not None and not self._engine.eof:
            raise ResponseLostError("the compressed answer stops short", reason="protocol")


def _window(encoding: str, first: int) -> int:
    """Return zlib's ``wbits``: some servers send deflate without the header it should have."""
    if encoding != "deflate":
        return _GZIP
    return zlib.MAX_WBITS if first & _METHOD == _DEFLATED else -zlib.MAX_WBITS
