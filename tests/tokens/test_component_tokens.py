"""A component's tokens.

What is asked for, what is returned, and the life of their source.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from support.fakes import COMPONENT, OTHER, Read, ams_client, answer, refusal, sent
from support.leaks import assert_no_leak
from support.platform import (
    PATIENCE,
    PROGRAM,
    REFRESH,
    SECRET,
    SECRETS,
    TICKET,
    Platform,
    Tickets,
    component_tokens,
    refreshes,
    reject,
    shown,
    token,
)
from support.virtual import virtual

from wxrevenue import (
    CallEvent,
    ComponentTokens,
    ConfigurationError,
    HttpRequest,
    HttpResponse,
    MemoryTokenStore,
    MemoryTransport,
    Secret,
    TokenEvent,
    TokenKind,
    TokenSource,
    TokenUnavailableError,
)

NOTHING: Any = None


# -- what is asked for -----------------------------------------------------------------------------


@virtual
async def test_the_first_token() -> None:
    """The first caller has WeChat asked; others share the token.

    Appid, secret and ticket are in the body, and nothing is in the query.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        assert isinstance(tokens, TokenSource)
        assert await shown(tokens) == "fake-component-token-1"
        assert await shown(tokens, timeout=0.0) == "fake-component-token-1"
    body = {"component_appid": COMPONENT, "component_appsecret": SECRET, "component_verify_ticket": TICKET}
    assert platform.bodies == [body]
    assert platform.urls == ["https://api.weixin.qq.com/cgi-bin/component/api_component_token"]


@virtual
async def test_an_authorizers_token() -> None:
    """An authorizer's token is fetched with the component's in the query.

    The stored refresh token is in the body.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        found = await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
        assert found.reveal() == "fake-authorizer-token-1"
        assert await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=0.0) == found
    assert dict(platform.calls) == {"api_component_token": 1, "api_authorizer_token": 1}
    assert platform.bodies[1] == {"component_appid": COMPONENT, "authorizer_appid": PROGRAM, "authorizer_refresh_token": REFRESH}
    assert platform.urls[1].endswith("/cgi-bin/component/api_authorizer_token?access_token=fake-component-token-1")


@virtual
async def test_a_rotated_refresh_token_is_used_next() -> None:
    """The refresh token of an answer replaces the former; an empty one does not."""
    platform = Platform(life=600)
    platform.refresh = "fake-refresh-token-2"
    async with component_tokens(platform) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        for rotated in ("", "fake-refresh-token-3"):
            await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
            await asyncio.sleep(700)
            platform.refresh = rotated
        await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
        await asyncio.sleep(700)
        await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    used = [body["authorizer_refresh_token"] for body in platform.bodies if "authorizer_refresh_token" in body]
    assert used == [REFRESH, "fake-refresh-token-2", "fake-refresh-token-2", "fake-refresh-token-3"]


@virtual
async def test_an_account_that_authorizes_anew() -> None:
    """A new refresh token replaces the known one.

    The next token is fetched with it, although the old one still lives.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
        await tokens.add_authorizer(PROGRAM, Secret("fake-refresh-token-anew"))
        found = await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert found.reveal() == "fake-authorizer-token-2"
    assert platform.bodies[-1]["authorizer_refresh_token"] == "fake-refresh-token-anew"


