"""A component's own tokens, and those of the Mini Programs that authorized it.

They are fetched, kept and refreshed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import Secret, as_secret, require_secret, require_token
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._engine.engine import Engine
from wxrevenue._engine.lifetime import Lifetime
from wxrevenue._engine.retry import RetryPolicy
from wxrevenue.ams import BASE_URL
from wxrevenue.ams._service import AmsService
from wxrevenue.errors import ConfigurationError
from wxrevenue.ports import Clock, TicketStore, TokenStore, Transport
from wxrevenue.tokens._authorizations import Authorizations
from wxrevenue.tokens._authorizers import Authorizers
from wxrevenue.tokens._caches import CachedTokens
from wxrevenue.tokens._codes import CodeBook
from wxrevenue.tokens._events import TokenEvents
from wxrevenue.tokens._locked import LockedRecords
from wxrevenue.tokens._merchant_methods import NAME, MerchantMethods, checked_appid
from wxrevenue.tokens._refresh import Refresher, RefusalLimit
from wxrevenue.tokens._requests import TokenRequests
from wxrevenue.tokens._whole_exchange import WholeExchanges
from wxrevenue.tokens.stores._memory import MemoryTokenStore
from wxrevenue.tokens.stores._retrying import RetryingTokenStore
from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from wxrevenue._wire.request import TokenKind
    from wxrevenue.events import Event

_CALL_SHARE: Final = 0.9
"""Share of a refresh's time that its call gets.

