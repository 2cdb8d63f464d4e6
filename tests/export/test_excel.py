"""Workbooks: text is text, numbers are exact, and nothing is dropped silently."""

from __future__ import annotations

import errno
import gc
import hashlib
import io
import sys
import tempfile
import zipfile
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from wxrevenue import AdRow, BillRow, ConfigurationError, Settlement, SettlementStatus, SlotRevenue, export
from wxrevenue.export._excel import excel_format
from wxrevenue.export._pump import write
from wxrevenue.export._workbook import excel_book

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


openpyxl: Any = pytest.importorskip("openpyxl")
worksheet: Any = pytest.importorskip("xlsxwriter.worksheet")
BARE = Settlement(month="202002", order=2, settled_revenue=-5)


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    """Return the cells of every sheet, as the file has them."""
    book = openpyxl.load_workbook(path)
    try:
        return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets}
    finally:
        book.close()


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def cells(path: Path) -> list[Any]:
    """Return the cells of the first sheet's first row below its head."""
    return list(openpyxl.load_workbook(path).worksheets[0][2])


async def test_every_value_has_its_kind(tmp_path: Path) -> None:
    """Every value has its kind in the workbook.

    Fen are whole numbers, yuan numbers with two places, days are days, and ids are text. An unknown
    value is an empty cell.
    """
    slots = [SlotRevenue("SLOT_ID_WEAPP_BANNER", 34139443), SlotRevenue(None, 684786602)]
    row = Settlement("202003", 1, 718926045, date(2020, 3, 25), "2020年3月", SettlementStatus.PAID, "0012", 0, slots)
    assert await export.to_excel([row, BARE], tmp_path / "a.xlsx", by="slot") == 2
    found = sheets(tmp_path / "a.xlsx")
    assert list(found) == ["settlements"]
    head, first, second, bare = found["settlements"]
    assert head[:5] == ["month", "order", "settled_revenue", "settled_revenue_yuan", "date"]
    assert head[9:] == ["slot_id", "slot_settled_revenue", "slot_settled_revenue_yuan"]
    assert [str(value) for value in first[:4]] == ["202003", "1", "718926045", "7189260.45"]
    assert first[4].date() == date(2020, 3, 25)
    assert first[5:9] == ["2020年3月", 5, "0012", 0]
    assert first[9:] == ["SLOT_ID_WEAPP_BANNER", 34139443, 341394.43]
    assert [second[2], second[3], second[9], second[10]] == [None, None, None, 684786602]
    assert (bare[2], bare[3], bare[4], bare[9]) == (-5, -0.05, None, None)
    formats = [cell.number_format for cell in cells(tmp_path / "a.xlsx")]
    assert (formats[2], formats[3], formats[4]) == ("0", "0.00", "yyyy-mm-dd")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("=1+1", "=1+1"),
        ("{=1+1}", "{=1+1}"),
        ("+8613800000000", "+8613800000000"),
        ("-2+3", "-2+3"),
        ("@SUM(A1)", "@SUM(A1)"),
        ("\t=1+1", "\t=1+1"),
        ("\r=1+1", "\ufffd=1+1"),
        ("'=1+1", "'=1+1"),
        ("1234567890123456", "1234567890123456"),
        ("0012", "0012"),
        ("https://example.com", "https://example.com"),
        ("<r><t>1</t></r>", "<r><t>1</t></r>"),
        ("<r><f>1+1</f></c></r>", "<r><f>1+1</f></c></r>"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("\x00\x08\x1f", "\ufffd\ufffd\ufffd"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ufffe\uffff", "\ufffd\ufffd"),
        (" a ", " a "),
        ("x" * 32_767, "x" * 32_767),
    ],
)
async def test_text_stays_text(text: str, read: str, tmp_path: Path) -> None:
    """A string from the server stays text in the workbook.

    It is no formula, number, link or markup. What may look like one is marked as text.
    """
    row = Settlement(text, 1, 1, zone=text, sett_no=text, slot_revenue=[SlotRevenue(text, 1)])
    await export.to_excel([row], tmp_path / "a.xlsx", by="slot")
    found = cells(tmp_path / "a.xlsx")
    for number in (0, 5, 7, 9):
        assert (found[number].value, found[number].data_type) == (read, "s")
        assert found[number].quotePrefix == (read.strip()[0] in "=+-@'" or read[0] == "\t")
        assert found[number].hyperlink is None
    assert "<f>" not in zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml").decode()


async def test_what_looks_like_an_escape_is_escaped(tmp_path: Path) -> None:
    """``_x0041_`` is an A to Excel, and is escaped in the file.

    So Excel shows the seven characters.
    """
    await export.to_excel([Settlement("202001", 1, 1, sett_no="_x0041_")], tmp_path / "a.xlsx")
    assert ">_x005F_x0041_<" in zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.parametrize(
    ("fen", "shown", "yuan"),
    [
        (999_999_999_999_999, 999_999_999_999_999, 9_999_999_999_999.99),
        (-999_999_999_999_999, -999_999_999_999_999, -9_999_999_999_999.99),
        (10**15, str(10**15), "10000000000000.00"),
        (-(10**15) - 1, str(-(10**15) - 1), "-10000000000000.01"),
        (2**63, str(2**63), "92233720368547758.08"),
        (29, 29, 0.29),
        (0, 0, 0),
    ],
)
async def test_fifteen_digits_are_numbers(fen: int, shown: int | str, yuan: float | str, tmp_path: Path) -> None:
    """A number of more than 15 digits is text, because Excel would round it.

    All digits of every number are there.
    """
    await export.to_excel([Settlement("202001", 1, fen)], tmp_path / "a.xlsx")
    found = [cell.value for cell in cells(tmp_path / "a.xlsx")]
    assert found[2:4] == [shown, yuan]
    body = zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert f">{fen}<" in body
    assert f">{Decimal(fen).scaleb(-2):.2f}<" in body