@virtual
async def test_a_refused_component_token_is_replaced_for_an_authorizers() -> None:
    """A component's token that is refused in the call for an authorizer's is replaced.

    The call is made once more.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        await token(tokens)
        platform.trouble = [42001]
        found = await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
        assert found.reveal() == "fake-authorizer-token-2"
        assert platform.refreshes == 2
        platform.trouble = [40014, None, 40014]
        await tokens.reject(TokenKind.AUTHORIZER, PROGRAM, found)
        with pytest.raises(TokenUnavailableError, match="40014"):
            await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert dict(platform.calls) == {"api_component_token": 3, "api_authorizer_token": 4}


@virtual
async def test_starting_the_push() -> None:
    """The push of tickets is started with the component's secret.

    "in a normal state" is no error.
    """
    platform = Platform({"errcode": 0, "errmsg": "in a normal state"})
    async with component_tokens(platform) as tokens:
        await tokens.start_push_ticket()
    assert platform.bodies == [{"component_appid": COMPONENT, "component_secret": SECRET}]
    assert platform.urls[0].endswith("/cgi-bin/component/api_start_push_ticket")


@pytest.mark.parametrize("text", ["fake+/=&%?#" + "x" * 600, "假令牌-fake", "fake%2Btoken"])
@virtual
async def test_odd_tokens(text: str) -> None:
    """K-22: a long token arrives as it was handed out, encoded once.

    So does one with signs that have a meaning in URLs.
    """

    def handler(request: HttpRequest) -> HttpResponse:
        if "api_component_token" in request.url:
            return answer({"component_access_token": text, "expires_in": 7200})
        return answer()

    async with component_tokens(handler) as tokens:
        client, transport = ams_client(handler=handler, tokens=tokens)
        await client.send(Read())
    from yarl import URL

    assert URL(sent(transport)[0], encoded=True).query["access_token"] == text


# -- for clients -----------------------------------------------------------------------------------


@virtual
async def test_clients_share_a_source() -> None:
    """Many clients of a loop share one source.

    It uses its own transport, and names their account.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        clients = [ams_client(answer(), tokens=tokens, component_appid=None) for _ in range(5)]
        assert {client.component_appid for client, _ in clients} == {COMPONENT}
        await asyncio.gather(*(client.send(Read()) for client, _ in clients))
        for client, transport in clients:
            assert sent(transport)[0].endswith("access_token=fake-component-token-1")
            await client.aclose()
        assert await shown(tokens) == "fake-component-token-1"
    assert platform.refreshes == 1


@virtual
async def test_a_token_no_client_could_get() -> None:
    """The source's error reaches the caller of a client, once.

    The error has the name of the interface that was called.
    """
    platform = Platform(61004)
    async with component_tokens(platform) as tokens:
        client, transport = ams_client(tokens=tokens)
        with pytest.raises(TokenUnavailableError) as caught:
            await client.send(Read())
    assert (caught.value.endpoint, transport.requests, platform.refreshes) == ("fake_read", [], 1)


@pytest.mark.parametrize(("kind", "appid"), [(TokenKind.NONE, None), (TokenKind.AUTHORIZER, None), (TokenKind.AUTHORIZER, "")])
@virtual
async def test_what_is_no_token_here(kind: TokenKind, appid: str | None) -> None:
    """A token of no kind is refused before any I/O.

    So is that of an authorizer without a name.
    """
    async with component_tokens(Platform()) as tokens:
        with pytest.raises(ConfigurationError):
            await tokens.get(kind, appid, timeout=1.0)


# -- events and contexts ---------------------------------------------------------------------------


@virtual
async def test_what_a_listener_is_told() -> None:
    """Each refresh has events: its start, reason, result and seconds.

    The call that the refresh made has an event, too.
    """
    told: list[Any] = []
    platform = Platform(None, 40125)
    async with component_tokens(platform, on_event=told.append) as tokens:
        first = await token(tokens)
        await reject(tokens, first)
        with pytest.raises(TokenUnavailableError):
            await token(tokens)
    assert refreshes(told) == [("started", "first"), ("ok", "first"), ("started", "refused"), ("failed", "refused")]
    ended = [event for event in told if isinstance(event, TokenEvent) and event.refresh not in {None, "started"}]
    assert [(event.kind, event.appid, event.duration, event.error, event.code) for event in ended] == [
        ("component", None, 1.0, None, None),
        ("component", None, 1.0, "InvalidParameterError", 40125),
    ]
    calls = [event for event in told if isinstance(event, CallEvent)]
    assert [(event.endpoint, event.account, event.outcome) for event in calls] == [
        ("api_component_token", COMPONENT, "ok"),
        ("api_component_token", COMPONENT, "InvalidParameterError"),
    ]
    assert_no_leak(*told, secrets=SECRETS)


