"""What a WeChat Pay request is signed with, over which bytes, and where."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, ClassVar

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from support.faultserver import inside
from support.leaks import assert_no_leak
from support.paykit import (
    CERTIFICATE,
    MCHID,
    NOW,
    ORDER,
    PUBLIC_KEY,
    SERIAL_NO,
    certificate_pem,
    check_signature,
    client,
    error,
    key,
    private_pem,
    public_pem,
    signed,
    verifier,
)
from support.virtual import virtual

from wxrevenue import FundsDistributionClient, MarkTransaction, PayRequest, Secret, StaticVerifier
from wxrevenue._wire.request import Endpoint, Safety
from wxrevenue.errors import ConfigurationError, DeadlineExceededError
from wxrevenue.ports import Signer
from wxrevenue.signing._pem_signer import PemSigner

TARGET = "/v3/global/profit-sharing/transactions/mark"


# -- the bytes -------------------------------------------------------------------------------------


async def test_signed_bytes() -> None:
    """The signature covers method, path, time, nonce and the very body that is sent.

    It verifies with the public key.
    """
    funds, transport = client(signed())
    await funds.mark_transaction(ORDER, sub_mchid="1900000002")
    [request] = transport.requests
    found = check_signature(request, TARGET)
    assert (request.method, request.url) == ("POST", f"https://apihk.mch.weixin.qq.com{TARGET}")
    assert request.body == b'{"out_trade_no":"%s","currency":"CNY","sub_mchid":"1900000002"}' % ORDER.encode()
    assert (found["mchid"], found["serial_no"], found["timestamp"]) == (MCHID, SERIAL_NO, str(NOW))
    assert list(found) == ["mchid", "nonce_str", "signature", "timestamp", "serial_no"]
    assert request.headers["Accept"] == request.headers["Content-Type"] == "application/json"
    assert request.secret is None


async def test_absent_field_is_not_sent() -> None:
    """A direct merchant sends no sub-merchant at all, not an empty one."""
    funds, transport = client(signed())
    await funds.mark_transaction(ORDER)
    assert b"sub_mchid" not in transport.requests[0].body


@attrs.frozen
class Query(PayRequest[None]):
    """A user's own request with a query."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/fake/query?mchid=1&b=%2B", method="POST", safety=Safety.SAFE)
    name: str = "标记 é"


async def test_query_and_text_are_signed_as_sent() -> None:
    """Query and non-ASCII text are signed as the bytes that are sent.

    A gateway's own path is signed too.
    """
    funds, transport = client(signed(), base_url="https://gateway.example/pay/")
    await funds.send(Query())
    [request] = transport.requests
    assert request.url == "https://gateway.example/pay/v3/fake/query?mchid=1&b=%2B"
    assert "标记 é".encode() in request.body
    check_signature(request, "/pay/v3/fake/query?mchid=1&b=%2B")


async def test_fresh_signature_with_every_attempt() -> None:
    """S-18: every attempt has the same body and a new signature.

    Nonce and time are new too.
    """
    funds, transport = client(error(500, "SYSTEM_ERROR"), error(500, "SYSTEM_ERROR"), signed(at=str(NOW)))
    await funds.mark_transaction(ORDER)
    found = [check_signature(request, TARGET) for request in transport.requests]
    assert len({request.body for request in transport.requests}) == 1
    assert len({one["nonce_str"] for one in found}) == len({one["signature"] for one in found}) == 3


async def test_nonces() -> None:
    """S-18: a nonce is 32 hex digits (128 bits) that never repeat."""
    funds, transport = client(*[signed() for _ in range(50)])
    await asyncio.gather(*(funds.mark_transaction(ORDER) for _ in range(50)))
    nonces = [check_signature(request, TARGET)["nonce_str"] for request in transport.requests]
    assert len(set(nonces)) == 50
    assert all(len(nonce) == 32 and int(nonce, 16) >= 0 for nonce in nonces)


