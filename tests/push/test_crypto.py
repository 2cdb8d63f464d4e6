"""The envelope of a push: signature, key, padding, length and owner.

All refusals are the same.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.leaks import assert_no_leak
from support.pushkit import (
    APPID,
    KEY,
    NOON,
    OTHER_KEY,
    REFUSED,
    SECRETS,
    TICKET,
    TOKEN,
    encrypt,
    framed,
    inner,
    on_the_wire,
    outer,
    padded,
    push,
    query,
    refused,
    sign,
    xml,
)
from support.pushkit import receiver as make

from wxrevenue import ConfigurationError, Secret, Ticket
from wxrevenue.push import TicketReceiver
from wxrevenue.push._component.envelope import Envelope
from wxrevenue.push._component.query import SignedQuery

RECEIVER = make()
BLOCKS = padded(framed(inner()))
SEALED = encrypt(BLOCKS)
ENCRYPTED = base64.b64encode(SEALED).decode()
BODY = xml(Encrypt=ENCRYPTED)
SIGNATURE = sign(TOKEN, str(NOON), "1372623149", ENCRYPTED)

# -- made by others --------------------------------------------------------------------------------


def test_tencents_own_sample() -> None:
    """The sample that Tencent publishes with its programs verifies and opens.

    The sample is the decryption of a message in ``WXBizMsgCrypt``.
    """
    encrypted = (
        "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qh"
        "xchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s"
        "4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/u"
        "h9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
    )
    envelope = Envelope("wx5823bf96d3bd56c7", Secret("QDG6eK"), {"aes_key": Secret("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")})
    signed = SignedQuery(timestamp="1409659813", nonce="1372623149", msg_signature="477715d11cdb4164915debcba66cb864d751f3e6")
    content = envelope.open(envelope.verify_signature(encrypted, signed)).decode()
    assert content.startswith("<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>")
    assert "<Content><![CDATA[hello]]></Content>" in content


def test_tencents_own_test() -> None:
    """The known answer in the tests of Tencent's Java program opens, too.

    The length of text that is not ASCII counts in bytes.
    """
    envelope = Envelope("wxb11529c136998cb6", Secret("pamtest"), {"aes_key": Secret("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")})
    sealed = base64.b64decode("jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==")
    assert envelope.open(sealed).decode() == "我是中文abcd123"


def test_made_by_wechatpy() -> None:
    """A push that wechatpy 1.8.18 made is taken, and gives its ticket.

    It was made with pycryptodome's AES.
    """
    encrypted = (
        "1VZnVHBY3mOI1xA5Z9egsNvkiHMoeWDUqejhd+X2DyIWnoKC8HtW2797zwciQLWchrSByPEY0fYKNo72AC3YvfmrLEDcNnrCCFVbNCpM919wnO5SjbR89dXvgzXD9lbe"
        "bPXfzMxxpUvssjBYVWfAV1ZxEWti9Yrg4+KAsxHFkHqNH4bL9fS7TOYAnB+EZHOkF6bwkdsUSW8KiUxWtAsnUASHhtRMQctharFuQfyerRcHEmw4f0PUofNZEBtSNR0S"
        "4O0YKEBW5Cg3FSZVP34lhpJm7rox5dqiX0dWuwJFiUE="
    )
    judge = TicketReceiver(APPID, "faketoken", KEY)
    parameters = "timestamp=1700000001&nonce=1372623149&msg_signature=b62cb299cd23f5a0883dd2f38b3f46910d0da529"
    body = f"<xml>\n<Encrypt><![CDATA[{encrypted}]]></Encrypt>\n<TimeStamp>1700000001</TimeStamp>\n</xml>".encode()
    assert judge.handle(parameters, body).event == Ticket(TICKET, NOON)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
def test_made_by_openssl() -> None:
    """A push that the openssl command encrypts is taken.

    The package would encrypt it to the same bytes.
    """
    key = base64.b64decode(KEY + "=")
    command = ["openssl", "enc", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", key[:16].hex()]
    sealed = subprocess.run(command, input=BLOCKS, capture_output=True, check=True).stdout  # noqa: S603
    assert sealed == SEALED
    assert RECEIVER.handle(*outer(sealed)).event == Ticket(TICKET, NOON)


# -- the signature ---------------------------------------------------------------------------------

WRONG = {
    "another": sign("another-token", str(NOON), "1372623149", ENCRYPTED),
    "missing": None,
    "empty": "",
    "upper-case": SIGNATURE.upper(),
    "shorter": SIGNATURE[:-1],
    "longer": SIGNATURE + "0",
    "no hexadecimal": "g" * 40,
    "no ASCII": "é" * 40,
    "of no content": sign(TOKEN, str(NOON), "1372623149"),
    "SHA-256": SIGNATURE.ljust(64, "0"),
}


@pytest.mark.parametrize("signature", WRONG.values(), ids=WRONG)
def test_signatures_that_are_refused(signature: str | None) -> None:
    """X-08: a wrong signature is refused.

    The signature is missing, empty, of other letters or length, or of another token or content.
    """
    assert RECEIVER.handle(query(ENCRYPTED), BODY).is_success
    assert "signature" in refused(RECEIVER.handle, (query(ENCRYPTED, msg_signature=signature), BODY))


def test_nothing_is_decrypted_unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """X-08: without a right signature no key is used at all.

    So no sender can ask what a ciphertext decrypts to.
    """
    opened: list[bytes] = []

    def look(_envelope: Envelope, sealed: bytes) -> bytes:
        opened.append(sealed)
        return inner()

    monkeypatch.setattr(Envelope, "open", look)
    assert RECEIVER.handle(query(ENCRYPTED), BODY).is_success
    assert opened.pop() == SEALED
    refused(RECEIVER.handle, (query(ENCRYPTED, msg_signature="0" * 40), BODY))
    assert opened == []


@pytest.mark.parametrize(
    ("timestamp", "nonce"),
    [("1372623149", str(NOON)), ("1372", f"623149{NOON}"), ("137262", f"3149{NOON}")],
    ids=["swapped", "moved", "moved elsewhere"],
)
def test_signed_numbers_prove_nothing(timestamp: str, nonce: str) -> None:
    """X-09: timestamp and nonce do not identify a push.

    The signature fits other values as well, so a push with other values is a repetition.
    """
    judge = make()
    judge.confirm(judge.handle(query(ENCRYPTED), BODY))
    again = judge.handle(query(ENCRYPTED, timestamp=timestamp, nonce=nonce, msg_signature=SIGNATURE), BODY)
    assert (again.is_success, again.event, again.reason) == (True, None, "it came before")


def test_no_block_wanders_into_the_nonce() -> None:
    """X-09: blocks moved from the ciphertext into the nonce are refused.

    The signature is still right then.
    """
    sealed = next(s for s in (encrypt(padded(framed(inner(), salt=bytes([n]) * 16))) for n in range(256)) if _follows_the_token(s))
    encrypted = base64.b64encode(sealed).decode()
    timestamp, nonce = "1", "z" if encrypted > "z" else "g"
    rest, wandered = encrypted[64:], nonce + encrypted[:64]
    signature = sign(TOKEN, timestamp, nonce, encrypted)
    assert RECEIVER.handle(query(encrypted, timestamp=timestamp, nonce=nonce), xml(Encrypt=encrypted)).is_success
    forged = query(rest, timestamp=timestamp, nonce=wandered, msg_signature=signature)
    assert sign(TOKEN, timestamp, wandered, rest) == signature
    assert "nonce" in refused(RECEIVER.handle, (forged, xml(Encrypt=rest)))


def _follows_the_token(sealed: bytes) -> bool:
    encrypted = base64.b64encode(sealed).decode()
    return encrypted[0] > "g" and encrypted[64:] > "g" + encrypted[:64]


# -- what is encrypted -----------------------------------------------------------------------------


@pytest.mark.slow("tries every value of each byte of a block")
def test_every_change_of_the_last_block_looks_the_same() -> None:
    """X-11: every change of the last block gives the same refusal, byte for byte.

    This holds whatever any byte of it decrypts to, signed or not.
    """
    answers: set[object] = set()
    for at in range(len(SEALED) - 32, len(SEALED) - 16):
        for flip in range(1, 256):
            changed = bytearray(SEALED)
            changed[at] ^= flip
            parameters, body = outer(bytes(changed))
            answers |= {on_the_wire(RECEIVER.handle(parameters, body)), on_the_wire(RECEIVER.handle(query(ENCRYPTED), body))}
    assert answers == {REFUSED}


@given(at=st.integers(16, len(SEALED) - 1), flip=st.integers(1, 255))
def test_changed_ciphertexts_are_refused_alike(at: int, flip: int) -> None:
    """X-11: a signed ciphertext changed behind the salt yields no other ticket.

    Any byte is changed. A refusal is like every other.
    """
    changed = bytearray(SEALED)
    changed[at] ^= flip
    reply = RECEIVER.handle(*outer(bytes(changed)))
    assert on_the_wire(reply) == REFUSED


def _with_padding(count: int, byte: int) -> bytes:
    plain = framed(inner(ComponentVerifyTicket="f" * 64))
    filled = plain[: len(plain) - (len(plain) + count) % 16]
    return filled + bytes([byte]) * count


@pytest.mark.parametrize("byte", [0, 33, 48, 255])
def test_paddings_that_are_refused(byte: int) -> None:
    """X-12: a padding of no byte, or of more than WeChat's 32, is refused."""
    assert "padding" in refused(RECEIVER.handle, outer(encrypt(_with_padding(byte or 16, byte))))


