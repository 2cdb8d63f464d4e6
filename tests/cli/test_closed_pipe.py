"""A reader that stops reading, such as ``head``, ends a command without a message."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

YEAR = ("--from", "2025-01-01", "--to", "2025-12-31")
COMMANDS = {
    "settlements": ("settlements", "--sandbox", *YEAR),
    "ads": ("ads", "--sandbox", "--days=3"),
    "ratios": ("ratios", "show", "--sandbox"),
    "sync": ("sync", "--sandbox", "--ledger=revenue.db", *YEAR),
    "explain": ("explain", "1737"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_is_said(command: tuple[str, ...], tmp_path: Path) -> None:
    """The command fails without a traceback and without advice about disks."""
    line = [sys.executable, "-m", "wxrevenue", *command]
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:  # noqa: S603
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        said = running.stderr.read().decode()
    assert (running.returncode, [line for line in said.splitlines() if "Broken" in line or "Traceback" in line]) == (1, [])
