"""A client of WeChat Pay whose verifier trusts, and a scripted transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxrevenue import (
    FundsDistributionClient,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    RetryPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ONCE = RetryPolicy(max_attempts=1)


def script(*steps: HttpResponse | Exception) -> MemoryTransport:
    """Return a transport that plays a list of answers and exceptions."""
    left = list(steps)

    def handle(_: HttpRequest) -> HttpResponse:
        step = left.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    return MemoryTransport(handle)


def pay(handler: Callable[[HttpRequest], Any], **options: Any) -> FundsDistributionClient:
    """Return a Pay client whose signer signs nothing."""

    class Signer:
        async def sign(self, message: bytes) -> bytes:
            return b"signed" + message[:0]

    return FundsDistributionClient(
        "1900", "AB12", options.pop("signer", Signer()), transport=MemoryTransport(handler), retry=ONCE, **options
    )


class Broken:
    """A verifier that raises an error."""

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
        raise LookupError(serial)

    def request_serial(self) -> str | None:
        return None


class Trusting(Broken):
    """A verifier that accepts every signature."""

    async def verify(self, **_: Any) -> None:
        """Accept the signature."""


SIGNED = {
    "Wechatpay-Timestamp": "1000",
    "Wechatpay-Nonce": "n",
    "Wechatpay-Serial": "S",
    "Wechatpay-Signature": "c2ln",
    "Request-ID": "R-1",
}
