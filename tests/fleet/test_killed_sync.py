"""Runs of ``sync`` that are killed or stopped are finished by the next one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.postgres import new_database

pytestmark = [
    pytest.mark.slow("kills real processes again and again"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]

TESTS = Path(__file__).parent.parent


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty ledger is."""
    if request.param == "sqlite":
        return str(tmp_path / "revenue.db")
    return new_database(request.getfixturevalue("postgres_url"), "killed")


def played(kind: str, url: str, rounds: int, *more: str) -> int:
    """Play some rounds in a process of their own, and return what it found."""
    command = [sys.executable, "-m", "support.killed_sync", kind, url, str(rounds), *more]
    done = subprocess.run(command, cwd=TESTS, timeout=500, check=False, capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_killed_anywhere(url: str) -> None:
    """B-11: a killed run and one that finishes leave what an unkilled run leaves.

    The run is killed at a random moment, 50 times on SQLite. A server keeps what was committed by
    itself, so that 20 times are enough there.
    """
    rounds = 20 if url.startswith("postgresql") else 50
    assert played("killed", url, rounds) > rounds / 2


def test_stopped_beyond_its_lease(url: str) -> None:
    """B-12: a run that is stopped beyond its lease changes nothing afterwards.

    Another run has finished meanwhile.
    """
    assert played("stopped", url, 5) == 5


def test_two_processes_make_the_calls_of_one(url: str, tmp_path: Path) -> None:
    """B-13: two processes at once leave what one leaves.

    They make at most 5 % more calls.
    """
    assert played("together", url, 5, str(tmp_path)) <= 5
