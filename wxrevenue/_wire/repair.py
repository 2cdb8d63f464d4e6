"""Reads JSON that a strict parser refuses for its bytes alone.

Such bytes are control characters, a byte order mark, another encoding. WeChat's servers send all
three in messages, and a refusal whose code is lost costs more than a message that reads oddly. Only
what stands inside of strings may change, so that a number is the server's or none.
"""

from __future__ import annotations

import contextlib
import json
import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS: Final = bytes(max(byte, ord(" ")) for byte in range(256))
"""Control characters become blanks.

Outside of strings they mean nothing, and inside they are not text.
"""
_OPENINGS: Final = (b"{", b"[")
_ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4})?')
_HALF_PAIR: Final = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LONGEST_ESCAPED: Final = 1024 * 1024
"""Characters of a str whose escapes are looked at one by one.

This is for messages, and takes a second for sixteen times as many.
"""


def readings(body: bytes) -> Iterator[str]:
    """Yield what a body may have been meant to be, the likeliest first.

    Yield nothing for a body that is not a JSON object or list at all.
    """
    for narrow in _narrowed(body):
        plain = narrow.translate(_BLANKS).strip()
        while plain.startswith(BOM_UTF8):
            plain = plain.removeprefix(BOM_UTF8).lstrip()
        if plain.startswith(_OPENINGS):
            for text in _decoded(plain):
                yield text
                if "\\" in text and len(text) <= _LONGEST_ESCAPED:
                    yield _ESCAPE.sub(_right_escape, text)


def _narrowed(body: bytes) -> Iterator[bytes]:
    """Yield the body in an encoding that keeps ASCII as it is."""
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):  # UTF-16 or 32, by its mark or by its zeros
        yield body.decode(encoding, "replace").encode()
    yield body


def _decoded(plain: bytes) -> Iterator[str]:
    """Yield the body as texts; one that is UTF-8 is nothing else.

    GBK before UTF-8 with holes: the second byte of a GBK character may look like a backslash.
    """
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            yield plain.decode(encoding)
            if encoding == "utf-8":
                return
    yield plain.decode("utf-8", "replace")


def _right_escape(found: re.Match[str]) -> str:
    escape = found[0]
    if escape == "\\":
        return r"\\"
    return r"\ufffd" if _HALF_PAIR.fullmatch(escape) else escape
