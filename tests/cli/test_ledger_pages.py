"""The commands that show what a ledger holds, without a call.

They are the report, balances and settlements.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from rich.cells import cell_len
from support.report import LAST, PROVIDER, a_ledger, headlines, parsed, slots, statement
from typer.testing import CliRunner

from wxrevenue import HalfMonth, Sandbox, Totals
from wxrevenue.cli import _app, _client, _terminal
from wxrevenue.cli._ratios import command as _ratios

if TYPE_CHECKING:
    from pathlib import Path

COMPANY = "深圳市腾讯计算机系统有限公司"
NARROW = 60
"""Columns that tables fit."""


def invoke(*args: str, columns: int = NARROW) -> tuple[int, str, str]:
    """Run a command in a terminal so wide; return exit code, stdout, and stderr.

    Runs of blanks in stderr are returned as one.
    """
    result = CliRunner().invoke(_app.app, [*args], env={"COLUMNS": str(columns)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes.decode(), " ".join(result.stderr.split())


async def _fill(path: Path) -> None:
    header = Totals(5_178_368_698, 1_000, 2_613_696_765, COMPANY)
    async with a_ledger(path) as ledger:
        await ledger.record_provider(PROVIDER)
        for back in range(4):
            half = LAST.shifted(-back)
            row = statement(
                half, 71_892_604_500, 5 if back else 1, f"{back:019}", slot_revenue=slots(BANNER=892_604_500, COVER=71_000_000_000)
            )
            await ledger.record(PROVIDER, half, [row], totals=header)
        await ledger.record("wx0123456789abcdef", LAST, [statement(LAST, 5)], totals=Totals(10, 0, 20, None))
        await ledger.record("wx1123456789abcdef", LAST, [statement(LAST, 5)], totals=Totals(10_000_000_000_001, 0, 1, None))
        await ledger.record("wx2123456789abcdef-much-longer", LAST, [statement(LAST, 5)], totals=Totals(None, 0, 7, None))


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """Return the path of a ledger of a provider and three Mini Programs."""
    path = tmp_path / "revenue.db"
    asyncio.run(_fill(path))
    return str(path)


def widest(out: str) -> int:
    """Return the columns of the widest line."""
    return max(cell_len(line) for line in out.splitlines())


# -- report ----------------------------------------------------------------------------------------


def test_a_report_is_written(ledger: str, tmp_path: Path) -> None:
    """The page is written to the file, in Chinese unless English is asked for.

    Nothing else stays in the folder.
    """
    out = tmp_path / "pages" / "report.html"
    out.parent.mkdir()
    assert invoke("report", "--ledger", ledger, "--out", str(out)) == (0, "", f"Report: {out}")
    page = parsed(out.read_text(encoding="utf-8"))
    assert (page.get("lang"), headlines(page)) == ("zh-CN", [4 * 71_892_604_500, 15])
    assert invoke("report", "--ledger", ledger, "--out", str(out), "--lang=en")[0] == 0
    assert parsed(out.read_text(encoding="utf-8")).get("lang") == "en"
    assert [file.name for file in out.parent.iterdir()] == ["report.html"]


def test_a_report_that_fails_leaves_the_old_one(ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the page is written the old file stays.

    A full disk is reported, and leaves nothing behind.
    """
    out = tmp_path / "report.html"
    out.write_text("old", encoding="utf-8")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, err = invoke("report", "--ledger", ledger, "--out", str(out))
    assert code == 1
    assert "No space left on device" in err
    assert out.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir() if "wxrevenue" in file.name] == []


@pytest.mark.parametrize("command", ["report", "balance", "settlements", "changes"])
def test_reading_makes_no_ledger(command: str, tmp_path: Path) -> None:
    """A missing ledger is named, and none is made."""
    file = tmp_path / "none.db"
    more = ["--out", str(tmp_path / "x.html")] if command == "report" else []
    assert invoke(command, "--ledger", str(file), *more) == (2, "", f"{file}: there is no such ledger; `wxrevenue sync` makes one")
    assert [*tmp_path.iterdir()] == []


def test_a_folder_is_no_report(ledger: str, tmp_path: Path) -> None:
    """A path that must not be replaced is refused before the ledger is read."""
    code, _, err = invoke("report", "--ledger", ledger, "--out", str(tmp_path))
    assert (code, err) == (2, f"{tmp_path}: expected a regular file, or nothing yet")


