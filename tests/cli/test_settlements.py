"""The command that prints and exports settlements.

Tested are what goes where, what it refuses, and how it fails.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from wxrevenue import GateEvent, HttpResponse, MemoryTransport, PageEvent, RevenueClient, Sandbox, Settlement, SettlementStatus
from wxrevenue._base import extras
from wxrevenue.cli import _app, _client
from wxrevenue.cli._settlements import command as _settlements
from wxrevenue.cli._settlements import listing as _listing
from wxrevenue.errors import NotSentError, ResponseLostError
from wxrevenue.sandbox import Mishap

if TYPE_CHECKING:
    from pathlib import Path

RANGE = ("--from", "2025-01-01", "--to", "2025-12-31")
TODAY = date(2026, 6, 30)


def invoke(*args: str) -> tuple[int, str, str]:
    """Run ``wxrevenue settlements``; return exit code, stdout, and stderr.

    Stdout is returned as it is, and runs of blanks in stderr as one.
    """
    result = CliRunner().invoke(_app.app, ["settlements", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes.decode(), " ".join(result.stderr.split())


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use."""
    found = Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_client, "Sandbox", lambda: found)
    for name in ("TOKEN", "APPID"):
        monkeypatch.delenv(f"WXREVENUE_COMPONENT_{name}", raising=False)
    monkeypatch.delenv("WXREVENUE_BASE_URL", raising=False)
    return found


def served_by(monkeypatch: pytest.MonkeyPatch, handler: Any) -> None:
    """Let the command's client talk to that handler."""

    def client(_job: object, watch: Any) -> RevenueClient:
        return RevenueClient("fake-token", transport=MemoryTransport(handler), on_event=watch)

    monkeypatch.setattr(_settlements, "_client", client)


# -- what goes where -------------------------------------------------------------------------------


def test_a_table_is_the_default(sandbox: Sandbox) -> None:
    """Without a format the rows are a table on stdout.

    The sum of the sandbox's books stands below. Stderr stays empty.
    """
    status, out, err = invoke("--sandbox", *RANGE)
    books = sandbox.totals(sandbox.components[0], "2025-01-01", "2025-12-31")
    assert (status, err) == (0, "")
    first, *_, last = out.splitlines()
    assert first.split() == ["half-month", "status", "number", "yuan"]
    assert last.split() == ["total", str(books.rows), "rows", f"{books.settled_revenue // 100:,}.{books.settled_revenue % 100:02}"]
    assert "\n 2025-12 16-31  paid      " in out
    assert "\x1b" not in out


def test_csv_and_jsonl_can_go_to_stdout(sandbox: Sandbox) -> None:
    """Through a pipe go the data alone, the same bytes as in a file."""
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


@pytest.mark.parametrize("name", ["a.csv", "a.JSONL", "a.parquet", "a.XLSX"])
def test_a_files_name_tells_its_format(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """The format follows from the file's name.

    Stdout stays empty, one line on stderr gives the result, and no part file stays.
    """
    status, out, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / name}")
    books = sandbox.totals(sandbox.components[0], "2025-01-01", "2025-12-31")
    assert (status, out) == (0, "")
    assert err == f"24 settlements, {books.settled_revenue // 100:,}.{books.settled_revenue % 100:02} yuan: {tmp_path / name}"
    assert [file.name for file in tmp_path.iterdir()] == [name]
    begins = {"a.csv": b"month,order,", "a.JSONL": b'{"month":"202512"', "a.parquet": b"PAR1", "a.XLSX": b"PK"}
    assert (tmp_path / name).read_bytes().startswith(begins[name])


def test_stdout_and_file_are_the_same_bytes(sandbox: Sandbox, tmp_path: Path) -> None:
    """The CSV through a pipe is the same as the CSV in a file.

    Rows for the file go through the part file.
    """
    invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.csv'}", "--page-size=7")
    assert invoke("--sandbox", *RANGE, "--format=csv")[1].encode() == (tmp_path / "a.csv").read_bytes()
    assert sandbox.calls["get_agency_settled_revenue", "ok"] == 4 + 2


