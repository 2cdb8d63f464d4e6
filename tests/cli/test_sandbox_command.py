"""``wxrevenue sandbox``: what it serves, what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
import socket
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.command_line import invoke
from support.processes import started
from typer.testing import CliRunner

from wxrevenue import (
    AgencyCreatePublisher,
    FundsDistributionClient,
    GetComponentAccessToken,
    GetSettlement,
    GetShareRatio,
    MarkTransaction,
    RevenueClient,
    StaticVerifier,
)
from wxrevenue.cli import _app, _serve
from wxrevenue.sandbox import Quota, Sandbox, Trouble

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sandbox, str, int]]:
    """Collect what would be served, and where."""
    found: list[tuple[Sandbox, str, int]] = []

    def note(sandbox: Sandbox, host: str, port: int) -> None:
        found.append((sandbox, host, port))

    monkeypatch.setattr(_serve, "serve_until_stopped", note)
    return found


def test_options_become_trouble(served: list[tuple[Sandbox, str, int]]) -> None:
    """Every option for trouble arrives in ``Trouble``."""
    rates = {"busy": 0.01, "system": 0.02, "expired": 0.03, "drop_before": 0.04, "drop_after": 0.05, "html": 0.06, "cut": 0.07}
    rates |= {"unsigned": 0.08, "missigned": 0.09, "probe": 0.1}
    options = [f"--{name.replace('_', '-')}={rate}" for name, rate in rates.items()]
    limits = ["--too-fast=9", "--window=5", "--kind=bucket", "--per=component", "--latency=0.5", "--page-cap=7"]
    assert invoke("sandbox", *options, *limits, "--host=::1", "--port=0", "--components=2", "--years=1")[0] == 0
    ((sandbox, host, port),) = served
    assert sandbox.trouble == Trouble(too_fast=Quota(9, 5, "bucket", "component"), latency=0.5, page_cap=7, **rates)
    assert (host, port, len(sandbox.components)) == ("::1", 0, 2)


def test_every_trouble_has_an_option() -> None:
    """Every kind of trouble has an option of the command."""
    shown = CliRunner().invoke(_app.app, ["sandbox", "--help"]).stdout
    for field in attrs.fields(Trouble):
        assert f"--{field.name.replace('_', '-')} " in shown


def test_without_options_there_is_no_trouble(served: list[tuple[Sandbox, str, int]]) -> None:
    """By default the sandbox behaves, and listens on this machine only."""
    assert invoke("sandbox")[0] == 0
    assert (served[0][0].trouble, *served[0][1:]) == (Trouble(), "127.0.0.1", 8080)


@pytest.mark.parametrize("option", ["--busy=1.5", "--window=0", "--too-fast=0", "--port=65536", "--kind=strange", "--latency=-1"])
def test_values_out_of_range_are_refused(option: str) -> None:
    """A value that is not allowed exits 2 and names the option."""
    status, _, err = invoke("sandbox", option)
    assert status == 2
    assert option.partition("=")[0] in err


def test_a_port_in_use_is_said_to_be_in_use() -> None:
    """Where it cannot listen the command exits 1 with one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = invoke("sandbox", f"--port={port}")
    assert (status, out) == (1, "")
    assert err.startswith(f"Cannot serve on 127.0.0.1:{port}: ")
    assert "choose another --port" in err


def test_what_it_serves_is_printed() -> None:
    """Every interface of the catalogue is listed, by its path and action.

    The actions of one path stand together.
    """
    shown = _serve.paths(Sandbox())
    for made in (GetShareRatio, GetSettlement, AgencyCreatePublisher, GetComponentAccessToken):
        endpoint = made.endpoint
        line = next(line for line in shown.splitlines() if line.startswith(f"POST {endpoint.path}"))
        assert endpoint.path.startswith("/cgi-bin/") or endpoint.action in line.partition("?action=")[2].split(" | ")
    assert f"POST {MarkTransaction.endpoint.path}\n" in shown


