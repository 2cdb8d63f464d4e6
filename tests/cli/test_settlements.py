"""The command that prints and exports settlements: what goes where, what it refuses, how it fails, and its charts."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from wxrevenue import GateEvent, HttpResponse, MemoryTransport, PageEvent, RevenueClient, Sandbox, Settlement, SettlementStatus, SlotRevenue
from wxrevenue.cli import _app
from wxrevenue.cli._settlements import charts as _charts
from wxrevenue.cli._settlements import command as _settlements
from wxrevenue.cli._settlements import listing as _listing
from wxrevenue.errors import NotSentError, ResponseLostError
from wxrevenue.sandbox import Mishap

if TYPE_CHECKING:
    from pathlib import Path

RANGE = ("--from", "2025-01-01", "--to", "2025-12-31")
TODAY = date(2026, 6, 30)


def invoke(*args: str) -> tuple[int, str, str]:
    """Run ``wxrevenue settlements``; return exit code, stdout as it is, and stderr with runs of blanks as one."""
    result = CliRunner().invoke(_app.app, ["settlements", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes.decode(), " ".join(result.stderr.split())


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use."""
    found = Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_settlements, "Sandbox", lambda: found)
    for name in ("TOKEN", "APPID"):
        monkeypatch.delenv(f"WXREVENUE_COMPONENT_{name}", raising=False)
    monkeypatch.delenv("WXREVENUE_BASE_URL", raising=False)
    return found


def served_by(monkeypatch: pytest.MonkeyPatch, handler: Any) -> None:
    """Let the command's client talk to that handler."""

    def client(_job: object, watch: Any) -> RevenueClient:
        return RevenueClient("fake-token", transport=MemoryTransport(handler), on_event=watch)

    monkeypatch.setattr(_settlements, "_client", client)


# -- what goes where ---------------------------------------------------------------------------------------------------


def test_a_table_is_the_default(sandbox: Sandbox) -> None:
    """Without a format the rows are a table on stdout, with the sum of the sandbox's books below; stderr stays empty."""
    status, out, err = invoke("--sandbox", *RANGE)
    books = sandbox.totals(sandbox.components[0], "2025-01-01", "2025-12-31")
    assert (status, err) == (0, "")
    first, *_, last = out.splitlines()
    assert first.split() == ["half-month", "status", "number", "yuan"]
    assert last.split() == ["together", str(books.rows), "rows", f"{books.settled_revenue // 100:,}.{books.settled_revenue % 100:02}"]
    assert "\n 2025-12 16-31    paid        " in out
    assert "\x1b" not in out


def test_csv_and_jsonl_can_go_to_stdout(sandbox: Sandbox) -> None:
    """Through a pipe there is nothing but the data, the same bytes as in a file."""
    status, out, err = invoke("--sandbox", *RANGE, "--format=csv", "--bom", "--by=slot")
    assert (status, err) == (0, "")
    lines = list(csv.DictReader(io.StringIO(out.removeprefix("\ufeff"), newline="")))
    books = sandbox.totals(sandbox.components[0], "2025-01-01", "2025-12-31")
    assert sum(int(line["settled_revenue"] or 0) for line in lines) == books.settled_revenue
    assert sum(int(line["slot_settled_revenue"]) for line in lines) == books.settled_revenue
    assert out.startswith("\ufeffmonth,")
    status, out, err = invoke("--sandbox", *RANGE, "--format=jsonl")
    assert (status, err) == (0, "")
    assert sum(json.loads(line)["settled_revenue"] for line in out.splitlines()) == books.settled_revenue


@pytest.mark.parametrize("name", ["a.csv", "a.JSONL", "a.parquet"])
def test_a_files_name_tells_its_format(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """The format follows from the name; stdout stays empty, one line on stderr says what came of it, no journal stays."""
    status, out, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / name}")
    books = sandbox.totals(sandbox.components[0], "2025-01-01", "2025-12-31")
    assert (status, out) == (0, "")
    assert err == f"24 settlements, {books.settled_revenue // 100:,}.{books.settled_revenue % 100:02} yuan: {tmp_path / name}"
    assert [file.name for file in tmp_path.iterdir()] == [name]
    begins = {"a.csv": b"month,order,", "a.JSONL": b'{"month":"202512"', "a.parquet": b"PAR1"}
    assert (tmp_path / name).read_bytes().startswith(begins[name])


