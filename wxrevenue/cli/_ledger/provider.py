"""The provider's client, and the queue of jobs."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from wxrevenue import RedisRateLimiter, RedisTicketStore, RedisTokenStore, RevenueClient
from wxrevenue.ams._service import ANONYMOUS
from wxrevenue.cli._client import DEADLINE_S, client_for
from wxrevenue.errors import ConfigurationError
from wxrevenue.tokens import _environment
from wxrevenue.tokens._store_keys import store_keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import TypeAlias

    from wxrevenue import ComponentTokens, RateLimiter, Secret
    from wxrevenue.events import Event
    from wxrevenue.fleet.workers import JobQueue

    Listener: TypeAlias = Callable[[Event], object]

_NO_APPID: Final = "set the environment variable WXREVENUE_COMPONENT_APPID: a ledger's rows belong to it"
_SHARED: Final = "workers share their tokens in Redis, sealed with this key"


class ServerOptions(Protocol):
    """Options that say where."""

    @property
    def base_url(self) -> str | None:
        """Another server than WeChat's."""
        ...

    @property
    def sandbox(self) -> bool:
        """A sandbox in place of a server."""
        ...


def limiter_for(redis: Secret, on_event: Listener | None) -> RateLimiter:
    """Return the limiter of all processes on a Redis."""
    return RedisRateLimiter(redis, on_event=on_event)


@asynccontextmanager
async def provider(options: ServerOptions, *, on_event: Listener | None = None) -> AsyncGenerator[RevenueClient]:
    """Yield the provider's client.

    Raises:
        ConfigurationError: credentials are missing or not allowed; nothing was sent.
    """
    async with client_for(sandbox=options.sandbox, base_url=options.base_url, on_event=on_event) as client:
        if client.component_appid.startswith(ANONYMOUS):
            raise ConfigurationError(_NO_APPID)
        yield client


@asynccontextmanager
async def sharing_provider(
    redis: Secret, options: ServerOptions, *, on_event: Listener | None = None
) -> AsyncGenerator[tuple[RevenueClient, JobQueue]]:
    """Yield a client and the queue of jobs, shared through a Redis.

    Tokens and quota of the client are those of all processes there.

    Raises:
        ConfigurationError: credentials are missing or not allowed; nothing was sent.
        TransportError: Redis did not answer.
    """
    from wxrevenue.fleet.workers import JobQueue

    keys = store_keys(needed_for=None if options.sandbox or _environment.has_token() else _SHARED)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await _client(stack, redis, options, keys, on_event))
        yield client, await stack.enter_async_context(JobQueue(redis, client.component_appid, keys=keys))


async def _client(
    stack: AsyncExitStack, redis: Secret, options: ServerOptions, keys: tuple[Secret, ...], on_event: Listener | None
) -> RevenueClient:
    if options.sandbox:
        return client_for(sandbox=True, base_url=None, on_event=on_event)
    given: dict[str, object] = {"base_url": options.base_url} if options.base_url else {}
    settings: dict[str, Any] = {**_environment.variables(given), **given}
    appid = settings.get("component_appid")
    if not appid:
        raise ConfigurationError(_NO_APPID)
    settings |= {"limiter": limiter_for(redis, on_event), "on_event": on_event, "deadline": DEADLINE_S}
    stack.push_async_callback(settings["limiter"].aclose)
    if _environment.has_token():
        return RevenueClient.from_env(**settings)
    store = await stack.enter_async_context(RedisTokenStore(redis, keys=keys))
    tickets = RedisTicketStore(redis, appid, keys=keys)
    stack.push_async_callback(tickets.aclose)
    shared = {name: settings[name] for name in ("base_url", "on_event") if name in settings}
    tokens = cast("ComponentTokens", _environment.tokens(appid, tickets=tickets, store=store, **shared))
    stack.push_async_callback(tokens.aclose)
    return RevenueClient(tokens, **settings)
