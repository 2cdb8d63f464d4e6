"""The command that prints and exports ad data.

Tested are what goes where, what it refuses, and how it fails.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from typer.testing import CliRunner

from wxrevenue import HttpResponse, MemoryTransport, RevenueClient, Sandbox
from wxrevenue.cli import _ads, _app, _client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxrevenue import HttpRequest

WEEK = ("--from", "2026-03-01", "--to", "2026-03-07")


def invoke(*args: str) -> tuple[int, str, str]:
    """Run ``wxrevenue ads``; return exit code, stdout, and stderr.

    Stdout is returned as it is, and runs of blanks in stderr as one.
    """
    result = CliRunner().invoke(_app.app, ["ads", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes.decode(), " ".join(result.stderr.split())


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use."""
    found = Sandbox(today=date(2026, 6, 30), years=1)
    monkeypatch.setattr(_client, "Sandbox", lambda: found)
    return found


@pytest.mark.parametrize(("by", "column"), [("slot", "publisher_appid"), ("unit", "ad_unit_id")])
@pytest.mark.usefixtures("sandbox")
def test_csv_is_the_default(by: str, column: str) -> None:
    """Without a format the rows are a CSV on stdout.

    There is a row for each slot or unit, Mini Program and day. Stderr stays empty.
    """
    status, out, err = invoke("--sandbox", *WEEK, "--by", by, "--page-size=50")
    assert (status, err) == (0, "")
    lines = list(csv.DictReader(io.StringIO(out, newline="")))
    assert len(lines) == 63
    assert all(line[column] for line in lines)
    assert sum(int(line["income"]) for line in lines) == sum(int(line["publisher_income"]) + int(line["agency_income"]) for line in lines)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.usefixtures("sandbox")
def test_into_a_file(suffix: str, tmp_path: Path) -> None:
    """The format follows from the file's name.

    The content is summed up on stderr, and stdout stays empty.
    """
    pytest.importorskip({"parquet": "pyarrow", "xlsx": "xlsxwriter"}.get(suffix, "json"))
    file = tmp_path / f"ads.{suffix}"
    status, out, err = invoke("--sandbox", *WEEK, "--out", str(file))
    assert (status, out) == (0, "")
    assert err.startswith("63 rows, ")
    assert err.endswith(f"yuan: {file}") or str(file) in err.replace(" ", "")
    if suffix not in {"parquet", "xlsx"}:
        printed = invoke("--sandbox", *WEEK, f"--format={suffix}")[1]
        assert file.read_bytes().decode() == printed
    if suffix == "jsonl":
        assert len([json.loads(line) for line in file.read_bytes().splitlines()]) == 63


@pytest.mark.usefixtures("sandbox")
def test_a_range_without_rows(tmp_path: Path) -> None:
    """Future days have no rows: the file has its head, and the command succeeds."""
    status, _, err = invoke("--sandbox", "--from=2026-07-01", "--to=2026-07-02", "--out", str(tmp_path / "a.csv"), "--bom")
    assert (status, err.partition(":")[0]) == (0, "0 rows, 0.00 yuan")
    assert (tmp_path / "a.csv").read_bytes().startswith("\ufeffdate,appid,".encode())


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "expected both of them, or --days"),
        (["--from=2026-03-01"], "expected both of them, or --days"),
        (["--days=3", "--to=2026-03-01"], "expected days or dates, got both"),
        (["--from=2026-3-1", "--to=2026-03-02"], "Invalid value for --from"),
        ([*WEEK, "--format=parquet"], "parquet needs a file"),
        ([*WEEK, "--format=xlsx"], "xlsx needs a file"),
        ([*WEEK, "--format=jsonl", "--bom"], "is for --format csv"),
        ([*WEEK, "--out=ads.txt"], "ends in none of"),
        ([*WEEK, "--by=unit", "--page-size=201"], "Invalid value for --page-size"),
    ],
)
def test_options_that_are_not_right(args: list[str], said: str) -> None:
    """Options that do not go together are refused by name with exit status 2.

    So are days that do not exist.
    """
    status, out, err = invoke("--sandbox", *args)
    assert (status, out) == (2, "")
    assert said in err.replace("│ ", "").replace(" │", "")


def served_by(monkeypatch: pytest.MonkeyPatch, handler: Callable[[HttpRequest], HttpResponse]) -> None:
    """Let the command's client talk to that handler."""

    def client(*, on_event: Any, **_options: Any) -> RevenueClient:
        return RevenueClient("fake-token", transport=MemoryTransport(handler), on_event=on_event)

    monkeypatch.setattr(_ads, "client_for", client)


def test_refusals_and_totals_that_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A refusal leaves no file and exits 1 with the reason.

    A total that does not fit the rows is reported.
    """
    served_by(monkeypatch, lambda _request: HttpResponse(200, {}, b'{"ret":2056,"err_msg":"no account"}'))
    status, out, err = invoke(*WEEK, "--out", str(tmp_path / "a.csv"))
    assert (status, out, list(tmp_path.iterdir())) == (1, "", [])
    assert "2056" in err

    def lying(request: HttpRequest) -> HttpResponse:
        rows = [{"date": "2026-03-01", "publisher_appid": "wx", "income": 5}] if orjson.loads(request.body)["page"] == 1 else []
        return HttpResponse(200, {}, orjson.dumps({"list": rows, "total_num": 3}))

    served_by(monkeypatch, lying)
    status, out, err = invoke(*WEEK, "--format=jsonl")
    assert (status, len(out.splitlines())) == (0, 1)
    assert "another number of rows" in err
