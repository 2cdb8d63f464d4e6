"""Workers, or Redis, are killed or stopped.

The ledger is that of a run without trouble.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.postgres import new_database

pytestmark = [
    pytest.mark.slow("kills and stops real processes, and waits until the others have their jobs"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]

TESTS = Path(__file__).parent.parent
SILENCE_S = "1.0"
"""Seconds that a worker may be silent in these tests; six otherwise."""


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("kind", ["killed", "stopped", "restarted"])
def test_trouble_loses_no_row(kind: str, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """When a worker or Redis is killed, nothing is lost and nothing doubled.

    A worker may also be stopped and continued later. Redis is started again.
    """
    url = str(tmp_path / "revenue.db")
    if database == "postgres":
        url = new_database(request.getfixturevalue("postgres_url"), f"workers_{kind}")
    command = [sys.executable, "-m", "support.killed_workers", kind, url, "2", SILENCE_S]
    done = subprocess.run(command, cwd=TESTS, timeout=200, check=False, capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0
