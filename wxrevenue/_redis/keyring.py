"""How a secret is written down in a place that others may read.

It has a version, and is encrypted if there are keys for it.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.secret import NotASecret, Secret, as_secret_key
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PLAIN: Final = "1p:"
_SEALED: Final = "1e:"
"""How values begin that this release reads.

Its version, and whether the rest is plain.
"""
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Keyring:
    """Encrypts with the first key (AES-256-GCM) and decrypts with any.

    So a key can be replaced while values live. Without keys values are written as they are. Plain
    values are read with keys, too: keys can be brought in while refresh tokens are stored, and each
    is encrypted when it is written next.

    Args:
        keys: the keys' bytes, in boxes; see :func:`boxed_keys`.
        where: how messages call the field that they came from.

    Raises:
        ConfigurationError: a key is not 32 bytes.
    """

    def __init__(self, keys: tuple[object, ...], where: str) -> None:
        boxes: list[Secret] = []
        for key in keys:
            if not isinstance(key, Secret):
                raise ConfigurationError(
                    f"{where}: expected keys as bytes, got {key.kind if isinstance(key, NotASecret) else type(key).__name__}"
                )
            if len(key.reveal()) != _KEY_BYTES:
                raise ConfigurationError(f"{where}: expected keys of {_KEY_BYTES} bytes, got one of {len(key.reveal())}")
            boxes.append(key)
        self._keys = {_name(key): key for key in reversed(boxes)}
        self._first = _name(boxes[0]) if boxes else None

    def encrypt(self, value: Secret, place: str) -> Secret:
        """Return what to write down at ``place``; it can be read there and nowhere else."""
        if self._first is None:
            return Secret(_PLAIN + value.reveal())
        nonce = os.urandom(_NONCE_BYTES)
        box = nonce + _cipher(self._keys[self._first]).encrypt(nonce, _bytes(value), _bound(_SEALED, place))
        return Secret(f"{_SEALED}{self._first}:{base64.b64encode(box).decode()}")

    def decrypt(self, written: Secret, place: str) -> Secret | None:
        """Return the value, or ``None`` if it cannot be read.

        It is of another version, for a key that is not here, or was not written by this package.
        """
        if written.reveal().startswith(_PLAIN):
            return Secret(written.reveal().removeprefix(_PLAIN))
        key = self._keys.get(written.reveal()[len(_SEALED) :].partition(":")[0])
        if key is None or not written.reveal().startswith(_SEALED):
            return None
        return _decrypted(key, written, _bound(_SEALED, place))


def as_secret_keys(keys: object) -> tuple[Any, ...]:
    """Return one key, or several, as boxes.

    Call it first of all with keys, since a traceback shows the locals of its frames.
    """
    if isinstance(keys, (bytes, str, Secret)) or not isinstance(keys, Iterable):
        keys = (keys,)
    return tuple(as_secret_key(key) if isinstance(key, (bytes, Secret)) else NotASecret(type(key).__name__) for key in keys)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _decrypted(key: Secret, written: Secret, bound: bytes) -> Secret | None:
    """Return the value, or ``None``.

    It raises nothing: a traceback would show what was written.
    """
    from cryptography.exceptions import InvalidTag  # only if there are keys

    try:
        box = Secret(base64.b64decode(written.reveal().rpartition(":")[2], validate=True).decode("latin-1"))
        return Secret(_opened(key, box, bound).decode(errors="surrogatepass"))
    except (InvalidTag, ValueError):
        return None


def _opened(key: Secret, box: Secret, bound: bytes) -> bytes:
    raw = box.reveal().encode("latin-1")
    return bytes(_cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound))


def _cipher(key: Secret) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only if there are keys

    return AESGCM(key.reveal().encode("latin-1"))


def _bound(version: str, place: str) -> bytes:
    return f"{version}{place}".encode()


def _bytes(value: Secret) -> bytes:
    return value.reveal().encode(errors="surrogatepass")


def _name(key: Secret) -> str:
    """Return what values call the key: enough to find it, nothing to guess it by."""
    return hmac.digest(key.reveal().encode("latin-1"), b"wxrevenue at rest", "sha256").hex()[:8]
