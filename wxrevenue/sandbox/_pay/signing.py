"""RSA for the Pay side.

Keys made on the spot, and the two messages that are signed.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.sandbox._call import Call

SCHEME = "WECHATPAY2-SHA256-RSA2048"

_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')
_PARAMETERS = {"mchid", "serial_no", "nonce_str", "timestamp", "signature"}
_NONCE = re.compile(r"[0-9A-Za-z]{1,32}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_WINDOW = 300


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@attrs.frozen
class KeyPair:
    """An RSA key of 2048 bits, new with each instance and nowhere stored."""

    _key: RSAPrivateKey = attrs.field(factory=_new_key, repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature: PKCS#1 v1.5 over SHA-256."""
        return self._key.sign(message, PKCS1v15(), SHA256())

    def made(self, signature: bytes, message: bytes) -> bool:
        """Return whether this key made the signature."""
        try:
            self._key.public_key().verify(signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    def private_key(self) -> RSAPrivateKey:
        """Return the key itself."""
        return self._key

    def public_key(self) -> RSAPublicKey:
        """Return its public half."""
        return self._key.public_key()

    def private_pem(self) -> str:
        """Return the private key, PKCS#8."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def public_pem(self) -> str:
        """Return the public key."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@attrs.frozen(kw_only=True)
class SignatureCheck:
    """Checks which merchant signed a request."""

    mchid: str
    serial_no: str
    key: KeyPair
    signed_part: Callable[[Call], bytes]
    """What of a request's body is signed."""

    def objection(self, call: Call, now: float) -> str | None:
        """Return what is wrong with a request's signature, or ``None``.

        It is the parameter's name.
        """
        given = _authorization(call.headers.get("authorization", ""))
        if given is None:
            return "authorization"
        checks = {
            "mchid": given["mchid"] == self.mchid,
            "serial_no": given["serial_no"] == self.serial_no,
            "nonce_str": bool(_NONCE.fullmatch(given["nonce_str"])),
            "timestamp": bool(_SECONDS.fullmatch(given["timestamp"])) and abs(now - int(given["timestamp"])) <= _WINDOW,
            "signature": self._fits(call, given),
        }
        return next((name for name, holds in checks.items() if not holds), None)

    def _fits(self, call: Call, given: dict[str, str]) -> bool:
        try:
            signature = b64decode(given["signature"], validate=True)
        except ValueError:
            return False
        head = f"{call.method}\n{call.target}\n{given['timestamp']}\n{given['nonce_str']}\n"
        signed = self.signed_part(call)
        # Bytes of the request line that are no UTF-8 arrive as surrogates, and leave as they came.
        return self.key.made(signature, head.encode(errors="surrogateescape") + signed + b"\n")


def _authorization(header: str) -> dict[str, str] | None:
    scheme, _, rest = header.partition(" ")
    found = [_PARAMETER.fullmatch(part) for part in rest.split(",")]
    pairs = [(match[1], match[2]) for match in found if match]
    complete = scheme == SCHEME and len(pairs) == len(found) == len(_PARAMETERS) and {name for name, _ in pairs} == _PARAMETERS
    return dict(pairs) if complete else None


def signature_headers(key: KeyPair, serial: str, stamp: tuple[int, str], body: bytes) -> dict[str, str]:
    """Return the headers that sign an answer; ``stamp`` is its Unix time and nonce."""
    timestamp, nonce = stamp
    signature = key.sign(f"{timestamp}\n{nonce}\n".encode() + body + b"\n")
    return {
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature": b64encode(signature).decode(),
        "Wechatpay-Signature-Type": SCHEME,
    }
