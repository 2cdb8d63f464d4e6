"""What the server pushes of its own accord.

Tickets and changes of authorizations, signed, sealed, and posted to a URL.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlencode

import attrs

from wxrevenue.sandbox._seeded import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Change: TypeAlias = Literal["authorized", "updateauthorized", "unauthorized"]

_TICKET_LIFE = 12 * 3600
_CODE_LIFE = 3600
_BLOCK = 32
_INVALID, _EXPIRED = 61006, 61005


@attrs.frozen
class PushKeys:
    """With what a provider's pushes are signed and sealed.

    They are made up, as everything here.
    """

    token: str
    aes_key: str


@attrs.frozen(repr=False)
class Push:
    """One push, ready to be posted. The same push may be posted twice, as happens."""

    query: str
    body: bytes

    async def post(self, url: str) -> tuple[int, str]:
        """Post it to a URL, and return the status and text of the reply.

        It waits five seconds at most, as WeChat does.
        """
        from aiohttp import ClientSession, ClientTimeout  # for those who use it

        async with ClientSession(timeout=ClientTimeout(5.0)) as session:
            headers = {"Content-Type": "text/xml"}
            async with session.post(
                f"{url}{'&' if '?' in url else '?'}{self.query}", data=self.body, headers=headers, allow_redirects=False
            ) as reply:
                return reply.status, await reply.text()

    def __repr__(self) -> str:
        return f"<Push body={len(self.body)} B>"


class Pushes:
    """Makes pushes, and knows which tickets they held."""

    def __init__(self, *, seed: int, now: Callable[[], float]) -> None:
        self._seed, self._now = seed, now
        self._issued: defaultdict[str, list[int]] = defaultdict(list)
        self._count = 0

    def keys(self, appid: str) -> PushKeys:
        """Return the provider's keys."""
        key = base64.b64encode(digest(self._seed, appid, "aes-key", size=32), altchars=b"xy")
        return PushKeys(token=f"sandbox-push-{appid}", aes_key=key[:43].decode())

    def ticket(self, appid: str) -> Push:
        """Return a push with a new ticket."""
        return self._push(appid, {"InfoType": "component_verify_ticket", "ComponentVerifyTicket": self.issue(appid)})

    def issue(self, appid: str) -> str:
        """Return a new ticket that is not pushed."""
        self._issued[appid].append(int(self._now()))
        return f"sandbox-ticket-{appid}-{len(self._issued[appid])}"

    def change(self, appid: str, program: str, info_type: Change, codes: tuple[str, str]) -> Push:
        """Return a push that tells of a change of a Mini Program's authorization.

        It has the authorization's code and that of the link.
        """
        fields = {"InfoType": info_type, "AuthorizerAppid": program}
        if info_type != "unauthorized":
            fields |= {"AuthorizationCode": codes[0], "PreAuthCode": codes[1]}
            fields |= {"AuthorizationCodeExpiredTime": str(int(self._now()) + _CODE_LIFE)}
        return self._push(appid, fields)

    def refusal(self, appid: str, ticket: str) -> int | None:
        """Return the code for a ticket that is refused.

        It is not the provider's (61006) or is older than 12 hours (61005).
        """
        head, _, number = ticket.rpartition("-")
        issued = self._issued[appid]
        if head != f"sandbox-ticket-{appid}" or number not in map(str, range(1, len(issued) + 1)):
            return _INVALID
        return _EXPIRED if self._now() >= issued[int(number) - 1] + _TICKET_LIFE else None

    def _push(self, appid: str, fields: Mapping[str, str]) -> Push:
        self._count += 1
        salt = digest(self._seed, appid, "push", self._count, size=16)
        content = _xml({"AppId": appid, "CreateTime": str(int(self._now())), **fields})
        keys = self.keys(appid)
        encrypted = seal(salt + len(content).to_bytes(4, "big") + content + appid.encode(), keys.aes_key)
        parameters = {"timestamp": str(int(self._now())), "nonce": str(int.from_bytes(salt[:4], "big"))}
        signature = _sha1(keys.token, *parameters.values(), encrypted)
        query = {"signature": _sha1(keys.token, *parameters.values()), **parameters, "encrypt_type": "aes", "msg_signature": signature}
        return Push(urlencode(query), _xml({"AppId": appid, "Encrypt": encrypted}))


def seal(plain: bytes, aes_key: str) -> str:
    """Return the text padded to blocks of 32, encrypted, in base64."""
    from cryptography.hazmat.primitives.ciphers import Cipher  # for those who use it
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    key = base64.b64decode(f"{aes_key}=")
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def _xml(fields: Mapping[str, str]) -> bytes:
    lines = (f"<{name}>{value if value.isdigit() else f'<![CDATA[{value}]]>'}</{name}>" for name, value in fields.items())
    return "\n".join(["<xml>", *lines, "</xml>"]).encode()


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()
