"""The merchant's private key as PEM text."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from wxrevenue._base.secret import NotASecret, Secret, as_secret_key
from wxrevenue.errors import ConfigurationError
from wxrevenue.signing._pem import SMALLEST_KEY, shape_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class PemSigner:
    """Signs with an RSA key in memory, in a thread.

    A signature takes a millisecond. The event loop is not blocked for it. One at a time: OpenSSL's
    binding holds Python's lock while it signs, so that many threads at once would be no faster, and
    leave the loop waiting behind all of them.

    Args:
        private_key: PEM, PKCS#8 or PKCS#1, not encrypted, 2048 bits or more.

    Raises:
        ConfigurationError: it is something else. The key shows nowhere.
    """

    def __init__(self, private_key: str | bytes | Secret) -> None:
        private_key = as_secret_key(private_key)  # first of all: what follows may raise
        self._key = _load(private_key)
        self._turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def sign(self, message: bytes) -> bytes:
        """Return the RSA PKCS#1 v1.5 SHA-256 signature of the message."""
        loop = asyncio.get_running_loop()
        if self._turn is None or self._turn[0] is not loop:  # one signer may serve the clients of several loops
            self._turn = loop, asyncio.Lock()
        async with self._turn[1]:
            return await loop.run_in_executor(None, self._sign, message)

    def _sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(message, PKCS1v15(), SHA256())


def _load(pem: object) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not isinstance(pem, Secret):
        kind = pem.kind if isinstance(pem, NotASecret) else type(pem).__name__
        raise ConfigurationError(f"private_key: expected an unencrypted RSA key as PEM, in a str or bytes, got {kind}")
    key: object = None
    with suppress(Exception):  # whatever the parser says may quote the key
        key = load_pem_private_key(pem.reveal().encode("latin-1", "replace"), password=None)
    if key is None:
        raise ConfigurationError(f"private_key: expected an unencrypted RSA key as PEM; this is {_instead(shape_of(pem))}")
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"private_key: expected an RSA key, got {type(key).__name__}")
    if key.key_size < SMALLEST_KEY:
        raise ConfigurationError(f"private_key: expected {SMALLEST_KEY} bits or more, got {key.key_size}")
    return key


def _instead(shape: str) -> str:
    if shape == "a private key":
        return "not a PEM private key that can be read: it is cut short or damaged"
    return f"not a PEM private key but {shape}"
