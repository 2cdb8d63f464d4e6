"""Where tokens come from: what a source is asked, and what it may return."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import OTHER, OfAuthorizer, Read, Tokens, ams_client, answer, refusal, sent
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import ConfigurationError, RevenueClient, Secret, StaticTokens, TokenKind, TokenSource, TokenUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


WRONG: Any = b"fake-token-bytes"
NOTHING: Any = None


@virtual
async def test_what_a_source_is_asked() -> None:
    """A source is asked for the endpoint's kind and the authorizer's appid.

    The call has what remains of the deadline.
    """
    tokens = Tokens("fake-token-1")
    client, transport = ams_client(answer(), answer(), tokens=tokens, deadline=7.0)
    await client.send(Read())
    await client.send(OfAuthorizer(authorizer_appid="wx2"))
    assert tokens.asked == [(TokenKind.COMPONENT, None, 7.0), (TokenKind.AUTHORIZER, "wx2", 7.0)]
    assert b"wx2" not in transport.requests[1].body
    assert isinstance(tokens, TokenSource)


@virtual
async def test_a_function_is_asked_at_every_bind() -> None:
    """A token function is called for every request.

    So the user's own cache decides.
    """
    handed: Iterator[str | Secret] = iter(["fake-token-1", "fake-token-2", Secret("fake-token-3")])

    async def tokens() -> str | Secret:
        return next(handed)

    client, transport = ams_client(answer(), refusal(40001), answer(), tokens=tokens)
    await client.send(Read())
    await client.send(Read())
    assert [url.rpartition("=")[2] for url in sent(transport)] == ["fake-token-1", "fake-token-2", "fake-token-3"]


@virtual
async def test_a_function_may_return_any_awaitable() -> None:
    """A plain function that returns an awaitable is accepted like an async one."""

    def tokens() -> asyncio.Future[str]:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        future.set_result("fake-token-1")
        return future

    client, _ = ams_client(answer(), tokens=tokens)
    await client.send(Read())


@virtual
async def test_a_function_has_no_authorizer_tokens() -> None:
    """A token function returns the component's token only."""

    async def tokens() -> str:
        return "fake-token-1"

    client, transport = ams_client(tokens=tokens)
    with pytest.raises(TokenUnavailableError):
        await client.send(OfAuthorizer(authorizer_appid="wx2"))
    assert not transport.requests


@pytest.mark.parametrize("value", ["fake-token-plain", None, 5], ids=type)
@virtual
async def test_a_plain_function_is_no_source(value: Any) -> None:
    """A function that returns no awaitable is the caller's mistake.

    The error says so, without what it returned.
    """
    client, transport = ams_client(tokens=lambda: value)
    with pytest.raises(ConfigurationError, match="async function") as caught:
        await client.send(Read())
    assert not transport.requests
    assert_no_leak(caught.value, secrets=["fake-token-plain"])


@pytest.mark.parametrize(
    "value", [b"fake-token-bytes", {"component_access_token": "fake-token-dict"}, ["fake-token-list"], None, 5], ids=type
)
@virtual
async def test_a_token_that_is_none(value: Any) -> None:
    """A token that is no str and no Secret is refused before it is sent.

    It does not show.
    """

    async def tokens() -> Any:
        return value

    client, transport = ams_client(tokens=tokens)
    with pytest.raises(ConfigurationError, match="a token: expected a str or a Secret") as caught:
        await client.send(Read())
    assert not transport.requests
    assert_no_leak(caught.value, secrets=["fake-token-bytes", "fake-token-dict", "fake-token-list"])


@pytest.mark.parametrize("value", ["", Secret("")], ids=["str", "Secret"])
@virtual
async def test_an_empty_token(value: Any) -> None:
    """An empty token is no token.

    It is TokenUnavailableError; nothing is sent or retried.
    """
    tokens = Tokens(value)
    client, transport = ams_client(tokens=tokens)
    with pytest.raises(TokenUnavailableError) as caught:
        await client.send(Read())
    assert not transport.requests
    assert len(tokens.asked) == 1
    assert (caught.value.endpoint, caught.value.attempts) == ("fake_read", 1)


@virtual
async def test_a_source_without_the_kind_refuses_before_io() -> None:
    """StaticTokens without the kind, or the authorizer, refuses before any request.

    The error names the missing one.
    """
    client, transport = ams_client(tokens=StaticTokens(component="fake-token-1", authorizers={OTHER: "fake-token-2"}))
    with pytest.raises(TokenUnavailableError, match="wx3"):
        await client.send(OfAuthorizer(authorizer_appid="wx3"))
    bare, _ = ams_client(tokens=StaticTokens(authorizers={OTHER: "fake-token-2"}))
    with pytest.raises(TokenUnavailableError, match="component"):
        await bare.send(Read())
    assert not transport.requests


@virtual
async def test_static_tokens() -> None:
    """StaticTokens returns the component's token or the authorizer's, in a Secret.

    It never closes or forgets any.
    """
    source = StaticTokens(component="fake-token-1", authorizers={OTHER: Secret("fake-token-2")})
    client, transport = ams_client(answer(), answer(), tokens=source)
    await client.send(Read())
    await client.send(OfAuthorizer(authorizer_appid=OTHER))
    assert [url.rpartition("=")[2] for url in sent(transport)] == ["fake-token-1", "fake-token-2"]
    assert repr(source) == f"StaticTokens(component=Secret(***), authorizers=['{OTHER}'])"
    assert_no_leak(source, secrets=["fake-token-1", "fake-token-2"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: StaticTokens(component=WRONG),
        lambda: StaticTokens(authorizers={OTHER: WRONG}),
        lambda: RevenueClient(WRONG),
        lambda: RevenueClient({"token": WRONG}),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: RevenueClient("fake-token-x").with_options(tokens=WRONG),
    ],
)
def test_tokens_of_the_wrong_type(make: Any) -> None:
    """A token of the wrong type is refused by the constructor, and does not show."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert_no_leak(caught.value, secrets=["fake-token-bytes"])


def test_no_tokens_at_all() -> None:
    """``None`` is no token."""
    with pytest.raises(ConfigurationError, match="tokens"):
        RevenueClient(NOTHING)


@pytest.mark.parametrize("make", [lambda: StaticTokens(component=""), lambda: RevenueClient("")])
def test_empty_tokens(make: Any) -> None:
    """An empty token is refused by the constructor."""
    with pytest.raises(TokenUnavailableError):
        make()


@pytest.mark.parametrize("token", ["a+b/c=d&e?f#g%h", "令牌" * 5, "x" * 2_000])
@virtual
async def test_a_token_is_percent_encoded_once(token: str) -> None:
    """K-22: a token of any characters arrives unchanged."""
    from urllib.parse import parse_qs, urlsplit

    client, transport = ams_client(answer(), tokens=token)
    await client.send(Read())
    query = parse_qs(urlsplit(sent(transport)[0]).query, strict_parsing=True)
    assert query == {"action": ["fake_read"], "access_token": [token]}
