"""How cost grows is measured as it is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from benchmarks import _growth_work, _report, growth
from benchmarks._answers import settlement_page
from benchmarks._server import serving
from wxrevenue import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

AMOUNTS = {"calls": 3, "rows": 300, "floor_rows": 300, "accounts": 20, "waiters": 40, "floor_waiters": 40, "ledger": 96}


@pytest.mark.parametrize("name", growth.UNITS)
def test_every_kind_of_work_does_what_it_is_told(name: str, tmp_path: Path) -> None:
    """Work takes time, and is as much as was asked for.

    The work itself asserts that each call, row and caller got through.
    """
    with serving(settlement_page(2)) as base_url:
        task = _growth_work.Task(AMOUNTS[name], base_url, tmp_path, process=0)
        found = _growth_work.measured(name, task)
    assert found["bytes"] >= 0
    assert found["microseconds"]
    assert all(cost > 0 for cost in found["microseconds"].values())


async def test_two_processes_write_rows_of_different_owners(tmp_path: Path) -> None:
    """Each process has owners of its own, and both share one ledger."""
    for process in (0, 1):
        took = await _growth_work.ledger(_growth_work.Task(96, "", tmp_path, process))
        assert took["ledger rows, written"][1] == 96
    assert took["ledger rows, read"][1] == 192
    async with open_ledger(f"{tmp_path}/revenue.db") as books:
        assert (await books.progress()).half_months == 192


def test_a_ratio_is_to_what_was_measured_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base of a ratio is the mean of the least amount before and after it.

    A machine that slows down in between is no growth.
    """
    costs = iter([1.0, 3.0, 2.0, 8.0, 2.0])
    asked: list[tuple[int, int]] = []

    def run(_name: str, units: int, _base_url: str, processes: int = 1) -> dict[str, Any]:
        asked.append((units, processes))
        return {"microseconds": {"rows": next(costs)}, "bytes": 1_000_000}

    monkeypatch.setattr(growth, "run_once", run)
    found = growth.measured("rows", (1, 10))
    least = growth.UNITS["rows"]
    assert asked == [(least, 1), (10 * least, 1), (least, 1), (10 * least, 2), (least, 1)]
    assert [(one.factor, one.processes, one.ratio, one.flat) for one in found] == [
        (1, 1, 1.0, True),
        (10, 1, 2.0, False),
        (10, 2, 4.0, False),
    ]


@pytest.mark.slow("waits for other processes")
def test_growth_is_measured_in_processes_of_their_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The command measures one process and two, and draws the lines."""
    growth.main(["rows", "--quick", "--plot", str(tmp_path / "a.png")])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == growth.HEAD
    assert [line.split()[4:7] for line in lines] == [["1,000", "1", "1"], ["10,000", "10", "1"], ["10,000", "10", "2"]]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_process_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command does not go on with figures that it does not have."""
    monkeypatch.setattr(growth, "UNITS", {"no_such_work": 1})
    with pytest.raises(RuntimeError, match="no_such_work: a process failed"):
        growth.run_once("no_such_work", 1, "")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[growth.Growth]:
    """Return lines that are there without a measurement."""
    lines = [growth.Growth("rows", 10, 1, 1, 2.0, 1.0, 0.5), growth.Growth("rows", 100, 10, 1, 3.0, 1.5, 5.0)]

    def measured(_name: str, _factors: tuple[int, ...]) -> list[growth.Growth]:
        return lines

    monkeypatch.setattr(growth, "measured", measured)
    return lines


@pytest.mark.usefixtures("known")
def test_growth_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A line tells cost, ratio, memory, memory of a unit and verdict."""
    growth.main(["rows"])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split() for line in lines] == [
        ["rows", "10", "1", "1", "2.0", "1.00", "0.5", "50000", "flat"],
        ["rows", "100", "10", "1", "3.0", "1.50", "5.0", "50000", "NOT", "FLAT"],
    ]


def test_what_is_not_ours_is_not_judged() -> None:
    """A floor is told, in both tables, without a verdict."""
    floor, ours = (growth.Growth(what, 100, 10, 1, 3.0, 1.5, 5.0) for what in ("floor: tasks, futures", "rows"))
    assert floor.line().endswith("not judged")
    assert ours.line().endswith("NOT FLAT")
    assert [one.outcome().judged for one in (floor, ours)] == [False, True]


def test_growth_in_the_table_of_all_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line tells the cost of a unit at an amount and at x1; x1 itself is none."""
    asked: dict[str, tuple[int, ...]] = {}

    def measured(name: str, factors: tuple[int, ...], *, processes: tuple[int, ...]) -> list[growth.Growth]:
        assert processes == (1,)
        asked[name] = factors
        return [growth.Growth(name, factor, factor, 1, 3.0 * factor, factor, 0.0) for factor in factors]

    monkeypatch.setattr(growth, "measured", measured)
    rows = list(growth.run())
    assert [one.what for one in rows if "rows" not in one.what and "waiters" not in one.what] == [
        f"{name}, x{factor} / x1" for name in ("calls", "accounts", "ledger") for factor in (10, 100)
    ]
    assert {(one.rival, one.limit) for one in rows} == {(3.0, 1.15)}
    assert {name: max(factors) for name, factors in asked.items() if name in {"rows", "waiters"}} == {"rows": 1_000, "waiters": 1_000}
    assert {one.ratio for one in growth.run(quick=True)} == {10.0}


def test_growth_in_the_readme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A line of its table tells the ratio at each amount.

    What was not measured stays empty. The other table of the README stays as it is.
    """
    page = tmp_path / "README.md"
    page.write_text(_report.README.read_text())
    before = page.read_text()
    amounts = [(1, 1, 1.0), (10, 1, 1.1), (1_000, 1, 1.25), (1_000, 2, 1.3)]
    lines = [growth.Growth("rows", 10 * factor, factor, many, 2.0, ratio, 0.5 * factor) for factor, many, ratio in amounts]

    def measured(_name: str, _factors: tuple[int, ...]) -> list[growth.Growth]:
        return lines

    monkeypatch.setattr(growth, "measured", measured)
    monkeypatch.setattr(_report, "README", page)
    growth.main(["rows", "--readme"])
    written = page.read_text()
    assert "\n| rows | 10 | 1.10 |  | 1.25 | 1.30 | 500 |\n" in written
    assert "\n| calls | 100 |" in before
    assert "\n| calls | 100 |" not in written
    mark = "<!-- measured by python -m benchmarks --readme -->"
    assert mark in before
    assert written.partition(mark)[2] == before.partition(mark)[2]


@pytest.mark.usefixtures("known")
def test_growth_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Every figure is in the JSON array."""
    growth.main(["rows", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [one["ratio"] for one in found] == [1.0, 1.5]


@pytest.mark.usefixtures("known")
def test_a_plot_that_cannot_be_made_is_told_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where to, and what with, is looked at before anything is measured."""
    with pytest.raises(SystemExit):
        growth.main(["--plot", str(tmp_path / "no" / "a.png")])
    monkeypatch.setattr(growth, "module", mock.Mock(return_value=None))
    with pytest.raises(SystemExit):
        growth.main(["--plot", str(tmp_path / "a.png")])
    printed = capsys.readouterr()
    assert "--plot: cannot write" in printed.err
    assert "--plot needs matplotlib" in printed.err
    assert printed.out == ""


def test_unknown_work_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A kind of work that does not exist ends the command with a message."""
    with pytest.raises(SystemExit):
        growth.main(["sheep"])
    assert "unknown work: sheep" in capsys.readouterr().err
