"""The commands: what they print, and how they exit."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TextIO

import attrs
import pytest
from support.command_line import invoke
from support.processes import started

import wxrevenue.cli
from wxrevenue._version import __version__
from wxrevenue.cli import _app
from wxrevenue.cli._demo import job as _demo
from wxrevenue.cli._demo.report import DemoPlan
from wxrevenue.cli._variables import VARIABLES
from wxrevenue.sandbox import Sandbox, Totals

TINY = partial(DemoPlan, components=1, years=1, marks=1, window=0.05, latency=0.0, rate=0.0, kill=False)


# -- main and --version ----------------------------------------------------------------------------


def test_the_version_is_told() -> None:
    """``--version`` prints name and version."""
    assert invoke("--version") == (0, f"wxrevenue {__version__}", "")


@pytest.mark.parametrize("missing", ["rich", "typer"])
def test_without_the_extra_one_line_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rich or typer the command exits 1 and prints the pip command.

    There is no traceback.
    """
    for name in [name for name in sys.modules if name.startswith(("wxrevenue.cli._", f"{missing}."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delattr(wxrevenue.cli, "_app")
    with pytest.raises(SystemExit) as exited:
        wxrevenue.cli.main()
    assert exited.value.code == f"the wxrevenue command needs {missing}: pip install 'wxrevenue[cli]' (in a clone: pip install -e '.[cli]')"


def test_another_missing_module_is_not_blamed_on_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is missing for another reason shows as what it is."""
    monkeypatch.setitem(sys.modules, "wxrevenue.cli._app", None)
    monkeypatch.delattr(wxrevenue.cli, "_app")
    with pytest.raises(ModuleNotFoundError):
        wxrevenue.cli.main()


@pytest.mark.parametrize(("stream", "words"), [(io.StringIO(), "操作过快"), (io.TextIOWrapper(io.BytesIO(), encoding="ascii"), "????")])
def test_main_runs_the_app(stream: TextIO, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point reads ``sys.argv``.

    Where the encoding has no Chinese, question marks are printed, and no traceback.
    """
    monkeypatch.setattr(sys, "argv", ["wxrevenue", "explain", "1737"])
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as exited:
        wxrevenue.cli.main()
    stream.seek(0)
    assert exited.value.code == 0
    assert words in stream.read()


# -- demo ------------------------------------------------------------------------------------------


def test_a_demo_that_reconciles_exits_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo shows its result and exits 0."""
    monkeypatch.setattr(_app, "DemoPlan", TINY)
    status, out, err = invoke("demo", "--seed", "5")
    assert (status, err) == (0, "")
    assert "with seed 5." in out
    assert "Everything reconciles: 24 rows" in out


def test_a_demo_that_does_not_reconcile_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that does not reconcile says so and exits 1.

    The books hold a row which the client did not get.
    """

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
    """The real command reconciles and prints plainly.

    It runs in a process of its own, with its cool-downs of a second.
    """
    command = [sys.executable, "-W", "error", "-m", "wxrevenue", "demo"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False, timeout=60)  # noqa: S603
    assert (run.returncode, run.stderr) == (0, "")
    assert "Everything reconciles: 1,008 rows" in run.stdout
    assert "\x1b" not in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_stops_the_demo() -> None:
    """Ctrl-C in the middle says "Stopped." and nothing else on stderr, and exits 130."""
    with started([sys.executable, "-m", "wxrevenue", "demo"]) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("1. Revenue split"):
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "Stopped.\n")


def test_help_names_every_variable() -> None:
    """The help names each environment variable that the package reads."""
    package = Path(wxrevenue.cli.__file__).parents[1]
    read = {name for module in package.rglob("*.py") for name in re.findall(r'"(WXREVENUE_[A-Z_]+)"', module.read_text("utf-8"))}
    assert read == set(VARIABLES)
    shown = invoke("--help")[1]
    for name in read:
        assert name in shown


def test_the_shell_can_complete() -> None:
    """The command prints what a shell needs to complete its words."""
    command = "import sys; sys.argv[0] = 'wxrevenue'; from wxrevenue.cli import main; main()"
    environment = {**os.environ, "_WXREVENUE_COMPLETE": "source_bash"}
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=environment, check=False, timeout=60)  # noqa: S603
    assert "complete -o default -F" in run.stdout
