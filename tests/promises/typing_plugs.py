"""What type checkers must say of what users plug in; see :mod:`typing_api`."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
from typing import assert_type

from wxrevenue import (
    AiohttpTransport,
    Clock,
    FundsDistributionClient,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    MemoryTransport,
    PemSigner,
    RateLimiter,
    RevenueClient,
    Secret,
    Signer,
    StaticTokens,
    StaticVerifier,
    TokenKind,
    TokenSource,
    Transport,
    Turn,
    Verifier,
)

# -- requests of a user's own ----------------------------------------------------------------------


async def clients_take_every_kind_of_token(source: TokenSource) -> None:
    """Take a string, a secret, an async function or a source for tokens.

    A number is refused.
    """

    async def token() -> str:
        return "fake-token"

    RevenueClient("fake-token")
    RevenueClient(Secret("fake-token"))
    RevenueClient(token)
    RevenueClient(source)
    RevenueClient(StaticTokens(component="fake-token"))
    RevenueClient(5)  # type: ignore[arg-type]
    RevenueClient()  # type: ignore[call-arg]
    RevenueClient("fake-token", timeout="10")  # type: ignore[arg-type]
    async with RevenueClient("fake-token") as client:
        assert_type(client, RevenueClient)
        assert_type(client.with_options(deadline=2.0, tokens="fake-token", component_appid="wx1"), RevenueClient)
        client.with_options(dead_line=2.0)  # type: ignore[call-arg]


def funds_clients_need_a_verifier(pem: bytes, signer: Signer, verifier: Verifier) -> None:
    """Take a key as bytes or as a signer; let no argument switch verification off."""
    FundsDistributionClient("1900000109", "AB12", pem, verifier=verifier)
    FundsDistributionClient("1900000109", "AB12", signer, verifier=StaticVerifier({"CD34": pem}))
    FundsDistributionClient("1900000109", "AB12", pem)  # type: ignore[call-arg]
    FundsDistributionClient("1900000109", "AB12", pem, verifier=None)  # type: ignore[arg-type]


class Instant:
    """A user's own clock."""

    def monotonic(self) -> float:
        """Return the time as ``None``, for the types alone."""
        return 0.0

    def time(self) -> float:
        """Return the time as ``None``, for the types alone."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Do not wait."""
        await asyncio.sleep(seconds)


def what_is_shipped_fits_the_plugs(
    handler: MemoryTransport, limiter: LocalRateLimiter, signer: PemSigner, verifier: StaticVerifier
) -> None:
    """Let each of the package's own classes be plugged in.

    A class that only has the right methods may be, too.
    """
    transports: list[Transport] = [AiohttpTransport(), handler]
    limiters: list[RateLimiter] = [limiter]
    signers: list[Signer] = [signer]
    verifiers: list[Verifier] = [verifier]
    clocks: list[Clock] = [Instant()]
    sources: list[TokenSource] = [StaticTokens()]
    wrong: Transport = Instant()  # type: ignore[assignment]
    RevenueClient("fake-token", transport=transports[0], limiter=limiters[0], clock=clocks[0])
    del signers, verifiers, sources, wrong


async def plugs_say_what_goes_through(transport: Transport, limiter: RateLimiter, source: TokenSource, request: HttpRequest) -> None:
    """Type what a port takes and returns.

    So a user's own implementation is checked.
    """
    assert_type(await transport.send(request, timeout=1.0), HttpResponse)
    assert_type(await limiter.acquire("wx1/-/x", timeout=1.0), Turn)
    assert_type(await source.get(TokenKind.COMPONENT, None, timeout=1.0), Secret | str)
    await transport.send(request)  # type: ignore[call-arg]
