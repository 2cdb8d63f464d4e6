"""The log of gates, with or without a listener, and ``WXREVENUE_LOG``.

Tested is what is logged when a gate closes and opens.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from support.fakes import COMPONENT, TOKEN, OfAuthorizer, Read, Tokens, ams_client, answer, refusal
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import (
    ComponentTokens,
    ConfigurationError,
    LocalRateLimiter,
    MemoryTicketStore,
    QuotaExceededError,
    RevenueClient,
    TooFastError,
    WxRevenueError,
    sweep,
)


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what the log ``wxrevenue`` said, with levels."""
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "wxrevenue"]


CLOSED = ("WARNING", f"fake_read of {COMPONENT}: 1737, too fast: calls of this account and action wait 60 s")
OPEN = ("INFO", f"fake_read of {COMPONENT}: open again")


@virtual
async def test_a_gate_that_closes_and_opens(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener, a 1737 is a warning that says what waits and how long.

    The end of the wait is a line.
    """
    client, _ = ams_client(refusal(1737), answer(), answer(), deadline=150.0)
    await client.send(Read())
    await client.send(Read())
    assert said(caplog) == [CLOSED, OPEN]
    assert_no_leak(secrets=[TOKEN], caplog=caplog)


@virtual
async def test_one_warning_for_all_that_were_on_their_way(caplog: pytest.LogCaptureFixture) -> None:
    """Calls sent before the gate closed, and refused after it, log nothing more.

    A probe that is refused does.
    """
    start = asyncio.get_running_loop().time()

    async def handler(_: object) -> Any:
        await asyncio.sleep(0.1)
        return refusal(1737) if asyncio.get_running_loop().time() < start + 70 else answer()

    client, _ = ams_client(handler=handler, deadline=900.0)
    await asyncio.gather(*(client.send(Read()) for _ in range(5)))
    assert said(caplog).count(OPEN) == 1
    assert [level for level, _ in said(caplog)] == ["WARNING", "WARNING", "INFO"]


@virtual
async def test_another_call_finds_it_open(caplog: pytest.LogCaptureFixture) -> None:
    """The next call logs that it found the gate open.

    The refused call gave up. The next one is made by a clone.
    """
    client, _ = ams_client(refusal(1737), answer(), deadline=5.0)
    with pytest.raises(TooFastError):
        await client.send(Read())
    await asyncio.sleep(61)
    await client.with_options(deadline=9.0).send(Read())
    assert said(caplog) == [CLOSED, OPEN]


@virtual
async def test_a_spent_quota(caplog: pytest.LogCaptureFixture) -> None:
    """The line of a 45009 says that calls fail, and when the next one may go."""
    client, _ = ams_client(refusal(45009))
    with pytest.raises(QuotaExceededError):
        await client.send(Read())
    assert said(caplog) == [("WARNING", f"fake_read of {COMPONENT}: 45009, the quota is spent: its calls fail; the next try is in 600 s")]


@virtual
async def test_scopes_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    """Each Mini Program has a gate of its own, and a line of its own."""
    client, _ = ams_client(handler=lambda _: refusal(1737), tokens=Tokens(TOKEN), deadline=5.0, limiter=LocalRateLimiter())
    ends = await asyncio.gather(*(client.send(OfAuthorizer(authorizer_appid=f"wx{n}")) for n in range(3)), return_exceptions=True)
    assert all(isinstance(end, WxRevenueError) for end in ends)
    assert len(said(caplog)) == 3


# -- listeners -------------------------------------------------------------------------------------


async def listen(event: object) -> None:
    """Be a listener that never runs."""


class Listener:
    """An object whose call is asynchronous."""

    async def __call__(self, event: object) -> None:
        """Never run."""


@pytest.mark.parametrize("wrong", [listen, Listener()], ids=["function", "object"])
async def test_asynchronous_listeners_are_refused(wrong: Any) -> None:
    """An ``async def`` as ``on_event`` is refused by every constructor.

    It would never run.
    """
    client, _ = ams_client()
    for make in (
        lambda: ams_client(on_event=wrong),
        lambda: client.with_options(on_event=wrong),
        lambda: sweep(client.get_share_ratio, ["wx1"], on_event=wrong),
        lambda: ComponentTokens("wx1", "fake-secret", tickets=MemoryTicketStore(), on_event=wrong),
    ):
        with pytest.raises(ConfigurationError, match=r"on_event: expected a plain function, got an 'async def', which would never run"):
            make()


# -- WXREVENUE_LOG ---------------------------------------------------------------------------------

SCRIPT = """
import asyncio
from support.fakes import TOKEN, ams_client, ratio, refusal
from wxrevenue import MemoryTransport, RetryPolicy, RevenueClient

async def main():
    for _ in range(2):
        client, _ = ams_client(refusal(-202), ratio(), retry=RetryPolicy(base=0.0, throttle_base=0.0), on_event={listener})
        await client.get_share_ratio("wx1")

told = []
asyncio.run(main())
print(len(told))
"""


def run(level: str, listener: str) -> tuple[str, str]:
    """Return what a process with ``WXREVENUE_LOG`` wrote to stdout and stderr."""
    from support.pages import ROOT

    env = {"WXREVENUE_LOG": level, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT.format(listener=listener))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=True)  # noqa: S603
    return ended.stdout.strip(), ended.stderr


@pytest.mark.parametrize("listener", ["None", "told.append"])
def test_a_log_by_environment(listener: str) -> None:
    """``WXREVENUE_LOG=info`` writes one line per call to stderr.

    It works beside the client's own listener.
    """
    printed, lines = run("info", listener)
    assert [line.partition(": ")[2].partition(" in ")[0] for line in lines.splitlines()] == ["ok", "ok"]
    assert " INFO    wxrevenue.calls  get_share_ratio of wx0000000000000000" in lines
    assert (printed == "0") is (listener == "None")


def test_a_log_for_debugging() -> None:
    """``WXREVENUE_LOG=DEBUG`` adds attempts and repetitions; no token."""
    _, lines = run("DEBUG", "None")
    assert "attempt 1: ServerBusyError (-202)" in lines
    assert "repeated after 0.000 s, because of ServerBusyError (-202)" in lines
    assert_no_leak(lines, secrets=[TOKEN])


def test_another_level_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown value of the variable is an error that names the known ones.

    Without the variable no handler is added.
    """
    before = list(logging.getLogger("wxrevenue").handlers)
    RevenueClient("fake-token")
    assert logging.getLogger("wxrevenue").handlers == before
    monkeypatch.setenv("WXREVENUE_LOG", "verbose")
    with pytest.raises(ConfigurationError, match="WXREVENUE_LOG: expected 'debug' or 'info'"):
        RevenueClient("fake-token")
