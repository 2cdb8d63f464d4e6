"""A third-party platform that is a function.

It hands out tokens, slowly or not at all, and counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from support.fakes import COMPONENT, answer
from support.virtual import WallClock
from wxrevenue import ComponentTokens, MemoryTransport, Ticket, TokenEvent, TokenKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue import HttpRequest, HttpResponse, Secret

SECRET = "fake-component-secret"
REFRESH = "fake-refresh-token"
FIRST = "fake-refresh-token-0"
TICKET = "fake-component-ticket"
SECRETS = [SECRET, REFRESH, TICKET, "fake-component-token", "fake-authorizer-token"]
PROGRAM = "wx2222222222222222"
PATIENCE = 100.0


class Tickets:
    """Keeps one ticket, or none."""

    def __init__(self, ticket: Ticket | None = None) -> None:
        self.ticket = ticket

    async def get(self) -> Ticket | None:
        """Return the ticket."""
        return self.ticket

    async def put(self, ticket: Ticket) -> bool:
        """Replace the ticket."""
        self.ticket = ticket
        return True


class Platform:
    """Answers the token calls, ``delay`` seconds later.

    The answer is the next of ``trouble`` if there is any, else a new token.
    """

    def __init__(self, *trouble: Any, delay: float = 1.0, life: Any = 7200) -> None:
        self.trouble = list(trouble)
        """Error codes, answers or exceptions, one for each call."""
        self.delay = delay
        self.life = life
        self.calls: Counter[str] = Counter()
        self.bodies: list[Any] = []
        self.urls: list[str] = []
        self.refresh = REFRESH
        """The refresh token in the next answer."""

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a token call."""
        name = request.url.partition("?")[0].rpartition("/")[2]
        self.calls[name] += 1
        number = self.calls[name]
        self.bodies.append(orjson.loads(request.body))
        self.urls.append(request.wire_url())
        trouble = self.trouble.pop(0) if self.trouble else None
        await asyncio.sleep(self.delay)
        if isinstance(trouble, BaseException):
            raise trouble
        if isinstance(trouble, int):
            said = " ".join(map(str, self.bodies[-1].values()))
            return answer({"errcode": trouble, "errmsg": f"refused: {said}"})
        if trouble is not None:
            return answer(trouble)
        if name == "api_component_token":
            return answer({"component_access_token": f"fake-component-token-{number}", "expires_in": self.life})
        token = {"authorizer_access_token": f"fake-authorizer-token-{number}", "expires_in": self.life}
        return answer({**token, "authorizer_refresh_token": self.refresh})

    @property
    def refreshes(self) -> int:
        """The number of calls for a component token."""
        return self.calls["api_component_token"]


async def nothing() -> None:
    """Do nothing."""


class Rotating:
    """A platform that replaces a refresh token whenever it is used.

    It takes no other than the newest.
    """

    def __init__(self, delay: float = 1.0) -> None:
        self.newest = FIRST
        self.delay = delay
        """Seconds until an authorizer's answer arrives."""
        self.asked = 0
        self.on_rotation: Callable[[], Awaitable[None]] = nothing
        """Called when a refresh token was replaced, before the answer goes out."""

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a token call, and replace the refresh token."""
        if "api_component_token" in request.url:
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        self.asked += 1
        if orjson.loads(request.body)["authorizer_refresh_token"] != self.newest:
            return answer({"errcode": 61023, "errmsg": "refresh_token is invalid"})
        self.newest = f"fake-refresh-token-{self.asked}"
        said = {"authorizer_access_token": f"fake-authorizer-token-{self.asked}", "authorizer_refresh_token": self.newest}
        await self.on_rotation()
        await asyncio.sleep(self.delay)
        return answer({**said, "expires_in": 7200})


def component_tokens(platform: Any, *, ticket: Ticket | None = None, **options: Any) -> ComponentTokens:
    """Return a source whose calls go to ``platform``."""
    options.setdefault("clock", WallClock())
    tickets = options.pop("tickets", None) or Tickets(ticket or Ticket(TICKET, 1_700_000_000.0))
    return ComponentTokens(COMPONENT, SECRET, tickets=tickets, transport=MemoryTransport(platform), **options)


async def token(tokens: ComponentTokens, timeout: float = PATIENCE) -> Secret:
    """Return the component's token."""
    return await tokens.get(TokenKind.COMPONENT, None, timeout=timeout)


async def authorizers(tokens: ComponentTokens, timeout: float = PATIENCE) -> Secret:
    """Return the authorizer's token."""
    return await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=timeout)


async def replaced(tokens: ComponentTokens, token: Secret) -> Secret:
    """Reject the token, and return the next one."""
    await tokens.reject(TokenKind.AUTHORIZER, PROGRAM, token)
    return await authorizers(tokens)


async def shown(tokens: ComponentTokens, timeout: float = PATIENCE) -> str:
    """Return the text of the component's token."""
    return (await token(tokens, timeout)).reveal()


async def reject(tokens: ComponentTokens, refused: Secret | str) -> None:
    """Reject a token, as a client does."""
    await tokens.reject(TokenKind.COMPONENT, None, refused)


def refreshes(told: list[Any]) -> list[tuple[str | None, str | None]]:
    """Return the state and the reason of each refresh event."""
    return [(event.refresh, event.why) for event in told if isinstance(event, TokenEvent) and event.refresh]
