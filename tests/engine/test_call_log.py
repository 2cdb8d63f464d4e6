"""One log line per call, which shows why it took so long."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from support.fakes import TOKEN, Put, Read, Tokens, ams_client, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import CallEvent, NotSentError, ResponseLostError, RetryPolicy, log_calls

FULL = RetryPolicy(base=2.0, jitter=lambda: 1.0)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of calls, details left out."""
    return [one.getMessage() for one in caplog.records if one.name == "wxrevenue.calls" and one.levelno >= logging.INFO]


@virtual
async def test_why_it_took_so_long(caplog: pytest.LogCaptureFixture) -> None:
    """The line of a slow call says what it waited for, and for how long."""
    script = [0.5, refusal(1737), NotSentError(reason="connect"), 0.25, answer()]
    client, _ = ams_client(*script, tokens=Tokens(TOKEN, delays=[1.5]), retry=FULL, deadline=100.0, on_event=log_calls)
    await client.send(Read())
    line = lines(caplog)[-1]
    assert line.partition(", waited ")[::2] == (
        "fake_read of wx0000000000000000 at api.weixin.qq.com: ok in 64.250 s, 2 attempts",
        "1.500 s for a token + 60.000 s for a turn + 2.000 s for a back-off",
    )
    record = [record for record in caplog.records if record.name == "wxrevenue.calls"][-1]
    assert record.levelno == logging.INFO
    assert isinstance(vars(record)["event"], CallEvent)


@virtual
async def test_gates_and_details(caplog: pytest.LogCaptureFixture) -> None:
    """A gate that closes has a line at INFO.

    What happens within a call has lines at DEBUG, in order.
    """
    client, _ = ams_client(
        refusal(1737), refusal(40001), refusal(-202), answer(), tokens=Tokens(TOKEN, "another"), deadline=100.0, on_event=log_calls
    )
    await client.send(Read())
    said = [(one.levelname, one.getMessage().partition(": ")[2]) for one in caplog.records if one.name == "wxrevenue.calls"]
    assert said[0] == ("INFO", "too_fast, its gate is closed for 60 s")
    assert said[1:4] == [
        ("DEBUG", "waited 60.000 s for a turn"),
        ("DEBUG", "component token: refused (40001)"),
        ("DEBUG", "attempt 1: ServerBusyError (-202) in 60.000 s"),
    ]
    assert said[-1][0] == "INFO"
    assert_no_leak(secrets=[TOKEN], caplog=caplog)


@virtual
async def test_a_quick_call(caplog: pytest.LogCaptureFixture) -> None:
    """The line of a call that waited for nothing is short; there is one per call."""
    client, _ = ams_client(handler=lambda _: ratio(), on_event=log_calls)
    await asyncio.gather(*(client.get_share_ratio("wx1") for _ in range(3)))
    assert lines(caplog) == ["get_share_ratio of wx0000000000000000 at api.weixin.qq.com: ok in 0.000 s, 1 attempt"] * 3


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ([answer({"errcode": 48001, "errmsg": "no rid: 5f5f-6a6a"})], "PermissionDeniedError in 0.000 s, 1 attempt, request 5f5f-6a6a"),
        ([ResponseLostError(reason="reset")], "OutcomeUnknownError in 0.000 s, 1 attempt, may have taken effect"),
    ],
    ids=["refused", "lost"],
)
@virtual
async def test_a_failed_call(caplog: pytest.LogCaptureFixture, script: Any, end: str) -> None:
    """The line of a failed call says how it ended.

    It also says whether the call may have acted, and gives the server's request id.
    """
    client, _ = ams_client(*script, retry=RetryPolicy(max_attempts=1), on_event=log_calls)
    await asyncio.gather(client.send(Put()), return_exceptions=True)
    assert [line.rpartition(": ")[2] for line in lines(caplog)] == [end]


@virtual
async def test_no_line_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    """U1: no line shows a URL, a token, or what the server said."""
    script = [refusal(-1, f"at {TOKEN}"), ResponseLostError(TOKEN, reason="reset"), refusal(1700, f"{TOKEN} fake-said")]
    client, _ = ams_client(*script, retry=FULL, on_event=log_calls)
    await asyncio.gather(client.send(Read()), return_exceptions=True)
    assert len(lines(caplog)) == 1
    assert_no_leak(secrets=[TOKEN, "fake-said", "access_token", "https://"], caplog=caplog)


@virtual
async def test_silent_unless_asked(caplog: pytest.LogCaptureFixture) -> None:
    """Above INFO no line is made, and without the listener none at all."""
    client, _ = ams_client(handler=lambda _: answer(), on_event=log_calls)
    with caplog.at_level(logging.WARNING, "wxrevenue.calls"):
        await client.send(Read())
    await client.with_options(on_event=None).send(Read())
    assert lines(caplog) == []


def test_the_loggers_are_quiet_by_default() -> None:
    """The package's logger has a NullHandler.

    An application that configures no logging sees nothing on stderr.
    """
    ams_client()
    assert [type(handler) for handler in logging.getLogger("wxrevenue").handlers] == [logging.NullHandler]
