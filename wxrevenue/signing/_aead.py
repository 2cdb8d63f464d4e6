"""What WeChat Pay seals with the APIv3 key.

That is certificates, and the content of notifications.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from wxrevenue._base.secret import NeverPickled, NotASecret, Secret
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ALGORITHM: Final = "AEAD_AES_256_GCM"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


class ApiV3Key(NeverPickled):
    """Opens what is sealed with the APIv3 key.

    Args:
        where: how messages call the argument.
        key: the key, boxed: 32 bytes, letters and digits as a rule.

    Raises:
        ConfigurationError: it is something else. The key shows nowhere.
    """

    def __init__(self, where: str, key: object) -> None:
        if not isinstance(key, Secret):
            kind = key.kind if isinstance(key, NotASecret) else type(key).__name__
            raise ConfigurationError(f"{where}: expected the APIv3 key as a str, bytes or a Secret, got {kind}")
        if not key.reveal().isascii() or len(key.reveal()) != _KEY_BYTES:
            raise ConfigurationError(f"{where}: expected the APIv3 key, {_KEY_BYTES} ASCII characters, as set in the merchant console")
        self._key = key

    def opened(self, sealed: object) -> bytes | None:
        """Return what is sealed, or ``None`` whatever is wrong with it.

        Args:
            sealed: an object with ``algorithm``, ``nonce``, ``associated_data`` and ``ciphertext``.
        """
        fields: dict[object, object] = sealed if isinstance(sealed, dict) else {}  # pyright: ignore[reportUnknownVariableType]
        nonce, text, beside = fields.get("nonce"), fields.get("ciphertext"), fields.get("associated_data") or ""
        if not isinstance(nonce, str) or not isinstance(text, str) or not isinstance(beside, str):
            return None
        fits = fields.get("algorithm") == ALGORITHM and len(nonce.encode()) == _NONCE_BYTES
        return self._decrypted(nonce.encode(), text, beside.encode()) if fits else None

    def _decrypted(self, nonce: bytes, text: str, beside: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(text, validate=True)
            return self._cipher().decrypt(nonce, raw, beside) if len(raw) > _TAG_BYTES else None
        except (InvalidTag, ValueError):
            return None

    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key.reveal().encode())
