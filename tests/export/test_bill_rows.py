"""Bills in files: every field and exact digits, and nothing cut short.

Money is fen and yuan, ids stay ids, and refunds have their numbers.
"""

from __future__ import annotations

import csv
import json
import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from support.paykit import client, signed

from wxrevenue import AdRow, BillRow, ConfigurationError, HttpResponse, ResponseLostError, export

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from wxrevenue import Bill

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")
WRITERS: list[Callable[..., Coroutine[Any, Any, int]]] = [export.to_csv, export.to_jsonl, export.to_parquet]
LINK = "https://apihk.mch.weixin.qq.com/v3/bill/downloadurl?token=fake-token"
FULL = BillRow(
    create_time="2026-03-20T12:00:00+08:00",
    sub_mchid="1900000109",
    transaction_id="4208450740201411110007820472",
    out_order_no="12-34",
    receiver_account="0012",
    amount=29,
    currency="CNY",
    settlement_amount=Decimal("0.0400"),
    settlement_currency="USD",
    exchange_rate=Decimal("0.13790000"),
    description="=1+1",
    extra={"out_refund_no": "R-1"},
)
TEXT = (
    "create_time,initiator,sponsor,sub_mchid,transaction_id,order_id,out_order_no,detail_id,receiver_account,amount,amount_yuan,"
    "currency,settlement_amount,settlement_currency,exchange_rate,business_type,status,description,extra"
)
FIELDS = [name for name in TEXT.split(",") if name != "amount_yuan"]


def bad(value: Any) -> Any:
    """Return rows that a type checker would refuse."""
    return value


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def bill_of(content: str) -> Bill:
    """Return a bill with that content."""
    funds, _ = client(signed(orjson.dumps({"download_url": LINK}), 200), HttpResponse(200, {}, content.encode()))
    return funds.download_bill("2026-03-20")


async def test_csv(tmp_path: Path) -> None:
    """The columns have the file's order, and money is fen and yuan.

    Decimals keep their digits, and an unknown value is empty.
    """
    assert await export.to_csv([FULL, BillRow(amount=0)], tmp_path / "a.csv") == 2
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        f"{TEXT}\r\n"
        "2026-03-20T12:00:00+08:00,,,1900000109,4208450740201411110007820472,,12-34,,0012,29,0.29,"
        'CNY,0.0400,USD,0.13790000,,,\'=1+1,"{""out_refund_no"": ""R-1""}"\r\n'
        ",,,,,,,,,0,0.00,,,,,,,,\r\n"
    )


async def test_ids_survive_a_spreadsheet(tmp_path: Path) -> None:
    """With ``bom=True`` ids that Excel would change get an apostrophe.

    Excel would round them, cut them or make dates of them. Amounts stay numbers.
    """
    await export.to_csv([FULL], tmp_path / "a.csv", bom=True)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file, strict=True)
    found = [line[name] for name in ("transaction_id", "out_order_no", "receiver_account", "sub_mchid", "amount", "exchange_rate")]
    assert found == ["'4208450740201411110007820472", "'12-34", "'0012", "1900000109", "29", "0.13790000"]


async def test_jsonl(tmp_path: Path) -> None:
    """A line has every field, and decimals with all their digits.

    What the file has besides follows. Halves of characters become U+FFFD.
    """
    assert await export.to_jsonl([FULL, BillRow(description="\ud83d")], tmp_path / "a.jsonl") == 2
    first, second = (tmp_path / "a.jsonl").read_bytes().splitlines()
    assert list(json.loads(first)) == [*FIELDS[:-1], "out_refund_no"]
    assert b'"exchange_rate":0.13790000,' in first
    found = json.loads(first, parse_float=Decimal)
    assert BillRow(extra={"out_refund_no": found.pop("out_refund_no")}, **found) == FULL
    assert json.loads(second)["description"] == "\ufffd"