def test_padding_bytes_must_agree() -> None:
    """X-12: every byte of the padding counts, not only the last."""
    good = BLOCKS
    count = good[-1]
    assert count > 1
    bad = good[:-count] + b"\x00" + good[-count + 1 :]
    assert "padding" in refused(RECEIVER.handle, outer(encrypt(bad)))


@pytest.mark.parametrize("sealed", [b"", b"x" * 15, SEALED[:-1], SEALED + b"x"], ids=["empty", "short", "cut", "long"])
def test_ciphertexts_of_no_whole_blocks(sealed: bytes) -> None:
    """X-13: a ciphertext that is no whole number of blocks is refused."""
    refused(RECEIVER.handle, outer(sealed))


SIZE = len(inner())


@pytest.mark.parametrize("length", [0, SIZE - 1, SIZE + 1, SIZE + len(APPID) + 1, 2**31 - 1, 2**31, 2**32 - 1, -1])
def test_lengths_that_are_refused(length: int) -> None:
    """X-13: a wrong length inside is refused: too small, too large or off by one."""
    refused(RECEIVER.handle, push(length=length))


@given(st.integers(0, 2**32 - 1))
def test_any_length_but_one_is_refused(length: int) -> None:
    """X-13: there is exactly one right length."""
    assert RECEIVER.handle(*push(length=length)).is_success == (length == SIZE)


