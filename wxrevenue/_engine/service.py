"""What a service does differently.

Where its requests go, and what binds one call to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpRequest, HttpResponse
    from wxrevenue.errors import ApiError, WxRevenueError


class Service(Protocol):
    """The interfaces of one account."""

    account: str
    """The caller: the component appid or the merchant number."""
    base_url: str
    """Where requests go."""

    def scope(self, request: Any) -> str | None:
        """Return the rate limiter's scope of a request.

        ``None`` where the service has no limit of its own.
        """
        ...

    def begin(self, request: Any) -> BoundCall | WxRevenueError:
        """Return what binds a call of this request to the service, its body encoded.

        Or return why it cannot be sent.
        """
        ...


class BoundCall(Protocol):
    """One call's token or signature, its path, and the reading of its answers.

    Errors are values. What a user's own port raises passes through ``ready``, ``prepare``,
    ``verify`` and ``repeats``.
    """

    waits_for: str
    """What ``prepare`` waits for, as events call it: a token or a signature."""
    verifies: bool
    """Whether answers are signed: if not, ``verify`` is not called."""

    def ready(self) -> HttpRequest | WxRevenueError | None:
        """Return the request to send now, or why there is none.

        ``None`` where ``prepare`` is to be awaited.
        """
        ...

    async def prepare(self, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the request with a fresh token or signature, or why there is none."""
        ...

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return what is wrong with the answer's signature, if anything."""
        ...

    def unwrap(self, response: HttpResponse) -> object:
        """Return the payload, or the error that the answer stands for.

        Its text is scrubbed of the live secrets.
        """
        ...

    async def repeats(self, error: ApiError) -> bool:
        """Return whether the request is sent once more within its turn.

        It is sent with another token, or on another path.
        """
        ...

    def live(self) -> tuple[Secret | None, ...]:
        """Return the secrets that an answer may repeat."""
        ...
