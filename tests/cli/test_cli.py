"""The commands: what they print, and how they exit."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

import attrs
import pytest
from rich.console import Console
from support.processes import started
from typer.testing import CliRunner

import wxrevenue.cli
from wxrevenue import FundsDistributionClient, StaticVerifier
from wxrevenue._version import __version__
from wxrevenue._wire.codes import CODES
from wxrevenue.cli import _app, _explain, _serve
from wxrevenue.cli._demo import job as _demo
from wxrevenue.cli._demo.report import DemoPlan
from wxrevenue.sandbox import Quota, Sandbox, Totals, Trouble

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

TINY = partial(DemoPlan, components=1, years=1, marks=1, window=0.05, latency=0.0, rate=0.0)


def invoke(*args: str) -> tuple[int, str, str]:
    """Run the command line; return exit code, stdout and stderr, line breaks and runs of blanks being one blank."""
    result = CliRunner().invoke(_app.app, args)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.stdout.split()), " ".join(result.stderr.split())


# -- main and --version ------------------------------------------------------------------------------------------------


def test_the_version_is_told() -> None:
    """``--version`` prints name and version."""
    assert invoke("--version") == (0, f"wxrevenue {__version__}", "")


@pytest.mark.parametrize("missing", ["rich", "typer"])
def test_without_the_extra_one_line_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rich or typer the command exits 1 with the pip command instead of a traceback."""
    for name in [name for name in sys.modules if name.startswith(("wxrevenue.cli._", f"{missing}."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delattr(wxrevenue.cli, "_app")
    with pytest.raises(SystemExit) as exited:
        wxrevenue.cli.main()
    assert exited.value.code == f'the wxrevenue command needs {missing}: pip install "wxrevenue[cli]"'


def test_another_missing_module_is_not_blamed_on_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is missing for another reason shows as what it is."""
    monkeypatch.setitem(sys.modules, "wxrevenue.cli._app", None)
    monkeypatch.delattr(wxrevenue.cli, "_app")
    with pytest.raises(ModuleNotFoundError):
        wxrevenue.cli.main()


@pytest.mark.parametrize(("stream", "words"), [(io.StringIO(), "操作过快"), (io.TextIOWrapper(io.BytesIO(), encoding="ascii"), "????")])
def test_main_runs_the_app(stream: TextIO, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point reads ``sys.argv``; where the encoding has no Chinese, question marks come instead of a traceback."""
    monkeypatch.setattr(sys, "argv", ["wxrevenue", "explain", "1737"])
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as exited:
        wxrevenue.cli.main()
    stream.seek(0)
    assert exited.value.code == 0
    assert words in stream.read()


# -- explain -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1737", ["operating too fast", "操作过快", "wxrevenue.TooFastError", "yes, by the rate limiter"]),
        ("-202", ["internal error", "内部错误", "wxrevenue.ServerBusyError", "longer back-off"]),
        ("NO_AUTH", ["may not use funds distribution", "wxrevenue.PermissionDeniedError", "no: the same call would fail again"]),
        ("no_auth", ["may not use funds distribution"]),
        ("SYSTEM_ERROR", ["yes, after a back-off"]),
        ("42001", ["once, with a new token"]),
        ("1736", ["once, on the interface's other path"]),
        ("45009", ["a probe through every ten minutes"]),
    ],
)
def test_a_code_is_explained(code: str, said: list[str]) -> None:
    """A code's meaning, WeChat's words, its class, the remedy and whether it is retried are shown; -202 needs no ``--``."""
    status, out, _ = invoke("explain", code)
    assert status == 0
    for words in said:
        assert words in out


def test_help_is_no_code() -> None:
    """``-h`` shows the help, also where a code may begin with a minus."""
    status, out, _ = invoke("explain", "-h")
    assert status == 0
    assert "Usage" in out


def test_every_code_can_be_explained() -> None:
    """There is a sheet for every row of the table."""
    for code, row in CODES.items():
        console = Console(width=500)
        with console.capture() as shown:
            console.print(_explain.table(code))
        assert row.meaning in shown.get()
        assert row.remedy in shown.get()


def test_without_a_code_all_are_listed() -> None:
    """``explain`` alone lists every code with its class."""
    status, out, _ = invoke("explain")
    assert status == 0
    for code, row in CODES.items():
        assert re.search(rf"(^|\s){code} {row.kind.__name__} ", out)


@pytest.mark.parametrize("code", ["9999", "-5", "NO_SUCH", "", "１７３７x"])  # noqa: RUF001
def test_an_unknown_code_is_said_to_be_unknown(code: str) -> None:
    """An unknown code exits 1 with a sentence on stderr."""
    status, out, err = invoke("explain", code)
    assert (status, out) == (1, "")
    assert err == f"{code!r} is no code that wxrevenue knows; `wxrevenue explain` lists those it does."


# -- demo --------------------------------------------------------------------------------------------------------------


def test_a_demo_that_reconciles_exits_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo shows its result and exits 0."""
    monkeypatch.setattr(_app, "DemoPlan", TINY)
    status, out, err = invoke("demo", "--seed", "5")
    assert (status, err) == (0, "")
    assert "with seed 5." in out
    assert "Everything reconciles: 24 rows" in out


def test_a_demo_that_does_not_reconcile_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Books that hold a row which the client did not get make the demo say so and exit 1."""

    class Tampered(Sandbox):
        def totals(self, *args: object, **kwargs: object) -> Totals:
            found = super().totals(*args, **kwargs)  # type: ignore[arg-type]
            return attrs.evolve(found, rows=found.rows + 1)

    monkeypatch.setattr(_app, "DemoPlan", TINY)
    monkeypatch.setattr(_demo, "Sandbox", Tampered)
    status, out, _ = invoke("demo")
    assert status == 1
    assert "This does not reconcile: ✗ wxc000000000000000: 24 rows" in out


@pytest.mark.slow("waits for the whole demo in another process")
def test_the_demo_reconciles_as_users_run_it() -> None:
    """The real command, in a process of its own with its second-long cool-downs, reconciles and prints plainly."""
    command = [sys.executable, "-W", "error", "-m", "wxrevenue", "demo"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False, timeout=60)  # noqa: S603
    assert (run.returncode, run.stderr) == (0, "")
    assert "Everything reconciles: 1,008 rows" in run.stdout
    assert "\x1b" not in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80


# -- sandbox -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sandbox, str, int]]:
    """Collect what would be served, and where."""
    found: list[tuple[Sandbox, str, int]] = []

    def note(sandbox: Sandbox, host: str, port: int) -> None:
        found.append((sandbox, host, port))

    monkeypatch.setattr(_app, "_until_stopped", note)
    return found


def test_options_become_trouble(served: list[tuple[Sandbox, str, int]]) -> None:
    """Every option of misbehaviour arrives in ``Trouble``."""
    rates = {"busy": 0.01, "system": 0.02, "expired": 0.03, "drop_before": 0.04, "drop_after": 0.05, "html": 0.06, "cut": 0.07}
    rates |= {"unsigned": 0.08, "missigned": 0.09, "probe": 0.1}
    options = [f"--{name.replace('_', '-')}={rate}" for name, rate in rates.items()]
    limits = ["--too-fast=9", "--window=5", "--kind=bucket", "--per=component", "--latency=0.5", "--page-cap=7"]
    assert invoke("sandbox", *options, *limits, "--host=::1", "--port=0", "--components=2", "--years=1")[0] == 0
    ((sandbox, host, port),) = served
    assert sandbox.trouble == Trouble(too_fast=Quota(9, 5, "bucket", "component"), latency=0.5, page_cap=7, **rates)
    assert (host, port, len(sandbox.components)) == ("::1", 0, 2)


def test_every_trouble_has_an_option() -> None:
    """No way of misbehaving is missing from the command line."""
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


def test_ctrl_c_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C the command says that it stopped and exits 0."""

    async def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_serve, "stopped", interrupt)
    status, out, _ = invoke("sandbox", "--port=0")
    assert status == 0
    assert out.endswith("Stopped.")


def test_the_merchant_file_is_all_that_a_client_needs(served: list[tuple[Sandbox, str, int]], tmp_path: Path) -> None:
    """With the file's contents, which nobody else may read, transactions can be marked."""
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
    """What is printed to be copied runs as printed, against the server that printed it."""
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
    """Base URL, accounts, tokens, program and command are printed, nothing of them cut off or wrapped."""

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
