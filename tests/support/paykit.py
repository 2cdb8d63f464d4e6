"""WeChat Pay's side for tests.

Keys are made at run time, and answers signed with them. The package's signatures are verified
independently.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from support.fakes import Script
from support.virtual import LeapingClock
from wxrevenue import AddReceiver, FundsDistributionClient, HttpRequest, HttpResponse, MemoryTransport, RetryPolicy, StaticVerifier
from wxrevenue.signing._pem_signer import PemSigner

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_774_000_000
MCHID, SERIAL_NO = "1900000001", "FA4E0001"
CERTIFICATE, PUBLIC_KEY = "FA4E0002", "PUB_KEY_ID_0119000000010000000000000001"
SCHEME = "WECHATPAY2-SHA256-RSA2048"
ORDER = "P20150806125346"
SHARE: dict[str, Any] = {"type": "MERCHANT_ID", "account": "1900000109", "amount": 100, "description": "share"}
NAMED: dict[str, Any] = {**SHARE, "type": "PERSONAL_OPENID", "name": "fake name", "authorized": True}
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


@functools.cache
def key(whose: str, bits: int = 2048) -> RSAPrivateKey:
    """Return the key of an owner, made once."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(whose: str = "merchant", form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """Return the private key of an owner."""
    return key(whose).private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def public_pem(whose: str) -> str:
    """Return the public key of an owner."""
    return key(whose).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@functools.cache
def certificate_pem(whose: str) -> str:
    """Return a certificate of an owner's key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, whose)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key(whose).public_key(), 0xFA4E0002, now, now + dt.timedelta(days=1))
    return builder.sign(key(whose), SHA256()).public_bytes(Encoding.PEM).decode()


@functools.cache
def signer() -> PemSigner:
    """Return the merchant's signer, made once.

    Reading a key takes a tenth of a second.
    """
    return PemSigner(private_pem())


@functools.cache
def verifier() -> StaticVerifier:
    """Return a verifier that knows a certificate and a public key."""
    return StaticVerifier({CERTIFICATE: certificate_pem("certified"), PUBLIC_KEY: public_pem("public")})


def signed(
    body: bytes = b"", status: int = 204, *, whose: str = "public", message: bytes | None = None, **changes: str | None
) -> HttpResponse:
    """Return a signed answer.

    ``changes`` replace headers (``Nonce="…"``) after signing; ``None`` removes one.
    """
    at, nonce = changes.pop("at", str(NOW)), changes.pop("nonce", "fa4e")
    signature = key(whose).sign(message or f"{at}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    headers = {"Timestamp": at, "Nonce": nonce, "Serial": PUBLIC_KEY, "Signature": b64encode(signature).decode(), "Signature-Type": SCHEME}
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return HttpResponse(status, {f"Wechatpay-{name}": value for name, value in headers.items() if value is not None}, body)


def error(status: int, code: str, **headers: str) -> HttpResponse:
    """Return an unsigned refusal of WeChat Pay."""
    return HttpResponse(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, b'{"code":"%s","message":"fake"}' % code.encode()
    )


def client(*script: Any, **options: Any) -> tuple[FundsDistributionClient, MemoryTransport]:
    """Return a client and its transport, which plays ``script``."""
    transport = MemoryTransport(Script(*script))
    settings: dict[str, Any] = {
        "verifier": verifier(),
        "transport": transport,
        "clock": LeapingClock(NOW),
        "retry": RetryPolicy(jitter=lambda: 1.0),
        **options,
    }
    return FundsDistributionClient(MCHID, SERIAL_NO, settings.pop("private_key", None) or signer(), **settings), transport


def authorization(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of an ``Authorization`` header."""
    scheme, _, rest = headers["Authorization"].partition(" ")
    assert scheme == SCHEME
    return dict(_PARAMETER.findall(rest))


def check_signature(request: HttpRequest, target: str, whose: str = "merchant") -> dict[str, str]:
    """Verify a request's signature over what the documents say is signed.

    Return its parameters. Raises if it is wrong.
    """
    found = authorization(request.headers)
    message = f"{request.method}\n{target}\n{found['timestamp']}\n{found['nonce_str']}\n".encode() + request.body + b"\n"
    key(whose).public_key().verify(b64decode(found["signature"], validate=True), message, PKCS1v15(), SHA256())
    return found


def added(**changes: Any) -> AddReceiver:
    """Return an ``AddReceiver`` with some fields changed."""
    given: dict[str, Any] = {"type": "MERCHANT_ID", "account": "19", "relation_type": "SUPPLIER", "name": "fake", **changes}
    return AddReceiver(**given)
