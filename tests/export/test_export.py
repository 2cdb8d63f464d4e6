"""Settlements in files: the columns and the values.

What is read back is what was written.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.exported import BARE, COLUMNS, names, read_csv, read_jsonl

from wxrevenue import ConfigurationError, Settlement, SettlementStatus, SlotRevenue, export
from wxrevenue._wire.codec import decode
from wxrevenue.export import _parquet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path
pq: Any = pytest.importorskip("pyarrow.parquet")
SLOT_COLUMNS = ["slot_id", "slot_settled_revenue", "slot_settled_revenue_yuan"]
FULL = Settlement(
    month="202003",
    order=1,
    settled_revenue=718926045,
    date=date(2020, 3, 25),
    zone="2020年3月1日至15日",
    sett_status=SettlementStatus.SETTLING,
    sett_no="XXX",
    mail_send_cnt=0,
    slot_revenue=[SlotRevenue("SLOT_ID_WEAPP_BANNER", 34139443), SlotRevenue("SLOT_ID_WEAPP_REWARD_VIDEO", 684786602)],
)


def with_extra(model: Any, extra: dict[str, Any]) -> Any:
    """Return the model with fields that the documents do not know."""
    kind = model.__class__
    return kind(**{field.alias: getattr(model, field.name) for field in attrs.fields(kind)} | {"extra": extra})


# -- CSV -------------------------------------------------------------------------------------------


async def test_csv_bytes(tmp_path: Path) -> None:
    r"""The columns have their order, lines end in ``\r\n``, and money is fen and yuan.

    An unknown value is empty, and zero is 0.
    """
    assert await export.to_csv([FULL, BARE], tmp_path / "a.csv") == 2
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        "month,order,settled_revenue,settled_revenue_yuan,date,zone,sett_status,sett_no,mail_send_cnt\r\n"
        "202003,1,718926045,7189260.45,2020-03-25,2020年3月1日至15日,1,XXX,0\r\n"
        "202002,2,-5,-0.05,,,,,\r\n"
    )


async def test_csv_by_slot_adds_up(tmp_path: Path) -> None:
    """By slot there is a line for each slot.

    A settlement's amount stands on its first line only. One without slots has one line.
    """
    assert await export.to_csv([FULL, BARE], tmp_path / "a.csv", by="slot") == 2
    lines = read_csv(tmp_path / "a.csv")
    assert list(lines[0]) == COLUMNS + SLOT_COLUMNS
    assert [(line["month"], line["settled_revenue"], line["slot_id"], line["slot_settled_revenue"]) for line in lines] == [
        ("202003", "718926045", "SLOT_ID_WEAPP_BANNER", "34139443"),
        ("202003", "", "SLOT_ID_WEAPP_REWARD_VIDEO", "684786602"),
        ("202002", "-5", "", ""),
    ]
    assert lines[1]["settled_revenue_yuan"] == ""
    assert lines[1]["slot_settled_revenue_yuan"] == "6847866.02"
    assert sum(int(line["slot_settled_revenue"] or 0) for line in lines) == FULL.settled_revenue


async def test_the_byte_order_mark_is_an_option(tmp_path: Path) -> None:
    """``bom=True`` puts a byte order mark in front, once; without it there is none."""
    await export.to_csv([FULL], tmp_path / "plain.csv")
    await export.to_csv([FULL], tmp_path / "excel.csv", bom=True)
    assert (tmp_path / "excel.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "plain.csv").read_bytes()
    assert read_csv(tmp_path / "excel.csv", "utf-8-sig") == read_csv(tmp_path / "plain.csv")


@pytest.mark.parametrize("number", ["2031070911223344557", "1234567890123456", "0012", "12E5", "12-34", "2026-03-01", "MAR1", "Sept-2"])
@pytest.mark.parametrize("kept", ["1", "0", "123456789012345", "D-1", "A0012", "1-2-3-4", "D-MAR1"])
async def test_ids_survive_excel(number: str, kept: str, tmp_path: Path) -> None:
    """With ``bom=True`` an id that Excel would round or cut gets an apostrophe.

    Other ids, and all without ``bom=True``, are as the server sent them.
    """
    rows = [Settlement("202403", 1, 7, sett_no=number, slot_revenue=[SlotRevenue(kept, 3), SlotRevenue(number, 4)])]
    for bom, mark in ((True, "'"), (False, "")):
        await export.to_csv(rows, tmp_path / "a.csv", by="slot", bom=bom)
        lines = read_csv(tmp_path / "a.csv", "utf-8-sig")
        assert [(line["month"], line["settled_revenue"], line["sett_no"], line["slot_id"]) for line in lines] == [
            ("202403", "7", mark + number, kept),
            ("202403", "", mark + number, mark + number),
        ]


async def test_rows_with_fields_that_could_not_be_read(tmp_path: Path) -> None:
    """P-27: a slot without a name is an empty cell, or null.

    JSON lines show what the server sent in place of what could not be read.
    """
    sent = {"month": "202403", "order": 1, "settled_revenue": 7, "date": "soon", "slot_revenue": [{"slot_settled_revenue": 7}]}
    row = decode(Settlement, sent)
    await export.to_csv([row], tmp_path / "a.csv", by="slot")
    await export.to_jsonl([row], tmp_path / "a.jsonl")
    assert read_csv(tmp_path / "a.csv")[0]["slot_id"] == ""
    line = json.loads((tmp_path / "a.jsonl").read_bytes())
    assert (line["date"], line["slot_revenue"]) == ("soon", [{"slot_id": None, "slot_settled_revenue": 7}])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+8613800000000", "'+8613800000000"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "'\t=1+1"),
        (" \ufeff\n=1+1", "' \ufeff\n=1+1"),
        ("＝1+1", "'＝1+1"),  # noqa: RUF001
        ("＠SUM(A1)", "'＠SUM(A1)"),  # noqa: RUF001
        ("'=1+1", "''=1+1"),
        ("\rDDE", "'\rDDE"),
        ("\x00=1", "\ufffd=1"),
        ("1-1", "1-1"),
        ('a\r\nb,"c"', 'a\r\nb,"c"'),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d", "\ufffd"),
        ("", ""),
    ],
)
async def test_no_text_becomes_a_formula(text: str, written: str, tmp_path: Path) -> None:
    """Text that a spreadsheet would compute gets an apostrophe, in every column.

    Other text stays as it is.
    """
    row = Settlement(month=text, order=1, settled_revenue=1, zone=text, sett_no=text, slot_revenue=[SlotRevenue(text, 1)])
    await export.to_csv([row], tmp_path / "a.csv", by="slot")
    (line,) = read_csv(tmp_path / "a.csv")
    assert [line[name] for name in ("month", "zone", "sett_no", "slot_id")] == [written] * 4


async def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    """A negative amount gets no apostrophe, because it is not text."""
    await export.to_csv([Settlement("202001", 1, -12345, slot_revenue=[SlotRevenue("a", -1)])], tmp_path / "a.csv", by="slot")
    (line,) = read_csv(tmp_path / "a.csv")
    assert (line["settled_revenue"], line["settled_revenue_yuan"]) == ("-12345", "-123.45")
    assert (line["slot_settled_revenue"], line["slot_settled_revenue_yuan"]) == ("-1", "-0.01")


# -- JSONL -----------------------------------------------------------------------------------------


async def test_jsonl_has_every_field_under_its_wire_name(tmp_path: Path) -> None:
    """Documented fields come first and are there even if unknown.

    What the server sent besides follows, in slots as well.
    """
    slot = with_extra(SlotRevenue("a", 1), {"ecpm": 7})
    row = with_extra(Settlement("202001", 1, 0, slot_revenue=[slot]), {"新": {"x": [None, 1.5]}, "order_no": 2**53})
    assert await export.to_jsonl([row, FULL], tmp_path / "a.jsonl") == 2
    first, second = (tmp_path / "a.jsonl").read_bytes().decode().splitlines()
    assert first == (
        '{"month":"202001","order":1,"settled_revenue":0,"date":null,"zone":null,"sett_status":null,"sett_no":null,"mail_send_cnt":null,'
        '"slot_revenue":[{"slot_id":"a","slot_settled_revenue":1,"ecpm":7}],"新":{"x":[null,1.5]},"order_no":9007199254740992}'
    )
    assert json.loads(second)["date"] == "2020-03-25"
    assert json.loads(second)["sett_status"] == 1


async def test_jsonl_takes_what_its_fast_writer_does_not(tmp_path: Path) -> None:
    """Halves of surrogate pairs and integers beyond 64 bits are written too.

    A documented field is never overwritten.
    """
    extra = {"a": "\ud800", "b\udfff": [2**70], "month": "hidden", "day": date(2020, 1, 2)}
    row = with_extra(Settlement("2020\ud80001", 1, 2**65, date=date(2020, 1, 1)), extra)
    await export.to_jsonl([row], tmp_path / "a.jsonl")
    (value,) = read_jsonl(tmp_path / "a.jsonl")
    assert (value["month"], value["settled_revenue"], value["date"]) == ("2020\ufffd01", 2**65, "2020-01-01")
    assert (value["a"], value["b\ufffd"], value["day"]) == ("\ufffd", [2**70], "2020-01-02")


@pytest.mark.parametrize("strange", [object(), {1, 2}, float("nan"), [[2**70, float("inf")]]])
async def test_jsonl_refuses_what_no_json_has(strange: Any, tmp_path: Path) -> None:
    """A value of the user's own that JSON cannot express is a clear error."""
    row = with_extra(Settlement("202001", 1, 2**70), {"x": strange})
    with pytest.raises(ConfigurationError, match="holds something that JSON cannot"):
        await export.to_jsonl([row], tmp_path / "a.jsonl")