@pytest.mark.parametrize("plain", [b"", b"x", b"x" * 16, b"x" * 19, b"x" * 20])
def test_contents_shorter_than_their_frame(plain: bytes) -> None:
    """X-13: a content too short for a salt, a length and an appid is refused."""
    refused(RECEIVER.handle, outer(encrypt(padded(plain))))


@pytest.mark.parametrize("owner", ["", "wx0000000000000002", APPID + "x", APPID[:-1], APPID.upper(), "é"])
def test_owners_that_are_refused(owner: str) -> None:
    """X-14, K-19: a push for another component is refused."""
    assert "another component" in refused(RECEIVER.handle, push(owner=owner))


@pytest.mark.parametrize("appid", [None, "", "wx0000000000000002", APPID.upper(), f"{APPID} {APPID}"])
def test_appids_inside_that_are_refused(appid: str | None) -> None:
    """X-14, K-19: a push whose content names another appid, or none, is refused."""
    assert "AppId" in refused(RECEIVER.handle, push(inner(AppId=appid)))


@pytest.mark.parametrize(
    "encrypted", ["", "not base64!", ENCRYPTED[:-1], ENCRYPTED + "=", ENCRYPTED[:8] + "\n" + ENCRYPTED[8:], "é", "=" * 16]
)
def test_texts_that_are_no_base64(encrypted: str) -> None:
    """A value that is no base64 is refused, signed or not."""
    refused(RECEIVER.handle, (query(encrypted), xml(Encrypt=encrypted)))


