"""Rows of every kind, wherever they come from, in every format."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.exported import BARE, COLUMNS, names, read_csv, read_jsonl

from wxrevenue import ConfigurationError, RevenueClient, Sandbox, Settlement, SettlementStatus, SlotRevenue, export, yuan
from wxrevenue.export._text import cell

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
pq: Any = pytest.importorskip("pyarrow.parquet")
openpyxl: Any = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")
WRITERS: list[Callable[..., Coroutine[Any, Any, int]]] = [export.to_csv, export.to_excel, export.to_jsonl, export.to_parquet]


def read_excel(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a workbook's first sheet by column."""
    with path.open("rb") as file:
        head, *lines = openpyxl.load_workbook(file).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(head, line, strict=True)) for line in lines]


# -- whatever rows hold ----------------------------------------------------------------------------

hostile = st.text(st.characters(), max_size=12) | st.text(st.sampled_from("=+-@'\"\t\r\n,;\x00 \ud800\udc00＝é0"), max_size=6)  # noqa: RUF001
fen = st.integers(-(2**63), 2**63 - 1)
counts = st.none() | st.integers(0, 2**40)
slots = st.lists(st.builds(SlotRevenue, slot_id=hostile, slot_settled_revenue=fen), max_size=3)
settlements = st.builds(
    Settlement,
    month=hostile,
    order=st.integers(-5, 5),
    settled_revenue=fen,
    date=st.none() | st.dates(),
    zone=st.none() | hostile,
    sett_status=st.none() | st.integers(-3, 99).map(SettlementStatus),
    sett_no=st.none() | hostile,
    mail_send_cnt=counts,
    slot_revenue=slots,
    extra=st.none() | st.dictionaries(hostile.map("x".__add__), hostile | counts, max_size=2),
)


def repaired(text: str | None) -> str | None:
    """Return text with every half of a surrogate pair replaced.

    No file in UTF-8 can hold one.
    """
    return None if text is None else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def numbers(row: Settlement) -> list[str]:
    """Return a row's cells that are not text."""
    status = None if row.sett_status is None else int(row.sett_status)
    found = (row.order, row.settled_revenue, yuan(row.settled_revenue), row.date, status, row.mail_send_cnt)
    return ["" if value is None else str(value) for value in found]


@settings(max_examples=60)
@given(rows=st.lists(settlements, max_size=4))
def test_any_row_survives_every_format(rows: list[Settlement], tmp_path_factory: pytest.TempPathFactory) -> None:
    """No text that the server sends fails an export.

    Every number comes back exactly, and text as far as the format holds it.
    """
    folder = tmp_path_factory.mktemp("export")

    async def write() -> None:
        for writer in WRITERS:
            assert await writer(rows, folder / writer.__name__) == len(rows)

    asyncio.run(write())
    lines = read_csv(folder / "to_csv")
    assert [[line[name] for name in COLUMNS if name not in {"month", "zone", "sett_no"}] for line in lines] == [
        numbers(row) for row in rows
    ]
    for line, row in zip(lines, rows, strict=True):
        for name in ("month", "zone", "sett_no"):
            assert line[name].removeprefix("'") == (repaired(getattr(row, name)) or "").replace("\0", "\ufffd")
            assert not line[name].lstrip().startswith(("=", "+", "-", "@", "＝"))  # noqa: RUF001
        assert Decimal(line["settled_revenue_yuan"]) * 100 == int(line["settled_revenue"])
    assert [int(line["settled_revenue"]) for line in read_excel(folder / "to_excel")] == [row.settled_revenue for row in rows]
    for found in (read_jsonl(folder / "to_jsonl"), pq.read_table(folder / "to_parquet").to_pylist()):
        assert [(value["month"], value["zone"], value["sett_no"]) for value in found] == [
            (repaired(row.month), repaired(row.zone), repaired(row.sett_no)) for row in rows
        ]
        assert [value["settled_revenue"] for value in found] == [row.settled_revenue for row in rows]
        assert [value["sett_status"] for value in found] == [row.sett_status for row in rows]
        assert [[slot["slot_settled_revenue"] for slot in value["slot_revenue"]] for value in found] == [
            [slot.slot_settled_revenue for slot in row.slot_revenue] for row in rows
        ]