# -- Parquet ---------------------------------------------------------------------------------------


async def test_the_schema_does_not_depend_on_the_rows(tmp_path: Path) -> None:
    """The schema does not depend on the rows: int64 fen, date32, nothing inferred.

    There are no rows, rows without optional values, and full rows.
    """
    schemas: list[Any] = []
    rows: list[list[Settlement]] = [[], [BARE], [FULL]]
    for some in rows:
        assert await export.to_parquet(some, tmp_path / "a.parquet") == len(some)
        schemas.append(pq.read_schema(tmp_path / "a.parquet"))
    assert schemas[0].equals(schemas[1], check_metadata=True)
    assert schemas[0].equals(schemas[2], check_metadata=True)
    types = {field.name: (str(field.type), field.nullable) for field in schemas[0]}
    assert list(types) == [name for name in COLUMNS if name != "settled_revenue_yuan"] + ["slot_revenue"]
    assert types["settled_revenue"] == ("int64", False)
    assert types["date"] == ("date32[day]", True)
    assert types["sett_status"] == ("int64", True)
    assert str(schemas[0].field("slot_revenue").type.value_type.field("slot_settled_revenue").type) == "int64"
    assert schemas[0].field("settled_revenue").metadata == {b"unit": b"fen"}


async def test_parquet_keeps_every_documented_value(tmp_path: Path) -> None:
    """What is read back is what was written, and null and zero stay apart."""
    await export.to_parquet([FULL, BARE], tmp_path / "a.parquet")
    full, bare = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert full == {
        "month": "202003",
        "order": 1,
        "settled_revenue": 718926045,
        "date": date(2020, 3, 25),
        "zone": "2020年3月1日至15日",
        "sett_status": 1,
        "sett_no": "XXX",
        "mail_send_cnt": 0,
        "slot_revenue": [
            {"slot_id": "SLOT_ID_WEAPP_BANNER", "slot_settled_revenue": 34139443},
            {"slot_id": "SLOT_ID_WEAPP_REWARD_VIDEO", "slot_settled_revenue": 684786602},
        ],
    }
    assert (bare["settled_revenue"], bare["mail_send_cnt"], bare["date"], bare["slot_revenue"]) == (-5, None, None, [])


