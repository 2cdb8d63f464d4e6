"""``wxrevenue statement``, ``reconcile`` and ``payout``: finance work on a ledger."""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("typer")
from typer.testing import CliRunner

from wxrevenue import AdRow, HalfMonth, RatioState, RatioStatus, Settlement, SettlementStatus, SlotRevenue, Totals, open_ledger
from wxrevenue._base import extras
from wxrevenue.cli._app import app
from wxrevenue.cli._finance.payout import Amounts, payments
from wxrevenue.cli._finance.shares import Share

if TYPE_CHECKING:
    from pathlib import Path

    from wxrevenue import Ledger

openpyxl: Any = pytest.importorskip("openpyxl")
MARCH = HalfMonth(2024, 3, 1)
HALF = "--half-month=2024-03-1"


def invoke(*args: str) -> tuple[int, str, str]:
    """Return the exit status of a command, and what it wrote to stdout and stderr."""
    found = CliRunner().invoke(app, args, env={"COLUMNS": "200"})
    return found.exit_code, found.stdout, found.stderr


def row(fen: int, state: int = 5, slots: int | None = None) -> Settlement:
    """Return a settlement of March."""
    return Settlement("202403", 1, fen, None, None, SettlementStatus(state), "N", 0, [SlotRevenue("S", fen if slots is None else slots)])


async def agreeing(ledger: Ledger) -> None:
    """Record books that agree: a provider at 40 % and one Mini Program."""
    await ledger.record_provider("wxp")
    for owner, fen in (("wxp", 600), ("wxa", 900)):
        await ledger.record(owner, MARCH, [row(fen)], totals=Totals(10_000, 0, fen, None))
    for day in range(1, 16):
        at = date(2024, 3, day)
        await ledger.record_ads("wxa", at, [AdRow(date=at, ad_slot="S", income=100, publisher_income=60, agency_income=40)])


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """Return a ledger that agrees, but knows no ratio of the time."""

    async def fill() -> None:
        async with open_ledger(str(tmp_path / "revenue.db")) as opened:
            await agreeing(opened)
            await opened.record_ratios([RatioStatus("wxa", Decimal(40), None, Decimal(40), RatioState.IN_FORCE, None)])

    asyncio.run(fill())
    return str(tmp_path / "revenue.db")


def record(ledger: str, owner: str, *rows: Settlement) -> None:
    """Record an owner's settlements of March."""

    async def put() -> None:
        async with open_ledger(ledger) as opened:
            await opened.record(owner, MARCH, rows)

    asyncio.run(put())


# -- statement -------------------------------------------------------------------------------------


