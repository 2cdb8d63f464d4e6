"""Keys that cannot be right are refused when they are given.

Tested are serial numbers, shapes of PEM, and one key in the place of another.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID
from support.leaks import assert_no_leak
from support.paykit import MCHID, NOW, ORDER, PUBLIC_KEY, SERIAL_NO, certificate_pem, client, key, private_pem, public_pem, signed, verifier
from support.virtual import LeapingClock

from wxrevenue import ConfigurationError, FundsDistributionClient, PemSigner, Secret, SignatureError, StaticVerifier
from wxrevenue.signing._serial import even_serial

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = 0x0A00AA1122334455667788990011223344556677
NAMED = f"{NUMBER:040X}"
"""How WeChat Pay spells it."""


def certificate(number: int = NUMBER, whose: Any = None) -> x509.Certificate:
    """Return a certificate of that number."""
    found, now = whose or key("platform"), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake")])
    return x509.CertificateBuilder(name, name, found.public_key(), number, now, now + dt.timedelta(days=1)).sign(found, SHA256())


def pem(number: int = NUMBER, whose: Any = None) -> str:
    """Return such a certificate as PEM."""
    return certificate(number, whose).public_bytes(Encoding.PEM).decode()


async def verifies(found: StaticVerifier, serial: str = NAMED) -> bool:
    """Return whether an answer that names the certificate is accepted."""
    signature = key("platform").sign(b"message", PKCS1v15(), SHA256())
    try:
        await found.verify(serial=serial, message=b"message", signature=signature, timeout=1.0)
    except SignatureError:
        return False
    return True


# -- serial numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled",
    [
        NAMED,
        NAMED.lower(),
        f"{NUMBER:X}",
        f"{NUMBER:x}",
        f"0x{NUMBER:x}",
        str(NUMBER),
        ":".join(NAMED[i : i + 2] for i in range(0, 40, 2)),
        "-".join(NAMED[i : i + 2] for i in range(0, 40, 2)).lower(),
        f"00{NAMED}",
    ],
)
async def test_spellings_of_a_serial_number(spelled: str) -> None:
    """S-21: a certificate is known by its number, however a tool prints that."""
    found = StaticVerifier({spelled: pem()})
    assert await verifies(found)
    assert repr(found) == f"StaticVerifier(['{NAMED}'])"


@pytest.mark.parametrize("wrong", [f"{NUMBER + 1:X}", "PUB_KEY_ID_0110", NAMED[:-2], "platform", "1"])
def test_certificate_of_another_number(wrong: str) -> None:
    """S-21: a certificate under another number than its own is refused.

    It would never be asked. Both numbers are named.
    """
    with pytest.raises(ConfigurationError, match=f"{wrong}.*{NAMED}"):
        StaticVerifier({wrong: pem()})


async def test_public_keys_go_by_any_name() -> None:
    """S-21: a public key may have any name, because it does not hold its own.

    Ids and numbers are normalized.
    """
    public = public_pem("platform")
    for given, named in {"pub_key_id_01a": "PUB_KEY_ID_01A", NAMED.lower(): NAMED, "gateway-1": "gateway-1", "0110": "0110"}.items():
        assert await verifies(StaticVerifier({given: public}), named)
    assert StaticVerifier({"pub_key_id_01a": public}).request_serial() == "PUB_KEY_ID_01A"
    assert await verifies(StaticVerifier({f"{NUMBER:x}": public}))
    for given in ("PUB_KEY_ID_01a", "pub_key_id_01a", "PUB_KEY_ID_01A"):
        assert await verifies(StaticVerifier({given: public}), "PUB_KEY_ID_01a"), "it is WeChat Pay that says how an id is spelled"
    assert not await verifies(StaticVerifier({"PUB_KEY_ID_01A": public}), "pub_key_id_01a")


def test_two_keys_under_one_number() -> None:
    """S-21: two spellings of one number with one key are one entry.

    With two keys they are a mistake.
    """
    assert repr(StaticVerifier({NAMED: pem(), NAMED.lower(): pem()})) == f"StaticVerifier(['{NAMED}'])"
    with pytest.raises(ConfigurationError, match=f"two different keys stand under {NAMED}"):
        StaticVerifier({NAMED: pem(), NAMED.lower(): pem(whose=key("other"))})


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("5f0ac3d1", "5F0AC3D1"),
        ("5F:0A:C3:D1", "5F0AC3D1"),
        ("f0ac3d1", "0F0AC3D1"),
        (str(NUMBER * 16), f"{NUMBER * 16:040X}"),
        ("AB_1", "AB_1"),
    ],
)
async def test_merchants_serial_number(given: str, sent: str) -> None:
    """S-21: the merchant's own serial number is sent as WeChat Pay spells it."""
    _, transport = client(signed())
    settings: dict[str, Any] = {"verifier": verifier(), "transport": transport, "clock": LeapingClock(NOW)}
    funds = FundsDistributionClient(MCHID, given, private_pem(), **settings)
    await funds.mark_transaction(ORDER)
    assert f'serial_no="{sent}"' in transport.requests[0].headers["Authorization"]


