"""Names of sheets that Excel takes, and texts that XML takes."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxrevenue.export._cells import excel_text, length, sheet_name
from wxrevenue.export._workbook import Column, excel_book

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("a/b\\c[d]:e*f?", "a_b_c_d__e_f_"),
        ("'quoted'", "quoted"),
        ("it's", "it's"),
        ("", "_"),
        ("''", "_"),
        ("  ", "_"),
        ("History", "History_"),
        ("x" * 40, "x" * 31),
        ("x" * 30 + "'y", "x" * 30),
        ("\U0001f600" * 16, "\U0001f600" * 15),
        ("\ud83d\x00", "\ufffd_"),
    ],
)
def test_names_that_excel_takes(wanted: str, name: str) -> None:
    """In a name, what Excel forbids is replaced, and what is too long is cut.

    A character of two halves is never cut through.
    """
    assert sheet_name(wanted, set()) == name


def test_names_are_told_apart_without_case() -> None:
    """Excel takes ``A`` and ``a`` for one name, so the second gets a number.

    The number fits behind the name.
    """
    taken: set[str] = set()
    found: list[str] = []
    for wanted in ("Slot", "SLOT", "slot (2)", "x" * 31, "X" * 35):
        found.append(sheet_name(wanted, taken))
        taken.add(found[-1].casefold())
    assert found == ["Slot", "SLOT (2)", "slot (2) (2)", "x" * 31, "X" * 27 + " (2)"]


@given(st.lists(st.text(st.characters() | st.sampled_from("[]:*?/\\' aA")), max_size=5))
def test_xlsxwriter_takes_any_name(wanted: list[str]) -> None:
    """Sheets can be made of any slot names, and a formula can refer to each."""
    with tempfile.TemporaryFile() as file, excel_book("test", file) as book:
        for name in wanted:
            sheet = book.sheet(name)
            assert 0 < length(sheet.name) <= 31
            sheet.add(["x"], ["text"])


@given(st.text(st.characters()))
def test_any_text_can_be_read_back(text: str) -> None:
    """A string made fit for a cell is fit for XML.

    One that was fit stays as it is.
    """
    fit = excel_text(text)
    assert excel_text(fit) == fit
    assert fit.encode().decode() == fit
    if text.isprintable():
        assert fit == text


def test_ranges_name_every_sheet(tmp_path: Path) -> None:
    """The arguments of a sum are all cells of a column, on every sheet.

    An apostrophe in a name is doubled.
    """
    with (tmp_path / "a.xlsx").open("wb") as file, excel_book("test", file) as book:
        table = book.table("it's", [Column("a"), Column("b")], most=3)
        for number in range(3):
            table.add([number, number])
        assert table.ranges(1) == "'it''s'!B2:B3,'it''s (2)'!B2:B2"
