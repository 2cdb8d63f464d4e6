"""WeChat Pay's public keys, given up front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base import checks as _checks
from wxrevenue.errors import ConfigurationError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PUBLIC_KEY_ID: Final = "PUB_KEY_ID_"
_SMALLEST_KEY: Final = 2048


class StaticVerifier:
    """Verifies with fixed keys, chosen by ``Wechatpay-Serial`` alone.

    During a change of certificates, or from certificates to a public key, hold the old and the new.

    Args:
        keys: PEM by serial: a platform certificate under its serial number, or a public key under its ``PUB_KEY_ID_…``.

    Raises:
        ConfigurationError: there is none, or one is not an RSA certificate or public key of 2048 bits or more.
    """

    def __init__(self, keys: Mapping[str, str | bytes]) -> None:
        if not keys:
            raise ConfigurationError("StaticVerifier.keys: expected at least one certificate or public key")
        self._keys = {_checks.credential("StaticVerifier.keys", serial): _public_key(serial, pem) for serial, pem in keys.items()}

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:  # noqa: ARG002
        """Return if the key of that serial made the signature; raise ``SignatureError`` otherwise."""
        key = self._keys.get(serial)
        if key is None:
            raise SignatureError(f"no key is known for the serial the answer names; known are {', '.join(sorted(self._keys))}")
        if not _is_signature(key, message, signature):
            raise SignatureError("the signature does not fit the answer")

    def request_serial(self) -> str | None:
        """Return the public key's id, so that answers are signed with it; ``None`` where certificates alone are known."""
        return next((serial for serial in self._keys if serial.startswith(PUBLIC_KEY_ID)), None)

    def __repr__(self) -> str:
        return f"StaticVerifier({sorted(self._keys)})"


def _is_signature(key: RSAPublicKey, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _public_key(serial: str, pem: str | bytes) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    key: Any = None
    try:
        data = pem.encode() if isinstance(pem, str) else bytes(pem)
        key = load_pem_x509_certificate(data).public_key() if b"BEGIN CERTIFICATE" in data else load_pem_public_key(data)
    except Exception:  # noqa: BLE001, S110  (whatever the parser says is no help to a reader)
        pass
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
        raise ConfigurationError(
            f"StaticVerifier.keys[{serial!r}]: expected an RSA certificate or public key of {_SMALLEST_KEY} bits, as PEM"
        )
    return key
