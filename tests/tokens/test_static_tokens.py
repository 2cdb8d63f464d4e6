"""Where tokens come from, and what happens when the server refuses one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import COMPONENT, OTHER, TOKEN, OfAuthorizer, Put, Read, Tokens, ams_client, answer, refusal, sent
from support.leaks import assert_no_leak
from support.virtual import now, virtual

from wxrevenue import (
    ConfigurationError,
    DeadlineExceededError,
    HttpRequest,
    HttpResponse,
    RetryPolicy,
    RevenueClient,
    Secret,
    ServerBusyError,
    StaticTokens,
    TokenError,
    TokenEvent,
    TokenKind,
    TokenSource,
    TokenUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED = [40001, 40014, 42001, 42006]
NO_RETRY = RetryPolicy(max_attempts=1)
WRONG: Any = b"fake-token-bytes"
NOTHING: Any = None


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("policy", [None, NO_RETRY], ids=["retries", "no retries"])
@virtual
async def test_another_token_is_tried_once(code: int, policy: RetryPolicy | None) -> None:
    """K-08: a refused token is rejected at its source, and the call repeated once.

    The repetition has another token, and does not count as an attempt.
    """
    tokens = Tokens("fake-token-1", "fake-token-2")
    told: list[Any] = []
    client, transport = ams_client(refusal(code), answer(), tokens=tokens, retry=policy, on_event=told.append)
    await client.send(Read())
    assert [url.rpartition("=")[2] for url in sent(transport)] == ["fake-token-1", "fake-token-2"]
    assert tokens.rejected == [(TokenKind.COMPONENT, None, "fake-token-1")]
    assert [(event.kind, event.code) for event in told if isinstance(event, TokenEvent)] == [("component", code)]
    assert told[-1].attempts == 1
    assert now() == 0


@virtual
async def test_a_second_refusal_surfaces() -> None:
    """K-08: when the other token is refused too, that refusal is the error.

    ``reject`` is called once.
    """
    tokens = Tokens("fake-token-1", "fake-token-2", "fake-token-3")
    client, transport = ams_client(refusal(40001), refusal(42001), tokens=tokens)
    with pytest.raises(TokenError) as caught:
        await client.send(Read())
    assert caught.value.code == 42001
    assert caught.value.attempts == 1
    assert len(transport.requests) == 2
    assert len(tokens.rejected) == 1


@pytest.mark.parametrize("code", [41001, 61005, 61023])
@virtual
async def test_other_refusals_are_not_about_this_token(code: int) -> None:
    """A token error that another token would not mend is raised at once."""
    tokens = Tokens("fake-token-1", "fake-token-2")
    client, transport = ams_client(refusal(code), tokens=tokens)
    with pytest.raises(TokenError):
        await client.send(Read())
    assert len(transport.requests) == 1
    assert not tokens.rejected


@pytest.mark.parametrize("make", [str, Secret], ids=["str", "Secret"])
@virtual
async def test_rejection_gets_the_very_value(make: Any) -> None:
    """``reject`` gets what ``get`` returned.

    A str stays a str, a Secret the same Secret.
    """
    first = make("fake-token-1")
    tokens = Tokens(first, make("fake-token-2"))
    client, _ = ams_client(refusal(40001), answer(), tokens=tokens)
    await client.send(Read())
    ((_, _, rejected),) = tokens.rejected
    assert type(rejected) is make
    assert rejected == first
    assert rejected is first or make is str


@virtual
async def test_a_secret_equal_to_an_earlier_str() -> None:
    """``reject`` gets the very object of the last ``get``, each time.

    The same text once as str and once as Secret comes back as it was.
    """
    text, box = "fake-token-1", Secret("fake-token-1")
    tokens = Tokens(text)
    client, _ = ams_client(answer(), refusal(40001), tokens=tokens)
    await client.send(Read())
    tokens.tokens = [box, "fake-token-2"]
    await asyncio.gather(client.send(Read()), return_exceptions=True)
    assert tokens.rejected[0][2] is box


@pytest.mark.parametrize("tokens", [TOKEN, Secret(TOKEN), StaticTokens(component=TOKEN), Tokens(TOKEN), Tokens(Secret(TOKEN))], ids=type)
@virtual
async def test_the_same_token_again_is_not_tried(tokens: Any) -> None:
    """When the source has no other token, the server's refusal is the error.

    There is no second request.
    """
    client, transport = ams_client(refusal(40001), tokens=tokens)
    with pytest.raises(TokenError) as caught:
        await client.send(Read())
    assert caught.value.code == 40001
    assert len(transport.requests) == 1


@virtual
async def test_a_refused_token_stays_refused_over_attempts() -> None:
    """A token that was refused in an earlier attempt of a call is not sent again."""
    tokens = Tokens("fake-token-1", "fake-token-2")
    client, transport = ams_client(refusal(40001), refusal(-1), tokens=tokens)
    call = asyncio.create_task(client.send(Read()))
    await asyncio.sleep(0)
    tokens.tokens = ["fake-token-1"]
    with pytest.raises((TokenError, ServerBusyError)):
        await call
    assert [url.rpartition("=")[2] for url in sent(transport)].count("fake-token-1") == 1


@virtual
async def test_concurrent_refusals_each_try_once() -> None:
    """K-09: calls refused side by side are each repeated once.

    ``reject`` is called for each, with the value that failed.
    """
    tokens = Tokens("fake-token-1", "fake-token-2")

    def handler(request: HttpRequest) -> HttpResponse:
        return refusal(40001) if request.wire_url().endswith("1") else answer()

    client, transport = ams_client(handler=handler, tokens=tokens)
    await asyncio.gather(*(client.send(Read()) for _ in range(5)))
    assert {rejected for _, _, rejected in tokens.rejected} == {"fake-token-1"}
    assert len(transport.requests) == 5 + len(tokens.rejected)


@virtual
async def test_a_write_refused_for_its_token_is_repeated() -> None:
    """A write whose token was refused did nothing, and is repeated.

    Its error is not ambiguous.
    """
    client, transport = ams_client(refusal(40001), refusal(40001), tokens=Tokens("fake-token-1", "fake-token-2"))
    with pytest.raises(TokenError) as caught:
        await client.send(Put())
    assert not caught.value.ambiguous
    assert len(transport.requests) == 2


# -- what is asked of a source ---------------------------------------------------------------------


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


# -- what goes wrong in a source -------------------------------------------------------------------


class CustomError(Exception):
    """An exception of a user's own."""