async def test_parquet(tmp_path: Path) -> None:
    """The schema is fixed: no amount and no exchange rate is a float.

    Fen are marked as such, and ids are text.
    """
    assert await export.to_parquet([FULL, BillRow()], tmp_path / "a.parquet") == 2
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == FIELDS
    kinds = {name: str(table.schema.field(name).type) for name in FIELDS}
    decimals = {"settlement_amount", "exchange_rate"}
    assert {kinds.pop(name) for name in decimals} == {"decimal128(38, 18)"}
    assert kinds.pop("amount") == "int64"
    assert set(kinds.values()) == {"string"}
    assert table.schema.field("amount").metadata[b"unit"] == b"fen"
    first, second = table.to_pylist()
    assert BillRow(**first | {"extra": json.loads(first["extra"])}) == FULL
    assert (second["amount"], second["settlement_amount"], second["extra"], second["description"]) == (None, None, None, "")
    too_exact = BillRow(exchange_rate=Decimal("0.1234567890123456789"))
    with pytest.raises(ConfigurationError, match=r"a row's exchange_rate does not fit decimal128\(38, 18\)"):
        await export.to_parquet([too_exact], tmp_path / "b.parquet")


@pytest.mark.parametrize("writer", WRITERS)
async def test_a_bill_goes_into_a_file_as_it_is(writer: Any, tmp_path: Path) -> None:
    """What ``download_bill`` returns is rows.

    A bill that is cut short leaves no file behind.
    """
    content = "transaction_id,detaill_id,amount\n`42,`36,`0.07\n`42,`37,`1.15\ncount,amount\n`2,`1.22\n"
    bill = bill_of(content)
    assert await writer(bill, tmp_path / "a") == 2
    assert bill.summary == {"count": "2", "amount": "1.22"}
    with pytest.raises(ResponseLostError, match="cut short"):
        await writer(bill_of(content.partition("count")[0]), tmp_path / "b")
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("writer", [export.to_csv, export.to_parquet])
async def test_a_day_without_rows(writer: Any, tmp_path: Path) -> None:
    """``of=BillRow`` gives a file without rows the columns of a bill."""
    assert await writer([], tmp_path / "a", of=BillRow) == 0
    head = (tmp_path / "a").read_bytes()
    assert all(name.encode() in head for name in FIELDS)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([FULL, AdRow()], "expected BillRow, got AdRow"),
        ([AdRow(), FULL], "expected AdRow, got BillRow"),
        ([BillRow(amount=bad(0.29))], "amount should be int, is float"),
        ([BillRow(settlement_amount=bad(0.04))], "settlement_amount should be Decimal, is float"),
        ([attrs.evolve(FULL, exchange_rate=Decimal("Infinity"))], "exchange_rate should be a finite number"),
        ([BillRow(order_id=bad(None))], "order_id should be str, is NoneType"),
        ([BillRow(extra=bad({"fee": 0.1}))], "extra should hold text alone"),
    ],
)
async def test_rows_are_checked(writer: Any, rows: list[Any], said: str, tmp_path: Path) -> None:
    """Rows of two kinds and money as floats are refused by every format.

    The words are the same, and no file is left.
    """
    with pytest.raises(ConfigurationError, match=said):
        await writer(rows, tmp_path / "a")
    assert names(tmp_path) == []


async def test_bills_have_no_slots(tmp_path: Path) -> None:
    """``by="slot"`` is for settlements."""
    with pytest.raises(ConfigurationError, match=r"to_csv\.by: 'slot' is for settlements, not for BillRow"):
        await export.to_csv([FULL], tmp_path / "a", by="slot")


@pytest.mark.slow("traces the memory of 50,000 rows")
@pytest.mark.parametrize("writer", WRITERS)
async def test_memory_does_not_grow_with_the_rows(writer: Any, tmp_path: Path) -> None:
    """50,000 rows of a bill pass through a few megabytes."""
    some = [attrs.evolve(FULL, amount=number) for number in range(1000)]
    await writer(some, tmp_path / "a")  # whatever loads once is loaded

    def many() -> Iterator[BillRow]:
        for _ in range(50):
            yield from (attrs.evolve(row) for row in some)

    tracemalloc.start()
    try:
        assert await writer(many(), tmp_path / "a") == 50_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000  # 50,000 rows are some 20 MB
