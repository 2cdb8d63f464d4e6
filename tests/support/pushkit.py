"""Makes pushes as WeChat does, and wrong ones."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from support.virtual import HandClock
from wxrevenue.push import Reply, TicketReceiver

if TYPE_CHECKING:
    from collections.abc import Callable

APPID = "wx0000000000000001"
TOKEN = "fake-push-token"
KEY = "FakeEncodingAesKeyForTestsOnly0123456789abc"
OTHER_KEY = KEY[::-1]
TICKET = "fake-ticket-1"
NOON = 1_700_000_000
SECRETS = [TOKEN, KEY, OTHER_KEY, TICKET]
REFUSED = (403, b"refused", "text/plain")


def inner(**fields: object) -> bytes:
    """Return the content of a ticket push.

    Fields may be changed, added, or left out with ``None``.
    """
    known = {"AppId": APPID, "CreateTime": NOON, "InfoType": "component_verify_ticket", "ComponentVerifyTicket": TICKET}
    return xml(**{name: value for name, value in (known | fields).items() if value is not None})


def xml(**fields: object) -> bytes:
    """Return the fields as XML."""
    return f"<xml>{''.join(f'<{name}>{value}</{name}>' for name, value in fields.items())}</xml>".encode()


def framed(content: bytes, *, salt: bytes = b"0123456789abcdef", length: int | None = None, owner: str = APPID) -> bytes:
    """Return the content with salt, length and appid, not yet padded."""
    size = len(content) if length is None else length
    return salt + (size & 0xFFFFFFFF).to_bytes(4, "big") + content + owner.encode()


def padded(plain: bytes) -> bytes:
    """Return the content padded to blocks of 32."""
    count = 32 - len(plain) % 32
    return plain + bytes([count]) * count


def encrypt(blocks: bytes, key: str = KEY) -> bytes:
    """Return whole blocks, encrypted."""
    raw = base64.b64decode(key + "=")
    encryptor = Cipher(AES(raw), CBC(raw[:16])).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def sign(*parts: str) -> str:
    """Return the signature over these strings."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  (theirs)


def query(encrypted: str, **changed: Any) -> str:
    """Return the query of a push with this encrypted part.

    Parameters may be changed, added, or left out with ``None``.
    """
    timestamp, nonce = str(changed.get("timestamp", NOON)), str(changed.get("nonce", "1372623149"))
    known = {"signature": sign(TOKEN, timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "encrypt_type": "aes"}
    known["msg_signature"] = sign(TOKEN, timestamp, nonce, encrypted)
    return urlencode({name: value for name, value in (known | changed).items() if value is not None})


def outer(sealed: bytes) -> tuple[str, bytes]:
    """Return the query and the body of a push with this encrypted part."""
    encrypted = base64.b64encode(sealed).decode()
    return query(encrypted), xml(AppId=APPID, Encrypt=f"<![CDATA[{encrypted}]]>")


def push(content: bytes | None = None, *, key: str = KEY, **frame: Any) -> tuple[str, bytes]:
    """Return the query and the body of a whole push."""
    return outer(encrypt(padded(framed(inner() if content is None else content, **frame)), key))


def ticket_push(n: int = 1, created: int = NOON) -> tuple[str, bytes]:
    """Return a push of a ticket."""
    return push(inner(ComponentVerifyTicket=f"fake-ticket-{n}", CreateTime=created))


def receiver(clock: HandClock | None = None, **options: Any) -> TicketReceiver:
    """Return a receiver whose clock shows noon."""
    return TicketReceiver(APPID, TOKEN, KEY, clock=clock or HandClock(NOON), **options)


def on_the_wire(reply: Reply) -> tuple[int, bytes, str]:
    """Return the part of a reply that the sender of a push sees."""
    return reply.status, reply.body, reply.content_type


def refused(judge: Callable[[str | bytes, bytes], Reply], pushed: tuple[str | bytes, bytes]) -> str:
    """Return the reason of a refusal; fail unless it looks like every other."""
    reply = judge(*pushed)
    assert (on_the_wire(reply), reply.event, reply.is_success) == (REFUSED, None, False), reply
    assert reply.reason
    return reply.reason