def test_nothing_found_is_said(sandbox: Sandbox) -> None:
    """A range without settlements gives a sentence, with no table and no chart.

    A CSV still has its header.
    """
    status, out, err = invoke("--sandbox", "--from", "2019-01-01", "--to", "2019-02-01", "--chart")
    assert (status, out, err) == (0, "", "No settlements from 2019-01-01 to 2019-02-01.")
    assert sandbox.calls["get_agency_settled_revenue", "ok"] == 1
    assert invoke("--sandbox", "--from", "2019-01-01", "--to", "2019-02-01", "--format=csv")[1].startswith("month,order,")


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
    """The bar goes to stderr if that is a terminal, and counts rows.

    Elsewhere nothing moves.
    """
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    _, out, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.csv'}")
    assert out == ""
    assert ("24/24" in err) == shown
    assert ("\x1b" in err) == shown


def test_progress_tells_of_waits() -> None:
    """While the server refuses for haste the bar says so, and counts rows."""
    watch = _settlements.ProgressBar(shown=False)
    watch.waits(GateEvent(endpoint="x", account="y", scope="s", verdict="too_fast", closed_for=60.0))
    assert watch.waits.column in watch.bars.columns
    assert watch.waits.left == "1737, 60 s left"
    watch.waits(PageEvent(endpoint="x", account="y", page=1, rows=5, fresh=4, total=9, drift=True))
    assert (watch.bars.tasks[0].completed, watch.bars.tasks[0].total) == (4, 9)
    assert watch.drift


def test_a_table_is_in_the_terminals_encoding() -> None:
    """A terminal in GBK gets its own Chinese, and a question mark for what it has not."""
    file = io.BytesIO()
    with _listing.table(file, "zh", "gbk") as add:
        add([Settlement("202501", 1, 100, sett_no="\u2603")])
    assert b"?" in file.getvalue()
    assert file.getvalue().decode("gbk").splitlines()[0].split() == ["半月", "状态", "单号", "元"]


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--out=a.xls"], "--format"),
        (["--format=xlsx"], "--out"),
        (["--out=a.xlsx", "--bom"], "--bom"),
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
    """A missing token exits 2, and the error names the variable and ``--sandbox``.

    It leaves no file.
    """
    status, _, err = invoke(*RANGE, f"--out={tmp_path / 'a.csv'}")
    assert status == 2
    assert "WXREVENUE_COMPONENT_TOKEN" in err
    assert "--sandbox tries the command without any" in err
    assert list(tmp_path.iterdir()) == []
    assert sandbox.calls.total() == 0


def test_without_an_extra_nothing_is_fetched(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra is reported at once, with what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.parquet'}")
    assert (status, err) == (2, extras.missing("to_parquet", "pyarrow", "parquet"))
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    status, _, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'a.xlsx'}")
    assert (status, err) == (2, extras.missing("to_excel", "XlsxWriter", "excel"))
    assert list(tmp_path.iterdir()) == []
    assert sandbox.calls.total() == 0


