"""Asks WeChat for tokens.

What goes wrong becomes a ``TokenUnavailableError`` that says what to do.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from wxrevenue._wire.codes import TOKEN_REFUSED
from wxrevenue._wire.request import TokenKind
from wxrevenue._wire.stored import StoredToken, Ticket
from wxrevenue.ams.authorization import GetComponentAccessToken, StartPushTicket
from wxrevenue.errors import ConfigurationError, TokenError, TokenUnavailableError, WxRevenueError, without_history
from wxrevenue.tokens._advice import NO_TICKET, overdue, unavailable, unusable
from wxrevenue.tokens._renewal import RenewToken, intact

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.engine import Engine
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.ams.authorization import ComponentAccessToken
    from wxrevenue.ports import TicketStore, TokenSource
    from wxrevenue.tokens._events import TokenEvents
    from wxrevenue.tokens._key import TokenKey
    from wxrevenue.tokens._renewal import Renewal

_log = logging.getLogger("wxrevenue.tokens")


T = TypeVar("T")
LIFETIMES: Final = (60.0, 7200.0)
"""Seconds between which the life of a token is taken to be.

They hold whatever a server or a store says.
"""


@attrs.frozen(repr=False)
class ReadyRequest:
    """A request for a token, and what it was made with."""

    request: AmsRequest[object]
    ticket: Ticket | None = None
    refresh: Secret | None = None
    token: Secret | str | None = None
    """The component's token that was there, for an authorizer's."""


@attrs.define(eq=False, repr=False)
class TokenRequests:
    """Makes the three calls of one component.

    Args:
        appid: the component's.
        secret: the component's.
        tickets: where its tickets come from.
        engine: sends the calls.
        events: are told when tickets stay away.
        source: where ``engine`` gets the component's token from.
    """

    appid: str
    secret: Secret
    tickets: TicketStore
    engine: Engine
    events: TokenEvents
    source: TokenSource
    _warned: tuple[Ticket, bool] | None = attrs.field(default=None, init=False)
    """The overdue ticket that was warned of last, and whether it was expired then.

    Each is told once.
    """

    async def prepare(self, key: TokenKey, refresh: Secret | None) -> ReadyRequest:
        """Return the request for a token, with all that it needs.

        ``refresh`` is the refresh token, for an authorizer's.
        """
        if key.authorizer is None:
            ticket = await self._ticket()
            return ReadyRequest(GetComponentAccessToken(self.appid, self.secret, ticket.value), ticket=ticket)
        if refresh is None:
            raise TokenUnavailableError(
                f"{key}: no refresh token is known; hand its authorization code to authorize(), or its refresh token to add_authorizer()"
            )
        token = await self.source.get(TokenKind.COMPONENT, None, timeout=self.engine.deadline)
        return ReadyRequest(RenewToken(self.appid, key.authorizer, refresh), refresh=refresh, token=token)

    async def fetch(self, key: TokenKey, ready: ReadyRequest) -> StoredToken:
        """Return the token that WeChat answers with.

        An authorizer's comes with its refresh token, which may be replaced. An authorizer's answer
        without a token that can be used still has the refresh token.
        """
        answer = await self._send_with_token(ready)
        if isinstance(answer, WxRevenueError):
            raise unavailable(str(key), answer, ticket=ready.ticket, now=self.engine.clock.time())
        return _component_token(key, answer) if key.authorizer is None else _authorizer_token(key, answer, ready.refresh)

    async def call(self, request: AmsRequest[T]) -> T | WxRevenueError:
        """Return the answer to a call that takes the component's token, or an error."""
        try:
            token = await self.source.get(TokenKind.COMPONENT, None, timeout=self.engine.deadline)
        except WxRevenueError as error:
            return without_history(error)
        found: T | WxRevenueError = await self._send_with_token(ReadyRequest(request, token=token))
        return found

    async def start_push_ticket(self) -> None:
        """Have WeChat push tickets."""
        await self.engine.send(StartPushTicket(self.appid, self.secret))

    async def _ticket(self) -> Ticket:
        ticket: Ticket | None = await self.tickets.get()
        if ticket is None:
            raise TokenUnavailableError(NO_TICKET)
        if not isinstance(ticket, Ticket):
            kind, ticket = type(ticket).__name__, None
            raise ConfigurationError(f"the TicketStore's get() must return a Ticket or None, got {kind}")
        now = self.engine.clock.time()
        if ticket.is_overdue(now) and self._warned != (ticket, ticket.is_expired(now)):
            self._warned = ticket, ticket.is_expired(now)
            warning = overdue(self.appid, ticket, now)
            _log.warning("%s", warning)
            self.events.warning(warning)
        return ticket

    async def _send_with_token(self, ready: ReadyRequest) -> Any:
        """Send, and once more with another component token if that is what was refused."""
        answer = await self._send(ready.request)
        if ready.token is None or not isinstance(answer, TokenError) or answer.code not in TOKEN_REFUSED:
            return answer
        await self.source.reject(TokenKind.COMPONENT, None, ready.token)
        return await self._send(ready.request)

    async def _send(self, request: AmsRequest[T]) -> T | WxRevenueError:
        try:
            return await self.engine.send(request)
        except WxRevenueError as error:
            failure = error
        return without_history(failure)


def clamped(seconds: int) -> float:
    """Return a life that ends: what servers say has been wrong before."""
    least, most = LIFETIMES
    return min(most, max(least, float(seconds)))


def _component_token(key: TokenKey, answer: ComponentAccessToken) -> StoredToken:
    if intact(answer.component_access_token) is None:
        raise unusable(str(key))
    return StoredToken(token=answer.component_access_token, left=clamped(answer.expires_in))


def _authorizer_token(key: TokenKey, answer: Renewal, refresh: Secret | None) -> StoredToken:
    """Return what is to be stored.

    Where no token can be used, that is the refresh token alone.
    """
    newest = answer.refresh_token or refresh
    if answer.token is None or answer.expires_in is None:
        return StoredToken(refresh=newest)
    left = clamped(answer.expires_in)
    if answer.is_refresh_token_damaged:  # the old one works for some minutes: ask again while it does
        _log.error("%s came with a refresh token that was damaged on the way: it is asked for again within a minute", key)
        left = LIFETIMES[0]
    return StoredToken(token=answer.token, left=left, refresh=newest)
