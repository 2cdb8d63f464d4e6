"""The usual call awaits the transport alone.

A plug that changes what is handed out is still asked.
"""

from __future__ import annotations

from typing import Any

from support.fakes import OTHER, TOKEN, Read, ams_client, answer
from support.virtual import virtual

from wxrevenue import LocalRateLimiter, StaticTokens, TokenKind
from wxrevenue._engine.instant import instant


class Counting(LocalRateLimiter):
    """Counts the turns that are awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = 0

    async def acquire(self, scope: str, *, timeout: float) -> Any:
        """Count."""
        self.awaited += 1
        return await super().acquire(scope, timeout=timeout)


class Fresh(StaticTokens):
    """Hands out another token than its base."""

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Any:
        """Return the other token."""
        return OTHER


class Both(Counting):
    """Replaces both ways to a turn."""

    def take(self, scope: str) -> Any:
        """Never give one."""
        return None


def test_a_replaced_method_is_not_passed_by() -> None:
    """The base's instant method is not used where only the awaited one is replaced.

    A subclass that replaces both has its own one used.
    """
    plain, counting, both = LocalRateLimiter(), Counting(), Both()
    assert instant(plain, "acquire", "take") == plain.take
    assert instant(counting, "acquire", "take") is None
    assert instant(both, "acquire", "take") == both.take
    assert instant(Fresh(component=TOKEN), "get", "peek") is None
    assert instant(object(), "get", "peek") is None


@virtual
async def test_subclasses_are_asked() -> None:
    """A limiter and a token source that replace what is awaited see every call."""
    limiter = Counting()
    client, transport = ams_client(answer(), answer(), limiter=limiter, tokens=Fresh(component=TOKEN))
    await client.send(Read())
    await client.send(Read())
    assert limiter.awaited == 2
    assert [request.wire_url().endswith(OTHER) for request in transport.requests] == [True, True]


@virtual
async def test_the_usual_call_awaits_no_turn_and_no_token() -> None:
    """Once a scope is known, a free turn and a known token are taken without an await."""
    limiter, tokens = LocalRateLimiter(), StaticTokens(component=TOKEN)
    client, _ = ams_client(answer(), answer(), limiter=limiter, tokens=tokens)
    await client.send(Read())

    async def awaited(*_: object, **__: object) -> Any:
        raise AssertionError("the usual call must not come here")

    limiter.acquire = tokens.get = awaited  # type: ignore[method-assign]
    await client.send(Read())