def test_a_report_never_replaces_a_ledger(tmp_path: Path) -> None:
    """A ledger named as the report's file, or a link to it, is refused and stays.

    So is a name that is not a page's.
    """
    path, link = tmp_path / "revenue.db", tmp_path / "report.html"
    asyncio.run(_fill(path))
    link.symlink_to(path)
    before = path.read_bytes()
    for out, says in ((link, "found an SQLite database"), (path, "ends in .html"), ("-", "ends in .html, got '-'")):
        code, _, err = invoke("report", "--ledger", str(path), "--out", str(out), columns=200)
        assert (code, says in err) == (2, True), err
    assert path.read_bytes() == before


# -- balance ---------------------------------------------------------------------------------------


def test_balances_of_a_ledger(ledger: str) -> None:
    """Balances are sorted, and the last line adds up.

    The provider comes first, then the largest balance, and unknown ones last. All fits in 60
    columns.
    """
    code, out, err = invoke("balance", "--ledger", ledger)
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["account", "settled", "open", "balance"],
        [PROVIDER, "26,136,967.65", "25,646,709.33"],
        ["wx1123456789abcdef", "0.01", "100,000,000,000.00"],
        ["wx0123456789abcdef", "0.20", "-0.10"],
        ["wx2123456789abcdef-much-longer"],
        ["0.07", "not", "known"],
        ["total", "4", "26,136,967.93", "100,025,646,709.23"],
    ]
    assert widest(out) == NARROW
    assert widest(invoke("balance", "--ledger", ledger, "--lang=zh")[1]) == NARROW


def test_large_balances_stay_apart(tmp_path: Path) -> None:
    """Amounts of 64 bits use the space of their neighbours.

    Blanks stand between all of them, and 60 columns are enough.
    """
    most = 2**63 - 1

    async def fill() -> None:
        async with a_ledger(tmp_path / "revenue.db") as ledger:
            for owner, totals in (("wx0123456789abcdef", Totals(most, 0, 5, None)), ("wx1", Totals(most, -most, -most, None))):
                await ledger.record(owner, LAST, [statement(LAST, 5)], totals=totals)

    asyncio.run(fill())
    out = invoke("balance", "--ledger", str(tmp_path / "revenue.db"))[1]
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["wx1", "-92,233,720,368,547,758.07", "276,701,161,105,643,274.21"],
        ["wx0123456789abcdef", "0.05", "92,233,720,368,547,758.02"],
        ["total", "2"],
        ["-92,233,720,368,547,758.02", "368,934,881,474,191,032.23"],
    ]
    assert {cell_len(line) for line in out.splitlines() if "." in line} == {NARROW}


