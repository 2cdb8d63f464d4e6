"""What WeChat Pay sends to a merchant's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import orjson

from wxrevenue.sandbox._pay.books import rfc3339
from wxrevenue.sandbox._seeded import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._pay.platform import PayPlatform


@attrs.frozen(repr=False)
class Notification:
    """A notification, ready to be sent."""

    headers: Mapping[str, str]
    body: bytes
    _sign: Callable[[tuple[int, str], bytes], dict[str, str]]
    _now: Callable[[], float]

    def again(self) -> Notification:
        """Return the same notification as it is sent again.

        It has a time and a nonce of its own.
        """
        nonce = digest(self.headers["Wechatpay-Nonce"], "again", size=16).hex()
        return attrs.evolve(self, headers=self._sign((int(self._now()), nonce), self.body))

    async def post(self, url: str) -> tuple[int, bytes]:
        """Send it to a server; return the status and the body of its reply."""
        import aiohttp  # for those who use it

        headers = {**self.headers, "Content-Type": "application/json"}
        async with aiohttp.ClientSession() as session, session.post(url, data=self.body, headers=headers) as answer:
            return answer.status, await answer.read()

    def __repr__(self) -> str:
        return f"<Notification, {len(self.body)} B>"


def envelope(platform: PayPlatform, number: str, kinds: tuple[str, str], resource: dict[str, object], now: float) -> bytes:
    """Return the body of a notification, what it says sealed."""
    event_type, original_type = kinds
    sealed = platform.sealed(orjson.dumps(resource), original_type)
    return orjson.dumps(
        {
            "id": number,
            "create_time": rfc3339(now),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "made by the sandbox",
            "resource": {"original_type": original_type, **sealed},
        }
    )