def test_stdout_and_file_are_the_same_bytes(sandbox: Sandbox, tmp_path: Path) -> None:
    """Whether rows go through a pipe or through the journal into a file, the CSV is the same."""
    invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.csv'}", "--page-size=7")
    assert invoke("--sandbox", *RANGE, "--format=csv")[1].encode() == (tmp_path / "a.csv").read_bytes()
    assert sandbox.calls["get_agency_settled_revenue", "ok"] == 4 + 2


def test_nothing_found_is_said(sandbox: Sandbox) -> None:
    """A range without settlements is an empty table, and a sentence instead of an empty chart."""
    status, out, err = invoke("--sandbox", "--from", "2019-01-01", "--to", "2019-02-01", "--chart")
    assert (status, err) == (0, "No settlements from 2019-01-01 to 2019-02-01.")
    assert out.splitlines()[-1].split() == ["together", "0", "rows", "0.00"]
    assert sandbox.calls["get_agency_settled_revenue", "ok"] == 1


@pytest.mark.slow("waits for another process")
def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    """``wxrevenue settlements … | head`` leaves nothing on stderr."""
    command = [sys.executable, "-W", "error", "-m", "wxrevenue", "settlements", "--sandbox", "--format=csv", "--page-size=1", *RANGE]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        run = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=60)  # noqa: S603
    assert (run.returncode, run.stderr) == (1, b"")


@pytest.mark.parametrize(("terminal", "shown"), [("1", True), ("0", False)])
def test_progress_is_shown_on_terminals_only(
    terminal: str,
    shown: object,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bar goes to stderr if that is a terminal, and counts rows; where it is not, nothing moves."""
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    _, out, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.csv'}")
    assert out == ""
    assert ("24/24" in err) == shown
    assert ("\x1b" in err) == shown


def test_progress_tells_of_waits() -> None:
    """While the server refuses for haste the bar says so, and for how long."""
    watch = _settlements.ProgressBar(shown=False)
    watch(GateEvent(endpoint="x", account="y", scope="s", verdict="too_fast", closed_for=60.0))
    assert "waiting 60 s" in watch.bars.tasks[0].fields["note"]
    watch(GateEvent(endpoint="x", account="y", scope="s", verdict="too_fast"))
    assert watch.bars.tasks[0].fields["note"].endswith("operating too fast")
    watch(PageEvent(endpoint="x", account="y", page=1, rows=5, fresh=4, total=9, drift=True))
    assert (watch.bars.tasks[0].completed, watch.bars.tasks[0].total, watch.bars.tasks[0].fields["note"]) == (4, 9, "")
    assert watch.drift


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--out=a.xlsx"], "--format"),
        (["--out=a"], "--format"),
        (["--format=table", "--out=a.csv"], "--format"),
        (["--format=parquet"], "--out"),
        (["--resume"], "--resume"),
        (["--bom"], "--bom"),
        (["--by=slot", "--out=a.jsonl"], "--by"),
        (["--page-size=0"], "--page-size"),
        (["--from=2025-1-1"], "--from"),
        (["--to=2025-02-30"], "--to"),
        (["--to=2024-12-31"], "--to"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], named: str, sandbox: Sandbox) -> None:
    """A wrong option exits 2 and is named; nothing was asked of the server."""
    status, out, err = invoke("--sandbox", *RANGE, *options)
    assert (status, out) == (2, "")
    assert f"Invalid value for {named}" in err or named in err
    assert sandbox.calls.total() == 0


def test_without_credentials_it_says_which_and_how_to_do_without(sandbox: Sandbox, tmp_path: Path) -> None:
    """A token that is not set exits 2, names the variable and ``--sandbox``, and leaves no file."""
    status, _, err = invoke(*RANGE, f"--out={tmp_path / 'a.csv'}")
    assert status == 2
    assert "WXREVENUE_COMPONENT_TOKEN" in err
    assert "--sandbox tries the command without any" in err
    assert list(tmp_path.iterdir()) == []
    assert sandbox.calls.total() == 0


def test_without_pyarrow_nothing_is_fetched(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra is told at once, with what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.parquet'}")
    assert (status, err) == (2, 'to_parquet needs pyarrow: pip install "wxrevenue[parquet]"')
    assert list(tmp_path.iterdir()) == []
    assert sandbox.calls.total() == 0


def test_a_file_that_cannot_be_written_is_said_to_be_so(sandbox: Sandbox, tmp_path: Path) -> None:
    """A missing folder, or a folder in the file's place, is one line and an exit code, before anything is fetched."""
    status, _, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'none' / 'a.csv'}")
    assert status == 1
    assert err.startswith(f"cannot write {tmp_path / 'none' / 'a.csv'}.part: ")
    (tmp_path / "folder.csv").mkdir()
    assert invoke("--sandbox", *RANGE, f"--out={tmp_path / 'folder.csv'}")[0] == 2
    assert sandbox.calls.total() == 0


