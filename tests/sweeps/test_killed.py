"""A process that dies in the middle of a sweep.

The next one goes on, and no row is lost.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.sweep_worker import LENGTHS

pytestmark = pytest.mark.slow("kills real processes again and again")

TESTS = Path(__file__).parent.parent
ROWS = {f"{name} {number}" for name, length in LENGTHS.items() for number in range(length)}


def run(folder: Path, outcomes: int) -> int:
    """Run the worker; return how it ended."""
    command = [sys.executable, "-m", "support.sweep_worker", str(folder), str(outcomes)]
    return subprocess.run(command, cwd=TESTS, timeout=60, check=False).returncode  # noqa: S603


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
def test_every_row_comes_although_the_process_is_killed(tmp_path: Path) -> None:
    """Every row comes at least once, however often the process is killed.

    Only the outcome in the consumer's hands comes again.
    """
    deaths = 0
    while run(tmp_path, 7) == -signal.SIGKILL:
        deaths += 1
        assert deaths < 10, "no progress"
    rows = Counter((tmp_path / "rows.txt").read_text().splitlines())
    assert deaths == 3
    assert set(rows) == ROWS
    assert rows.total() == len(ROWS)  # the outcome at each death was not stored yet
    assert run(tmp_path, 1) == 0  # nothing is left


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
def test_a_line_that_was_cut_short_by_the_kill(tmp_path: Path) -> None:
    """A checkpoint cut at any byte makes the sweep repeat the jobs of the lost lines.

    No row is lost.
    """
    assert run(tmp_path, 9) == -signal.SIGKILL
    checkpoint = tmp_path / "sweep.jsonl"
    written = checkpoint.read_bytes()
    checkpoint.write_bytes(written[: len(written) * 2 // 3])
    assert run(tmp_path, 1_000) == 0
    assert set((tmp_path / "rows.txt").read_text().splitlines()) == ROWS