# -- keys ------------------------------------------------------------------------------------------

KEYS: dict[str, Any] = {
    "42 characters": KEY[:-1],
    "44 characters": KEY + "=",
    "another alphabet": KEY[:-1] + "-",
    "no ASCII": KEY[:-1] + "é",
    "a line more": KEY + "\n",
    "empty": "",
    "bytes": KEY.encode(),
    "none": None,
    "a function": lambda: KEY,
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_keys_that_are_none(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    """X-15: an ``EncodingAESKey`` of another shape is an error of the receiver.

    The error comes when the receiver is made, and does not show the key.
    """
    with pytest.raises(ConfigurationError, match=r"TicketReceiver\.aes_key: expected .* 43") as caught:
        TicketReceiver(APPID, TOKEN, key)
    assert_no_leak(caught.value, secrets=[TOKEN, KEY[:40]], caplog=caplog)
    if key is not None:
        with pytest.raises(ConfigurationError, match=r"TicketReceiver\.previous_aes_key") as caught:
            TicketReceiver(APPID, TOKEN, KEY, previous_aes_key=key)
        assert_no_leak(caught.value, secrets=[TOKEN, KEY[:40]], caplog=caplog)


@pytest.mark.parametrize("token", ["", "fake push token", "fake-push-token\n", b"fake-push-token", None, 7])
def test_tokens_that_are_none(token: Any) -> None:
    """X-15: an invalid token is refused, too."""
    with pytest.raises(ConfigurationError, match=r"TicketReceiver\.token") as caught:
        TicketReceiver(APPID, token, KEY)
    assert_no_leak(caught.value, secrets=[TOKEN, KEY])


@pytest.mark.parametrize("appid", ["", "wx\n", None, 7])
def test_appids_that_are_none(appid: Any) -> None:
    """X-15: an invalid appid is refused, too."""
    with pytest.raises(ConfigurationError, match=r"TicketReceiver\.component_appid") as caught:
        TicketReceiver(appid, TOKEN, KEY)
    assert_no_leak(caught.value, secrets=[TOKEN, KEY])


def test_clocks_that_are_none() -> None:
    """An invalid clock is refused, too."""
    wrong: Any = NOON
    with pytest.raises(ConfigurationError, match=r"TicketReceiver\.clock: expected a Clock, got int") as caught:
        TicketReceiver(APPID, TOKEN, KEY, previous_aes_key=OTHER_KEY, clock=wrong)
    assert_no_leak(caught.value, secrets=SECRETS)


def test_a_change_of_keys() -> None:
    """During a change of keys, pushes sealed with the new or the former key are taken.

    Afterwards only those with the new key are.
    """
    changing = TicketReceiver(APPID, Secret(TOKEN), Secret(OTHER_KEY), previous_aes_key=Secret(KEY))
    changed = TicketReceiver(APPID, TOKEN, OTHER_KEY)
    assert [changing.handle(*push(key=key)).is_success for key in (KEY, OTHER_KEY)] == [True, True]
    assert [changed.handle(*push(key=key)).is_success for key in (KEY, OTHER_KEY)] == [False, True]
    assert "padding" in refused(changing.handle, push(key="A" * 43))
    assert "another component" in refused(changing.handle, push(key=OTHER_KEY, owner="wx0000000000000002"))


def test_a_receiver_shows_nothing() -> None:
    """What a receiver and its replies print holds no token, key or ticket."""
    judge = make(previous_aes_key=OTHER_KEY)
    assert_no_leak(judge, judge.handle(*push()), judge.handle(*push(key=OTHER_KEY)), judge.handle("", b""), secrets=SECRETS)
