"""A component's own tokens, and those of the Mini Programs that authorized it: fetched, kept and refreshed."""

from __future__ import annotations

import asyncio
import contextvars
import random
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import Secret, as_secret, require_secret, require_token
from wxrevenue._engine.clock import LOOP_CLOCK, within
from wxrevenue._engine.engine import Engine
from wxrevenue._engine.lifetime import Lifetime
from wxrevenue._engine.retry import RetryPolicy
from wxrevenue._wire.request import TokenKind
from wxrevenue._wire.stored import StoredToken
from wxrevenue.ams import BASE_URL
from wxrevenue.ams._service import AmsService
from wxrevenue.ams.authorization import GetAuthorizerAccessToken, GetComponentAccessToken
from wxrevenue.errors import ConfigurationError
from wxrevenue.ports import Clock, TicketStore, TokenStore, Transport
from wxrevenue.tokens._advice import called
from wxrevenue.tokens._cache import CachedToken
from wxrevenue.tokens._refresh import Refresher
from wxrevenue.tokens._requests import TokenRequests
from wxrevenue.tokens._whole_exchange import WholeExchanges
from wxrevenue.tokens.stores._memory import MemoryTokenStore
from wxrevenue.tokens.stores._retrying import RetryingTokenStore
from wxrevenue.tokens.stores._writing import LEASE
from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from wxrevenue.events import Event

_NAME: Final = "ComponentTokens"
_LONGEST_APPID: Final = 64
_CALL_SHARE: Final = 0.9
"""How much of a refresh's time its call gets, so that the call's own error can tell what was wrong."""


