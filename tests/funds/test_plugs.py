"""A user's own signers, verifiers and keys that do not do what they should.

The error comes at once, and nothing is sent by mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.paykit import client, signed

from wxrevenue import ConfigurationError

if TYPE_CHECKING:
    from wxrevenue import EncryptionKey

AMOUNT = signed(b'{"transaction_id":"42","unsplit_amount":1}', 200)
RECEIVER = signed(b'{"type":"MERCHANT_ID","account":"1"}', 200)
NAME = "fake name of a company"


class Signing:
    """A signer that returns this."""

    def __init__(self, signature: Any) -> None:
        self._signature = signature

    async def sign(self, message: bytes) -> Any:
        """Return it."""
        return self._signature


class PlainSigner:
    """A signer whose ``sign`` is a plain function."""

    def sign(self, message: bytes) -> Any:
        """Return something."""
        return b"fake"


class Trusting:
    """A verifier that believes everything, and hands out this key."""

    def __init__(self, key: Any = None, serial: Any = None) -> None:
        self._key, self._serial = key, serial

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
        """Believe it."""

    def request_serial(self) -> Any:
        """Return what requests name."""
        return self._serial

    async def encryption_key(self, *, timeout: float) -> EncryptionKey:
        """Return the key."""
        return self._key  # type: ignore[no-any-return]


class PlainVerifier(Trusting):
    """A verifier whose ``verify`` is a plain function."""

    def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Believe it."""


class Key:
    """A key that encrypts to this, or raises it."""

    def __init__(self, encrypted: Any, serial: Any = "AB") -> None:
        self._encrypted, self.serial = encrypted, serial

    def encrypt(self, text: str) -> Any:
        """Return or raise it."""
        if isinstance(self._encrypted, Exception):
            raise self._encrypted
        return self._encrypted


@pytest.mark.parametrize(
    ("signer", "says"),
    [
        (Signing("fake"), "a signature must be bytes, got str"),
        (Signing(bytearray(b"fake")), "a signature must be bytes, got bytearray"),
        (Signing(None), "a signature must be bytes, got NoneType"),
        (Signing(b""), "a signature must be bytes, got none at all"),
        (PlainSigner(), "a signature: expected something that can be awaited, got bytes"),
    ],
)
async def test_signers(signer: Any, says: str) -> None:
    """A signer that does not return bytes is an error, and nothing is sent."""
    funds, transport = client(AMOUNT, private_key=signer)
    with pytest.raises(ConfigurationError, match=says):
        await funds.query_remaining_amount("42")
    assert transport.requests == []


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (None, r"encryption_key\(\) must return an EncryptionKey, got NoneType"),
        ("fake", r"encryption_key\(\) must return an EncryptionKey, got str"),
        (Key("fake", serial=""), r"encryption_key\(\) must return an EncryptionKey, got Key"),
        (Key(5), "an encryption key must return a str, got int"),
        (Key("fake", serial="AB\r\nX-Other: 1"), "a verifier's serial must be letters and digits or None, got str"),
        (Key("fake", serial=7), "a verifier's serial must be letters and digits or None, got int"),
    ],
)
async def test_keys(key: Any, says: str) -> None:
    """A key that is invalid, or encrypts to something else than a str, is an error.

    Nothing is sent, least of all the plain name.
    """
    funds, transport = client(RECEIVER, verifier=Trusting(key))
    with pytest.raises(ConfigurationError, match=says):
        await funds.add_receiver(type="MERCHANT_ID", account="1", relation_type="SUPPLIER", name=NAME)
    assert transport.requests == []


async def test_a_key_that_raises() -> None:
    """What a user's key raises passes unchanged; nothing is sent."""
    raised = ValueError("fake hardware is gone")
    funds, transport = client(RECEIVER, verifier=Trusting(Key(raised)))
    with pytest.raises(ValueError, match="fake hardware") as caught:
        await funds.add_receiver(type="MERCHANT_ID", account="1", relation_type="SUPPLIER", name=NAME)
    assert caught.value is raised
    assert transport.requests == []


@pytest.mark.parametrize("serial", [7, "AB CD", "AB\r\nX-Other: 1", ""])
async def test_serials_that_are_none(serial: Any) -> None:
    """A verifier's serial that cannot stand in a header is an error.

    An empty one is an error too. Nothing is sent.
    """
    funds, transport = client(AMOUNT, verifier=Trusting(serial=serial))
    with pytest.raises(ConfigurationError, match="a verifier's serial must be letters and digits or None"):
        await funds.query_remaining_amount("42")
    assert transport.requests == []


async def test_a_verifier_that_is_not_async() -> None:
    """An answer is not believed if ``verify`` cannot be awaited.

    The error says that the call may have acted.
    """
    funds, _ = client(signed(), verifier=PlainVerifier())
    with pytest.raises(ConfigurationError, match=r"verify\(\) must be async, got NoneType") as caught:
        await funds.mark_transaction("P20150806125346")
    assert caught.value.ambiguous