def test_even_serials_are_even() -> None:
    """A normalized serial stays the same, and zeros of a whole byte stay."""
    for serial in ("00AB", "0", "ABC", NAMED, "PUB_KEY_ID_01", "no number"):
        assert even_serial(even_serial(serial)) == even_serial(serial)
    assert even_serial("00AB") == "00AB"


def test_public_key_id_in_place_of_the_merchants_number() -> None:
    """S-23: the id of WeChat Pay's public key is not the merchant's serial number."""
    with pytest.raises(ConfigurationError, match=r"serial_no: .* for the verifier"):
        FundsDistributionClient(MCHID, PUBLIC_KEY, private_pem(), verifier=verifier())


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serial", "says"),
    [
        (
            "PUB_KEY_ID_0110000000000000000000000000000001",
            "for PUB_KEY_ID_0110000000000000000000000000000001, .* add the WeChat Pay public key",
        ),
        ("5A0B11223344", "for 5A0B11223344, .* add the platform certificate"),
        ("a\x1b[31mb", "for the serial the answer names; known"),
        ("x" * 500, "for the serial the answer names; known"),
    ],
)
async def test_answer_of_a_key_that_nobody_gave(serial: str, says: str) -> None:
    """S-22: the error names the key and says what to add; the mark may have been set."""
    funds, _ = client(signed(Serial=serial))
    with pytest.raises(SignatureError, match=says) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value.ambiguous
    assert PUBLIC_KEY in str(caught.value)


# -- shapes ----------------------------------------------------------------------------------------


def shapes(right: str) -> dict[str, tuple[str | bytes, str]]:
    """Return the shapes in which a right value arrives, and what is said of each."""
    lines = right.splitlines()
    return {
        "a literal backslash": (right.replace("\n", "\\n"), "literal"),
        "base64 alone": ("".join(lines[1:-1]), "base64 alone"),
        "base64 in lines": ("\n".join(lines[1:-1]), "base64 alone"),
        "a path": ("/etc/wechat/apiclient_key.pem", "path of a file"),
        "a path of Windows": ("C:\\keys\\pub_key.pem", "path of a file"),
        "a name of a file": ("apiclient_key.pem", "path of a file"),
        "UTF-16": (right.encode("utf-16"), "UTF-16"),
        "empty": ("  \n", "an empty text"),
        "words": ("see the safe", "without a -----BEGIN"),
        "cut short": ("\n".join(lines[:4]), "cut short or damaged"),
    }


def others() -> dict[str, tuple[str | bytes, str]]:
    """Return the values given in place of a key, and what is said of each."""
    curve = ec.generate_private_key(ec.SECP256R1())
    private, cert = key("platform"), certificate()
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(private, SHA256())
    return {
        "encrypted": (
            private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"fake-password")),
            "an encrypted private key",
        ),
        "encrypted as of old": (
            private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"fake-password")),
            "an encrypted private key",
        ),
        "a request": (request.public_bytes(Encoding.PEM), "a certificate request"),
        "DER": (cert.public_bytes(Encoding.DER), "binary"),
        "a private key in DER": (private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "binary"),
        "PKCS#12": (serialize_key_and_certificates(b"fake", private, cert, None, BestAvailableEncryption(b"fake-password")), "binary"),
        "EC parameters": (curve.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()), "RSA"),
        "another PEM": ("-----BEGIN PKCS7-----\nAA==\n-----END PKCS7-----", "PEM of another kind"),
        "OpenSSH": (private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), "a public key of OpenSSH"),
    }


