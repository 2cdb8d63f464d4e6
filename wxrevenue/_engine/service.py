"""What AMS and WeChat Pay do differently with a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.call import Call
    from wxrevenue._wire.http import HttpRequest, HttpResponse
    from wxrevenue.errors import WxRevenueError


class Service(Protocol):
    """What AMS and WeChat Pay do differently. ``bind``, ``refused`` and ``verify`` may raise what a user's own port raises."""

    account: str
    """Who calls: the component appid or the merchant number."""
    base_url: str
    """Where requests go."""
    signed: bool
    """Whether answers are verified."""

    def scope(self, request: Any) -> str:
        """Return the rate limiter's scope of a request."""
        ...

    async def bind(self, call: Call, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the HTTP request with a fresh token or signature, or why there is none."""
        ...

    async def token_refused(self, call: Call) -> None:
        """Take notice that the server refused the token of the call's last request."""
        ...

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return what is wrong with the answer's signature, if anything."""
        ...

    def unwrap(self, response: HttpResponse, *live: Secret | None) -> Any:
        """Return the payload, or the error that the answer stands for, its text scrubbed of the secrets that are ``live``."""
        ...
