"""Rows as nearly all are need one look; any other is asked about field by field."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from wxrevenue import ConfigurationError, HalfMonth, Settlement, SettlementStatus, open_ledger
from wxrevenue.ams.settlement import SlotRevenue
from wxrevenue.ledger._types_kept import check_settlement, is_plain

if TYPE_CHECKING:
    from pathlib import Path

HALF = HalfMonth(2024, 1, 1)
DAY = dt.date(2024, 1, 16)
ONE: Any = 1
HALF_A_FEN: Any = 0.5


class Name(str):
    """A str of a program's own."""

    __slots__ = ()


def row(**fields: Any) -> Settlement:
    """Return a settlement with some fields of other kinds."""
    given: dict[str, Any] = {"month": "202401", "order": 1, "settled_revenue": 1, "date": DAY, "zone": "a zone", "mail_send_cnt": 0}
    given |= {"sett_status": SettlementStatus.PAID, "sett_no": "N1", "slot_revenue": [SlotRevenue("SLOT", 1)]}
    return Settlement(**given | fields)


PLAIN: list[dict[str, Any]] = [
    {},
    {"date": None, "zone": None, "sett_status": None, "sett_no": None, "mail_send_cnt": None, "slot_revenue": []},
    {"sett_status": 4},
    {"sett_status": SettlementStatus(77)},
    {"sett_status": -(2**63)},
    {"settled_revenue": 2**63 - 1, "slot_revenue": [SlotRevenue(None, -(2**63))]},
    {"mail_send_cnt": 2**70},
]
ALLOWED: list[dict[str, Any]] = [
    {"zone": Name("a zone")},
    {"sett_no": Name("N1")},
    {"month": Name("202401")},
    {"slot_revenue": [SlotRevenue(Name("SLOT"), 1)]},
]
REFUSED: list[dict[str, Any]] = [
    {"month": 202401},
    {"order": True},
    {"order": "1"},
    {"settled_revenue": 1.0},
    {"settled_revenue": True},
    {"settled_revenue": 2**63},
    {"date": "2024-01-16"},
    {"date": dt.datetime(2024, 1, 16)},  # noqa: DTZ001  (a date's subclass)
    {"zone": 1},
    {"sett_status": True},
    {"sett_status": 2**63},
    {"sett_status": SettlementStatus(2**63)},
    {"sett_status": "5"},
    {"sett_no": 1},
    {"mail_send_cnt": "0"},
    {"slot_revenue": ()},
    {"slot_revenue": ["SLOT"]},
    {"slot_revenue": [SlotRevenue("SLOT", 1), SlotRevenue(ONE, 1)]},
    {"slot_revenue": [SlotRevenue("SLOT", 2**63)]},
    {"slot_revenue": [SlotRevenue("SLOT", HALF_A_FEN)]},
]


@pytest.mark.parametrize("fields", PLAIN, ids=str)
def test_what_needs_one_look(fields: dict[str, Any]) -> None:
    """What the API sends is plain, and allowed."""
    assert is_plain(row(**fields))
    check_settlement("here", row(**fields))


@pytest.mark.parametrize("fields", REFUSED, ids=str)
async def test_what_could_not_be_read_again(fields: dict[str, Any], tmp_path: Path) -> None:
    """What is refused is never plain."""
    assert not is_plain(row(**fields))
    async with open_ledger(f"{tmp_path}/revenue.db") as ledger:
        with pytest.raises(ConfigurationError, match=rf"Ledger\.record\.rows\[0\]\.{next(iter(fields))}"):
            await ledger.record("wx1", HALF, [row(**fields)])


@pytest.mark.parametrize("fields", PLAIN + ALLOWED, ids=str)
async def test_what_is_kept(fields: dict[str, Any], tmp_path: Path) -> None:
    """Whatever is allowed comes back equal, and is no change when it comes again."""
    async with open_ledger(f"{tmp_path}/revenue.db") as ledger:
        await ledger.record("wx1", HALF, [row(**fields)])
        assert [found async for found in ledger.settlements()] == [("wx1", row(**fields))]
        assert (await ledger.record("wx1", HALF, [row(**fields)])).changes == ()
