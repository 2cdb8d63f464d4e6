"""The signing merchant: its numbers and its key."""

from __future__ import annotations

from typing import Final

from wxrevenue._base import checks
from wxrevenue._base.secret import NotASecret, Secret
from wxrevenue.errors import ConfigurationError
from wxrevenue.ports import Signer
from wxrevenue.signing._serial import merchant_serial

_LONGEST_NUMBER: Final = 32
_LONGEST_SERIAL: Final = 64


def quotable(where: str, value: object, longest: int = _LONGEST_NUMBER) -> str:
    """Return a value that may stand between quotes in a header.

    By default it is the number of a merchant.
    """
    found = checks.credential(where, value)
    if not found.isascii() or not found.replace("_", "").isalnum() or len(found) > longest:
        raise ConfigurationError(f"{where}: expected letters, digits and '_', at most {longest}")
    return found


def merchant_numbers(where: str, mchid: object, serial_no: object) -> tuple[str, str]:
    """Return the merchant's number and its certificate's, as they stand in headers."""
    serial = merchant_serial(f"{where}.serial_no", serial_no)
    return quotable(f"{where}.mchid", mchid), quotable(f"{where}.serial_no", serial, _LONGEST_SERIAL)


def signer_of(where: str, key: object) -> Signer:
    """Return what signs: a PEM key, boxed, or a signer of the user's own."""
    if isinstance(key, Secret):
        from wxrevenue.signing._pem_signer import PemSigner  # cryptography, for those who use it

        return PemSigner(key)
    if isinstance(key, Signer) and not type(key).__module__.startswith("cryptography"):  # whose keys sign too, otherwise
        return key
    kind = key.kind if isinstance(key, NotASecret) else type(key).__name__
    raise ConfigurationError(f"{where}.private_key: expected PEM as str or bytes, or a Signer with an async sign(), got {kind}")