@pytest.mark.parametrize(
    ("keys", "serial"),
    [
        ({CERTIFICATE: certificate_pem("certified")}, None),
        ({PUBLIC_KEY: public_pem("public")}, PUBLIC_KEY),
        ({CERTIFICATE: certificate_pem("certified"), PUBLIC_KEY: public_pem("public").encode()}, PUBLIC_KEY),
    ],
)
async def test_request_serial(keys: dict[str, str | bytes], serial: str | None) -> None:
    """A client that verifies with a public key asks for answers signed with it.

    A client with certificates alone asks for nothing.
    """
    funds, transport = client(error(403, "NO_AUTH"), verifier=StaticVerifier(keys))
    with pytest.raises(Exception, match="NO_AUTH"):
        await funds.mark_transaction(ORDER)
    assert transport.requests[0].headers.get("Wechatpay-Serial") == serial


# -- signers ---------------------------------------------------------------------------------------


async def test_signing_runs_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-19: the key is used in another thread than the event loop's."""
    where: list[int] = []
    signer = PemSigner(private_pem())
    real = inside(signer)._sign

    def sign(message: bytes) -> bytes:
        where.append(threading.get_ident())
        made: bytes = real(message)
        return made

    monkeypatch.setattr(signer, "_sign", sign)
    signature = await signer.sign(b"message")
    key("merchant").public_key().verify(signature, b"message", padding.PKCS1v15(), SHA256())
    assert where != [threading.get_ident()]
    assert isinstance(signer, Signer)


class Vault:
    """A signer of a user's own."""

    def __init__(self, answer: bytes | BaseException) -> None:
        self._answer = answer
        self.messages: list[bytes] = []

    async def sign(self, message: bytes) -> bytes:
        """Return, or raise, what was given."""
        self.messages.append(message)
        await asyncio.sleep(0)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


async def test_own_signer() -> None:
    """A user's own signer gets the message.

    What it returns is sent in base64.
    """
    vault = Vault(b"\x00\xff")
    funds, transport = client(error(401, "SIGN_ERROR"), private_key=vault)
    with pytest.raises(Exception, match="SIGN_ERROR"):
        await funds.mark_transaction(ORDER)
    assert 'signature="AP8="' in transport.requests[0].headers["Authorization"]
    assert vault.messages[0].startswith(b"POST\n/v3/global/")
    assert vault.messages[0].endswith(b"\n" + transport.requests[0].body + b"\n")


@pytest.mark.parametrize("raised", [KeyError("vault"), TimeoutError("vault"), OSError("vault")])
async def test_own_signer_raises(raised: Exception) -> None:
    """What a signer raises reaches the caller as it is, at once, and nothing is sent."""
    vault = Vault(raised)
    funds, transport = client(private_key=vault)
    with pytest.raises(type(raised)) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value is raised
    assert (len(vault.messages), transport.requests) == (1, [])


@virtual
async def test_own_signer_hangs() -> None:
    """A signer that does not answer is cut by the deadline.

    Nothing was sent, so the mark cannot have been set.
    """

    class Hanging:
        async def sign(self, message: bytes) -> bytes:
            await asyncio.sleep(3600)
            return b""

    funds, transport = client(private_key=Hanging(), clock=None, deadline=2.0)
    with pytest.raises(DeadlineExceededError, match="signature") as caught:
        await funds.mark_transaction(ORDER)
    assert (caught.value.ambiguous, transport.requests) == (False, [])


# -- private keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("kind", [str, bytes, Secret])
async def test_private_keys(form: PrivateFormat, kind: type) -> None:
    """PKCS#8 and PKCS#1 are read, whatever stands around the key.

    They may be a str, bytes or a ``Secret``.
    """
    pem = f"Bag Attributes\n{private_pem(form=form)}\n"
    funds, transport = client(signed(), private_key=pem.encode() if kind is bytes else kind(pem))
    await funds.mark_transaction(ORDER)
    check_signature(transport.requests[0], TARGET)


