"""Statements: what finance opens, adds up and files.

The tests read them back with and without a calculation of their formulas.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.statements import BANNER, MARCH, TENCENT, TODAY, filled, row

from wxrevenue import HalfMonth, Totals, open_ledger, write_statement
from wxrevenue.report import _statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wxrevenue import Ledger

openpyxl: Any = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger in a file."""
    async with open_ledger(str(tmp_path / "revenue.db")) as opened:
        yield opened


def read(path: Path, *, values: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Return the cells of every sheet.

    The cells are the formulas, or the values that are stored with them.
    """
    book = openpyxl.load_workbook(path, data_only=values)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def computed(path: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Return each formula's computed value and its stored value, by sheet and cell."""
    formulas, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for sheet in formulas.worksheets:
        for cell in (cell for line in sheet.iter_rows() for cell in line if cell.data_type == "f"):
            total = 0.0
            ranges = re.findall(r"(?:'((?:[^']|'')+)'!)?([A-Z]+\d+):([A-Z]+\d+)", cell.value)
            assert cell.value.startswith("=ROUND(SUM(")
            for name, first, last in ranges:
                cells = values[name.replace("''", "'") if name else sheet.title][f"{first}:{last}"]
                total += sum(one.value for line in cells for one in line if isinstance(one.value, int | float))
            found[sheet.title, cell.coordinate] = (round(total, 2), values[sheet.title][cell.coordinate].value)
    return found


async def test_a_sheet_for_each_state_and_slot(ledger: Ledger, tmp_path: Path) -> None:
    """Every row stands on its state's sheet and on the sheets of its slots.

    A status number that is not documented has a sheet of its own.
    """
    await filled(ledger)
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    found = read(tmp_path / "a.xlsx")
    assert list(found) == [
        *["Summary", "Invoices", "Unpaid", "no status", "settling", "settled", "settled (status 3)", "paying", "paid", "status 9"],
        *["rewarded video", "banner", "=1+1"],  # the largest first
    ]
    assert [line[:3] for line in found["no status"][1:]] == [
        ("wxa", None, -0.05),
        ("Total, by formula", None, -0.05),
        ("Total, by value", None, -0.05),
    ]
    assert found["settled"][1][:3] == ("wxp", "P1", 0.3)
    assert found["settled"][1][3].date() == date(2024, 3, 25)
    assert [line[:2] for line in found["rewarded video"]] == [
        ("Account (appid)", "Amount (yuan)"),
        ("wxb", 10),
        ("wxp", 0.2),
        ("Total, by formula", 10.2),
        ("Total, by value", 10.2),
    ]
    assert [line[0] for line in found["banner"][1:3]] == ["wxa", "wxp"]


async def test_invoices_and_what_is_not_paid(ledger: Ledger, tmp_path: Path) -> None:
    """Invoices have number, company, period, yuan and age.

    Unpaid ones of earlier half-months come first, with their own age.
    """
    await filled(ledger)
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", today=TODAY)
    found = read(tmp_path / "a.xlsx")
    assert found["开票清单"][0] == ("结算主体", "账号（AppID）", "结算单编号", "结算区间", "状态", "金额（元）", "账龄（天）")
    period = "2024-03-01 – 2024-03-15"  # noqa: RUF001
    assert found["开票清单"][1:-2] == [
        (TENCENT, "wxa", "A3", period, "已结算（状态 3）", 2, 36),
        (TENCENT, "wxa", "A4", period, "付款中", 0.29, 36),
        (TENCENT, "wxa", "A9", period, "状态 9", 0.07, 36),
        (None, "wxb", "B5", period, "已付款", 10, None),
        (TENCENT, "wxp", "P1", period, "已结算", 0.3, 36),
    ]
    unpaid = found["未付款"][1:-2]
    assert unpaid[0] == (None, "wxb", "B1", "2024-01-16 – 2024-01-31", "付款中", 40, 80)  # noqa: RUF001
    assert [line[5] for line in unpaid] == [40, -0.05, 1, 2, 0.29, 0.07, 0.3]
    ages = {line[0]: (line[1], line[3]) for line in found["汇总"]}
    assert (ages["0-30 天"], ages["31-60 天"], ages["61-90 天"], ages["90 天以上"]) == ((0, 0), (6, 3.61), (1, 40), (0, 0))


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_totals_by_formula_are_those_by_value(lang: Any, ledger: Ledger, tmp_path: Path) -> None:
    """Each formula adds up its own rows and no total, and stores the value.

    So a reader without a calculator sees it.
    """
    await filled(ledger)
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang=lang, today=TODAY)
    found = computed(tmp_path / "a.xlsx")
    assert len(found) >= 12 + 12
    assert {place: pair for place, pair in found.items() if pair[0] != pair[1]} == {}
    summary = next(iter(read(tmp_path / "a.xlsx").values()))
    totals = [line[2:4] for line in summary if line[0] in {"合计", "Total"}]
    assert totals == [(fen, fen) for fen in (13.61, 13.61, 13.61, 13.61, 43.61)]


