"""Asks WeChat for tokens. What goes wrong becomes a ``TokenUnavailableError`` that says what to do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from wxrevenue._wire.codes import TOKEN_REFUSED
from wxrevenue._wire.request import TokenKind
from wxrevenue._wire.stored import StoredToken, Ticket
from wxrevenue.ams.authorization import GetComponentAccessToken, StartPushTicket
from wxrevenue.errors import ConfigurationError, TokenError, TokenUnavailableError, WxRevenueError, without_history
from wxrevenue.tokens._advice import NO_TICKET, called, overdue, unavailable
from wxrevenue.tokens._refresh import LIFETIMES
from wxrevenue.tokens._renewal import Renewal, RenewToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.engine import Engine
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.ports import Clock, TicketStore, TokenSource

_log = logging.getLogger("wxrevenue.tokens")


class TokenRequests:
    """Makes the three calls of one component.

    Args:
        appid: the component's.
        secret: the component's.
        tickets: where its tickets come from.
        engine: sends the calls.
        source: where ``engine`` gets the component's token from.
    """

    def __init__(self, appid: str, secret: Secret, *, tickets: TicketStore, engine: Engine, source: TokenSource) -> None:
        self._appid = appid
        self._secret = secret
        self._tickets = tickets
        self._engine = engine
        self._source = source
        self._clock: Clock = engine.clock
        self._warned: tuple[Ticket, bool] | None = None
        """The overdue ticket that was warned of last, and whether it was expired by then: each is told once."""

    async def component(self, _refresh: Secret | None, commit: Callable[[], None]) -> StoredToken:
        """Get a component token; ``commit`` is called when all is ready for the request."""
        what = called(TokenKind.COMPONENT, self._appid)
        ticket = await self._ticket()
        commit()
        answer = await self._send(GetComponentAccessToken(self._appid, self._secret, ticket.value))
        if isinstance(answer, WxRevenueError):
            raise unavailable(what, answer, ticket=ticket, now=self._clock.time())
        return StoredToken(token=_filled(what, answer.component_access_token), left=_clamped(answer.expires_in))

    async def authorizer(self, appid: str, refresh: Secret | None, commit: Callable[[], None]) -> StoredToken:
        """Get an authorizer's token with its refresh token, which may be replaced.

        An answer without a token that can be used still has the refresh token.
        """
        what = called(TokenKind.AUTHORIZER, appid)
        if refresh is None:
            raise TokenUnavailableError(f"{what}: no refresh token is known; hand the one of its authorization to add_authorizer()")
        answer: Renewal | WxRevenueError = await self._send_with_token(RenewToken(self._appid, appid, refresh), commit)
        if isinstance(answer, WxRevenueError):
            raise unavailable(what, answer)
        newest = answer.refresh_token or refresh
        if answer.token is None or answer.expires_in is None:
            return StoredToken(refresh=newest)
        return StoredToken(token=answer.token, left=_clamped(answer.expires_in), refresh=newest)

    async def start_push_ticket(self) -> None:
        """Have WeChat push tickets."""
        await self._engine.send(StartPushTicket(self._appid, self._secret))

    async def _ticket(self) -> Ticket:
        ticket: Any = await self._tickets.get()
        if ticket is None:
            raise TokenUnavailableError(NO_TICKET)
        if not isinstance(ticket, Ticket):
            kind, ticket = type(ticket).__name__, None
            raise ConfigurationError(f"the TicketStore's get() must return a Ticket or None, got {kind}")
        now = self._clock.time()
        if ticket.is_overdue(now) and self._warned != (ticket, ticket.is_expired(now)):
            self._warned = ticket, ticket.is_expired(now)
            self._warn(overdue(self._appid, ticket, now))
        return ticket

    def _warn(self, warning: str) -> None:
        _log.warning("%s", warning)
        kind = TokenKind.COMPONENT.value
        self._engine.tell(GetComponentAccessToken.endpoint, "TokenEvent", kind=kind, code=None, warning=warning)

    async def _send_with_token(self, request: AmsRequest[Any], commit: Callable[[], None]) -> Any:
        """Send, and once more with another component token if that is what was refused."""
        token = await self._source.get(TokenKind.COMPONENT, None, timeout=self._engine.deadline)
        commit()
        answer = await self._send(request)
        if not isinstance(answer, TokenError) or answer.code not in TOKEN_REFUSED:
            return answer
        await self._source.reject(TokenKind.COMPONENT, None, token)
        return await self._send(request)

    async def _send(self, request: AmsRequest[Any]) -> Any:
        try:
            return await self._engine.send(request)
        except WxRevenueError as error:
            failure = error
        return without_history(failure)


def _clamped(seconds: int) -> float:
    """Return a life that ends: what servers say has been wrong before."""
    least, most = LIFETIMES
    return min(most, max(least, float(seconds)))


def _filled(what: str, token: Secret) -> Secret:
    if not token.reveal():
        raise TokenUnavailableError(f"{what}: WeChat answered with an empty token")
    return token