@virtual
async def test_a_refresh_runs_in_nobodys_context() -> None:
    """C-12: a refresh belongs to no caller.

    It runs in the context that the source was made in.
    """
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    def listen(_: object) -> None:
        seen.append(who.get())

    who.set("the maker")
    tokens = component_tokens(Platform(), on_event=listen)
    who.set("a caller")
    await token(tokens)
    assert set(seen) == {"the maker"}
    assert who.get() == "a caller"


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"secret": ""}, "secret: expected a value that is not empty"),
        ({"secret": b"fake-component-secret"}, "secret: expected a str or a Secret"),
        ({"secret": None}, "secret: expected a str or a Secret"),
        ({"component_appid": ""}, "component_appid: expected a value that is not empty"),
        ({"component_appid": "w" * 65}, "component_appid: expected at most 64 characters"),
        ({"component_appid": "wx1/wx2"}, "component_appid: expected at most 64 characters without a slash"),
        ({"tickets": None}, "tickets: expected a TicketStore, got NoneType"),
        ({"store": {}}, "store: expected a TokenStore, got dict"),
        ({"transport": 5}, "transport: expected a Transport, got int"),
        ({"base_url": "ftp://x"}, "base_url: expected"),
        ({"clock": 5}, "clock: expected a Clock, got int"),
        ({"timeout": 0}, "timeout: expected a positive"),
        ({"deadline": -1}, "deadline: expected a positive"),
        ({"on_event": 5}, "on_event: expected a function, got int"),
    ],
    ids=repr,
)
def test_settings_are_checked(changes: dict[str, Any], says: str) -> None:
    """A forbidden setting is refused at once, by name, and no secret shows."""
    settings: dict[str, Any] = {"component_appid": COMPONENT, "secret": SECRET, "tickets": Tickets(), **changes}
    with pytest.raises(ConfigurationError, match="ComponentTokens") as caught:
        ComponentTokens(**settings)
    assert says in str(caught.value)
    assert_no_leak(caught.value, secrets=SECRETS)


@pytest.mark.parametrize(
    ("appid", "refresh"),
    [("", REFRESH), ("w" * 65, REFRESH), (5, REFRESH), (PROGRAM, ""), (PROGRAM, b"fake-refresh-token"), (PROGRAM, None)],
)
@virtual
async def test_authorizers_are_checked(appid: Any, refresh: Any) -> None:
    """An authorizer without a name, or without a refresh token, is refused.

    No secret shows.
    """
    async with component_tokens(Platform()) as tokens:
        with pytest.raises(ConfigurationError, match=r"ComponentTokens\.add_authorizer: \w+: expected") as caught:
            await tokens.add_authorizer(appid, refresh)
    assert_no_leak(caught.value, secrets=SECRETS)


@virtual
async def test_a_source_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """The reprs of a source and its parts show no secret."""
    tokens = component_tokens(Platform())
    await tokens.add_authorizer(PROGRAM, REFRESH)
    await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert repr(tokens) == f"<ComponentTokens of {COMPONENT}>"
    assert_no_leak(tokens, *vars(tokens).values(), *map(repr, tokens._cached._tokens.values()), secrets=SECRETS, caplog=caplog)  # pyright: ignore[reportPrivateUsage]


@virtual
async def test_two_components_share_nothing() -> None:
    """K-23: two components with one store have tokens of their own."""
    store, transport = MemoryTokenStore(), MemoryTransport(Platform())
    one = ComponentTokens(COMPONENT, SECRET, tickets=Tickets(), store=store, transport=transport)
    await one.add_authorizer(PROGRAM, REFRESH)
    other = ComponentTokens(OTHER, SECRET, tickets=Tickets(), store=store, transport=transport)
    with pytest.raises(TokenUnavailableError, match="no refresh token is known"):
        await other.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)


@virtual
async def test_what_is_rejected_is_checked() -> None:
    """Rejecting a value that is no token is the client's mistake."""
    async with component_tokens(Platform()) as tokens:
        with pytest.raises(ConfigurationError):
            await reject(tokens, NOTHING)


def test_a_refused_token_of_another_is_nothing() -> None:
    """Rejecting a token that the source never returned changes nothing."""

    @virtual
    async def run() -> None:
        platform = Platform()
        async with component_tokens(platform) as tokens:
            await reject(tokens, "fake-token-of-another")
            await token(tokens)
            await reject(tokens, "fake-token-of-another")
            await token(tokens)
        assert platform.refreshes == 1

    run()


@virtual
async def test_a_client_replaces_a_refused_token() -> None:
    """K-08: a call whose token was refused is repeated once with another.

    A second refusal is an error.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        client, transport = ams_client(refusal(40001), answer(), refusal(42001), refusal(40001), tokens=tokens)
        await client.send(Read())
        with pytest.raises(Exception, match="40001"):
            await client.send(Read())
    assert [url.rpartition("-")[2] for url in sent(transport)] == ["1", "2", "2", "3"]
    assert platform.refreshes == 3
