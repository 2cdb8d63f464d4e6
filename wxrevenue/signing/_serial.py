"""The serial numbers by which WeChat Pay names certificates.

They are read in the ways in which common tools print them.
"""

from __future__ import annotations

import re
from typing import Final

from wxrevenue._base import checks as _checks
from wxrevenue.errors import ConfigurationError

PUBLIC_KEY_ID: Final = "PUB_KEY_ID_"
"""How WeChat Pay names its public key, which needs no certificate."""
_HEX: Final = re.compile(r"(?:0x)?([0-9A-F]+(?:[:-][0-9A-F]{2})*)", re.IGNORECASE | re.ASCII)
_LONGEST: Final = 40
"""Hexadecimal digits of a serial number: 20 bytes (RFC 5280).

More digits, if all are decimal, were printed as a decimal number.
"""
_NAME: Final = re.compile(r"[0-9A-Za-z_.:-]{1,128}", re.ASCII)


def even_serial(text: str) -> str:
    """Return a serial number as WeChat Pay spells it.

    That is whole bytes in capitals, no colons. Any other str comes back as it is.
    """
    if _LONGEST < len(text) <= 2 * _LONGEST and text.isascii() and text.isdecimal():
        return hex_serial(int(text))
    found = _HEX.fullmatch(text)
    if found is None:
        return text.upper() if text.upper().startswith(PUBLIC_KEY_ID) else text
    digits = re.sub("[:-]", "", found[1]).upper()
    while len(digits) > _LONGEST and digits.startswith("0"):
        digits = digits[1:]  # the sign's own byte, as some tools print it
    return _whole_bytes(digits)


def hex_serial(number: int) -> str:
    """Return a certificate's number as WeChat Pay spells it."""
    return _whole_bytes(f"{number:X}")


def serial_number(text: str) -> int | None:
    """Return the number that a serial spells in hexadecimal digits.

    ``None`` for an id.
    """
    found = even_serial(text)
    return int(found, 16) if _HEX.fullmatch(found) else None


def is_serial_of(text: str, number: int) -> bool:
    """Return whether a str names the certificate of that number.

    Its digits may be hexadecimal or decimal.
    """
    return serial_number(text) == number or (text.isascii() and text.isdecimal() and int(text) == number)


def printable_name(text: str) -> str | None:
    """Return a serial number or id for a message, if it looks like one.

    A key may have been given in its place.
    """
    return text if _NAME.fullmatch(text) else None


def merchant_serial(where: str, value: object) -> str:
    """Return the serial number of a merchant's own certificate, evened out."""
    even = even_serial(_checks.credential(where, value))
    if even.startswith(PUBLIC_KEY_ID):
        raise ConfigurationError(
            f"{where}: expected the serial number of the merchant's own API certificate; {PUBLIC_KEY_ID}… names WeChat Pay's public "
            "key, which is for the verifier"
        )
    return even


def _whole_bytes(digits: str) -> str:
    return digits if len(digits) % 2 == 0 else f"0{digits}"
