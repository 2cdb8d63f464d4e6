"""Merchants of a sandbox who authorize a provider.

Their sources of tokens share a store or have their own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from support.platform import PATIENCE, Tickets
from support.virtual import WallClock
from wxrevenue import ComponentTokens, MemoryTokenStore, NotSentError, Sandbox, TokenKind
from wxrevenue.push import TicketReceiver, receive

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse, StoredToken
    from wxrevenue.push import Reply
    from wxrevenue.sandbox import Push


class Slow:
    """Carries requests into a sandbox, whose answers take their time.

    Args:
        sandbox: where to.
        seconds: how long an answer travels.
        action: to which call; ``""``: to all.
    """

    def __init__(self, sandbox: Sandbox, seconds: float = 9.0, action: str = "") -> None:
        self._behind, self._seconds, self._action = sandbox.transport(), seconds, action
        self.asked = asyncio.Event()
        """Set when such a call came."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Return the sandbox's answer, after a while."""
        response = await self._behind.send(request, timeout=timeout)
        if self._action in request.url:
            self.asked.set()
            await asyncio.sleep(self._seconds)
        return response

    async def aclose(self) -> None:
        """Do nothing."""


class Unreachable:
    """A transport of a server that cannot be reached."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Raise the error of a request that was not sent."""
        raise NotSentError("nobody is there", reason="connect")

    async def aclose(self) -> None:
        """Do nothing."""


class Merchants:
    """A sandbox, a provider in it, its Mini Programs, and a store.

    Args:
        store: where tokens and codes are kept.
    """

    def __init__(self, store: Any = None) -> None:
        self.clock = WallClock()
        self.sandbox = Sandbox(now=self.clock.time)
        self.component = self.sandbox.components[0]
        self.programs = self.sandbox.programs(self.component)
        self.program = self.programs[0]
        self.store: Any = store or MemoryTokenStore()
        keys = self.sandbox.push_keys(self.component)
        self.receiver = TicketReceiver(self.component, keys.token, keys.aes_key, clock=self.clock)
        self.tickets = Tickets(self.sandbox.ticket(self.component))

    def source(self, store: Any = None, **options: Any) -> ComponentTokens:
        """Return a source of tokens, as in another process."""
        secret = self.sandbox.component_secret(self.component)
        options = {"transport": self.sandbox.transport(), "clock": self.clock, **options}
        return ComponentTokens(self.component, secret, tickets=self.tickets, store=store or self.store, **options)

    def code(self, program: str | None = None) -> str:
        """Let a merchant authorize the provider again.

        Return the code that the redirect brings.
        """
        self.sandbox.authorize(program or self.program)
        return self.sandbox.authorization_code(program or self.program)

    def push(self, info_type: Any = "authorized", program: str | None = None) -> Push:
        """Return the push about a Mini Program's authorization."""
        return self.sandbox.authorization_push(self.component, program or self.program, info_type)

    async def pushed(self, push: Push, tokens: ComponentTokens, receiver: TicketReceiver | None = None, **options: Any) -> Reply:
        """Deliver a push; return the reply."""
        return await receive(receiver or self.receiver, self.tickets, push.query, push.body, tokens=tokens, **options)

    async def token(self, tokens: ComponentTokens, program: str | None = None) -> str:
        """Return a Mini Program's token."""
        return (await tokens.get(TokenKind.AUTHORIZER, program or self.program, timeout=PATIENCE)).reveal()

    async def stored(self, program: str | None = None, store: Any = None) -> str | None:
        """Return a Mini Program's stored refresh token."""
        record = await (store or self.store).read(f"{self.component}/{program or self.program}")
        return None if record is None or record.refresh is None else str(record.refresh.reveal())

    def asked(self, action: str, outcome: str = "ok") -> int:
        """Return how many calls had this outcome."""
        return self.sandbox.calls[action, outcome]


class Plain:
    """A store of a user's own with the four methods alone; it tells no age.

    Args:
        behind: where it keeps what it keeps.
    """

    def __init__(self, behind: MemoryTokenStore | None = None) -> None:
        self.behind = behind or MemoryTokenStore()
        self.away = False
        """The error that every method raises."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the record without its age."""
        self._check()
        found = await self.behind.read(name)
        return found and attrs.evolve(found, age=None)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock."""
        self._check()
        return await self.behind.lock(name, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record."""
        self._check()
        return await self.behind.write(name, record, fence=fence)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back."""
        self._check()
        await self.behind.unlock(name, fence=fence)

    def _check(self) -> None:
        if self.away:
            raise OSError


async def kept_code(world: Merchants) -> str:
    """Let a process keep a code and end before it was redeemed.

    Return the refresh token that it brings.
    """
    async with world.source(transport=Unreachable()) as tokens:
        world.sandbox.authorize(world.program)
        assert (await world.pushed(world.push(), tokens)).is_success
    assert not world.sandbox.calls
    return world.sandbox.refresh_token(world.program)


async def read_codes(world: Merchants) -> Any:
    """Return the record under the name of codes."""
    found = await world.store.read(f"codes:{world.component}")
    return orjson.loads(found.refresh.reveal())
