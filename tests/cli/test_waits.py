"""What commands say while calls wait: a countdown on a terminal, else one line.

A pause of the limiter is a second here, and a minute outside of tests.
"""

from __future__ import annotations

import os
import pty
import re
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from wxrevenue import LocalRateLimiter, RevenueClient, Sandbox
from wxrevenue.cli import _app, _client
from wxrevenue.cli._waits import Waits
from wxrevenue.events import AttemptEvent, Event, GateEvent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAYS = ("--from", "2026-01-01", "--to", "2026-03-31")
COMMANDS: dict[str, tuple[str, ...]] = {
    "get_agency_settled_revenue": ("settlements", "--sandbox", *DAYS, "--format", "csv"),
    "get_agency_ads_stat": ("ads", "--sandbox", *DAYS),
    "get_share_ratio": ("ratios", "show", "--sandbox"),
    "agency_get_settlement": ("sync", "--sandbox", "--ledger", "a.db", *DAYS, "wxa000000000000000"),
}
"""A command for each call that is refused."""
EVERY = pytest.mark.parametrize(("action", "command"), [*COMMANDS.items(), ("get_agency_settled_revenue", ("balance", "--sandbox"))])


@pytest.fixture(autouse=True)
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox behind all commands; clients wait a second after 1737."""
    found = Sandbox()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_client, "Sandbox", lambda: found)
    monkeypatch.setattr(_client, "RevenueClient", partial(RevenueClient, limiter=LocalRateLimiter(cooldown=1.0)))
    return found


@EVERY
def test_a_line_where_no_terminal_is(action: str, command: tuple[str, ...], sandbox: Sandbox) -> None:
    """One line says how long, for what reason and for which call; the command goes on."""
    sandbox.next(1737, action=action)
    result = CliRunner().invoke(_app.app, command)
    assert result.exit_code == 0, result.stderr
    found = re.findall(r"^waits 1 s: 1737, operating too fast \((\w+) of \w+\)$", result.stderr, re.MULTILINE)
    assert found == [action]
    assert "\x1b" not in result.stderr


@EVERY
def test_a_countdown_on_a_terminal(action: str, command: tuple[str, ...], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds that are left stand on the terminal, and are taken away again."""
    sandbox.next(1737, action=action)
    text = on_a_terminal(lambda: _app.app(command, standalone_mode=False), monkeypatch)
    assert re.search(r"1737, \d s left", text)
    assert "waits 1 s" not in text
    assert text.endswith("\x1b[2K") or "\x1b[2K" in text.rpartition(" s left")[2]


def on_a_terminal(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> str:
    """Do the work with a pseudo-terminal as stderr; return what stood on it."""
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    found: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(ours, 65_536):
                found.append(piece)
        except OSError:  # Linux says so that the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch, os.fdopen(theirs, "w") as terminal:
        patch.setattr(sys, "stderr", terminal)
        work()
    reader.join()
    os.close(ours)
    return b"".join(found).decode()


def gate(scope: str = "s", seconds: float | None = 60.0, verdict: str = "too_fast") -> GateEvent:
    """Return the event of a gate that closed."""
    return GateEvent(endpoint="get_share_ratio", account="wx1", scope=scope, verdict=verdict, closed_for=seconds)


def test_a_gate_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Calls that were on their way when it closed are refused, and say nothing new."""
    waits = Waits()
    for scope in ("s", "s", "other"):
        waits(gate(scope))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_what_no_call_waits_for_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the day's quota is spent calls fail, and do not wait."""
    heard: list[Event] = []
    waits = Waits(heard.append)
    waits(gate(verdict="quota_spent"))
    waits(gate(seconds=None))
    assert (len(heard), waits.left, capsys.readouterr().err) == (2, "", "")


def test_the_code_is_the_servers(capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the code that the server sent."""
    waits = Waits()
    waits(AttemptEvent(endpoint="x", account="wx1", attempt=1, duration=0.1, outcome="ApiError", code=1700))
    waits(AttemptEvent(endpoint="x", account="wx1", attempt=1, duration=0.1, outcome="TooFastError", code=45011))
    waits(gate())
    assert capsys.readouterr().err == "waits 60 s: 45011, operating too fast (get_share_ratio of wx1)\n"


def test_it_counts_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left becomes less, and then nothing."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    waits = Waits()
    waits(gate())
    shown: list[str] = []
    for now[0] in (100.0, 117.0, 160.0):
        shown.append(waits.left)
    assert shown == ["1737, 60 s left", "1737, 43 s left", ""]


def test_rows_have_a_line_of_their_own(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rows go to the same terminal, what is shown is taken away before each."""
    sandbox.next(1737, action="get_share_ratio")

    def work() -> None:
        monkeypatch.setattr(sys, "stdout", sys.stderr)
        _app.app(COMMANDS["get_share_ratio"], standalone_mode=False)

    text = on_a_terminal(work, monkeypatch)
    rows = [line for line in text.splitlines() if "wxa0" in line]
    assert len(rows) == len(sandbox.programs(sandbox.components[0]))
    assert all(line.rpartition("\x1b[2K")[2].lstrip("\x1b[?25h").startswith("wxa0") for line in rows), rows