def test_the_apostrophe_can_be_taken_off_again() -> None:
    """Text that begins with an apostrophe gets another one.

    So taking one off is always right.
    """
    for text in ("'", "''=", "=", "a", "'a"):
        assert (cell(text) or "").removeprefix("'") == text


# -- where rows come from --------------------------------------------------------------------------


async def test_a_paginator_is_exported_as_it_comes(tmp_path: Path) -> None:
    """A walk goes straight into each format; the sums are those of the server's books."""
    sandbox = Sandbox(years=2)
    several = sandbox.components[2]
    start, end = sandbox.today.replace(year=sandbox.today.year - 1), sandbox.today
    books = sandbox.totals(several, start, end)
    async with RevenueClient(sandbox.tokens(several), transport=sandbox.transport()) as client:
        for writer in WRITERS:
            assert await writer(client.iter_agency_settlement(start, end), tmp_path / writer.__name__) == books.rows
    amounts = [int(line["settled_revenue"]) for line in read_csv(tmp_path / "to_csv")]
    assert sum(amounts) == books.settled_revenue
    assert [value["settled_revenue"] for value in read_jsonl(tmp_path / "to_jsonl")] == amounts
    assert pq.read_table(tmp_path / "to_parquet")["settled_revenue"].to_pylist() == amounts
    assert [line["settled_revenue"] for line in read_excel(tmp_path / "to_excel")] == amounts


@pytest.mark.parametrize("writer", WRITERS)
async def test_no_rows_make_a_whole_file(writer: Any, tmp_path: Path) -> None:
    """An empty export is a file with its head; any iterable is accepted."""
    assert await writer(iter(()), str(tmp_path / "a")) == 0
    assert (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (5, "expected an iterable or async iterable of Settlement, AdRow or BillRow, got int"),
        ([{"month": "202001"}], "expected Settlement, got dict"),
        ([Settlement("202001", 1, 1.5)], "settled_revenue should be int, is float"),  # type: ignore[arg-type]
        ([Settlement("202001", 1, True)], "settled_revenue should be int, is bool"),  # noqa: FBT003
        ([Settlement("202001", 1, 1, date=datetime(2020, 1, 1))], "date should be date, is datetime"),  # noqa: DTZ001
        ([Settlement("202001", 1, 1, slot_revenue=[SlotRevenue("a", 1.0)])], "slot_revenue: slot_settled_revenue should be int"),  # type: ignore[arg-type]
        ([Settlement("202001", 1, 1, slot_revenue=[5])], "slot_revenue: expected SlotRevenue, got int"),  # type: ignore[list-item]
    ],
)
@pytest.mark.parametrize("writer", WRITERS)
async def test_rows_are_checked(writer: Any, rows: Any, said: str, tmp_path: Path) -> None:
    """What is not a settlement, or holds money as a float, is refused by every format.

    The words are the same, and no file is left.
    """
    with pytest.raises(ConfigurationError, match=said):
        await writer(rows, tmp_path / "a")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("options", "said"), [({"by": "page"}, "to_csv.by: expected 'settlement' or 'slot'"), ({"bom": 1}, "to_csv.bom")])
async def test_options_are_checked(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    """A value that is not allowed is refused before anything is touched."""
    with pytest.raises(ConfigurationError, match=said):
        await export.to_csv([BARE], tmp_path / "a.csv", **options)
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", [b"a.csv", 5, None, "", "a\0b"])
async def test_paths_are_checked(path: Any) -> None:
    """A path that cannot name a file is a clear error."""
    with pytest.raises(ConfigurationError, match=r"to_jsonl\.path: expected"):
        await export.to_jsonl([BARE], path)


def test_extras_are_loaded_by_the_first_file_only() -> None:
    """Importing the exports loads neither pyarrow nor XlsxWriter.

    It loads nothing that talks to a server either.
    """
    script = "from wxrevenue import export; import sys; print(sorted({'pyarrow', 'xlsxwriter', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