async def test_parquet_holds_64_bits_and_says_so(tmp_path: Path) -> None:
    """The largest and smallest int64 pass.

    One beyond is an error that names the column, not a rounded number.
    """
    largest = Settlement("202001", 1, 2**63 - 1, slot_revenue=[SlotRevenue("a", -(2**63))])
    await export.to_parquet([largest], tmp_path / "a.parquet")
    (row,) = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert (row["settled_revenue"], row["slot_revenue"][0]["slot_settled_revenue"]) == (2**63 - 1, -(2**63))
    with pytest.raises(ConfigurationError, match=r"to_parquet\.rows: a row's settled_revenue does not fit int64"):
        await export.to_parquet([Settlement("202001", 1, 2**63)], tmp_path / "b.parquet")
    assert names(tmp_path) == ["a.parquet"]


async def test_row_groups_are_bounded(tmp_path: Path) -> None:
    """Rows are written in groups of a bounded size, the last one being what is left."""
    await export.to_parquet([BARE] * (_parquet.ROW_GROUP + 7), tmp_path / "a.parquet")
    facts = pq.read_metadata(tmp_path / "a.parquet")
    assert [facts.row_group(n).num_rows for n in range(facts.num_row_groups)] == [_parquet.ROW_GROUP, 7]


async def test_without_pyarrow_no_row_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra's package the error says what to install.

    That is before anything is fetched or created.
    """
    asked: list[int] = []

    async def rows() -> AsyncGenerator[Settlement]:
        asked.append(1)
        yield BARE

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"to_parquet needs pyarrow: pip install 'wxrevenue\[parquet\]'"):
        await export.to_parquet(rows(), tmp_path / "a.parquet")
    assert asked == []
    assert names(tmp_path) == []