def test_a_narrow_terminal(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 40 columns no line is wider, and every account, number and amount is whole."""
    monkeypatch.setattr(_terminal, "table_columns", lambda: _terminal.NARROW)
    wide = {name: invoke(*name, "--ledger", ledger)[1] for name in (("balance",), ("balance", "--owner", PROVIDER), ("settlements",))}
    for name, out in wide.items():
        assert widest(out) <= _terminal.NARROW, name
    assert f"{PROVIDER}\n" in wide["balance",]
    rows = wide["settlements",].splitlines()
    assert [line.split()[-1] for line in rows[1:3]] == ["718,926,045.00", "0000000000000000003"]
    assert rows[-1].split()[0] == "total"


@pytest.mark.parametrize(("terminal", "columns", "expected"), [(True, 59, 40), (True, 60, 60), (False, 40, 60)])
def test_only_a_terminal_is_narrow(terminal: bool, columns: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """A table that is written into a pipe or a file has all its columns."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert _terminal.table_columns() == expected


def test_the_balance_of_one(ledger: str) -> None:
    """One account shows each of the sums, and the company that settles.

    An account that the ledger lacks is refused by name.
    """
    code, out, _ = invoke("balance", "--ledger", ledger, "--owner", PROVIDER, "--lang=zh")
    assert (code, [line.split() for line in out.splitlines()]) == (
        0,
        [
            [PROVIDER, COMPANY],
            ["累计收入", "51,783,686.98", "元"],
            ["累计扣款", "10.00", "元"],
            ["已结算", "26,136,967.65", "元"],
            ["未结余额", "25,646,709.33", "元"],
        ],
    )
    assert "not known" in invoke("balance", "--ledger", ledger, "--owner", "wx2123456789abcdef-much-longer")[1]
    assert invoke("balance", "--ledger", ledger, "--owner", "wx9") == (2, "", "--owner: the ledger has no sums of wx9")


def test_the_balance_at_wechat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a ledger one call asks for the provider's balance.

    Without credentials it is refused.
    """
    sandbox = Sandbox()
    monkeypatch.setattr(_client, "Sandbox", lambda: sandbox)
    code, out, _ = invoke("balance", "--sandbox")
    assert (code, out.splitlines()[0].split()[0]) == (0, sandbox.components[0])
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["earned", "deducted", "settled", "open"]
    assert sum(sandbox.calls.values()) == 1
    for name in ("TOKEN", "SECRET", "APPID"):
        monkeypatch.delenv(f"WXREVENUE_COMPONENT_{name}", raising=False)
    assert invoke("balance")[0] == 2


# -- settlements -----------------------------------------------------------------------------------


def test_settlements_of_a_ledger(ledger: str) -> None:
    """The provider's settlements come from the ledger, the oldest first.

    They fit in 60 columns, and keep within the days if these are given.
    """
    code, out, err = invoke("settlements", "--ledger", ledger)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        " half-month     status    number                        yuan",
        " 2024-04 16-30  paid      0000000000000000003 718,926,045.00",
        " 2024-05 01-15  paid      0000000000000000002 718,926,045.00",
        " 2024-05 16-31  paid      0000000000000000001 718,926,045.00",
        " 2024-06 01-15  settling  0000000000000000000 718,926,045.00",
        " total                    4 rows            2,875,704,180.00",
    ]
    _, out, _ = invoke("settlements", "--ledger", ledger, "--from", "2024-05-15", "--to", "2024-05-16", "--lang=zh")
    assert [line.split() for line in out.splitlines()] == [
        ["半月", "状态", "单号", "元"],
        ["2024-05", "01-15", "已付款", "0000000000000000002", "718,926,045.00"],
        ["2024-05", "16-31", "已付款", "0000000000000000001", "718,926,045.00"],
        ["合计", "2", "张", "1,437,852,090.00"],
    ]


@pytest.mark.parametrize(("lang", "names"), [("en", ["cover", "banner"]), ("zh", ["封面", "Banner"])])
def test_charts_have_names(lang: str, names: list[str], ledger: str) -> None:
    """Slots have their usual names, and no line is wider than 60 columns."""
    _, out, _ = invoke("settlements", "--ledger", ledger, "--chart", f"--lang={lang}")
    assert [line.split()[0] for line in out.splitlines()[-2:]] == names
    assert widest(out) <= NARROW


def test_strange_slots_fit(tmp_path: Path) -> None:
    """Slots that have only a long name are cut to fit, and their amounts are not."""
    path = tmp_path / "revenue.db"

    async def fill() -> None:
        async with a_ledger(path) as ledger:
            await ledger.record_provider(PROVIDER)
            row = statement(LAST, 10**12, 5, "9" * 30, slot_revenue=slots(**{"X" * 50: 10**12}))
            await ledger.record(PROVIDER, LAST, [row])

    asyncio.run(fill())
    _, out, _ = invoke("settlements", "--ledger", str(path), "--chart")
    assert out.splitlines()[2] == f"   {'9' * 30}"
    assert widest(out) <= NARROW
    assert out.splitlines()[-1].endswith(" 10,000,000,000.00")


def test_files_from_a_ledger(ledger: str, tmp_path: Path) -> None:
    """All formats are written from a ledger, of any account in it."""
    _, out, _ = invoke("settlements", "--ledger", ledger, "--format=jsonl", "--owner", "wx0123456789abcdef")
    assert [json.loads(line)["settled_revenue"] for line in out.splitlines()] == [5]
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.xlsx"):
        code, _, err = invoke("settlements", "--ledger", ledger, "--out", str(tmp_path / name))
        assert (code, err) == (0, f"4 settlements, 2,875,704,180.00 yuan: {tmp_path / name}")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert [row["sett_no"] for row in csv.DictReader(file)] == [f"{back:019}" for back in (3, 2, 1, 0)]


def test_an_account_that_has_none(ledger: str) -> None:
    """An account without settlements is a sentence, and no table."""
    code, out, err = invoke("settlements", "--ledger", ledger, "--owner", "wx9")
    assert (code, out, err) == (0, "", "No such settlements in the ledger.")


def test_whose_settlements_must_be_known(tmp_path: Path) -> None:
    """Where the ledger knows no provider, or two, an account has to be named.

    The error lists those that the ledger knows.
    """
    path = str(tmp_path / "revenue.db")

    async def note(*appids: str) -> None:
        async with a_ledger(path) as ledger:
            await ledger.record("wx1", HalfMonth(2024, 1, 1), [])
            for appid in appids:
                await ledger.record_provider(appid)

    asyncio.run(note())
    assert "knows no provider yet" in invoke("settlements", "--ledger", path)[2]
    asyncio.run(note("wx-a", "wx-b"))
    code, _, err = invoke("settlements", "--ledger", path)
    assert (code, "it knows wx-a, wx-b" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["settlements", "--from", "2024-01-01"], "--to"),
        (["settlements", "--to", "2024-01-01"], "--from"),
        (["settlements", "--from", "2024-01-01", "--to", "2024-01-01", "--owner", "wx1"], "needs --ledger"),
        (["settlements", "--ledger", "x.db", "--sandbox"], "nothing is fetched"),
        (["settlements", "--ledger", "x.db", "--out", "x.csv", "--resume"], "nothing is fetched"),
        (["settlements", "--ledger", "x.db", "--from", "2024-1-1"], "--from"),
        (["balance", "--owner", "wx1"], "needs --ledger"),
        (["balance", "--ledger", "x.db", "--base-url", "http://x"], "nothing is fetched"),
        (["report", "--ledger", "x.txt", "--out", "x.html"], "expected 'sqlite:///path'"),
        (["report", "--ledger", "x.db"], "--out"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], says: str) -> None:
    """Options that are missing or do not go together are named, with exit code 2."""
    code, out, err = invoke(*arguments, columns=200)
    assert (code, out) == (2, "")
    assert says in err


SERVED = {
    "settlements": ["settlements", "--from", "2024-01-01", "--to", "2024-01-31"],
    "ads": ["ads", "--days", "3"],
    "sync": ["sync", "--ledger", "x.db", "--from", "2024-01-01"],
    "worker": ["worker", "--redis", "redis://x", "--ledger", "x.db"],
    "balance": ["balance"],
    "ratios": ["ratios", "show"],
}
"""Commands that have a server, or a sandbox."""


@pytest.mark.parametrize("command", SERVED.values(), ids=SERVED)
@pytest.mark.parametrize("both", [["--sandbox", "--base-url=http://x"], ["--base-url=http://x", "--sandbox"]], ids=" ".join)
def test_a_server_and_a_sandbox_do_not_go_together(command: list[str], both: list[str]) -> None:
    """Neither of them is ignored silently."""
    code, out, err = invoke(*command, *both, columns=200)
    assert (code, out) == (2, "")
    assert "--sandbox, --base-url: not together" in err


def test_every_command_with_a_server_is_known_here() -> None:
    """A command that takes one of the two takes both, and is tried above."""

    def taking(app: typer.Typer, option: str) -> set[str]:
        group = typer.main.get_group(app)
        return {name for name, command in group.commands.items() if any(option in one.opts for one in command.params)}

    whole, ratios = _app.app, _ratios.app
    assert taking(whole, "--sandbox") == SERVED.keys() - {"ratios"}
    assert taking(whole, "--base-url") == SERVED.keys() - {"ratios"}
    assert taking(ratios, "--sandbox") == taking(ratios, "--base-url") == {"show", "plan", "apply"}


def test_terminals_without_chinese(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign that the terminal's encoding lacks is replaced, without a traceback."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["wxrevenue", "balance", "--ledger", ledger, "--lang=zh"])
    from wxrevenue.cli import main

    with pytest.raises(SystemExit) as ended:
        main()
    out.flush()
    assert ended.value.code in {0, None}
    assert b"25,646,709.33" in out.buffer.getvalue()