def test_a_statement(ledger: str, tmp_path: Path) -> None:
    """The workbook is written, in Chinese by default; stdout stays empty."""
    out = tmp_path / "a.xlsx"
    assert invoke("statement", "--ledger", ledger, HALF, "--out", str(out)) == (0, "", f"2024-03-1: {out}\n")
    assert openpyxl.load_workbook(out).sheetnames[:4] == ["汇总", "开票清单", "未付款", "已付款"]
    assert invoke("statement", "--ledger", ledger, HALF, "--out", str(out), "--lang=en")[0] == 0
    assert openpyxl.load_workbook(out).sheetnames[0] == "Summary"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([HALF, "--out=a.csv"], "ends in .xlsx, got 'a.csv'"),
        (["--half-month=2024-3", "--out=a.xlsx"], "--half-month: expected a half-month such as '2024-03-1' or '2024-03-2', got '2024-3'"),
        (["--half-month=0000-03-1", "--out=a.xlsx"], "--half-month: expected a half-month such as '2024-03-1' or"),
        ([HALF, "--out=none/a.xlsx"], "cannot write"),
    ],
)
def test_statements_that_cannot_be_written(
    args: list[str], said: str, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is named, and no file is left."""
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    status, _, err = invoke("statement", "--ledger", ledger, *args)
    err = " ".join(err.replace("\u2502", " ").split())
    assert status == (1 if said == "cannot write" else 2)
    assert said in err
    assert err.count(", got") <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_missing_extra_is_said(ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without XlsxWriter both commands say how to get it, before the ledger is read."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    (tmp_path / "shares.csv").write_text("payee,share\na,1\n")
    out = f"--out={tmp_path / 'a.xlsx'}"
    assert invoke("statement", "--ledger", ledger, HALF, out)[0::2] == (2, extras.missing("write_statement", "XlsxWriter", "excel") + "\n")
    found = invoke("payout", "--ledger", ledger, HALF, out, f"--shares={tmp_path / 'shares.csv'}")
    assert found[0::2] == (2, extras.missing("payout", "XlsxWriter", "excel") + "\n")


@pytest.mark.parametrize("command", ["statement", "reconcile"])
def test_a_ledger_that_is_not_there_is_not_made(command: str, tmp_path: Path) -> None:
    """A misspelt file is refused.

    To read it would make an empty ledger, in which nothing is wrong.
    """
    args = [f"--out={tmp_path / 'a.xlsx'}"] if command == "statement" else []
    status, _, err = invoke(command, f"--ledger={tmp_path / 'none.db'}", HALF, *args)
    assert status == 2
    assert "there is no such ledger" in err
    assert list(tmp_path.iterdir()) == []


# -- reconcile -------------------------------------------------------------------------------------


def test_books_that_agree_exit_0(ledger: str) -> None:
    """Without a difference the command succeeds and says what it did not compare.

    With ``--strict``, rows that were not compared fail it.
    """
    status, out, _ = invoke("reconcile", "--ledger", ledger, HALF)
    assert status == 0
    assert out.splitlines()[-1] == "2024-03-1: 8 compared, 0 different, 2 not compared"
    assert "ratio: not compared (wxa): The ratio in force at the time is not known" in out
    assert invoke("reconcile", "--ledger", ledger, HALF, "--strict")[0] == 1
    assert "当时生效的比例未知" in invoke("reconcile", "--ledger", ledger, HALF, "--lang=zh")[1]


def test_a_difference_exits_1(ledger: str) -> None:
    """A difference is printed with both amounts and what it may mean.

    The rows behind it follow, as many as were asked for.
    """
    record(ledger, "wxa", row(899, slots=900))
    status, out, _ = invoke("reconcile", "--ledger", ledger, HALF, "--rows=2")
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "slots wxa: expected 9.00, found 8.99, -0.01 yuan"
    assert lines[1].startswith("    The slots do not add up")
    assert lines[2] == "    wxa  N  paid  8.99 yuan"
    income = lines.index("income wxa: expected 9.00, found 8.99, -0.01 yuan")
    assert lines[income + 3 : income + 5] == [
        "    wxa  2024-03-01  S  income 1.00  publisher 0.60  agency 0.40",
        "    and 14 rows more",
    ]
    assert lines[-1].endswith("3 different, 2 not compared")


def test_nothing_to_compare_exits_1(ledger: str) -> None:
    """A half-month of which the ledger has nothing exits 1."""
    status, out, _ = invoke("reconcile", "--ledger", ledger, "--half-month=2020-01-1")
    assert (status, out.splitlines()[-1]) == (1, "2020-01-1: 0 compared, 0 different, 2 not compared")


def test_names_cannot_steer_the_terminal(ledger: str) -> None:
    """A number from the server is printed without its control characters."""
    record(ledger, "wxa", Settlement("202403", 1, 5, sett_no="\x1b[2J", slot_revenue=[SlotRevenue("S", 6)]))
    assert "\x1b" not in invoke("reconcile", "--ledger", ledger, HALF)[1]


# -- payout ----------------------------------------------------------------------------------------


def paid(ledger: str, tmp_path: Path, shares: str, *args: str, out: str = "a.csv") -> tuple[int, str, str]:
    """Run the command on shares."""
    (tmp_path / "shares.csv").write_text(shares, encoding="utf-8")
    return invoke("payout", "--ledger", ledger, HALF, f"--shares={tmp_path / 'shares.csv'}", f"--out={tmp_path / out}", *args)


def test_the_providers_amount_in_shares(ledger: str, tmp_path: Path) -> None:
    """By default the provider's amount is split.

    The parts add up to it, a name is never a formula, and the sum is printed.
    """
    record(ledger, "wxp", row(500), row(100, 4))
    status, out, err = paid(ledger, tmp_path, "payee,share,note\n甲,1,x\n=乙,1,\n丙,1\n", "--bom")
    assert (status, out, err) == (0, "", f"2024-03-1: 3 payees, 6.00 yuan: {tmp_path / 'a.csv'}\n")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
    assert text == [
        "payee,appid,half_month,share,fen,yuan",
        "甲,wxp,'2024-03-1,1,200,2.00",
        "'=乙,wxp,'2024-03-1,1,200,2.00",
        "丙,wxp,'2024-03-1,1,200,2.00",
    ]


def test_shares_of_each_account(ledger: str, tmp_path: Path) -> None:
    """With a column ``appid`` each account's amount is split among its own payees.

    The percentages of each account must add up to 100.
    """
    record(ledger, "wxa", row(-101))
    shares = "appid,payee,share\nwxa,甲,50%\nwxp,甲,12.5%\nwxa,乙,50%\nwxp,乙,87.5%\n"
    assert paid(ledger, tmp_path, shares, out="a.xlsx")[0] == 0
    head, *lines = openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows(values_only=True)
    assert head == ("payee", "appid", "half_month", "share", "fen", "yuan")
    assert [line[:2] + line[3:] for line in lines] == [
        ("甲", "wxa", 50, -51, -0.51),
        ("乙", "wxa", 50, -50, -0.5),
        ("甲", "wxp", 12.5, 75, 0.75),
        ("乙", "wxp", 87.5, 525, 5.25),
    ]


@pytest.mark.parametrize(
    ("shares", "args", "said"),
    [
        ("payee,share\n甲,60%\n乙,30%\n", [], "expected the shares to come to 100 %, got 90 %"),
        ("payee,share\n甲,60%\n乙,40\n", [], "line 2, column share: expected a number"),
        ("payee,share\n甲,-1\n", [], "line 2, column share"),
        ("payee,share\n甲,1e3\n", [], "line 2, column share"),
        ("payee,share\n,1\n", [], "line 2, column payee: expected a name"),
        ("payee,share\n甲,1\n甲,2\n", [], "line 3, column payee: '甲' stands there already"),
        ("payee,share\n甲,0\n", [], "expected a share above zero"),
        ("payee,share,appid\n甲,1,two words\n", [], "line 2, column appid"),
        ("payee,share,appid\n甲,1,wxa\n", ["--owner=wxa"], "--owner: expected no appid"),
        ("payee,share,appid\n甲,1,wxnone\n", [], "wxnone: the ledger has no settlement"),
        ("payee,share\n甲,1\n", ["--owner=wxopen"], "wxopen: its amount is not settled yet"),
        ("payee,rate\n甲,1\n", [], "line 1: expected the names of the columns"),
        ("payee,share\n", [], "expected a row below"),
        ("", [], "line 1: expected the names of the columns"),
        ('payee,share\n"甲,1\n', [], "expected CSV"),
        ("payee,share\n甲,1,2\n", [], "expected 2 cells, got 3"),
    ],
)
def test_what_cannot_be_paid_out(shares: str, args: list[str], said: str, ledger: str, tmp_path: Path) -> None:
    """Invalid shares and unsettled amounts are refused with their place.

    No table is written.
    """
    record(ledger, "wxopen", row(1, 1))
    status, _, err = paid(ledger, tmp_path, shares, *args)
    assert status == 2
    assert said in err
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("payee,share\nMüller,1\nJosé,2\n".encode("latin-1"), "save it as CSV UTF-8"),
        ("payee,share\n甲,1\n".encode() + b"\xff,2\n", "save it as CSV UTF-8"),
        ("payee,share\n甲\ufffd,1\n".encode(), "line 2, column payee: expected a name; '甲\ufffd' has a character that cannot be read"),
        (b"payee,share\nA\0B,1\n", "line 2, column payee: expected a name; 'A\\x00B' has"),
        (b'payee,share\n"A\nB",1\n', "line 3, column payee: expected a name; 'A\\nB' has"),
    ],
)
def test_payees_are_never_guessed(content: bytes, said: str, ledger: str, tmp_path: Path) -> None:
    """A name that cannot be read as it was written is refused.

    So no payee is paid under another name.
    """
    shares, out = tmp_path / "shares.csv", tmp_path / "a.csv"
    shares.write_bytes(content)
    status, _, err = invoke("payout", "--ledger", ledger, HALF, f"--shares={shares}", f"--out={out}")
    assert (status, said in err, out.exists()) == (2, True, False), err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_files_of_excel(encoding: str, ledger: str, tmp_path: Path) -> None:
    """CSV files of Excel are read, in each of Excel's encodings.

    Rare letters and wide spaces are read too.
    """
    (tmp_path / "shares.csv").write_bytes("payee,share\n张\u3000三,1\n𠮷,2\n".encode(encoding))
    found = invoke("payout", "--ledger", ledger, HALF, f"--shares={tmp_path / 'shares.csv'}", f"--out={tmp_path / 'a.csv'}")
    assert found[0] == 0, found
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["张\u3000三", "𠮷"]


def test_shares_are_not_replaced(ledger: str, tmp_path: Path) -> None:
    """The file with the shares is not replaced, also under the name of a link to it."""
    (tmp_path / "link.csv").symlink_to(tmp_path / "shares.csv")
    for out in ("shares.csv", "link.csv"):
        status, _, err = paid(ledger, tmp_path, "payee,share\n甲,1\n", out=out)
        assert (status, "expected another file than --shares" in err) == (2, True), err
        assert (tmp_path / "shares.csv").read_text(encoding="utf-8") == "payee,share\n甲,1\n"


@given(
    st.dictionaries(st.sampled_from(["wxa", "wxb", "wxc"]), st.integers(-(10**15), 10**15), min_size=1),
    st.lists(st.decimals(0, 1_000, places=3).filter(bool), min_size=1, max_size=6),
)
def test_every_fen_is_paid_out(amounts: dict[str, int], weights: list[Decimal]) -> None:
    """Whatever the shares, each account's payments add up to what was settled."""
    shares: dict[str | None, list[Share]] = {
        appid: [Share(f"p{number}", weight, appid) for number, weight in enumerate(weights)] for appid in amounts
    }
    found = payments(shares, Amounts(amounts, None, frozenset()), None)
    for appid, fen in amounts.items():
        assert sum(one.fen for one in found if one.appid == appid) == fen
