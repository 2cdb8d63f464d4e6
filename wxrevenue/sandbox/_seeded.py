"""Numbers that depend on what they are for and on nothing else.

No order of calls, no clock, no Python version.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import unpack


def digest(*parts: object, size: int = 8) -> bytes:
    """Return ``size`` bytes (up to 64) that stand for these parts."""
    return blake2b("\x1f".join(map(str, parts)).encode(errors="surrogatepass"), digest_size=size).digest()


def eight(*parts: object) -> tuple[int, ...]:
    """Return eight whole numbers below 2**64, for what needs several at once."""
    return unpack(">8Q", digest(*parts, size=64))


def fraction(*parts: object) -> float:
    """Return a number from 0 up to, but not including, 1."""
    return (int.from_bytes(digest(*parts), "big") >> 11) / 2**53


def between(low: int, high: int, *parts: object) -> int:
    """Return a whole number from ``low`` to ``high``, both included."""
    return low + int.from_bytes(digest(*parts), "big") % (high - low + 1)
