"""A limiter of a user's own in a client: which calls it gets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import COMPONENT, Read, ams_client, answer, refusal
from support.virtual import virtual

from wxrevenue import NotSentError, RetryPolicy, Verdict


class RecordingTurn:
    """A turn that records its calls."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def report(self, verdict: Verdict) -> None:
        """Keep it."""
        self.log.append(verdict)

    async def again(self, *, timeout: float) -> None:
        """Keep it."""
        self.log.append("again")

    def release(self) -> None:
        """Keep it."""
        self.log.append("release")


class RecordingLimiter:
    """A limiter that records its calls."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.closed = False

    async def acquire(self, scope: str, *, timeout: float) -> RecordingTurn:
        """Keep it."""
        self.log.append((scope, timeout))
        return RecordingTurn(self.log)

    async def reopen(self, scope: str) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Keep it."""
        self.closed = True


@pytest.mark.parametrize(
    ("script", "verdicts"),
    [
        ([answer()], [Verdict.OK]),
        ([refusal(2056)], [Verdict.OK]),
        ([refusal(-1)], [Verdict.UNKNOWN]),
        ([answer(b"", 503)], [Verdict.UNKNOWN]),
        ([answer(b"junk")], [Verdict.UNKNOWN]),
        ([NotSentError(reason="connect")], [Verdict.UNKNOWN]),
        ([refusal(40001)], [Verdict.UNKNOWN, "again", Verdict.UNKNOWN]),
        ([refusal(1737), refusal(45011), answer()], [Verdict.TOO_FAST, "again", Verdict.TOO_FAST, "again", Verdict.OK]),
        ([refusal(45009)], [Verdict.QUOTA_SPENT, "again"]),
    ],
    ids=["ok", "refused", "busy", "503", "junk", "not sent", "token", "too fast", "quota"],
)
@virtual
async def test_what_a_limiter_is_told(script: list[Any], verdicts: list[Any]) -> None:
    """Each request's end is reported with its verdict.

    Every turn is released once. An answer of any business kind is OK.
    """
    limiter = RecordingLimiter()
    client, _ = ams_client(*script, limiter=limiter, retry=RetryPolicy(max_attempts=1), deadline=9.0)
    await asyncio.gather(client.send(Read()), return_exceptions=True)
    assert limiter.log == [(f"{COMPONENT}/-/fake_read", 9.0), *verdicts, "release"]
    await client.aclose()
    assert not limiter.closed


@virtual
async def test_each_attempt_takes_a_turn() -> None:
    """T-09: the limiter is asked once per request that goes out."""
    limiter = RecordingLimiter()
    client, _ = ams_client(handler=lambda _: answer(b"", 500), limiter=limiter)
    await asyncio.gather(client.send(Read()), return_exceptions=True)
    assert limiter.log.count("release") == 3 == sum(isinstance(entry, tuple) for entry in limiter.log)


@virtual
async def test_what_a_limiter_raises_otherwise() -> None:
    """An error of the limiter other than the two refusals passes through."""

    class Broken(RecordingLimiter):
        async def acquire(self, scope: str, *, timeout: float) -> RecordingTurn:
            raise LookupError("no redis")

    client, transport = ams_client(limiter=Broken())
    with pytest.raises(LookupError):
        await client.send(Read())
    assert not transport.requests