def test_a_file_that_cannot_be_written_is_said_to_be_so(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file that cannot be written is one line and an exit code.

    Its folder is missing, or a folder stands in its place. Nothing is fetched before.
    """
    status, _, err = invoke("--sandbox", *RANGE, f"--out={tmp_path / 'none' / 'a.csv'}")
    assert status == 1
    assert err.startswith(f"cannot write {tmp_path / 'none' / 'a.csv'}.part: ")
    (tmp_path / "folder.csv").mkdir()
    assert invoke("--sandbox", *RANGE, f"--out={tmp_path / 'folder.csv'}")[0] == 2
    assert sandbox.calls.total() == 0


# -- how it fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "status", "said"),
    [
        (1700, 1, "code 1700"),
        (2056, 1, "what to do: "),
        (45009, 75, "code 45009"),
        (NotSentError("made up", reason="dns"), 75, "what to do: Check the host's name in base_url"),
        (ResponseLostError("made up", reason="tls"), 1, "what to do: Check this machine's clock"),
        (b"{}", 1, "else report it with its path"),
    ],
)
@pytest.mark.parametrize("format_", ["csv", "table"])
def test_errors_say_what_to_do(trouble: Any, status: int, said: str, format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is a sentence, what to do, and an exit code.

    The code says whether a later run may succeed. There is no header and no traceback.
    """

    def handler(_request: object) -> HttpResponse:
        if isinstance(trouble, Exception):
            raise trouble
        return HttpResponse(200, {}, trouble if isinstance(trouble, bytes) else b'{"ret":%d}' % trouble)

    served_by(monkeypatch, handler)
    found, out, err = invoke(*RANGE, f"--format={format_}")
    assert (found, out) == (status, "")
    assert said in err
    assert "get_agency_settled_revenue: " in err
    assert "Traceback" not in err
    assert "fake-token" not in err


def test_a_list_that_drifts_is_started_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A walk whose rows may be incomplete exits 75 and says to begin again.

    It keeps nothing to be resumed.
    """
    row = b'{"month":"202501","order":1,"settled_revenue":1,"sett_no":"1"}'

    def handler(_request: object) -> HttpResponse:
        return HttpResponse(200, {}, b'{"ret":0,"total_num":9,"settlement_list":[%s]}' % row)

    served_by(monkeypatch, handler)
    status, _, err = invoke(*RANGE, f"--out={tmp_path / 'a.csv'}")
    assert status == 75
    assert "what to do: Walk again from the beginning" in err
    assert "--resume" not in err
    assert list(tmp_path.iterdir()) == []


def test_what_a_second_reading_found_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run that is broken off while it reads a changed list again keeps nothing.

    A resumed run could give rows twice.
    """
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
    """A wrong number of announced rows is a note on stderr, and the rows come.

    The server keeps announcing another number than it sends.
    """
    row = b'{"month":"202501","order":1,"settled_revenue":1,"sett_no":"1"}'

    def handler(request: Any) -> HttpResponse:
        rows = row if json.loads(request.body)["page"] == 1 else b""
        return HttpResponse(200, {}, b'{"ret":0,"total_num":9,"settlement_list":[%s]}' % rows)

    served_by(monkeypatch, handler)
    status, out, err = invoke(*RANGE, "--format=csv")
    assert (status, out.count("\n")) == (0, 2)
    assert err == "Note: the server announced another number of rows than it sent, also when it was asked again."


def test_rows_that_change_meanwhile_are_noted(sandbox: Sandbox) -> None:
    """Rows that came again with another content are counted on stderr.

    The data has the first content.
    """
    found = _settlements.Found()
    found.revised(0)
    found.revised(1200)
    assert found.notes == ["Note: 1,200 rows changed while the list was read; they are as they came first."]
    sandbox.next(None, Mishap.BUSY)
    assert invoke("--sandbox", *RANGE, "--page-size=5")[0] == 0  # the command waits for a busy server


# -- the table -------------------------------------------------------------------------------------


def test_the_table_shows_strange_rows_harmlessly() -> None:
    """Strange rows are shown, and do no harm.

    Unknown statuses keep their number, and an invalid half-month is shown as it came. Control
    characters steer nothing.
    """
    rows = [
        Settlement("202501", 2, -5, sett_status=SettlementStatus(9), sett_no="\x1b[2J" + "9" * 30),
        Settlement("2025-1", 7, 10**14, sett_status=SettlementStatus.SETTLED_3),
    ]
    file = io.BytesIO()
    with _listing.table(file) as add:
        add(rows)
    lines = file.getvalue().decode().splitlines()
    assert lines[1].split() == ["2025-01", "16-31", "status", "9", "-0.05"]
    assert lines[2].split() == ["\ufffd[2J" + "9" * 30]
    assert lines[3].split() == ["2025-1/7", "settled", "1,000,000,000,000.00"]
    assert lines[4].split() == ["total", "2", "rows", "999,999,999,999.95"]


# -- charts ----------------------------------------------------------------------------------------


def test_charts_add_up(sandbox: Sandbox) -> None:
    """Both charts show the sum of the rows.

    Half-months begin with the oldest, and slots with the largest.
    """
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