async def test_whose_share_it_is(ledger: Ledger, tmp_path: Path) -> None:
    """The provider's part and the Mini Programs' are told apart.

    Where no provider is known the statement says so.
    """
    await ledger.record("wxa", MARCH, [row(100)])
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    assert ("not known", 1, None, 1) in read(tmp_path / "a.xlsx")["Summary"]
    await filled(ledger)
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    summary = read(tmp_path / "a.xlsx")["Summary"]
    assert [line for line in summary if line[0] in {"the provider's", "Mini Programs'"}] == [
        ("the provider's", 1, None, 0.3),
        ("Mini Programs'", 6, None, 13.31),
    ]


async def test_amounts_of_more_than_fifteen_digits(ledger: Ledger, tmp_path: Path) -> None:
    """An amount of more than fifteen digits is text with all its digits.

    A formula would leave it out, so there is none, and a line says why.
    """
    large = 2**63 - 1
    await ledger.record("wxa", MARCH, [row(large, slots={BANNER: large}), row(1, number="N")])
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    paid = read(tmp_path / "a.xlsx", values=False)["paid"]
    text, total = "92233720368547758.07", "92233720368547758.08"
    assert [line[2] for line in paid[1:]] == [text, 0.01, None, total, None]
    assert "more than 15 digits" in paid[-1][0]
    assert {pair for place, pair in computed(tmp_path / "a.xlsx").items() if place[0] != "Summary"} == {(0.01, 0.01)}


async def test_a_sum_that_fits_of_amounts_that_do_not(ledger: Ledger, tmp_path: Path) -> None:
    """Where amounts are text no formula stands for their sum.

    This holds even if the sum itself is a small number.
    """
    large = 2**62
    await ledger.record("wxa", MARCH, [row(large, slots={BANNER: large}), row(7 - large, number="N", slots={BANNER: 7 - large})])
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    formulas, values = read(tmp_path / "a.xlsx", values=False), read(tmp_path / "a.xlsx")
    assert [line[2] for line in formulas["paid"][-3:]] == [None, 0.07, None]
    assert [line[2:] for line in values["Summary"] if line[0] in {"paid", "banner"}] == [(None, 0.07), (None, 0.07)]


async def test_hostile_text(ledger: Ledger, tmp_path: Path) -> None:
    """Hostile names are text, and lose no row.

    The names have formulas, control characters or half surrogates, or cannot name a sheet.
    """
    slots = {"=1+1": 1, "a/b[c]:d*e?f\\": 2, "A/B[C]:D*E?F\\": 3, "x" * 50: 4, "X" * 50: 5, "\x00\ud83d": 6, "History": 7, "Summary": 8}
    await ledger.record("wxa", MARCH, [row(36, 5, "\t=1+1", slots=slots)], totals=Totals(1, 1, 1, "@SUM(A1)\x07"))
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert len(book.sheetnames) == 3 + 1 + len(slots)
    assert all(len(name) <= 31 for name in book.sheetnames)
    assert (book["Invoices"]["A2"].value, book["Invoices"]["C2"].value) == ("@SUM(A1)\ufffd", "=1+1")
    assert {cell.data_type for cell in book["Invoices"][2] if cell.value is not None} <= {"s", "n"}
    assert {pair[0] - pair[1] for pair in computed(tmp_path / "a.xlsx").values()} == {0}


