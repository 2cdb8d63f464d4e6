"""Runs of ``wxrevenue settlements`` with small pages, whole and interrupted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from wxrevenue.cli import _app

if TYPE_CHECKING:
    from pathlib import Path

    from wxrevenue import Sandbox


TODAY = date(2026, 6, 30)
RANGE = ("--from", "2025-01-01", "--to", "2026-06-30")
ROWS = 35
ACTION = "get_agency_settled_revenue"


def run(*args: str) -> tuple[int, str]:
    """Run ``wxrevenue settlements --sandbox`` with small pages.

    Return exit code and stderr.
    """
    result = CliRunner().invoke(_app.app, ["settlements", "--sandbox", "--page-size=5", *RANGE, *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result.exit_code, result.stderr


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def whole(folder: Path) -> bytes:
    """Return the output of a run without an interruption."""
    assert run(f"--out={folder / 'whole.csv'}")[0] == 0
    found = (folder / "whole.csv").read_bytes()
    (folder / "whole.csv").unlink()
    return found


def broken_off(sandbox: Sandbox, out: Path, pages: int, *options: str) -> None:
    """Interrupt a run after so many pages."""
    sandbox.next(*[None] * pages, 1700, action=ACTION)
    status, said = run(f"--out={out}", *options)
    assert status == 1
    assert f"{5 * pages} rows are kept in {out}.part: the same command with --resume goes on behind them." in said.replace("\n", " ")