def pem_of(found: Any, password: bytes | None = None) -> str:
    """Return a key as PEM."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    text: str = found.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()
    return text


def wrong_keys() -> dict[str, tuple[Any, str]]:
    """Return unfit private keys, and what is said about each."""
    right = private_pem()
    lines = right.splitlines()
    return {
        "encrypted": (pem_of(key("merchant"), b"fake-password"), "encrypted"),
        "EC": (pem_of(ec.generate_private_key(ec.SECP256R1())), "expected an RSA key"),
        "1024 bits": (pem_of(key("small", 1024)), "2048 bits or more, got 1024"),
        "truncated": ("\n".join([*lines[:-8], lines[-1]]), "not a PEM private key"),
        "no end": ("\n".join(lines[:-1]), "not a PEM private key"),
        "public": (public_pem("public"), "not a PEM private key"),
        "certificate": (certificate_pem("certified"), "not a PEM private key"),
        "base64 alone": ("".join(lines[1:-1]), "not a PEM private key"),
        "not ASCII": (right.replace("A", "密"), "not a PEM private key"),
        "empty": ("", "not a PEM private key"),
        "empty bytes": (b"", "not a PEM private key"),
        "binary": (bytes(range(256)), "not a PEM private key"),
        "nothing": (None, "expected"),
        "number": (1, "expected"),
        "key object": (key("merchant"), "expected"),
    }


@pytest.mark.parametrize("name", list(wrong_keys()))
def test_wrong_private_keys(name: str) -> None:
    """S-15: anything but an RSA key of 2048 bits is refused at construction.

    The error has a reason, and does not show the key.
    """
    wrong, said = wrong_keys()[name]
    text = wrong if isinstance(wrong, str) else ""
    secrets = [line for line in text.splitlines() if len(line) > 8 and "-----" not in line] or ["nothing to hide"]

    def client_of(pem: Any) -> object:
        return FundsDistributionClient(MCHID, SERIAL_NO, pem, verifier=verifier())

    for make in (PemSigner, client_of):
        with pytest.raises(ConfigurationError, match=said) as caught:
            make(wrong)
        assert "private_key" in str(caught.value)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert_no_leak(caught.value, secrets=secrets)


def test_key_does_not_show() -> None:
    """Neither the client nor its signer shows the key."""
    funds, _ = client(private_key=private_pem())
    assert isinstance(key("merchant"), RSAPrivateKey)
    assert_no_leak(funds, vars(funds), PemSigner(private_pem()), secrets=private_pem().splitlines()[1:-1])


# -- before anything is signed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": ""},
        {"mchid": 'x"y'},
        {"mchid": 1900000001},
        {"mchid": "1" * 33},
        {"mchid": "商户"},
        {"serial_no": "a,b"},
        {"serial_no": None},
        {"sub_mchid": "a\nb"},
        {"sub_mchid": ""},
        {"sub_mchid": "1" * 33},
        {"verifier": None},
        {"verifier": {PUBLIC_KEY: "pem"}},
        {"base_url": "ftp://x"},
        {"base_url": "https://user:pw@x"},
        {"timeout": 0},
        {"deadline": -1},
        {"transport": object()},
    ],
    ids="-".join,
)
def test_wrong_settings(changes: dict[str, Any]) -> None:
    """A setting that cannot work is refused by name when the client is made.

    It cannot stand in a header, for example. The key is shown nowhere.
    """
    settings: dict[str, Any] = {"mchid": MCHID, "serial_no": SERIAL_NO, "private_key": private_pem(), "verifier": verifier(), **changes}
    [name] = changes
    with pytest.raises(ConfigurationError, match=f"FundsDistributionClient.{name}") as caught:
        FundsDistributionClient(**settings)
    assert_no_leak(caught.value, secrets=private_pem().splitlines()[1:-1])


async def test_two_signers_do_not_mix() -> None:
    """Two clients sign with their own keys."""
    ours, sent = client(signed())
    theirs, sent_by_them = client(signed(), private_key=private_pem("other"))
    await asyncio.gather(ours.mark_transaction(ORDER), theirs.send(MarkTransaction(ORDER)))
    check_signature(sent.requests[0], TARGET)
    check_signature(sent_by_them.requests[0], TARGET, "other")