# -- how it fails ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "status", "said"),
    [
        (1700, 1, "code 1700"),
        (2056, 1, "what to do: "),
        (45009, 75, "code 45009"),
        (NotSentError("made up", reason="dns"), 75, "Look at the network"),
        (ResponseLostError("made up", reason="tls"), 1, "Look at the network"),
        (b"{}", 1, "please report this"),
    ],
)
def test_errors_say_what_to_do(trouble: Any, status: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the SDK is its sentence, what to do, and an exit code that tells whether later may be better; no traceback."""

    def handler(_request: object) -> HttpResponse:
        if isinstance(trouble, Exception):
            raise trouble
        return HttpResponse(200, {}, trouble if isinstance(trouble, bytes) else b'{"ret":%d}' % trouble)

    served_by(monkeypatch, handler)
    found, out, err = invoke(*RANGE, "--format=csv")
    assert found == status
    assert said in err
    assert "get_agency_settled_revenue: " in err
    assert out.count("\n") <= 1
    assert "Traceback" not in err
    assert "fake-token" not in err


def test_a_list_that_drifts_is_started_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A walk that cannot vouch for its rows exits 75, says to begin again, and keeps nothing to be resumed."""
    row = b'{"month":"202501","order":1,"settled_revenue":1,"sett_no":"1"}'

    def handler(_request: object) -> HttpResponse:
        return HttpResponse(200, {}, b'{"ret":0,"total_num":9,"settlement_list":[%s]}' % row)

    served_by(monkeypatch, handler)
    status, _, err = invoke(*RANGE, f"--out={tmp_path / 'a.csv'}")
    assert status == 75
    assert "Run the command again, from the beginning." in err
    assert "--resume" not in err
    assert list(tmp_path.iterdir()) == []


def test_what_a_second_reading_found_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Broken off while the list is read again because it changed, a run keeps nothing: going on could give rows twice."""
    answers = iter([(5, "AB"), (4, "CD"), (4, ""), (5, "AZ"), (5, None)])

    def handler(_request: object) -> HttpResponse:
        total, rows = next(answers)
        listed = [{"month": "202501", "order": 1, "settled_revenue": 1, "sett_no": number} for number in rows or ""]
        refused = {"ret": 1700 if rows is None else 0, "total_num": total, "settlement_list": listed}
        return HttpResponse(200, {}, json.dumps(refused).encode())

    served_by(monkeypatch, handler)
    status, _, err = invoke(*RANGE, "--page-size=2", f"--out={tmp_path / 'a.csv'}")
    assert (status, "code 1700" in err, "--resume" in err) == (1, True, False)
    assert list(tmp_path.iterdir()) == []


def test_an_announced_number_that_is_wrong_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server keeps announcing another number of rows than it sends, the rows come, with a note on stderr."""
    row = b'{"month":"202501","order":1,"settled_revenue":1,"sett_no":"1"}'

    def handler(request: Any) -> HttpResponse:
        rows = row if json.loads(request.body)["page"] == 1 else b""
        return HttpResponse(200, {}, b'{"ret":0,"total_num":9,"settlement_list":[%s]}' % rows)

    served_by(monkeypatch, handler)
    status, out, err = invoke(*RANGE, "--format=csv")
    assert (status, out.count("\n")) == (0, 2)
    assert err == "Note: the server announced another number of rows than it sent, also when it was asked again."


def test_rows_that_change_meanwhile_are_noted(sandbox: Sandbox) -> None:
    """Rows that came a second time with another content are counted on stderr; the data has the first."""
    found = _settlements.Found()
    found.revised(0)
    found.revised(1200)
    assert found.notes == ["Note: 1,200 rows changed while the list was read; they are as they came first."]
    sandbox.next(None, Mishap.BUSY)
    assert invoke("--sandbox", *RANGE, "--page-size=5")[0] == 0  # a busy server is sat out


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_table_shows_strange_rows_harmlessly() -> None:
    """Unknown statuses keep their number, a half-month that is none is shown as it came, control characters steer nothing."""
    rows = [
        Settlement("202501", 2, -5, sett_status=SettlementStatus(9), sett_no="\x1b[2J" + "9" * 30),
        Settlement("2025-1", 7, 10**14, sett_status=SettlementStatus.SETTLED_3),
    ]
    file = io.BytesIO()
    with _listing.table(file) as add:
        add(rows)
    lines = file.getvalue().decode().splitlines()
    assert lines[1].split() == ["2025-01", "16-31", "unknown", "9", "\ufffd[2J" + "9" * 30, "-0.05"]
    assert lines[2].split() == ["2025-1/7", "settled", "1,000,000,000,000.00"]
    assert lines[3].split() == ["together", "2", "rows", "999,999,999,999.95"]


# -- charts ------------------------------------------------------------------------------------------------------------


def drawn(amounts: list[tuple[str, int]], width: int = 40, *, blocks: bool = True) -> list[str]:
    """Return the lines of a chart."""
    return [line.plain for line in _charts.bars(amounts, width, blocks=blocks)]


def test_bars_are_as_long_as_their_amounts() -> None:
    """The largest amount fills the room, the others their share to an eighth of a column; no line is wider than the terminal."""
    lines = drawn([("a", 10000), ("bb", 5000), ("c", 1), ("d", 0)])
    assert [line.count("█") for line in lines] == [28, 14, 0, 0]
    assert [line[4:-7].strip("█ ") for line in lines] == ["", "", "▏", ""]
    assert drawn([("a", 16), ("b", 15)], width=22)[1].count("▎") == 1
    assert {len(line) for line in lines} == {39}
    assert [line.split()[-1] for line in lines] == ["100.00", "50.00", "0.01", "0.00"]


def test_bars_of_plain_signs() -> None:
    """Where there are no blocks bars are made of ``#``; whatever is not nought still shows."""
    assert [line.count("#") for line in drawn([("a", 10000), ("b", 1), ("c", 0)], blocks=False)] == [29, 1, 0]


def test_money_is_never_cut_off() -> None:
    """On a narrow terminal labels give way, and bars, but not amounts; negative and enormous ones are exact."""
    lines = drawn([("长" * 60, 10**17 + 1), ("b", -(10**17) - 1)], width=20)
    assert lines[0].endswith(" 1,000,000,000,000,000.01")
    assert lines[1].endswith(" -1,000,000,000,000,000.01")
    assert lines[1].count("█") == 10
    assert drawn([]) == []


def test_charts_add_up(sandbox: Sandbox) -> None:
    """Both charts show the sum of the rows, half-months from the oldest on, slots from the largest on."""
    status, out, _ = invoke("--sandbox", *RANGE, "--chart")
    assert status == 0
    halves, slots = (part.splitlines() for part in out.split("Revenue by ")[1:])
    fen = sandbox.totals(sandbox.components[0], "2025-01-01", "2025-12-31").settled_revenue
    for title, *lines in (halves, slots):
        amounts = [int(line.split()[-1].replace(",", "").replace(".", "")) for line in lines if line.strip()]
        assert sum(amounts) == fen
        assert title.startswith(("slot", "half-month"))
    assert [line.split()[0] for line in halves[1:3]] == ["2025-01", "2025-01"]
    assert "\x1b" not in out


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "█"), ("ascii", "#"), ("latin-1", "#"), ("no-such", "#")])
def test_charts_are_plain_where_they_must_be(encoding: str, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoding without blocks gets ``#``; NO_COLOR and what is no terminal get no colours; server text steers nothing."""
    sums = _charts.Sums()
    sums.add(Settlement("202501", 1, 100, slot_revenue=[SlotRevenue("[red]\x1b]0;x\x07", 100)]))
    sums.add(Settlement("202501", 1, -5))
    assert sums.by_slot == Counter({"[red]\x1b]0;x\x07": 100, _charts.NO_SLOT: -5})
    monkeypatch.setattr(Console, "encoding", encoding)
    for environment in ({"NO_COLOR": "1", "TTY_COMPATIBLE": "1"}, {}):
        file = io.StringIO()
        _charts.show(Console(file=file, width=60, _environ=environment), sums)
        text = file.getvalue()
        assert sign in text
        assert "[red]\ufffd]0;x\ufffd" in text
        assert "\x1b[3" not in text
        assert "\x1b]" not in text
        assert "0.95" in text