@pytest.mark.parametrize("where", ["function", "source", "reject"])
@virtual
async def test_what_a_users_source_raises_passes_unchanged(where: str) -> None:
    """The exception of a user's own source reaches the caller.

    It is the same instance, not retried and not wrapped.
    """
    mine = CustomError("mine")

    async def function() -> str:
        raise mine

    class Source(Tokens):
        async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret | str:
            self.asked.append((kind, appid, timeout))
            if where == "source":
                raise mine
            return "fake-token-1"

        async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
            raise mine

    source = Source("fake-token-1")
    told: list[Any] = []
    client, transport = ams_client(refusal(40001), tokens=function if where == "function" else source, on_event=told.append)
    with pytest.raises(CustomError) as caught:
        await client.send(Read())
    assert caught.value is mine
    assert len(source.asked) == (0 if where == "function" else 1)
    assert len(transport.requests) == (1 if where == "reject" else 0)
    assert told[-1].outcome == "CustomError"
    await client.aclose()


@virtual
async def test_timeouts_of_a_users_source_are_its_own() -> None:
    """A TimeoutError from a user's function is not taken for the call's deadline."""
    mine = TimeoutError("mine")

    async def function() -> str:
        await asyncio.sleep(1)
        raise mine

    client, _ = ams_client(tokens=function)
    with pytest.raises(TimeoutError) as caught:
        await client.send(Read())
    assert caught.value is mine
    assert now() == 1


@virtual
async def test_a_function_that_takes_too_long() -> None:
    """The wait for a token function is bounded by the call's deadline.

    No request was sent.
    """

    async def function() -> str:
        await asyncio.sleep(1_000)
        return "fake-token-1"

    client, transport = ams_client(tokens=function, deadline=3.0)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.send(Read())
    assert now() == 3
    assert not transport.requests
    assert not caught.value.ambiguous
    assert (caught.value.endpoint, caught.value.attempts) == ("fake_read", 1)


@virtual
async def test_a_source_that_uses_the_deadline_up() -> None:
    """A request is not sent if its source returned the token after the deadline."""
    client, transport = ams_client(tokens=Tokens("fake-token-1", delays=[5.0]), deadline=3.0)
    with pytest.raises(DeadlineExceededError):
        await client.send(Read())
    assert not transport.requests


@virtual
async def test_a_client_never_closes_a_source() -> None:
    """A client never closes a token source, which belongs to its owner."""

    class Source(Tokens):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    source = Source("fake-token-1")
    client, _ = ams_client(answer(), tokens=source)
    await client.send(Read())
    await client.aclose()
    assert not source.closed


def test_account_named_by_the_source() -> None:
    """A source that knows the component's appid names the account.

    The caller's name comes first.
    """

    class Source(Tokens):
        component_appid = OTHER

    assert RevenueClient(Source("fake-token-1")).component_appid == OTHER
    assert RevenueClient(Source("fake-token-1"), COMPONENT).component_appid == COMPONENT
    clone = RevenueClient("fake-token-0", COMPONENT).with_options(tokens=Source("fake-token-1"))
    assert clone.component_appid == OTHER
