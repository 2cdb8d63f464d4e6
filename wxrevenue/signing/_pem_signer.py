"""The merchant's private key as PEM text."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.secret import as_secret_key
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from wxrevenue._base.secret import Secret

SMALLEST_KEY: Final = 2048
"""Bits."""


class PemSigner:
    """Signs with an RSA key in memory, in a thread: a signature takes half a millisecond that the event loop is not kept for.

    Args:
        private_key: PEM, PKCS#8 or PKCS#1, not encrypted, 2048 bits or more.

    Raises:
        ConfigurationError: it is something else. The key shows nowhere.
    """

    def __init__(self, private_key: str | bytes | Secret) -> None:
        private_key = as_secret_key(private_key)  # first of all: what follows may raise
        self._key = _load(private_key)

    async def sign(self, message: bytes) -> bytes:
        """Return the RSA PKCS#1 v1.5 SHA-256 signature of the message."""
        return await asyncio.get_running_loop().run_in_executor(None, self._sign, message)

    def _sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(message, PKCS1v15(), SHA256())


def _load(pem: Any) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    problem = "not a PEM private key"
    key: Any = None
    try:
        key = load_pem_private_key(pem.reveal().encode("latin-1", "replace"), password=None)
    except TypeError:
        problem = "encrypted: decrypt it first"
    except Exception:  # noqa: BLE001, S110  (whatever the parser says may quote the key)
        pass
    if key is None:
        raise ConfigurationError(f"private_key: expected an unencrypted RSA key as PEM; this is {problem}")
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"private_key: expected an RSA key, got {type(key).__name__}")
    if key.key_size < SMALLEST_KEY:
        raise ConfigurationError(f"private_key: expected {SMALLEST_KEY} bits or more, got {key.key_size}")
    return key
