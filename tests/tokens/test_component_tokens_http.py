"""Component tokens from the sandbox over real HTTP, with clients that use them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest
from support.leaks import assert_no_leak
from support.virtual import HandClock

from wxrevenue import (
    AiohttpTransport,
    AmsRequest,
    ComponentTokens,
    Endpoint,
    Event,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    MemoryTicketStore,
    MemoryTokenStore,
    OutcomeUnknownError,
    PermissionDeniedError,
    Rate,
    RevenueClient,
    Safety,
    TokenEvent,
    TokenKind,
    TokenUnavailableError,
)
from wxrevenue.push import TicketReceiver, receive
from wxrevenue.sandbox import Mishap, Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ASKED, REFUSED = ("get_share_ratio", "ok"), ("get_share_ratio", "42001")


@attrs.frozen
class OfProgram(AmsRequest[None]):
    """A call that shows whether its authorizer's token is good.

    The sandbox answers with 48001 if it is, and with a token error if it is not.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path="/wxa/getdefaultamsinfo", action="get_share_ratio", token=TokenKind.AUTHORIZER, safety=Safety.SAFE
    )


class Gate(AiohttpTransport):
    """Lets token requests pass only while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.arrived = 0

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send, once the gate is open."""
        self.arrived += 1
        await self.open.wait()
        return await super().send(request, timeout=timeout)


@asynccontextmanager
async def world(**options: Any) -> AsyncGenerator[tuple[Sandbox, ComponentTokens, RevenueClient]]:
    """Return a served sandbox, its first provider's tokens, and a client with them."""
    sandbox = Sandbox()
    component = sandbox.components[0]
    tickets = MemoryTicketStore()
    await tickets.put(sandbox.ticket(component))
    async with sandbox.serve() as url:
        tokens = ComponentTokens(component, sandbox.component_secret(component), tickets=tickets, base_url=url, **options)
        async with tokens, RevenueClient(tokens, base_url=url, limiter=LocalRateLimiter(rate=Rate(10_000))) as client:
            yield sandbox, tokens, client


async def test_a_client_from_secret_and_ticket() -> None:
    """With a secret and a ticket a client works, under its component's name.

    The token is fetched once.
    """
    async with world() as (sandbox, tokens, client):
        assert client.component_appid == tokens.component_appid == sandbox.components[0]
        await client.set_share_ratio(40)
        ratios = await asyncio.gather(*(client.get_share_ratio(sandbox.components[0]) for _ in range(20)))
    assert {ratio.share_ratio for ratio in ratios} == {40}
    assert sandbox.calls["api_component_token", "ok"] == 1


async def test_late_refusals_over_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    """K-09: 300 calls with the same token, refused one by one, cost one refresh.

    They are refused as connections allow, and all succeed.
    """
    async with world() as (sandbox, _tokens, client):
        component = sandbox.components[0]
        await client.get_share_ratio(component)
        sandbox.expire_token(component)
        old = sandbox.component_token(component)
        ratios = await asyncio.gather(*(client.get_share_ratio(component) for _ in range(300)))
    assert len(ratios) == 300
    assert sandbox.calls["api_component_token", "ok"] == 2
    assert (sandbox.calls[REFUSED], sandbox.calls[ASKED]) == (300, 301)
    assert_no_leak(secrets=[old, sandbox.component_token(component), sandbox.component_secret(component), "sandbox-ticket-"], caplog=caplog)


async def test_traffic_goes_on_while_a_refresh_hangs() -> None:
    """K-14: while a refresh hangs, 200 live calls are answered with the old token.

    Then the new one is used.
    """
    clock, gate, renewed = HandClock(), Gate(), asyncio.Event()

    def listen(event: Event) -> None:
        if isinstance(event, TokenEvent) and event.refresh == "ok":
            renewed.set()

    async with world(clock=clock, transport=gate, on_event=listen) as (sandbox, _tokens, client), aclosing(gate):
        component = sandbox.components[0]
        await client.get_share_ratio(component)
        renewed.clear()
        gate.open.clear()
        await clock.advance(7200 - 299)
        old = sandbox.component_token(component)
        await asyncio.gather(*(client.get_share_ratio(component) for _ in range(200)))
        assert gate.arrived == 2
        assert sandbox.component_token(component) == old
        gate.open.set()
        await renewed.wait()
        assert sandbox.component_token(component) != old
        sandbox.expire_token(component)
        await client.get_share_ratio(component)
    assert (sandbox.calls[ASKED], sandbox.calls[REFUSED]) == (202, 1)
    assert sandbox.calls["api_component_token", "ok"] == 3


async def test_pushed_out_by_another_holder() -> None:
    """A token that another client's refresh replaced answers 40001 after the overlap.

    It is replaced and the call made again.
    """
    now = 1_774_000_000.0
    sandbox = Sandbox(now=lambda: now)
    component, tickets = sandbox.components[0], MemoryTicketStore()
    await tickets.put(sandbox.ticket(component))
    transport = sandbox.transport()

    def holder() -> ComponentTokens:
        return ComponentTokens(component, sandbox.component_secret(component), tickets=tickets, transport=transport)

    async with holder() as one, holder() as other, RevenueClient(one, transport=transport) as client:
        await client.get_share_ratio(component)
        await other.get(TokenKind.COMPONENT, None, timeout=5.0)
        await client.get_share_ratio(component)
        now += 301
        await client.get_share_ratio(component)
    assert sandbox.calls["get_share_ratio", "40001"] == 1
    assert sandbox.calls["api_component_token", "ok"] == 3


