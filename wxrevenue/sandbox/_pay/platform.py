"""WeChat Pay's own keys: certificates that change, and a public key.

Also what is sealed with the APIv3 key.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from wxrevenue.errors import ConfigurationError
from wxrevenue.sandbox._pay.signing import KeyPair
from wxrevenue.sandbox._seeded import between, digest

if TYPE_CHECKING:
    from collections.abc import Callable

_LIFE = dt.timedelta(days=5 * 365)


class PayPlatform:
    """The keys with which the sandbox signs and seals.

    Args:
        seed: serial numbers follow it; the keys do not.
        now: the time in Unix seconds.
    """

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self._seed, self._now = seed, now
        self.certificates: dict[str, tuple[KeyPair, x509.Certificate]] = {}
        self.apiv3_key = digest(seed, "apiv3", size=16).hex()
        number = between(10**18, 10**19 - 1, seed, "public key")
        self.public_key = f"PUB_KEY_ID_{number:022d}", KeyPair()
        self.rotate()

    def rotate(self) -> str:
        """Sign with a new certificate from now on; return its serial number.

        The ones before stay listed.
        """
        place = len(self.certificates)
        whose = ("platform",) if not place else ("platform", place)
        number = int.from_bytes(digest(self._seed, *whose, size=20), "big")
        now, key = dt.datetime.fromtimestamp(self._now(), dt.UTC), KeyPair()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wxrevenue sandbox")])
        ends = now + _LIFE + dt.timedelta(days=place)
        made = x509.CertificateBuilder(name, name, key.public_key(), number, now - dt.timedelta(hours=1), ends)
        self.certificates[f"{number:040X}"] = key, made.sign(key.private_key(), SHA256())
        return self.serial

    def retire(self, serial: str) -> None:
        """List a certificate no more.

        Raises:
            ConfigurationError: it is not listed, or the last one that is.
        """
        if serial not in self.certificates or len(self.certificates) == 1:
            listed = ", ".join(self.certificates)
            raise ConfigurationError(f"Sandbox.pay.retire_certificate: {serial!r} is not listed, or the last one; listed are {listed}")
        del self.certificates[serial]

    @property
    def serial(self) -> str:
        """The serial number of the certificate in use."""
        return list(self.certificates)[-1]

    def key_for(self, asked: str) -> tuple[str, KeyPair]:
        """Return the serial and the key that sign the answer to a request that named one."""
        return self.public_key if asked.startswith("PUB_KEY_ID_") else (self.serial, self.certificates[self.serial][0])

    def public_keys(self) -> dict[str, str]:
        """Return the public keys in PEM by serial.

        The certificates' come first, then the one with an id.
        """
        certified = {serial: key.public_pem() for serial, (key, _) in self.certificates.items()}
        return {**certified, self.public_key[0]: self.public_key[1].public_pem()}

    def listed(self) -> bytes:
        """Return the list of certificates as the server hands it out."""
        rows = [
            {
                "serial_no": serial,
                "effective_time": made.not_valid_before_utc.isoformat(),
                "expire_time": made.not_valid_after_utc.isoformat(),
                "encrypt_certificate": self.sealed(made.public_bytes(Encoding.PEM), "certificate"),
            }
            for serial, (_, made) in self.certificates.items()
        ]
        return orjson.dumps({"data": rows})

    def sealed(self, plain: bytes, associated_data: str) -> dict[str, str]:
        """Return bytes sealed with the APIv3 key."""
        nonce = digest(self._seed, plain, self._now(), size=6).hex()
        text = AESGCM(self.apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
        algorithm = {"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated_data}
        return {**algorithm, "ciphertext": base64.b64encode(text).decode()}

    def decrypted(self, text: str) -> str | None:
        """Return what a sensitive field holds, or ``None`` if none of our keys opens it."""
        padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303  (the documents ask for it)
        for key in (self.public_key[1], *(pair for pair, _ in self.certificates.values())):
            try:
                return key.private_key().decrypt(base64.b64decode(text, validate=True), padding).decode()
            except ValueError:
                continue
        return None
