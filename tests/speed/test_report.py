"""What the benchmarks print."""

from __future__ import annotations

import contextlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.pages import table

from benchmarks import __main__ as command
from benchmarks import _measure, _program, _report, growth
from benchmarks._apart import apart, started, together
from benchmarks._resident import peak

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
OUTCOMES: list[_measure.Row] = [
    *(_measure.Outcome("G9", "a / b", 2.0, 4.0, "µs", ratio, 1.0, 0.25) for ratio in (0.5, 1.01)),
    _measure.Outcome("G9", "a / latency", 2.0, 4.0, "µs", 1.5, 1.0, judged=False),
    _measure.Outcome("T", "one / other", 2.0, 4.0, "µs", 0.5, math.inf),
    _measure.NotInstalled("R1", "ours / absent", "absent"),
]
GOALS = frozenset({*command.GOALS, *command.WITH_RIVALS})
"""What can be measured: read before the fixture below replaces it."""
VERDICTS = ["met", "MISSED", "not judged", "not judged", "absent is not installed"]


@pytest.fixture(autouse=True)
def goals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one goal that is measured at once, without waiting."""

    def run(*, quick: bool) -> list[_measure.Row]:
        return OUTCOMES if quick else []

    monkeypatch.setattr(command, "GOALS", {"G9": (run,)})
    monkeypatch.setattr(command, "NEEDS", {})
    monkeypatch.setattr(command, "WITH_RIVALS", {"R9": "G9"})


def test_one_line_per_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has goal, both figures, ratio, spread and verdict.

    Goals can be chosen by name, in any case, and each is measured once. Versions stand below.
    """
    command.main(["g9", "R9", "--quick", "G9"])
    printed = capsys.readouterr()
    assert printed.err.startswith("G9, after ")
    assert printed.err.count("\n") == 1
    head, *lines = printed.out.splitlines()
    assert head.split() == ["goal", "ours", "/", "rival", "ours", "rival", "ratio", "spread", "goal"]
    assert [line.split("  ")[-1] for line in lines[:5]] == VERDICTS
    assert "0.25" in lines[0]
    assert lines[6] == "What is not installed comes with: pip install -e '.[bench]'"
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


def test_the_readme_has_the_table_that_the_command_writes() -> None:
    """Heads, columns and facts are as they would be written now.

    Each goal has a row, and each row was measured.
    """
    page = _report.README.read_text()
    measured = page.partition("<!-- measured by python -m benchmarks --readme -->\n")[2].partition("<!-- end -->")[0]
    written = f"\n{_report.as_markdown(OUTCOMES)}\n"
    heads, facts = ([line for line in text.split("\n") if line[:3] in {"###", "| g", "|--"}] for text in (measured, written))
    assert heads == facts
    told, known = (re.findall(r"^- ([^:]*): .", text, re.MULTILINE) for text in (measured, written))
    assert told == known
    rows = [line.split(" | ") for line in measured.split("\n") if re.match(r"\| [GRST]\d* ", line)]
    assert {row[0].removeprefix("| ") for row in rows} == GOALS
    assert {len(row) for row in rows} == {8}
    assert "is not installed" not in measured


def test_a_goal_that_lacks_a_module_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of that goal runs; the others do."""
    monkeypatch.setattr(command, "NEEDS", {"G9": ("json", "no_such_module")})
    command.main(["--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("  ")[-1].strip() == "no_such_module is not installed"
    assert lines[2] == ""


@pytest.mark.parametrize("main", [command.main, growth.main])
def test_a_readme_that_cannot_be_written_is_told_before(
    main: Callable[[list[str]], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is measured for a quarter of an hour and then lost."""
    monkeypatch.setattr(_report, "README", tmp_path / "absent.md")
    with pytest.raises(SystemExit):
        main(["--readme"])
    printed = capsys.readouterr()
    assert "--readme: cannot write" in printed.err
    assert printed.out == ""


def _stopped() -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("main", "status"), [(_stopped, 130), (lambda: 1, 1), (lambda: None, None)])
def test_a_program_ends_with_a_status(main: Callable[[], int | None], status: int | None) -> None:
    """Ctrl-C is no traceback; else it is what the program returns."""
    with pytest.raises(SystemExit) as ended:
        _program.run(main)
    assert ended.value.code == status


def test_a_program_says_what_it_lacks() -> None:
    """A program without a module that it needs does not begin."""
    with pytest.raises(SystemExit, match="not installed: no_such_module"):
        _program.run(_stopped, needs=("json", "no_such_module"))


def test_a_closed_pipe_ends_a_program_quietly() -> None:
    """``python -m benchmarks | head -1`` prints no traceback."""
    code = "from benchmarks import _program; _program.run(lambda: print('x' * 1_000_000))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    assert (told, process.returncode) == (b"", 1)


def test_a_process_ends_with_its_block() -> None:
    """Whatever ends the block, Ctrl-C too, leaves no process behind."""
    with contextlib.suppress(KeyboardInterrupt), started("-c", "import time; time.sleep(600)") as process:
        _stopped()
    assert process.returncode not in {None, 0}


def test_a_program_that_fails_is_an_error() -> None:
    """What a program prints is what it answers, and nothing else is."""
    assert apart("json.tool", _report.README.with_name("instructions.json"))
    with pytest.raises(RuntimeError, match=r"json.tool /no/such/file: a process failed"):
        together("json.tool", [("/no/such/file",)])


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
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=ROOT)  # noqa: S603
    assert int(done.stdout) < peak() - (100 << 20)
    assert large
