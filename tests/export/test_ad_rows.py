"""Ad data in files: every field, exact digits, ids as ids, and empty files."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.provider import Provider
from support.virtual import virtual

from wxrevenue import AdRow, ConfigurationError, Settlement, export
from wxrevenue._wire.codec import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

pq: Any = pytest.importorskip("pyarrow.parquet")
WRITERS: list[Callable[..., Coroutine[Any, Any, int]]] = [export.to_csv, export.to_jsonl, export.to_parquet]
WEEK = ("2026-03-01", "2026-03-07")
FULL = AdRow(
    date=date(2020, 4, 13),
    ad_slot="SLOT_ID_WEAPP_INTERSTITIAL",
    slot_id=3030046789020061,
    publisher_appid="wx-program",
    req_succ_count=443610,
    exposure_count=181814,
    exposure_rate=Decimal("0.409850995"),
    click_count=0,
    click_rate=Decimal("1E-7"),
    income=52175,
    publisher_income=-5,
    ecpm=Decimal("286.969100289"),
)
FIELDS = [
    "date",
    "appid",
    "publisher_appid",
    "ad_slot",
    "slot_id",
    "ad_unit_id",
    "ad_unit_name",
    "req_succ_count",
    "exposure_count",
    "exposure_rate",
    "click_count",
    "click_rate",
    "income",
    "publisher_income",
    "agency_income",
    "ecpm",
]


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV file by column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


async def test_csv(tmp_path: Path) -> None:
    """The columns have their order, and money is fen and yuan.

    Rates keep their digits. An unknown value is empty, and zero is 0.
    """
    assert await export.to_csv([FULL, AdRow()], tmp_path / "a.csv") == 2
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        "date,appid,publisher_appid,ad_slot,slot_id,ad_unit_id,ad_unit_name,req_succ_count,exposure_count,exposure_rate,click_count,"
        "click_rate,income,income_yuan,publisher_income,publisher_income_yuan,agency_income,agency_income_yuan,ecpm\r\n"
        "2020-04-13,,wx-program,SLOT_ID_WEAPP_INTERSTITIAL,3030046789020061,,,443610,181814,0.409850995,0,"
        "0.0000001,52175,521.75,-5,-0.05,,,286.969100289\r\n" + "," * 18 + "\r\n"
    )


async def test_ids_and_names_in_a_spreadsheet(tmp_path: Path) -> None:
    """With ``bom=True`` the sixteen digits of a slot get an apostrophe.

    Text that a spreadsheet would compute always gets one.
    """
    rows = [AdRow(slot_id=3030046789020061, ad_unit_name="=1+1"), AdRow(slot_id="SLOT", appid="-2+3")]
    for bom, first in ((True, "'3030046789020061"), (False, "3030046789020061")):
        await export.to_csv(rows, tmp_path / "a.csv", bom=bom)
        lines = read_csv(tmp_path / "a.csv")
        assert [(line["slot_id"], line["ad_unit_name"], line["appid"]) for line in lines] == [(first, "'=1+1", ""), ("SLOT", "", "'-2+3")]


async def test_jsonl(tmp_path: Path) -> None:
    """A line has every field under its wire name, and rates with all their digits.

    What the server sent besides follows. It reads back as it was.
    """
    sent = {"date": "2020-04-13", "slot_id": 5, "exposure_rate": 0.409850995, "income": 7, "slot_str": "x", "is_smart_ads": 1}
    row = decode(AdRow, sent)
    assert await export.to_jsonl([FULL, row, AdRow(ad_unit_name="\ud83d", ecpm=Decimal("0.5"))], tmp_path / "a.jsonl") == 3
    first, second, third = (tmp_path / "a.jsonl").read_bytes().splitlines()
    assert list(json.loads(first)) == FIELDS
    assert b'"click_rate":0.0000001,' in first
    assert {name: value for name, value in json.loads(second).items() if value is not None} == sent
    assert json.loads(third)["ad_unit_name"] == "\ufffd"
    assert decode(AdRow, json.loads(first)) == FULL


async def test_parquet(tmp_path: Path) -> None:
    """The schema is fixed.

    It has days, whole numbers, fen marked as such, rates as doubles, and ids as text.
    """
    assert await export.to_parquet([FULL, AdRow(slot_id="SLOT")], tmp_path / "a.parquet") == 2
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == FIELDS
    kinds = {name: str(table.schema.field(name).type) for name in FIELDS}
    assert [kinds[name] for name in ("date", "slot_id", "income", "exposure_rate", "click_count")] == [
        "date32[day]",
        "string",
        "int64",
        "double",
        "int64",
    ]
    assert table.schema.field("income").metadata[b"unit"] == b"fen"
    first, second = table.to_pylist()
    assert (first["date"], first["slot_id"], first["income"], first["exposure_rate"]) == (FULL.date, "3030046789020061", 52175, 0.409850995)
    assert {name for name, value in second.items() if value is not None} == {"slot_id"}


@pytest.mark.parametrize("writer", WRITERS)
async def test_a_file_without_rows(writer: Any, tmp_path: Path) -> None:
    """``of=AdRow`` gives a file without rows the columns of ad data.

    A file of settlements has its columns without ``of``.
    """
    assert await writer([], tmp_path / "ads", of=AdRow) == 0
    assert await writer([], tmp_path / "settlements") == 0
    heads = [(tmp_path / name).read_bytes() for name in ("ads", "settlements")]
    if writer is not export.to_jsonl:
        assert [(b"click_rate" in head, b"sett_no" in head) for head in heads] == [(True, False), (False, True)]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([FULL, Settlement("202001", 1, 1)], "expected AdRow, got Settlement"),
        ([Settlement("202001", 1, 1), FULL], "expected Settlement, got AdRow"),
        ([AdRow(income=1.5)], "income should be int, is float"),  # type: ignore[arg-type]
        ([AdRow(ecpm=0.5)], "ecpm should be Decimal, is float"),  # type: ignore[arg-type]
        ([AdRow(click_rate=Decimal("NaN"))], "click_rate should be a finite number"),
        ([AdRow(click_count=True)], "click_count should be int, is bool"),
    ],
)
async def test_rows_are_checked(writer: Any, rows: list[Any], said: str, tmp_path: Path) -> None:
    """Rows of two kinds, and money or rates as floats, are refused by every format.

    The words are the same, and no file is left.
    """
    with pytest.raises(ConfigurationError, match=said):
        await writer(rows, tmp_path / "a")
    assert names(tmp_path) == []


async def test_options_are_checked(tmp_path: Path) -> None:
    """Ad data cannot be written by slot, and ``of`` is one of three classes."""
    with pytest.raises(ConfigurationError, match=r"to_csv\.by: 'slot' is for settlements, not for AdRow"):
        await export.to_csv([FULL], tmp_path / "a", by="slot")
    with pytest.raises(ConfigurationError, match=r"to_jsonl\.of: expected Settlement, AdRow or BillRow"):
        await export.to_jsonl([FULL], tmp_path / "a", of=dict)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert names(tmp_path) == []


@pytest.mark.parametrize("method", ["iter_adpos_general", "iter_adpos_detail", "iter_agency_ads_stat", "iter_agency_ads_detail"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_walks_of_every_kind(method: str, number: int, tmp_path: Path) -> None:
    """A walk over any of the four interfaces goes into a file as it is.

    It may come in any of the documented shapes. Its money adds up.
    """

    @virtual
    async def walk() -> None:
        provider = Provider(number)
        one: Any = provider.of(0)
        rows = await getattr(one, method)(*WEEK).collect()
        assert await export.to_csv(getattr(one, method)(*WEEK), tmp_path / "a.csv") == len(rows) > 0
        lines = read_csv(tmp_path / "a.csv")
        assert sum(int(line["publisher_income"]) for line in lines) == sum(row.publisher_income for row in rows)
        assert all(line["appid"] or line["publisher_appid"] for line in lines)

    walk()
