"""A third-party platform that is a function: hands out tokens, slowly or not at all, and counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from support.fakes import COMPONENT, answer
from support.virtual import WallClock
from wxrevenue import ComponentTokens, MemoryTransport, Ticket, TokenEvent, TokenKind

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse, Secret

SECRET = "fake-component-secret"
REFRESH = "fake-refresh-token"
TICKET = "fake-component-ticket"
SECRETS = [SECRET, REFRESH, TICKET, "fake-component-token", "fake-authorizer-token"]
PROGRAM = "wx2222222222222222"
PATIENCE = 100.0


class Tickets:
    """Keeps one ticket, or none."""

    def __init__(self, ticket: Ticket | None = None) -> None:
        self.ticket = ticket

    async def get(self) -> Ticket | None:
        """Return it."""
        return self.ticket

    async def put(self, ticket: Ticket) -> bool:
        """Replace it."""
        self.ticket = ticket
        return True


class Platform:
    """Answers the token calls: ``delay`` seconds later, with the next of ``trouble`` if there is any, else with a new token."""

    def __init__(self, *trouble: Any, delay: float = 1.0, life: Any = 7200) -> None:
        self.trouble = list(trouble)
        """Error codes, answers, or exceptions, one for each call."""
        self.delay = delay
        self.life = life
        self.calls: Counter[str] = Counter()
        self.bodies: list[Any] = []
        self.urls: list[str] = []
        self.refresh = REFRESH
        """The refresh token that the next answer has."""

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
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
        """How often a component token was asked for."""
        return self.calls["api_component_token"]


def component_tokens(platform: Any, *, ticket: Ticket | None = None, **options: Any) -> ComponentTokens:
    """Return a source that asks ``platform``."""
    options.setdefault("clock", WallClock())
    tickets = options.pop("tickets", None) or Tickets(ticket or Ticket(TICKET, 1_700_000_000.0))
    return ComponentTokens(COMPONENT, SECRET, tickets=tickets, transport=MemoryTransport(platform), **options)


async def token(tokens: ComponentTokens, timeout: float = PATIENCE) -> Secret:
    """Return the component's token."""
    return await tokens.get(TokenKind.COMPONENT, None, timeout=timeout)


async def shown(tokens: ComponentTokens, timeout: float = PATIENCE) -> str:
    """Return the component's token's text."""
    return (await token(tokens, timeout)).reveal()


async def reject(tokens: ComponentTokens, refused: Secret | str) -> None:
    """Let a client have been refused."""
    await tokens.reject(TokenKind.COMPONENT, None, refused)


def refreshes(told: list[Any]) -> list[tuple[str | None, str | None]]:
    """Return what events say of refreshes: how far, and why."""
    return [(event.refresh, event.why) for event in told if isinstance(event, TokenEvent) and event.refresh]