class ComponentTokens:
    """Fetches and refreshes the tokens of a component (third-party platform) and of its authorizers, for any number of clients.

    A ``TokenSource`` for the clients of one event loop. Tokens are replaced in the background, 5 to 10 minutes before their end;
    nobody waits meanwhile, and for three seconds at most in the last minute of the old one. A refresh belongs to no caller: it
    has a ``deadline`` of its own, runs once however many wait, and goes on when they are cancelled. It uses a transport of its
    own, never that of the client that asks, and no rate limiter. A token that the server refuses is replaced once, however many
    calls it was refused to.

    A refresh token that WeChat has handed out is not lost while this process lives: a request on the wire has its whole
    ``timeout``, whatever ends the refresh, and what the store does not take is kept by appid, used for the next refresh, and
    written as soon as that works.

    Use it as ``async with``, or ``await tokens.aclose()`` at the end, after the clients; also when the process is told to stop
    (SIGTERM). Making one does no I/O and needs no running loop.

    Args:
        component_appid: the service provider's appid.
        secret: its secret. Sent to WeChat in bodies, shown nowhere.
        tickets: where the newest ``component_verify_ticket`` is kept.
        store: where tokens are kept; in this process by default. Processes with the same secret must share one: each new token
            ends the life of the one before. It also has the refresh tokens that WeChat replaced, which a store in this process loses
            with it. One that you give is not closed.
        transport: carries the requests; aiohttp by default. One that you give is not closed.
        base_url: where to send instead of WeChat.
        clock: where the time comes from.
        timeout: seconds for one HTTP exchange.
        deadline: seconds for one refresh, its repetitions included, from when it has the store's lock; what is on the wire by
            then has its ``timeout``.
        on_event: a plain function, told what happens: ``TokenEvent`` for refreshes, and once for each ticket that a refresh finds older
            than 30 minutes; and the events of the calls that refreshes make.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    component_appid: str = ""
    """The account's name in scopes and events."""

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        component_appid: str,
        secret: str | Secret,
        *,
        tickets: TicketStore,
        store: TokenStore | None = None,
        transport: Transport | None = None,
        base_url: str = BASE_URL,
        clock: Clock | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        secret = as_secret(secret)  # first of all: what follows may raise
        if not isinstance(tickets, TicketStore):
            raise ConfigurationError(f"{_NAME}.tickets: expected a TicketStore, got {type(tickets).__name__}")
        self.component_appid = _appid(f"{_NAME}.component_appid", component_appid)
        self._clock: Clock = _checks.instance(f"{_NAME}.clock", clock, Clock) or LOOP_CLOCK
        self._deadline, timeout = _checks.seconds(f"{_NAME}.deadline", deadline), _checks.seconds(f"{_NAME}.timeout", timeout)
        given = _checks.instance(f"{_NAME}.transport", transport, Transport)
        self._made = AiohttpTransport() if given is None else None
        self._engine = Engine(
            service=AmsService(_checks.base_url(f"{_NAME}.base_url", base_url), self, self.component_appid, clock=self._clock),
            transport=WholeExchanges(cast("Transport", given or self._made), timeout),
            limiter=None,
            clock=self._clock,
            retry=RetryPolicy(),
            timeout=timeout,
            deadline=_CALL_SHARE * self._deadline,
            on_event=_checks.function(f"{_NAME}.on_event", on_event),
        )
        self._asker = TokenRequests(
            self.component_appid, require_secret(f"{_NAME}.secret", secret), tickets=tickets, engine=self._engine, source=self
        )
        kept = _checks.instance(f"{_NAME}.store", store, TokenStore) or MemoryTokenStore(clock=self._clock)
        self._store = RetryingTokenStore(kept, clock=self._clock)
        self._refresh = Refresher(store=self._store, clock=self._clock, deadline=self._deadline)
        self._lifetime = Lifetime("the token source")
        self._closing: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        self._component = self._cached(TokenKind.COMPONENT, None)
        self._authorizers: dict[str, CachedToken] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret:
        """Return a token that lives; ``appid`` names the authorizer. Waits at most ``timeout`` seconds for a refresh.

        Raises:
            TokenUnavailableError: none can be had; says why and what to do.
            DeadlineExceededError: none was had in time. The refresh goes on.
            ClientStateError: the source is closed, belongs to another event loop, or was used before a fork.
        """
        self._lifetime.check_usable()
        return await self._of(kind, appid).get(timeout)

    def peek(self, kind: TokenKind, appid: str | None) -> Secret | None:
        """Return the token that :meth:`get` would return without a wait, or ``None`` where it would wait or raise."""
        cached = self._component if kind is TokenKind.COMPONENT else self._authorizers.get(appid or "")
        try:
            self._lifetime.check_usable()
            return None if cached is None else cached.peek(self._clock.monotonic())
        except Exception:  # noqa: BLE001  (a closed source, another loop, or a clock of the user's that fails: get() says so)
            return None

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Take notice that the server refused this very token; one that was replaced meanwhile stays replaced."""
        token = as_secret(token)
        self._of(kind, appid).reject(require_token(token))

    async def add_authorizer(self, appid: str, refresh_token: str | Secret) -> None:
        """Store the refresh token of a Mini Program that authorized the component, now or anew.

        Later ones, which WeChat hands out with the Mini Program's tokens, are stored by themselves: with a store that outlives the
        process do not call this at every start, for it replaces what is stored, which may be newer. Waits while some process
        refreshes that Mini Program's token.

        Args:
            appid: the Mini Program's appid.
            refresh_token: its ``authorizer_refresh_token``.

        Raises:
            ConfigurationError: one of these is not allowed.
            ClientStateError: as for :meth:`get`.
            TokenUnavailableError: the store did not take it.
            DeadlineExceededError: it took ten seconds longer than ``deadline``.

        Whatever of the last two is raised (or by a store of your own, or a cancellation), the refresh token is kept in this process,
        used for the next refresh, and stored as soon as that works.
        """
        refresh_token = as_secret(refresh_token)
        record = StoredToken(refresh=require_secret(f"{_NAME}.add_authorizer: refresh_token", refresh_token))
        self._lifetime.check_usable()
        cached = self._of(TokenKind.AUTHORIZER, _appid(f"{_NAME}.add_authorizer: appid", appid))
        await within(
            self._deadline + LEASE,  # a holder of the lock that was killed must not make it fail
            self._refresh.put(self._name(appid), record),
            "the token store",
        )
        cached.forget()

    async def start_push_ticket(self) -> None:
        """Have WeChat push tickets to the platform's authorization event URL; the first comes within ten minutes.

        Needed when the push was stopped; harmless when it runs. See :class:`StartPushTicket` for the errors.
        """
        self._lifetime.check_usable()
        await self._asker.start_push_ticket()

    async def aclose(self) -> None:
        """End whoever waits for a token (``ClientStateError``), and close what was made here; may be called twice.

        A request that is on the wire is answered first, within its ``timeout``, and what it brings is stored: WeChat hands out
        a refresh token once. What the store does not take within five seconds more is lost when the process ends, and logged.
        Whoever is cancelled here leaves alone: closing goes on.
        """
        await self._lifetime.aclose()
        if self._closing is None or self._closing.done():
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    def __repr__(self) -> str:
        return f"<ComponentTokens of {self.component_appid}>"

    async def _close(self) -> None:
        flights = [cached.flight for cached in (self._component, *self._authorizers.values()) if cached.flight is not None]
        if flights:
            self._lifetime.check_loop_and_process()
        try:
            for flight in flights:
                flight.end()
            await self._engine.lifetime.aclose()
            if flights:
                await asyncio.wait([flight.task for flight in flights])
            await self._store.finish()
        finally:
            if self._made is not None:
                await self._made.aclose()

    # ------------------------------------------------------------------ keepers

    def _of(self, kind: TokenKind, appid: str | None) -> CachedToken:
        if kind is TokenKind.COMPONENT:
            return self._component
        if kind is not TokenKind.AUTHORIZER or not appid:
            raise ConfigurationError(f"{_NAME}: a component's token, or that of an authorizer by its appid, can be had; no other")
        found = self._authorizers.get(appid)
        if found is None:
            found = self._authorizers[appid] = self._cached(kind, appid)
        return found

    def _cached(self, kind: TokenKind, appid: str | None) -> CachedToken:
        ask: Any = self._asker.component if appid is None else partial(self._asker.authorizer, appid)
        endpoint = (GetComponentAccessToken if appid is None else GetAuthorizerAccessToken).endpoint

        def tell(refresh: str, why: str, *, code: int | str | None = None, **facts: Any) -> None:
            self._engine.tell(endpoint, "TokenEvent", kind=kind.value, appid=appid, refresh=refresh, why=why, code=code, **facts)

        return CachedToken(
            what=called(kind, appid or self.component_appid),
            renew=lambda need, work: self._refresh.renew(self._name(appid), need, ask, work),
            tell=tell,
            clock=self._clock,
            jitter=random.random,
            deadline=self._deadline,
            context=self._context,
        )

    def _name(self, appid: str | None) -> str:
        return f"{self.component_appid}/{appid or ''}"


def _appid(where: str, value: object) -> str:
    """Return an appid that the calls take, and that names of records in a store can be told apart by."""
    found = _checks.credential(where, value)
    if len(found) > _LONGEST_APPID or "/" in found:
        raise ConfigurationError(f"{where}: expected at most {_LONGEST_APPID} characters without a slash")
    return found
