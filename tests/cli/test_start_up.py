"""Ctrl-C while the command line starts: modules load for most of the first second."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

import wxrevenue.cli

PROGRAM = """
import signal, sys

def at_import(event, args):
    if event == "import" and args[0] == {module!r}:
        signal.raise_signal(signal.SIGINT)

def building(app, build):
    signal.raise_signal(signal.SIGINT)
    return build(app)

if {module!r} == "get_command":
    import functools, typer.main
    typer.main.get_command = functools.partial(building, build=typer.main.get_command)
else:
    sys.addaudithook(at_import)
sys.argv = ["wxrevenue", "--version"]
import wxrevenue.cli
wxrevenue.cli.main()
"""
"""Sends itself Ctrl-C at one moment of its start."""


@pytest.mark.parametrize("moment", ["typer", "rich.console", "wxrevenue.cli._ledger.worker", "get_command"])
def test_ctrl_c_ends_a_start_quietly(moment: str) -> None:
    """Ctrl-C while modules load, or commands are put together, is no traceback.

    It says "Stopped." and exits 130, as later.
    """
    program = PROGRAM.format(module=moment)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "Stopped.\n")


def test_a_start_leaves_ctrl_c_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller of ``main`` has Ctrl-C do is in force again when it ends."""
    monkeypatch.setattr(sys, "argv", ["wxrevenue", "--version"])
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit):
        wxrevenue.cli.main()
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    """Where the parent ignores Ctrl-C, as a shell does for ``&``, so does the start."""
    program = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + PROGRAM.format(module="typer")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert (run.returncode, run.stderr) == (0, "")
