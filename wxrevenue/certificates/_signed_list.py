"""A list of platform certificates as WeChat Pay signed and sealed it.

It is believed and stored in this form only.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from wxrevenue.errors import SignatureError
from wxrevenue.signing._pem import SMALLEST_KEY
from wxrevenue.signing._rsa import is_signature
from wxrevenue.signing._serial import hex_serial, serial_number

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from wxrevenue._base.json_types import JsonValue
    from wxrevenue.signing._aead import ApiV3Key

_WRONG_KEY: Final = "the certificates cannot be decrypted: is this the APIv3 key of this merchant, overseas?"


class PlatformCertificate(NamedTuple):
    """One certificate of WeChat Pay."""

    serial: str
    key: RSAPublicKey
    begins: float
    ends: float

    def is_valid(self, now: float) -> bool:
        """Return whether it has not ended."""
        return now < self.ends


class SignedList(NamedTuple):
    """The certificates of one answer, and the answer's signature.

    It is signed by a certificate that it holds. What is sealed in it proves that its sender knows
    the APIv3 key, the signature that lists of two times were not put together: a store can plant
    nothing.
    """

    serial: str
    message: bytes
    signature: bytes
    certificates: dict[int, PlatformCertificate]

    def __repr__(self) -> str:
        return f"<SignedList of {[one.serial for one in self.certificates.values()]}>"

    @property
    def fetched(self) -> float:
        """When WeChat Pay made it, in Unix seconds: part of what is signed."""
        return float(self.message.partition(b"\n")[0])

    def packed(self) -> bytes:
        """Return it as it is stored."""
        return b"\n".join((self.serial.encode(), base64.b64encode(self.signature), self.message))


def unpacked(stored: bytes, key: ApiV3Key) -> SignedList | None:
    """Return a stored list, or ``None`` if it is not one that WeChat Pay signed."""
    try:
        serial, signature, message = stored.split(b"\n", 2)
        found = read_list(serial.decode(), message, base64.b64decode(signature, validate=True), key)
        return found if isinstance(found, SignedList) and found.fetched >= 0 else None
    except ValueError:
        return None


def read_list(serial: str, message: bytes, signature: bytes, key: ApiV3Key) -> SignedList | SignatureError:
    """Return the certificates of an answer.

    It is decrypted first. Then its signature is checked with the certificate that it names.
    """
    rows = _rows(message.split(b"\n", 2)[2][:-1])
    if not rows:
        return SignatureError("the answer has no list of certificates")
    found = [_certificate(row, key) for row in rows]
    certificates = {number: one for number, one in found if one is not None}
    if not certificates:
        return SignatureError(_WRONG_KEY)
    number = serial_number(serial)
    signer = certificates.get(number) if number is not None else None
    if signer is None:
        return SignatureError("the list of certificates is signed by one that is not in it")
    if not is_signature(signer.key, message, signature):
        return SignatureError("the signature does not fit the list of certificates")
    return SignedList(serial, message, signature, certificates)


def _rows(body: bytes) -> list[JsonValue]:
    try:
        payload: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    rows = payload.get("data") if isinstance(payload, dict) else None
    return rows if isinstance(rows, list) else []


def _certificate(row: JsonValue, key: ApiV3Key) -> tuple[int, PlatformCertificate | None]:
    """Return a certificate by its number, if it can be read.

    The documents' samples print blanks behind names.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    given = row if isinstance(row, dict) else {}
    fields = {name.strip(): value for name, value in given.items()}
    pem = key.opened(fields.get("encrypt_certificate"))
    try:
        made = load_pem_x509_certificate(pem or b"")
    except ValueError:
        return 0, None
    public, named = made.public_key(), serial_number(str(fields.get("serial_no")))
    if not isinstance(public, RSAPublicKey) or public.key_size < SMALLEST_KEY or named != made.serial_number:
        return 0, None
    begins, ends = made.not_valid_before_utc.timestamp(), made.not_valid_after_utc.timestamp()
    return made.serial_number, PlatformCertificate(hex_serial(made.serial_number), public, begins, ends)
