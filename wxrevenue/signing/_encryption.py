"""A public key of WeChat Pay's, with which sensitive fields are encrypted."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


@attrs.frozen(repr=False)
class RsaEncryptionKey(Printable):
    """Encrypts with RSA-OAEP and SHA-1, as WeChat Pay asks.

    Args:
        serial: what WeChat Pay calls the key.
        key: the public key.
    """

    serial: str
    key: RSAPublicKey

    def encrypt(self, text: str) -> str:
        """Return the text encrypted, in base64. A key of 2048 bits takes 214 bytes."""
        from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
        from cryptography.hazmat.primitives.hashes import SHA1

        padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303  (the documents ask for it)
        return base64.b64encode(self.key.encrypt(text.encode(), padding)).decode()

    def __repr__(self) -> str:
        return f"<RsaEncryptionKey {self.serial}>"