async def test_ad_data_and_bills(tmp_path: Path) -> None:
    """Rates are numbers, a slot kind's number is text, and a bill keeps its decimals.

    Each kind has its sheet.
    """
    ads = AdRow(slot_id=3030046789020061, exposure_rate=Decimal("0.409850995"), income=52175, date=date(1899, 1, 1))
    await export.to_excel([ads], tmp_path / "ads.xlsx")
    found = sheets(tmp_path / "ads.xlsx")["ads"]
    row = dict(zip(*found, strict=True))
    assert (row["slot_id"], row["exposure_rate"], row["income"], row["income_yuan"]) == ("3030046789020061", 0.409850995, 52175, 521.75)
    assert row["date"] == "1899-01-01"  # Excel knows no such day
    bill = BillRow(amount=-29, exchange_rate=Decimal("0.123456789012345678"), settlement_amount=Decimal("-4.20"), extra={"=a": "1"})
    await export.to_excel([bill], tmp_path / "bill.xlsx", of=BillRow)
    row = dict(zip(*sheets(tmp_path / "bill.xlsx")["bill"], strict=True))
    assert (row["amount_yuan"], row["exchange_rate"], row["settlement_amount"]) == (-0.29, "0.123456789012345678", -4.2)
    assert row["extra"] == '{"=a": "1"}'
    with pytest.raises(ConfigurationError, match=r"to_excel\.by: 'slot' is for settlements, not for BillRow"):
        await export.to_excel([bill], tmp_path / "bill.xlsx", by="slot")


async def test_rows_beyond_a_sheet_go_to_the_next(tmp_path: Path) -> None:
    """After a full sheet rows continue in another one, which has the head too.

    No row is lost at the edge.
    """
    rows = [Settlement("202001", 1, number) for number in range(25)]
    await write("to_excel", rows, tmp_path / "a.xlsx", lambda model: excel_format(model, most=11))
    found = sheets(tmp_path / "a.xlsx")
    assert list(found) == ["settlements", "settlements (2)", "settlements (3)"]
    assert [len(lines) for lines in found.values()] == [11, 11, 6]
    assert all(lines[0][0] == "month" for lines in found.values())
    assert [line[2] for lines in found.values() for line in lines[1:]] == list(range(25))


async def test_a_text_too_long_for_a_cell(tmp_path: Path) -> None:
    """A string that is too long for a cell fails the export, and no file is left.

    The cell would cut it off. The error has both lengths, as UTF-16 counts them.
    """
    with pytest.raises(ConfigurationError, match="to_excel: a text of 32,768 characters; a cell holds 32,767"):
        await export.to_excel([Settlement("202001", 1, 1, zone="\U0001f600" * 16_384)], tmp_path / "a.xlsx")
    assert names(tmp_path) == []
    gc.collect()  # nothing that was given up complains when it is collected


@pytest.mark.parametrize("method", ["write_string", "write_number"])
@pytest.mark.parametrize("code", [-1, -2])
async def test_a_cell_that_is_not_written_is_an_error(method: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that XlsxWriter drops fails the export.

    XlsxWriter returns a negative number then. The file that was there before stays.
    """
    (tmp_path / "a.xlsx").write_text("what was there")

    def dropped(*_: object) -> int:
        return code

    monkeypatch.setattr(worksheet.Worksheet, method, dropped)
    with pytest.raises(ConfigurationError, match=rf"to_excel: the cell in line \d, column \d was not written \({code}\)"):
        await export.to_excel([Settlement("202001", 1, 1, date(2020, 1, 1))], tmp_path / "a.xlsx")
    assert (tmp_path / "a.xlsx").read_text() == "what was there"
    gc.collect()


async def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    """The same rows make the same bytes.

    So files can be compared, and kept under version control.
    """
    for name in ("a", "b"):
        await export.to_excel([BARE] * 3, tmp_path / name)
    first, second = (hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("fails", [False, True])
async def test_no_temporary_file_is_left(fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """The temporary files of an export are always gone afterwards.

    Rows wait in them until the workbook is put together.
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    seen: list[int] = []

    async def rows() -> AsyncGenerator[Settlement]:
        for number in range(1_001):
            yield BARE
            if number % 500 == 499:
                seen.append(len([*scratch.rglob("*")]))
        if fails:
            raise RuntimeError

    if fails:
        with pytest.raises(RuntimeError):
            await export.to_excel(rows(), tmp_path / "a.xlsx")
    else:
        await export.to_excel(rows(), tmp_path / "a.xlsx")
    assert max(seen) > 0
    assert names(scratch) == []
    gc.collect()


class Full(io.BytesIO):
    """A file on a full disk."""

    def write(self, data: object) -> int:
        """Fail."""
        del data
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("is_output", [False, True])
def test_which_disk_is_full(is_output: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """A full disk of temporary files is named, and not that of the workbook.

    Where the workbook's own is full, whoever opened the file names it.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def write() -> None:
        with excel_book("here", Full() if is_output else io.BytesIO()) as book:
            book.sheet("a").add(["x"], ["text"])
            if not is_output:
                raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        write()
    notes = [] if is_output else [f"{tmp_path}: its disk is full; make room, or choose another"]
    assert getattr(caught.value, "__notes__", []) == notes
    gc.collect()


async def test_without_xlsxwriter_no_row_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra's package the error says what to install.

    That is before anything is fetched or created.
    """
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ConfigurationError, match=r"to_excel needs XlsxWriter: pip install 'wxrevenue\[excel\]'"):
        await export.to_excel(iter([BARE]), tmp_path / "a.xlsx")
    assert names(tmp_path) == []
