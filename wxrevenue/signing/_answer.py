"""Is this answer WeChat Pay's? The checks before a key is asked.

Also the text that was signed.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, NamedTuple

from wxrevenue.errors import SignatureError

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpResponse

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
PROBE: Final = "WECHATPAY/SIGNTEST/"
CLOCK_WINDOW: Final = 300
"""Seconds that an answer's timestamp and this machine's clock may differ.

At exactly this many seconds an answer is refused.
"""
_LONGEST_NONCE: Final = 128
_LONGEST_TIMESTAMP: Final = 12


class Signed(NamedTuple):
    """What a verifier is asked about."""

    serial: str
    message: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"<Signed by {self.serial}, {len(self.message)} B>"


def is_signed(response: HttpResponse) -> bool:
    """Return whether the answer claims to be signed."""
    return response.header("Wechatpay-Signature") is not None


def signed_part(response: HttpResponse, now: float) -> Signed | SignatureError:
    """Return what was signed, by whom and how; or what is wrong with the headers.

    Args:
        response: the answer, its body as received.
        now: Unix time.
    """
    scheme = response.header("Wechatpay-Signature-Type")
    timestamp, nonce, serial, signature = (response.header(f"Wechatpay-{name}") for name in ("Timestamp", "Nonce", "Serial", "Signature"))
    if timestamp is None or nonce is None or serial is None or signature is None:
        return SignatureError("the answer is not signed: it must be taken for a forgery")
    if signature.startswith(PROBE):
        return SignatureError("the answer carries a probe's signature, wrong on purpose", is_probe=True)
    problem = _problem(scheme, timestamp, nonce, now)
    if problem:
        return SignatureError(problem)
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return SignatureError("the answer's signature is not base64")
    return Signed(serial, b"%s\n%s\n%s\n" % (timestamp.encode(), nonce.encode(), response.body), raw)


def _problem(scheme: str | None, timestamp: str, nonce: str, now: float) -> str | None:
    """Return what is wrong with the headers, before any key is asked."""
    if scheme not in {None, SCHEME}:
        return f"the answer is signed by another scheme than {SCHEME}"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIMESTAMP):
        return "the answer's timestamp is not a number"
    if abs(int(now) - int(timestamp)) >= CLOCK_WINDOW:
        return f"the answer's timestamp is {CLOCK_WINDOW} s or more from this machine's clock"
    if not 0 < len(nonce) <= _LONGEST_NONCE or not nonce.isprintable():
        return "the answer's nonce is empty, too long, or holds control characters"
    return None
