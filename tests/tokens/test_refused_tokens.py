"""What happens when the server refuses a token."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import TOKEN, Put, Read, Tokens, ams_client, answer, refusal, sent
from support.virtual import now, virtual

from wxrevenue import HttpRequest, HttpResponse, RetryPolicy, Secret, ServerBusyError, StaticTokens, TokenError, TokenEvent, TokenKind

REFUSED = [40001, 40014, 42001, 42006]
NO_RETRY = RetryPolicy(max_attempts=1)


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
