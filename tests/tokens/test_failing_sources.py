"""What goes wrong in a source of tokens, and who ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import COMPONENT, OTHER, Read, Tokens, ams_client, answer, refusal
from support.virtual import now, virtual

from wxrevenue import DeadlineExceededError, RevenueClient, Secret, TokenKind


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
