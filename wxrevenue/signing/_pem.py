"""What a str looks like that should be a PEM key and cannot be read as one.

This is for messages, which show no piece of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret

SMALLEST_KEY: Final = 2048
"""Bits."""
PRIVATE: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
_SHAPES: Final = (
    (r"\s*\Z", "an empty text"),
    (r".*-----BEGIN [^\n]*\\[nr]", r"PEM with a literal \n (a backslash and an n) in place of each line break"),
    (r".*-----BEGIN ENCRYPTED PRIVATE KEY-----|.*^Proc-Type: 4,ENCRYPTED", "an encrypted private key: decrypt it first (openssl pkey)"),
    (r".*-----BEGIN OPENSSH PRIVATE KEY-----", "a private key of OpenSSH: convert it (ssh-keygen -p -m PEM)"),
    (r".*-----BEGIN (EC|DSA) (PRIVATE KEY|PARAMETERS)-----", "a key that is not RSA"),
    (r".*-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----", "a private key"),
    (r".*-----BEGIN (NEW )?CERTIFICATE REQUEST-----", "a certificate request (CSR), with which a certificate is applied for"),
    (r".*-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----", "a certificate"),
    (r".*-----BEGIN [A-Z0-9 ]*PUBLIC KEY-----", "a public key, as it is also part of a certificate"),
    (r".*-----BEGIN ", "PEM of another kind"),
    (r"(ssh|ecdsa)-[a-z0-9-]+ ", "a public key of OpenSSH"),
    (r"(\xff\xfe|\xfe\xff)|.?\x00-", "UTF-16 text: save it as UTF-8"),
    (r"0[\x80-\x84].*[^\x09-\x7e]", "binary (DER, or PKCS#12 as in a .p12 file): convert it to PEM"),
    (r"[A-Za-z0-9+/=_\s-]{64,}\Z", "base64 alone: the lines -----BEGIN …----- and -----END …----- are missing"),
    (
        r"[^\n]{1,1024}\Z(?<=\.(pem|key|crt|cer|der|p12|pfx|txt))|[^\n]{0,1024}[/\\][^\n]{1,1024}\Z",
        "the path of a file: give what is in it",
    ),
)
"""What a str begins with, or holds, and how it is called; the first that fits.

Bytes were read as Latin-1.
"""
_PATTERNS: Final = tuple((re.compile(pattern, re.DOTALL | re.MULTILINE), name) for pattern, name in _SHAPES)


def shape_of(pem: Secret) -> str:
    """Return what the str looks like.

    It raises nothing, because a frame of this function holds the str.
    """
    text = pem.reveal().lstrip("\ufeff")
    return next((name for pattern, name in _PATTERNS if pattern.match(text)), "text without a -----BEGIN …----- line")


def kind_of(key: object) -> str:
    """Return what kind of key was read that is not fit.

    It has another algorithm, or is too small.
    """
    name = type(key).__name__.removesuffix("PublicKey").removesuffix("PrivateKey")
    size: object = getattr(key, "key_size", None)
    return f"an RSA key of {size} bits" if name == "RSA" else f"a key of another kind ({name})"
