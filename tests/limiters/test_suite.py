"""The conformance suite of rate limiters itself.

A limiter that does wrong fails, and one with sockets can run it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from wxrevenue import Clock, LocalRateLimiter, QuotaExceededError, RateLimiter, TooFastError, Turn, Verdict
from wxrevenue.testing import LimiterCase, limiter_cases

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = {case.name: case for case in limiter_cases()}
CROWDED = {"a thousand waiters", "a storm", "a server that extends its block", "a hot tenant"}
"""Cases that take seconds with sockets."""


class NaiveTurn:
    """A turn of a limiter that knows no probe and no order."""

    def __init__(self, limiter: Naive, scope: str) -> None:
        self.limiter = limiter
        self.scope = scope

    def report(self, verdict: Verdict) -> None:
        """Close the scope."""
        if verdict in {Verdict.TOO_FAST, Verdict.QUOTA_SPENT}:
            self.limiter.opens[self.scope] = self.limiter.clock.monotonic() + self.limiter.cooldown

    async def again(self, *, timeout: float) -> None:
        """Wait like every other caller."""
        await self.limiter.acquire(self.scope, timeout=timeout)

    def release(self) -> None:
        """Do nothing."""


class Naive:
    """The first idea of a limiter.

    A refusal makes all callers sleep for the cool-down, and then they all go at once.
    """

    def __init__(self, *, cooldown: float, clock: Clock) -> None:
        self.cooldown = cooldown
        self.clock = clock
        self.opens: dict[str, float] = {}

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Sleep until the scope opens."""
        pause = self.opens.get(scope, 0.0) - self.clock.monotonic()
        if pause > timeout:
            raise TooFastError("not sent", status=0, retry_after=pause)
        await self.clock.sleep(max(0.0, pause))
        return NaiveTurn(self, scope)

    async def reopen(self, scope: str) -> None:
        """Forget the scope."""
        self.opens.pop(scope, None)

    async def aclose(self) -> None:
        """Do nothing."""


class Hasty(Naive):
    """Lets every call go, whatever was reported."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Let go."""
        return NaiveTurn(self, scope)


class Shut(Naive):
    """Lets no call go."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Refuse."""
        raise TooFastError("not sent", status=0, retry_after=1.0)


class Sluggish(Naive):
    """Waits until the deadline, and only then refuses."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Wait, in vain if need be."""
        try:
            return await super().acquire(scope, timeout=timeout)
        except TooFastError:
            await self.clock.sleep(timeout)
            raise


class Mute(Naive):
    """Does not say when to come again."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Refuse without saying why."""
        try:
            return await super().acquire(scope, timeout=timeout)
        except TooFastError:
            raise TooFastError("not sent", status=0) from None


class Deaf(Naive):
    """Has a cool-down of its own."""

    def __init__(self, *, cooldown: float, clock: Clock) -> None:
        super().__init__(cooldown=60.0, clock=clock)


class Muddled(Naive):
    """Takes everything for a spent quota."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Refuse with the wrong error."""
        try:
            return await super().acquire(scope, timeout=timeout)
        except TooFastError as error:
            raise QuotaExceededError("not sent", status=0, retry_after=error.retry_after) from None


class Littering(Naive):
    """Leaves a task behind."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Start something that never ends."""
        self.task = asyncio.create_task(asyncio.Event().wait())
        return await super().acquire(scope, timeout=timeout)


class Lost(Naive):
    """Waits for something that never comes."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Wait."""
        await asyncio.Event().wait()
        raise AssertionError