So the call's own error can tell what was wrong.
"""


class ComponentTokens(MerchantMethods):
    """Fetches and refreshes the tokens of a component and of its authorizers.

    The component is a third-party platform. The tokens serve any number of clients of one event
    loop: it is a ``TokenSource``.

    Tokens are replaced in the background, 5 to 10 minutes before their end. Callers do not wait
    meanwhile. Only in the last minute of the old token do they wait, for three seconds at most. A
    refresh belongs to no caller: it has a ``deadline`` of its own, runs once however many wait, and
    goes on when they are cancelled. It uses a transport of its own, never that of the client that
    asks, and no rate limiter. A token that the server refuses is replaced once, however many calls
    it was refused to.

    A refresh token that WeChat has handed out is not lost while this process lives. A request on
    the wire has its whole ``timeout``, whatever ends the refresh. What the store does not take is
    kept by appid, used for the next refresh, and written as soon as that works.

    Use it as ``async with``, or ``await tokens.aclose()`` at the end, after the clients; also when
    the process is told to stop (SIGTERM). Making one does no I/O and needs no running loop.

    Args:
        component_appid: the service provider's appid.
        secret: its secret. Sent to WeChat in bodies, shown nowhere.
        tickets: where the newest ``component_verify_ticket`` is kept.
        store: where tokens are kept; in this process by default. Processes with the same secret
            must share one: each new token ends the life of the one before. It also has the refresh
            tokens that WeChat replaced, which a store in this process loses with it. One that you
            give is not closed.
        transport: carries the requests; aiohttp by default. One that you give is not closed.
        base_url: where to send instead of WeChat.
        clock: where the time comes from.
        timeout: seconds for one HTTP exchange.
        deadline: seconds for one refresh, its repetitions included, from when it has the store's
            lock; what is on the wire by then has its ``timeout``.
        on_event: a plain function, told what happens: ``TokenEvent`` for refreshes, and once for
            each ticket that a refresh finds older than 30 minutes; and the events of the calls that
            refreshes make.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    component_appid: str = ""
    """The account's name in scopes and events."""
    _closing: asyncio.Task[None] | None = None

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
            raise ConfigurationError(f"{NAME}.tickets: expected a TicketStore, got {type(tickets).__name__}")
        self.component_appid = checked_appid(f"{NAME}.component_appid", component_appid)
        self._clock: Clock = _checks.instance(f"{NAME}.clock", clock, Clock) or LOOP_CLOCK
        self._deadline, timeout = _checks.seconds(f"{NAME}.deadline", deadline), _checks.seconds(f"{NAME}.timeout", timeout)
        given = _checks.instance(f"{NAME}.transport", transport, Transport)
        self._made = AiohttpTransport() if given is None else None
        self._engine = Engine(
            service=AmsService(_checks.base_url(f"{NAME}.base_url", base_url), self, self.component_appid, clock=self._clock),
            transport=WholeExchanges(cast("Transport", given or self._made), timeout),
            limiter=None,
            clock=self._clock,
            retry=RetryPolicy(),
            timeout=timeout,
            deadline=_CALL_SHARE * self._deadline,
            on_event=_checks.listener(f"{NAME}.on_event", on_event),
        )
        self._events = TokenEvents(self._engine)
        secret = require_secret(f"{NAME}.secret", secret)
        self._requests = TokenRequests(self.component_appid, secret, tickets, self._engine, self._events, source=self)
        kept = _checks.instance(f"{NAME}.store", store, TokenStore) or MemoryTokenStore(clock=self._clock)
        self._store = RetryingTokenStore(kept, clock=self._clock)
        self._records = LockedRecords(store=self._store, clock=self._clock, deadline=self._deadline)
        self._authorizers = Authorizers(self.component_appid, self._records, self._requests, self._forget)
        book = CodeBook(self.component_appid, self._records)
        self._authorizations = Authorizations(self._records, book, self._requests, self._authorizers, self._forget)
        refresher = Refresher(self._records, self._requests, self._authorizations, self._clock, self._deadline, RefusalLimit(self._clock))
        self._cached = CachedTokens(self.component_appid, refresher, self._events, self._clock)
        self._lifetime = Lifetime("the token source")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret:
        """Return a token that lives; ``appid`` names the authorizer.

        Waits at most ``timeout`` seconds for a refresh.

        Raises:
            TokenUnavailableError: there is none; says why and what to do.
            DeadlineExceededError: none came in time. The refresh goes on.
            ClientStateError: the source is closed, belongs to another event loop, or was used
                before a fork.
        """
        self._lifetime.check_usable()
        return await self._cached.of(kind, appid).get(timeout)

    def peek(self, kind: TokenKind, appid: str | None) -> Secret | None:
        """Return the token that :meth:`get` would return without a wait.

        ``None`` where it would wait or raise.
        """
        try:
            self._lifetime.check_usable()
            return self._cached.peek(kind, appid)
        except Exception:  # noqa: BLE001  (a closed source, another loop, or a clock of the user's that fails: get() says so)
            return None

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
        """Take notice that the server refused this very token.

        One that was replaced meanwhile stays replaced.
        """
        token = as_secret(token)
        self._cached.of(kind, appid).reject(require_token(token))

    async def start_push_ticket(self) -> None:
        """Have WeChat push tickets to the platform's authorization event URL.

        The first comes within ten minutes. Needed when the push was stopped; harmless when it runs.
        See :class:`StartPushTicket` for the errors.
        """
        self._lifetime.check_usable()
        await self._requests.start_push_ticket()

    async def aclose(self) -> None:
        """End all waits for a token, and close what was made here; may be called twice.

        Waiters get ``ClientStateError``.

        A request that is on the wire is answered first, within its ``timeout``, and what it brings
        is stored: WeChat hands out a refresh token once. What the store does not take within five
        seconds more is lost when the process ends, and logged. A caller that is cancelled here
        leaves alone: closing goes on.
        """
        await self._lifetime.aclose()
        if self._closing is None or self._closing.done():
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    def __repr__(self) -> str:
        return f"<ComponentTokens of {self.component_appid}>"

    async def _close(self) -> None:
        flights = self._cached.flights()
        if flights:
            self._lifetime.check_loop_and_process()
        try:
            for flight in flights:
                flight.end()
            await self._engine.lifetime.aclose()
            if flights:
                await asyncio.wait([flight.task for flight in flights])
            await self._authorizations.aclose()
            await self._store.finish()
        finally:
            if self._made is not None:
                await self._made.aclose()

    def _forget(self, appid: str) -> None:
        self._cached.forget(appid)