async def test_more_slots_than_sheets(ledger: Ledger, tmp_path: Path) -> None:
    """The 40 largest slots have a sheet each; the others share one.

    It names them, and no fen is lost.
    """
    slots = {f"SLOT_{number:03}": number + 1 for number in range(50)}
    await ledger.record("wxa", MARCH, [row(sum(slots.values()), slots=slots)])
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    found = read(tmp_path / "a.xlsx")
    assert len(found) == 4 + 40 + 1
    assert [line[2] for line in found["Other slots"][1:-2]] == [f"SLOT_{number:03}" for number in range(10)]
    assert found["Other slots"][-1][1] == 0.55
    total = Decimal(sum(slots.values())).scaleb(-2)
    assert [line[3] for line in found["Summary"] if line[0] == "Total"][1] == float(total)


async def test_more_states_than_sheets(ledger: Ledger, tmp_path: Path) -> None:
    """Twenty states have a sheet each; the others share one, which names them.

    The server may make up any count of numbers.
    """
    await ledger.record("wxa", MARCH, [row(state, state) for state in range(1, 51)])
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    found = read(tmp_path / "a.xlsx")
    assert len(found) == 3 + 20 + 1
    assert [line[4] for line in found["Other states"][1:-2]] == [f"status {state}" for state in range(21, 51)]
    assert found["Other states"][-1][2] == sum(range(21, 51)) / 100
    assert next(line[3] for line in found["Summary"] if line[0] == "Total") == sum(range(51)) / 100
    assert {pair[0] - pair[1] for pair in computed(tmp_path / "a.xlsx").values()} == {0}


async def test_rows_beyond_a_sheet(ledger: Ledger, tmp_path: Path) -> None:
    """A state with more rows than a sheet holds goes on in a further sheet.

    Its total is that of all its sheets.
    """
    for number in range(25):
        await ledger.record(f"wx{number:02}", MARCH, [row(number, number=str(number), slots={BANNER: number})])
    await _statement._write(  # pyright: ignore[reportPrivateUsage]
        ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY, most=13
    )
    found = read(tmp_path / "a.xlsx")
    assert [name for name in found if name.startswith("paid")] == ["paid", "paid (2)", "paid (3)"]
    assert [line[0] for name in ("paid", "paid (2)", "paid (3)") for line in found[name][1:]][:25] == [f"wx{n:02}" for n in range(25)]
    assert max(len(lines) for name, lines in found.items() if name != "Summary") <= 13
    assert {pair[0] - pair[1] for pair in computed(tmp_path / "a.xlsx").values()} == {0}
    assert computed(tmp_path / "a.xlsx")["paid (3)", "C9"] == (3, 3)


async def test_a_half_month_without_rows(ledger: Ledger, tmp_path: Path) -> None:
    """A statement of a half-month without rows says so, in a valid workbook."""
    await write_statement(ledger, MARCH, tmp_path / "a.xlsx", lang="en", today=TODAY)
    found = read(tmp_path / "a.xlsx")
    assert list(found) == ["Summary", "Invoices", "Unpaid"]
    assert ("The ledger has no settlement of this half-month", None, None, None) in found["Summary"]
    await write_statement(ledger, HalfMonth(1, 1, 1), tmp_path / "a.xlsx", today=TODAY)  # nothing comes before it


async def test_the_same_ledger_makes_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    """Two statements of one day from one ledger are equal byte for byte.

    The order in which the ledger was filled does not matter.
    """
    await filled(ledger)
    for name in ("a", "b"):
        await write_statement(ledger, MARCH, tmp_path / name, today=TODAY)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