class Polling(Naive):
    """Never gives up."""

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Poll."""
        while True:
            await self.clock.sleep(5.0)


@pytest.mark.parametrize(
    ("make", "case", "said"),
    [
        (Hasty, "closed for everyone", "should still wait"),
        (Hasty, "a deadline before the gate opens", "must be refused"),
        (Sluggish, "a deadline before the gate opens", "should have come at once"),
        (Mute, "a deadline before the gate opens", "retry_after should be about 30 s, but is None"),
        (Deaf, "closed for everyone", "should have got its turn by now"),
        (Muddled, "a deadline before the gate opens", "expected TooFastError, got QuotaExceededError"),
        (Naive, "one probe", "out of order"),
        (Shut, "an open scope", "refused where it must not"),
        (Naive, "closing ends every wait", "should have ended"),
        (Naive, "no turn after closing", "must say so with ClientStateError"),
        (Littering, "an open scope", "left behind"),
        (Lost, "an open scope", "without end"),
        (Polling, "an open scope", "without end"),
    ],
)
def test_wrong_limiter(make: Callable[..., RateLimiter], case: str, said: str) -> None:
    """A limiter that does wrong fails the case, and the failure says why."""
    with pytest.raises(AssertionError, match=said):
        CASES[case].run(make)


@pytest.mark.slow("plays the whole suite, which a naive limiter keeps waiting")
def test_what_a_naive_limiter_fails() -> None:
    """To wake all callers when the cool-down is over fails several rows.

    They are about probes, places and servers that extend their block.
    """
    failed: set[str] = set()
    for case in CASES.values():
        try:
            case.run(Naive)
        except AssertionError:
            failed.update(case.ids)
    assert failed >= {"R-05", "R-06", "R-07", "R-11", "R-12", "R-13"}
    assert failed.isdisjoint({"R-08", "R-22"})


def test_a_case_shows_itself() -> None:
    """A case's name and rows are its text.

    Each says what holds, and no two have the same name.
    """
    case = CASES["one probe"]
    assert isinstance(case, LimiterCase)
    assert (repr(case), case.ids) == ("<LimiterCase R-05 one probe>", ("R-05",))
    assert len(CASES) == len(limiter_cases())
    assert all(case.says.endswith(".") for case in CASES.values())


# -- a limiter with a server -----------------------------------------------------------------------


class Distant:
    """A limiter that goes to a server and back before each step.

    One with shared state would do so. This one keeps its state in the process.
    """

    def __init__(self, *, cooldown: float, clock: Clock) -> None:
        self.inner = LocalRateLimiter(cooldown, clock=clock)
        self.server: asyncio.Server | None = None
        self.lock = asyncio.Lock()
        self.trips = 0
        self.trips_begun: list[asyncio.Future[None]] = []

    async def trip(self) -> None:
        """Go to the server and back."""
        async with self.lock:
            if self.server is None:
                self.server = await asyncio.start_server(self.echo, "127.0.0.1", 0)
                self.reader, self.writer = await asyncio.open_connection(*self.server.sockets[0].getsockname())
            self.writer.write(b"\n")
            await self.reader.readline()
            self.trips += 1

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve."""
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def acquire(self, scope: str, *, timeout: float) -> Turn:
        """Take a trip, then the turn."""
        await self.trip()
        return DistantTurn(self, await self.inner.acquire(scope, timeout=timeout))

    async def reopen(self, scope: str) -> None:
        """Reopen, then take a trip."""
        await self.inner.reopen(scope)
        await self.trip()

    async def aclose(self) -> None:
        """Close everything, once nothing is under way."""
        await self.inner.aclose()
        await asyncio.gather(*self.trips_begun)
        if self.server is not None:
            self.writer.close()
            await self.writer.wait_closed()
            self.server.close()
            await self.server.wait_closed()
            self.server = None


class DistantTurn:
    """A turn of it."""

    def __init__(self, limiter: Distant, inner: Turn) -> None:
        self.limiter = limiter
        self.inner = inner
        self.release = inner.release

    def report(self, verdict: Verdict) -> None:
        """Report, and have a trip taken."""
        self.inner.report(verdict)
        self.limiter.trips_begun.append(asyncio.ensure_future(self.limiter.trip()))

    async def again(self, *, timeout: float) -> None:
        """Wait again, then take a trip."""
        await self.inner.again(timeout=timeout)
        await self.limiter.trip()


@pytest.mark.parametrize("name", sorted(CASES.keys() - CROWDED))
def test_a_limiter_with_sockets(name: str) -> None:
    """A limiter whose every step goes over a real connection passes as well.

    Time stands still while a server may answer.
    """
    CASES[name].run(Distant)