async def test_authorizers_over_the_wire() -> None:
    """Requests with ``authorizer_appid`` have that Mini Program's token.

    A refresh token that changed is used next.
    """
    store = MemoryTokenStore()
    async with world(store=store) as (sandbox, tokens, client):
        program = sandbox.programs(sandbox.components[0])[0]
        await tokens.add_authorizer(program, sandbox.refresh_token(program))
        with pytest.raises(PermissionDeniedError):
            await client.send(OfProgram(authorizer_appid=program))
        new = sandbox.authorize(program)
        sandbox.expire_token(program)
        with pytest.raises(PermissionDeniedError):
            await client.send(OfProgram(authorizer_appid=program))
        assert sandbox.calls["get_share_ratio", "42001"] == 1
        record = await store.read(f"{sandbox.components[0]}/{program}")
    assert record is not None
    assert record.refresh is not None
    assert record.refresh.reveal() == new
    assert sandbox.calls["api_authorizer_token", "ok"] == 2


async def test_an_expired_component_token_under_an_authorizers() -> None:
    """A component's token that expired costs an authorizer's one refresh more."""
    async with world() as (sandbox, tokens, _client):
        component = sandbox.components[0]
        for program in sandbox.programs(component):
            await tokens.add_authorizer(program, sandbox.refresh_token(program))
        await tokens.get(TokenKind.COMPONENT, None, timeout=5.0)
        sandbox.expire_token(component)
        await asyncio.gather(*(tokens.get(TokenKind.AUTHORIZER, one, timeout=5.0) for one in sandbox.programs(component)))
    assert sandbox.calls["api_authorizer_token", "ok"] == len(sandbox.programs(component))
    assert sandbox.calls["api_component_token", "ok"] == 2


async def test_answers_lost_on_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    """K-20: a refresh whose answers are all lost has an unknown outcome.

    The refresh token is good for the next.
    """
    async with world() as (sandbox, tokens, _client):
        program = sandbox.programs(sandbox.components[0])[0]
        refresh = sandbox.refresh_token(program)
        await tokens.add_authorizer(program, refresh)
        sandbox.next(*[Mishap.DROP_AFTER] * 3, action="api_authorizer_token")
        with pytest.raises(TokenUnavailableError) as caught:
            await tokens.get(TokenKind.AUTHORIZER, program, timeout=5.0)
        assert isinstance(caught.value.last, OutcomeUnknownError)
        await tokens.add_authorizer(program, refresh)
        await tokens.get(TokenKind.AUTHORIZER, program, timeout=5.0)
    assert sandbox.calls["api_authorizer_token", "ok"] == 1
    assert_no_leak(caught.value, secrets=[refresh, sandbox.component_token(sandbox.components[0])], caplog=caplog)


async def test_from_the_push_to_the_call() -> None:
    """K-16: before the first push the error of a call says that there is no ticket.

    Once a ticket was received, calls work.
    """
    clock, tickets = HandClock(), MemoryTicketStore()
    sandbox = Sandbox(now=clock.time)
    component = sandbox.components[0]
    keys = sandbox.push_keys(component)
    receiver = TicketReceiver(component, keys.token, keys.aes_key, clock=clock)
    async with sandbox.serve() as url:
        tokens = ComponentTokens(component, sandbox.component_secret(component), tickets=tickets, base_url=url, clock=clock)
        async with tokens, RevenueClient(tokens, base_url=url, limiter=LocalRateLimiter(rate=Rate(10_000))) as client:
            with pytest.raises(TokenUnavailableError, match="no component_verify_ticket yet"):
                await client.get_share_ratio(component)
            push = sandbox.ticket_push(component)
            assert (await receive(receiver, tickets, push.query, push.body)).is_success
            await clock.advance(2)
            await client.get_share_ratio(component)
    assert (sandbox.calls["api_component_token", "ok"], sandbox.calls[ASKED]) == (1, 1)


async def test_the_push_is_started() -> None:
    """The push of tickets is started by a call of its own."""
    async with world() as (sandbox, tokens, _client):
        assert not sandbox.is_pushing(sandbox.components[0])
        await tokens.start_push_ticket()
        assert sandbox.is_pushing(sandbox.components[0])
        await tokens.start_push_ticket()


@pytest.mark.parametrize("code", [61004, 61005, 40125])
async def test_refusals_over_the_wire(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """The error of a refused token says why and what to do, and shows no secret."""
    async with world() as (sandbox, _tokens, client):
        component = sandbox.components[0]
        sandbox.next(code, action="api_component_token")
        with pytest.raises(TokenUnavailableError, match=f"WeChat answered {code}.* what to do: ") as caught:
            await client.get_share_ratio(component)
    assert_no_leak(caught.value, secrets=[sandbox.component_secret(component), "sandbox-ticket-"], caplog=caplog)
