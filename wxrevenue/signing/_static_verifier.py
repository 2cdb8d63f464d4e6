"""WeChat Pay's public keys, given up front."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxrevenue._base.secret import NotASecret, Secret, as_secret_items, as_secret_key, require_secret
from wxrevenue.errors import ConfigurationError, SignatureError
from wxrevenue.signing._encryption import RsaEncryptionKey
from wxrevenue.signing._pem import CERTIFICATE, PRIVATE, SMALLEST_KEY, kind_of, shape_of
from wxrevenue.signing._rsa import is_signature
from wxrevenue.signing._serial import PUBLIC_KEY_ID, even_serial, hex_serial, is_serial_of, printable_name, serial_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from wxrevenue.ports import EncryptionKey

_KEYS: Final = "StaticVerifier.keys"


class StaticVerifier:
    """Verifies with fixed keys, chosen by ``Wechatpay-Serial`` alone.

    During a change of certificates, or from certificates to a public key, hold the old and the new.

    Args:
        keys: PEM by serial: a platform certificate under its serial number, or a public key under
            its ``PUB_KEY_ID_…``. Serial numbers may be spelled as tools print them: in small
            letters, with colons, without a leading zero, or decimal.

    Raises:
        ConfigurationError: there is none; one is not an RSA certificate or public key of 2048 bits
            or more; or a certificate stands under a serial number that is not its own.
    """

    _keys: Mapping[str, RSAPublicKey] = MappingProxyType({})
    """A traceback may show a verifier that is not made yet."""
    _ends: Mapping[str, float] = MappingProxyType({})

    def __init__(self, keys: Mapping[str, str | bytes]) -> None:
        keys = as_secret_items(keys, as_secret_key)  # first of all: what follows may raise
        self._keys, self._ends = _loaded(keys)

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:  # noqa: ARG002
        """Return if the key of that serial made the signature.

        Raise ``SignatureError`` otherwise.
        """
        key = self._keys.get(serial.upper() if serial.startswith(PUBLIC_KEY_ID) else serial) or self._of_number(serial_number(serial))
        if key is None:
            raise SignatureError(_unknown(serial, self._keys))
        if not is_signature(key, message, signature):
            raise SignatureError("the signature does not fit the answer")

    def request_serial(self) -> str | None:
        """Return the public key's id, so that answers are signed with it.

        ``None`` where only certificates are known.
        """
        return next((serial for serial in self._keys if serial.startswith(PUBLIC_KEY_ID)), None)

    async def encryption_key(self, *, timeout: float) -> EncryptionKey:  # noqa: ARG002
        """Return the public key that is known by an id.

        Without one, return the key of the certificate that ends last.
        """
        serial = self.request_serial() or max(self._keys, key=lambda name: self._ends.get(name, 0.0))
        return RsaEncryptionKey(serial, self._keys[serial])

    def _of_number(self, number: int | None) -> RSAPublicKey | None:
        """Return the key of a serial number that is spelled otherwise.

        It may have more zeros in front, or fewer.
        """
        return None if number is None else next((key for name, key in self._keys.items() if serial_number(name) == number), None)

    def __repr__(self) -> str:
        return f"StaticVerifier({sorted(self._keys)})"


def _unknown(serial: str, keys: Mapping[str, RSAPublicKey]) -> str:
    """Return the message for an answer whose key was not given.

    Also return what is to be added where the message says enough.
    """
    known = f"known are {', '.join(sorted(keys))}"
    name = printable_name(serial)
    if name is None:
        return f"no key is known for the serial the answer names; {known}"
    what = "the WeChat Pay public key of that id" if name.startswith(PUBLIC_KEY_ID) else "the platform certificate of that number"
    return f"no key is known for {name}, which the answer names; add {what} from the merchant console to StaticVerifier; {known}"


def _loaded(items: Any) -> tuple[dict[str, RSAPublicKey], dict[str, float]]:
    """Return the keys by evened-out serial, and when certificates end.

    They are read from boxes alone: what is raised here passes frames that hold nothing else.
    """
    if isinstance(items, NotASecret):
        raise ConfigurationError(f"{_KEYS}: expected a mapping of serial numbers to PEM, got {items.kind}")
    found: dict[str, RSAPublicKey] = {}
    ends: dict[str, float] = {}
    for name, pem in items:
        serial, key, end = _entry(name, pem)
        ends[serial] = end
        before = found.setdefault(serial, key)
        if before.public_numbers() != key.public_numbers():
            raise ConfigurationError(f"{_KEYS}: two different keys stand under {serial}")
    if not found:
        raise ConfigurationError(f"{_KEYS}: expected at least one certificate or public key")
    return found, ends


def _entry(name: object, pem: object) -> tuple[str, RSAPublicKey, float]:
    serial = printable_name(require_secret(f"{_KEYS}: a serial number", name).reveal())
    if serial is None:
        raise ConfigurationError(f"{_KEYS}: expected serial numbers (letters and digits) as keys, and PEM as their values")
    where = f"{_KEYS}[{serial!r}]"
    if not isinstance(pem, Secret):
        kind = pem.kind if isinstance(pem, NotASecret) else type(pem).__name__
        raise ConfigurationError(f"{where}: expected PEM as str or bytes, got {kind}")
    read = _read(pem)
    if read is None or read.key is None:
        problem = _instead(shape_of(pem)) if read is None else read.problem
        raise ConfigurationError(f"{where}: expected an RSA certificate or public key of {SMALLEST_KEY} bits, as PEM; this is {problem}")
    if read.number is None:
        return even_serial(serial), read.key, 0.0
    if not is_serial_of(serial, read.number):
        raise ConfigurationError(f"{where}: this is the certificate {hex_serial(read.number)}; give it under that number")
    return hex_serial(read.number), read.key, read.ends


class _Read(NamedTuple):
    """A key, what is wrong with it, and the certificate that it came in.

    Of the certificate: its number and its end.
    """

    key: RSAPublicKey | None
    number: int | None
    problem: str | None
    ends: float = 0.0


def _read(pem: Secret) -> _Read | None:
    """Return what can be read.

    It raises nothing, because a frame of this function holds the text.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    text = pem.reveal()
    if PRIVATE.search(text):
        return None
    number, ends = None, 0.0
    key: object
    try:
        if CERTIFICATE in text:
            certificate = load_pem_x509_certificate(text.encode("utf-8", "replace"))
            number, key, ends = certificate.serial_number, certificate.public_key(), certificate.not_valid_after_utc.timestamp()
        else:
            key = load_pem_public_key(text.encode("utf-8", "replace"))
    except Exception:  # noqa: BLE001  (whatever the parser says is no help to a reader)
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_KEY:
        return _Read(key, number, None, ends)
    return _Read(None, number, kind_of(key), ends)


def _instead(shape: str) -> str:
    if shape in {"a certificate", "a public key, as it is also part of a certificate"}:
        return f"{shape} that cannot be read: it is cut short or damaged"
    return shape
