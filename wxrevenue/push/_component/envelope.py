"""The envelope of a push: signed with a token, sealed with AES-256-CBC."""

from __future__ import annotations

import base64
import hashlib
import re
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from wxrevenue._base.secret import NeverPickled, Secret, require_secret
from wxrevenue.errors import ConfigurationError
from wxrevenue.push._reply import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    from wxrevenue.push._component.query import SignedQuery

_SALT: Final = 16
_LENGTH: Final = 4
_BLOCK: Final = 16
_LARGEST_PADDING: Final = 32
_AES_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)


class Envelope(NeverPickled):
    """Checks signatures and opens what is sealed.

    Args:
        component_appid: whom the content must be for.
        token: signs.
        aes_keys: by field, the ``EncodingAESKey`` in use and those before it; each is tried in
            turn.

    Raises:
        ConfigurationError: one of them is of another shape. It shows nowhere.
    """

    def __init__(self, component_appid: str, token: object, aes_keys: Mapping[str, object]) -> None:
        self._token = require_secret("TicketReceiver.token", token)
        self._owner = component_appid.encode()
        self._ciphers = [_cipher(where, key) for where, key in aes_keys.items()]

    def verify_signature(self, encrypted: str, signed: SignedQuery) -> bytes:
        """Return what is sealed, once its signature is right.

        Nothing is decrypted before that.
        """
        if not encrypted.isascii() or not encrypted:
            raise RefusedError("nothing is encrypted")
        parts = sorted([self._token.reveal(), signed.timestamp, signed.nonce, encrypted])
        expected = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        if not compare_digest(expected.encode(), signed.msg_signature.encode()):
            raise RefusedError("the signature is wrong; is this the token that the platform has?")
        try:
            return base64.b64decode(encrypted, validate=True)
        except ValueError:
            pass
        raise RefusedError("what is encrypted is not base64")

    def open(self, sealed: bytes) -> bytes:
        """Return the content, decrypted with the first key that fits.

        Its padding, its length and its owner are checked.
        """
        if not sealed or len(sealed) % _BLOCK:
            raise RefusedError("what is encrypted is not whole blocks")
        reasons: list[str] = []
        for cipher in self._ciphers:
            try:
                return self._content(_unpadded(_decrypted(cipher, sealed)))
            except RefusedError as error:
                reasons.append(error.reason)
        raise RefusedError(reasons[0])

    def _content(self, plain: bytes) -> bytes:
        start = _SALT + _LENGTH
        end = start + int.from_bytes(plain[_SALT:start], "big")
        if not compare_digest(plain[end:], self._owner):  # a wrong length leaves another owner, or none
            raise RefusedError("it is for another component, or its length is wrong")
        return plain[start:end]


def _decrypted(cipher: Cipher[CBC], sealed: bytes) -> bytes:
    decryptor = cipher.decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


def _unpadded(padded: bytes) -> bytes:
    """Return the content without its PKCS#7 padding.

    WeChat pads to blocks of 32.
    """
    count = padded[-1]
    if not 1 <= count <= _LARGEST_PADDING or not compare_digest(padded[-count:], bytes([count]) * count):
        raise RefusedError("the padding is wrong; is this the EncodingAESKey that the platform has?")
    return padded[:-count]


def _cipher(where: str, key: object) -> Cipher[CBC]:
    from cryptography.hazmat.primitives.ciphers import Cipher  # on first use
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    if not isinstance(key, Secret) or not _AES_KEY.fullmatch(key.reveal()):
        raise ConfigurationError(
            f"TicketReceiver.{where}: expected the platform's EncodingAESKey, 43 letters and digits, as a str or a Secret"
        )
    raw = base64.b64decode(f"{key.reveal()}=")
    return Cipher(AES(raw), CBC(raw[:_BLOCK]))