def test_ctrl_c_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C the command says that it stopped and exits 0."""

    async def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_serve, "stopped", interrupt)
    status, out, _ = invoke("sandbox", "--port=0")
    assert status == 0
    assert out.endswith("Stopped.")


def test_the_merchant_file_is_all_that_a_client_needs(served: list[tuple[Sandbox, str, int]], tmp_path: Path) -> None:
    """With the file's contents, transactions can be marked.

    No other user may read the file.
    """
    file = tmp_path / "merchant.json"
    file.touch(mode=0o644)
    assert invoke("sandbox", f"--merchant-file={file}")[0] == 0
    assert file.stat().st_mode & 0o077 == 0
    merchant: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    sandbox = served[0][0]

    async def mark() -> None:
        """Mark one transaction."""
        names = merchant["mchid"], merchant["serial_no"], merchant["private_key"]
        verifier = StaticVerifier(merchant["platform_keys"])
        async with FundsDistributionClient(*names, verifier=verifier, transport=sandbox.transport()) as funds:
            await funds.mark_transaction("order-0001", sub_mchid=merchant["sub_mchids"][0])

    asyncio.run(mark())
    assert [mark.out_trade_no for mark in sandbox.marks] == ["order-0001"]


def test_a_merchant_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A path where nothing can be written exits 2 and names the option."""
    status, _, err = invoke("sandbox", f"--merchant-file={tmp_path}")
    assert status == 2
    assert "--merchant-file" in err


async def test_the_printed_program_and_command_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed program and command run as printed, against that server."""
    sandbox = Sandbox(years=1)
    programs: list[Coroutine[Any, Any, None]] = []
    monkeypatch.setattr(asyncio, "run", programs.append)
    async with sandbox.serve() as url:
        exec(compile(_serve.snippet(sandbox, url), "snippet", "exec"), {})  # noqa: S102
        await programs[0]
        command = shlex.split(_serve.curl(sandbox, url))
        answer = await asyncio.to_thread(post, command[2], command[4])
    assert capsys.readouterr().out.startswith("ShareRatio(")
    assert json.loads(answer)["share_ratio"] == 50
    assert sandbox.calls["get_share_ratio", "ok"] == 2
    assert sandbox.calls["get_agency_settled_revenue", "ok"] >= 1


def post(url: str, body: str) -> bytes:
    """Do what ``curl -s URL -d BODY`` does."""
    with urllib.request.urlopen(url, body.encode(), timeout=10) as response:  # noqa: S310
        answer: bytes = response.read()
        return answer


def test_who_may_call_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts and how to call are printed, and nothing is cut off or wrapped.

    Printed are base URL, accounts, tokens, program and command.
    """

    async def at_once() -> None:
        """Stop."""

    monkeypatch.setattr(_serve, "stopped", at_once)
    result = CliRunner().invoke(_app.app, ["sandbox", "--port=0"])
    found = re.search(r"http://127\.0\.0\.1:\d+", result.stdout)
    assert found
    sandbox = Sandbox()
    for component in (*sandbox.components, sandbox.component_without_account):
        assert re.search(rf"{component} +{sandbox.component_token(component)} ", result.stdout)
    assert _serve.snippet(sandbox, found[0]) in result.stdout
    assert _serve.curl(sandbox, found[0]) in result.stdout
    assert _serve.variables(sandbox, found[0]) in result.stdout


async def test_the_printed_variables_lead_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the printed variables, a client of the environment calls this sandbox."""
    sandbox = Sandbox(years=1)
    async with sandbox.serve() as url:
        for line in _serve.variables(sandbox, url).splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
        async with RevenueClient.from_env() as client:
            await client.get_share_ratio(sandbox.programs(client.component_appid)[0])
    assert client.component_appid == sandbox.components[0]
    assert sandbox.calls["get_share_ratio", "ok"] == 1


async def test_it_serves_until_it_is_stopped() -> None:
    """Nothing but a cancellation ends the wait."""
    task = asyncio.create_task(_serve.stopped())
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.slow("waits for another process")
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches a whole console there")
def test_a_real_ctrl_c_ends_the_real_process() -> None:
    """SIGINT stops a process that serves, with exit code 0 and no traceback."""
    command = [sys.executable, "-u", "-m", "wxrevenue", "sandbox", "--port=0"]
    with started(command) as process:
        assert process.stdout is not None
        assert "The sandbox serves http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Stopped.\n")