WANTED: dict[str, Callable[[Any], object]] = {
    "private": lambda pem: FundsDistributionClient(MCHID, SERIAL_NO, pem, verifier=verifier()),
    "signer": PemSigner,
    "certificate": lambda pem: StaticVerifier({NAMED: pem}),
    "public": lambda pem: StaticVerifier({PUBLIC_KEY: pem}),
}
RIGHT = {"private": private_pem("platform"), "signer": private_pem("platform"), "certificate": pem(), "public": public_pem("platform")}
WRONG = {
    "private": {"a certificate": (pem(), "a certificate"), "a public key": (public_pem("platform"), "a public key")},
    "certificate": {
        "a private key": (private_pem("platform"), "a private key"),
        "a private key behind a certificate": (pem() + private_pem("platform"), "a private key"),
        "a small one": (pem(whose=key("small", 1024)), "an RSA key of 1024 bits"),
    },
    "public": {"a private key": (private_pem("platform"), "a private key")},
    "signer": {},
}
CASES = [(wanted, name, *case) for wanted, right in RIGHT.items() for name, case in {**shapes(right), **others(), **WRONG[wanted]}.items()]


@pytest.mark.parametrize(("wanted", "given", "says"), [case[:1] + case[2:] for case in CASES], ids=[f"{c[0]}-{c[1]}" for c in CASES])
@pytest.mark.parametrize("form", ["as it is", "bytes", "Secret"])
def test_shapes_are_told(wanted: str, given: str | bytes, says: str, form: str) -> None:
    """S-23 S-24: an error says what the value looks like.

    Neither the error nor the locals of a frame show a piece of the value.
    """
    value: Any = given
    if form != "as it is":
        text = given if isinstance(given, str) else given.decode("latin-1")
        value = Secret(text) if form == "Secret" else text.encode("latin-1")
    with pytest.raises(ConfigurationError, match=r"this is|expected an RSA key") as caught:
        WANTED[wanted](value)
    assert says in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    secrets = [line for line in private_pem("platform").splitlines() if len(line) > 40]
    assert_no_leak(caught.value, secrets=secrets)


@pytest.mark.parametrize("wanted", sorted(WANTED))
@pytest.mark.parametrize("shape", ["CRLF", "a mark", "one line", "bytearray"])
def test_shapes_that_are_read(wanted: str, shape: str) -> None:
    """A byte order mark, other line ends and text around a key do no harm.

    The line ends are those of Windows, or blanks.
    """
    right = RIGHT[wanted]
    changed: dict[str, Any] = {
        "CRLF": right.replace("\n", "\r\n"),
        "a mark": f"\ufeffBag Attributes\n{right}",
        "one line": " ".join(right.splitlines()),
        "bytearray": bytearray(right.encode()),
    }
    WANTED[wanted](changed[shape])
    WANTED[wanted](changed[shape].encode("utf-8") if isinstance(changed[shape], str) else changed[shape])


# -- one in the place of another -------------------------------------------------------------------


PLACES: list[Callable[[Any], object]] = [
    StaticVerifier,
    lambda pem: StaticVerifier({pem: NAMED}),
    lambda pem: StaticVerifier({pem.replace("\n", ""): NAMED}),
    lambda pem: StaticVerifier({"".join(pem.splitlines()[1:-1]): NAMED}),
    lambda pem: StaticVerifier(cast("Any", [pem])),
    lambda pem: StaticVerifier({NAMED: cast("Any", [pem])}),
    lambda pem: FundsDistributionClient(pem, SERIAL_NO, NAMED, verifier=verifier()),
    lambda pem: FundsDistributionClient(MCHID, pem, SERIAL_NO, verifier=verifier()),
    lambda pem: FundsDistributionClient(MCHID, pem.encode(), SERIAL_NO, verifier=verifier()),
    lambda pem: FundsDistributionClient(MCHID, SERIAL_NO, pem, verifier=pem),
    lambda pem: FundsDistributionClient(MCHID, SERIAL_NO, pem, verifier=cast("Any", {NAMED: pem})),
    lambda pem: FundsDistributionClient(MCHID, SERIAL_NO, private_pem(), verifier=verifier(), sub_mchid=pem),
]


@pytest.mark.parametrize("make", PLACES)
def test_a_private_key_in_another_place(make: Callable[[Any], object]) -> None:
    """S-24: a refusal does not show a private key that was put in a wrong place.

    The locals of a frame do not show it either.
    """
    with pytest.raises(ConfigurationError) as caught:
        make(private_pem())
    assert_no_leak(caught.value, secrets=[line for line in private_pem().splitlines() if len(line) > 40])


def test_a_verifier_half_made() -> None:
    """S-24: a verifier whose construction failed can be printed."""
    assert repr(StaticVerifier.__new__(StaticVerifier)) == "StaticVerifier([])"
    assert certificate_pem("certified").startswith("-----BEGIN CERTIFICATE")
