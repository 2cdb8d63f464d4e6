"""Servers that are functions, and clients that talk to them."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import orjson

from wxrevenue import AmsRequest, Endpoint, HttpRequest, HttpResponse, MemoryTransport, RevenueClient, Safety, Secret, TokenKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

TOKEN = "fake-token+/=&?#%component"
"""A visibly fake token that has to be percent-encoded."""
COMPONENT = "wx0000000000000000"
OTHER = "wx1111111111111111"


def answer(body: Any = None, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return an HTTP answer.

    Bytes are sent as they are, ``None`` as ``{"ret": 0}``, and all else as JSON.
    """
    raw = body if isinstance(body, bytes) else orjson.dumps({"ret": 0} if body is None else body)
    return HttpResponse(status, headers or {}, raw)


def refusal(code: int, message: str = "") -> HttpResponse:
    """Return an AMS answer with an error code."""
    return answer({"ret": code, "err_msg": message})


def ratio(percent: int = 40) -> HttpResponse:
    """Return the answer to ``GetShareRatio``."""
    return answer({"ret": 0, "share_ratio": percent})


class Script:
    """A handler that plays a list.

    Answers are returned, exceptions raised, functions called with the request. A number is how many
    seconds the answer after it takes. The last entry is repeated when ``forever`` is set.
    """

    def __init__(self, *steps: Any, forever: bool = False) -> None:
        self._steps = list(steps)
        self._forever = forever
        self.served = 0

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Play the next step of the script."""
        self.served += 1
        delay, step = 0.0, self._next()
        while isinstance(step, (int, float)):
            delay, step = delay + step, self._next()
        if delay:
            await asyncio.sleep(delay)
        if isinstance(step, BaseException):
            raise step
        if callable(step):
            step = step(request)
        found: Any = await step if inspect.isawaitable(step) else step
        assert isinstance(found, HttpResponse)
        return found

    def _next(self) -> Any:
        assert self._steps, "more requests came than the script has answers for"
        return self._steps[0] if self._forever and len(self._steps) == 1 else self._steps.pop(0)


async def slow_tokens() -> str:
    """Return a token after a minute."""
    await asyncio.sleep(60)
    return "fake-token-1"


def ams_client(
    *script: Any,
    tokens: Any = None,
    component_appid: str | None = COMPONENT,
    handler: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]] | None = None,
    **options: Any,
) -> tuple[RevenueClient, MemoryTransport]:
    """Return a client and its transport.

    The transport plays ``script`` (see :class:`Script`) or asks ``handler``.
    """
    transport = MemoryTransport(handler or Script(*script))
    client = RevenueClient(Secret(TOKEN) if tokens is None else tokens, component_appid, transport=transport, **options)
    return client, transport


def made_for(client: RevenueClient) -> tuple[Any, ...]:
    """Return the transport and the limiter that a client made for itself.

    Those that it was given are left out.
    """
    return client._parts.owned  # pyright: ignore[reportPrivateUsage]


def sent(transport: MemoryTransport) -> list[str]:
    """Return the URLs of the requests as they were on the wire."""
    return [request.wire_url() for request in transport.requests]


class Tokens:
    """A token source that hands out a list of tokens and keeps the rejected ones.

    Each rejection moves on to the next token.
    """

    def __init__(self, *tokens: Secret | str, delays: Iterable[float] = ()) -> None:
        self.tokens: list[Secret | str] = list(tokens)
        """The tokens that are left."""
        self._delays = list(delays)
        self.asked: list[tuple[TokenKind, str | None, float]] = []
        self.rejected: list[tuple[TokenKind, str | None, str | Secret]] = []

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret | str:
        """Return the token at the head of the list."""
        self.asked.append((kind, appid, timeout))
        if self._delays:
            await asyncio.sleep(self._delays.pop(0))
        return self.tokens[0]

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Move on to the next token."""
        self.rejected.append((kind, appid, token))
        if len(self.tokens) > 1:
            self.tokens.pop(0)


@attrs.frozen
class Read(AmsRequest[None]):
    """A user's own read."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/read", action="fake_read", safety=Safety.SAFE)


@attrs.frozen
class Put(AmsRequest[None]):
    """A user's own call that sets a value."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/put", action="fake_put", safety=Safety.REPEATABLE)


@attrs.frozen
class Add(AmsRequest[None]):
    """A user's own call that must not be made twice."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/add", action="fake_add")


@attrs.frozen
class OfAuthorizer(AmsRequest[None]):
    """A user's own read that takes an authorizer's token."""

    endpoint: ClassVar[Endpoint] = Endpoint(
        path="/fake/authorizer", action="fake_authorizer", token=TokenKind.AUTHORIZER, safety=Safety.SAFE
    )


BY_SAFETY: Mapping[Safety, AmsRequest[None]] = {Safety.SAFE: Read(), Safety.REPEATABLE: Put(), Safety.UNSAFE: Add()}
