"""What the benchmarks print."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import table

from benchmarks import __main__ as command
from benchmarks import _measure, _report
from benchmarks._resident import peak

OUTCOMES: list[_measure.Row] = [
    *(_measure.Outcome("G9", "a / b", 2.0, 4.0, "µs", ratio, 1.0, 0.25) for ratio in (0.5, 1.01)),
    _measure.Outcome("G9", "a / latency", 2.0, 4.0, "µs", 1.5, 1.0, judged=False),
    _measure.Outcome("T", "one / other", 2.0, 4.0, "µs", 0.5, math.inf),
    _measure.NotInstalled("R1", "ours / absent", "absent"),
]
GOALS = frozenset(command.GOALS)
"""What can be measured: read before the fixture below replaces it."""
VERDICTS = ["met", "MISSED", "not judged", "not judged", "absent is not installed"]


@pytest.fixture(autouse=True)
def goals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one goal that is measured at once, without waiting."""

    def run(*, quick: bool) -> list[_measure.Row]:
        return OUTCOMES if quick else []

    monkeypatch.setattr(command, "GOALS", {"G9": (run,)})


def test_one_line_per_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has goal, both figures, ratio, spread and verdict.

    Goals can be chosen by name; versions stand below.
    """
    command.main(["G9", "--quick"])
    printed = capsys.readouterr()
    assert printed.err.startswith("G9, after ")
    head, *lines = printed.out.splitlines()
    assert head.split() == ["goal", "ours", "/", "rival", "ours", "rival", "ratio", "spread", "goal"]
    assert [line.split("  ")[-1] for line in lines[:5]] == VERDICTS
    assert "0.25" in lines[0]
    assert "python CPython" in lines[-1] or "python PyPy" in lines[-1]
    assert "aiohttp 3." in lines[-1]


def test_everything_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object has every figure, the machine and the caveats.

    A limit that does not exist is null.
    """
    command.main(["--quick", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in found["outcomes"]] == VERDICTS
    assert [one["limit"] for one in found["outcomes"]] == [1.0, 1.0, 1.0, None, None]
    assert found["outcomes"][0]["spread"] == 0.25
    assert {"python", "cores", "aiohttp", "orjson"} <= found["machine"].keys()
    assert found["caveats"]


def test_the_table_of_the_readme_is_generated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The table replaces what stood between its two marks, and nothing else.

    A second time it replaces itself.
    """
    page = tmp_path / "README.md"
    page.write_text(_report.README.read_text())
    before = page.read_text()
    monkeypatch.setattr(_report, "README", page)
    command.main(["--quick", "--readme"])
    once = page.read_text()
    command.main(["--quick", "--readme"])
    assert [line for line in page.read_text().splitlines() if "load" not in line] == [
        line for line in once.splitlines() if "load" not in line
    ]
    assert "| G9 | a / b | 2.0 µs | 4.0 µs | 0.50 | 0.25 | 1.00 | met |" in once
    goals, rivals = once.partition("### Rivals")[::2]
    assert "| T | one / other |" in goals
    assert "| R1 | ours / absent | | | | | | absent is not installed |" in rivals
    mark = "<!-- measured by python -m benchmarks --readme -->"
    assert "R1" not in goals.partition(mark)[2]
    first, _, rest = before.partition(mark)
    last = rest.partition("<!-- end -->")[2]
    assert first
    assert once.startswith(first)
    assert once.endswith(last)


def test_every_goal_is_explained() -> None:
    """The README says of each goal what both sides are."""
    named = {goal for row in table("What the rows are", _report.README) for goal in row[0].split(", ")}
    assert named >= GOALS


def test_an_unknown_goal_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A goal that does not exist ends the command with a message."""
    with pytest.raises(SystemExit):
        command.main(["G0"])
    assert "unknown goal: G0" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system tells no peak of a process's own")
def test_a_peak_is_the_process_s_own() -> None:
    """A process that a large one starts reports its own peak, not its parent's."""
    large = bytearray(200 << 20)
    large[::4096] = b"x" * len(large[::4096])  # it is really there
    code = "from benchmarks._resident import peak; print(peak())"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[2])  # noqa: S603
    assert int(done.stdout) < peak() - (100 << 20)
    assert large
