"""The demo's screen on terminals of all kinds, and its step that kills a process."""

from __future__ import annotations

import asyncio
import io
import re
from typing import TYPE_CHECKING

import attrs
import pytest
from rich.cells import cell_len
from rich.console import Console
from support.demo import TINY, ran, screen

from wxrevenue.cli._demo import report as _report
from wxrevenue.cli._demo import screen as _show
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from wxrevenue.cli._demo.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    """Return what the job finds when nothing is wrong."""
    return asyncio.run(ran())


# -- a run that is killed --------------------------------------------------------------------------


async def test_a_killed_run_is_gone_on_with() -> None:
    """A run continues after its process was killed.

    A real process is killed midway. The next one fetches the rest, and the file agrees with the
    books.
    """
    show, written = screen()
    report = await ran(attrs.evolve(TINY, components=1, kill=True), watcher=show)
    resumption = report.resumption
    assert resumption is not None
    assert report.problems == ()
    assert 0 < resumption.kept < resumption.rows == 24
    assert f"killed after {resumption.kept} rows; --resume fetched the other {24 - resumption.kept}, none twice" in written.getvalue()


@pytest.mark.parametrize(("kept", "rows", "fen"), [(3, 9, 100), (3, 11, 100), (3, 10, 99), (0, 10, 100), (10, 10, 100)])
def test_a_resumption_that_does_not_agree_is_noticed(kept: int, rows: int, fen: int) -> None:
    """A resumption that does not agree is a problem.

    There is a row too few or too many, a fen differs, or the run was not killed midway.
    """
    books = attrs.evolve(
        Sandbox(components=1, years=1).totals("wxc000000000000000", "2026-01-01", "2026-02-01"), rows=10, settled_revenue=100
    )
    found = _report.Resumption(kept=kept, rows=rows, fen=fen, books=books)
    assert found.problem == f"{kept} rows were kept, the file has {rows} rows, {fen} fen; the books hold 10 rows, 100 fen"
    assert attrs.evolve(found, kept=3, rows=10, fen=100).problem is None


# -- terminals of all kinds ------------------------------------------------------------------------


def shown(report: Report, width: int, encoding: str = "utf-8") -> str:
    """Return what a terminal of so many columns shows of the steps and the tables."""
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding, errors="replace"), width=width)
    show = _show.Screen(console)
    show.split(report.splits)
    show.refused(report.refusals)
    show.marked(report.marking)
    show.summary(report)
    console.file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 79, 80, 120])
def test_it_fits_the_terminal(report: Report, width: int) -> None:
    """No line is wider than the terminal, no amount and no appid is cut."""
    text = shown(report, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…0" not in text
    for ledger in report.ledgers:
        assert re.search(rf"{ledger.component} .*{re.escape(_show.money(ledger.fen))}  ✓", text)
    assert _show.money(report.fen) in text


@pytest.mark.parametrize(("encoding", "sign"), [("ascii", "ok"), ("gbk", "ok"), ("utf-8", "✓")])
def test_signs_that_the_encoding_has(report: Report, encoding: str, sign: str) -> None:
    """Where the encoding has no check mark, a word stands for it."""
    assert f" {sign} a provider without an account" in shown(report, 100, encoding)


@pytest.mark.parametrize(("width", "bars"), [(79, False), (80, True)])
async def test_nothing_moves_on_a_narrow_terminal(width: int, bars: bool) -> None:  # noqa: FBT001
    """Below 80 columns there are no progress bars.

    A line for each account stands in their place, as soon as its rows are there.
    """
    written = io.StringIO()
    await ran(attrs.evolve(TINY, components=1), watcher=_show.Screen(Console(file=written, width=width)))
    assert ("24/24" in written.getvalue()) is bars
    assert ("wxc000000000000000  24 rows\n" in written.getvalue()) is not bars


def test_a_long_call_wraps_under_itself(report: Report) -> None:
    """Each line of the call under a step begins below its first."""
    lines = shown(report, 40).splitlines()
    first = next(number for number, line in enumerate(lines) if "await client.set_share_ratio(40);" in line)
    assert [line[:4].strip() == line[3:4] for line in lines[first : first + 2]] == [True, True]
    assert "get_share_ratio" in lines[first + 1]
