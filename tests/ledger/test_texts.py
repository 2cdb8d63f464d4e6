"""A row's text has every field of the row, also those of a later release."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from wxrevenue import Settlement, SettlementStatus, SlotRevenue
from wxrevenue.ledger._texts import settlement_of, settlement_text

ROW = Settlement(
    month="202403",
    order=1,
    settled_revenue=30,
    date=dt.date(2024, 3, 27),
    zone="2024年3月1日至15日",
    sett_status=SettlementStatus.PAID,
    sett_no="7",
    mail_send_cnt=2,
    slot_revenue=[SlotRevenue(slot_id="A", slot_settled_revenue=30)],
)
OTHER: dict[str, Any] = {
    "month": "202404",
    "order": 2,
    "settled_revenue": 31,
    "date": None,
    "zone": None,
    "sett_status": SettlementStatus.SETTLED,
    "sett_no": None,
    "mail_send_cnt": None,
    "slot_revenue": [],
    "extra": {"later": 1},
}
OTHER_SLOT: dict[str, Any] = {"slot_id": "B", "slot_settled_revenue": 31, "extra": {"later": 1}}


def test_nothing_is_missing_here() -> None:
    """Every field of both classes is tried below.

    So a new field cannot be forgotten.
    """
    assert set(OTHER) == {field.alias for field in attrs.fields(Settlement)}
    assert set(OTHER_SLOT) == {field.alias for field in attrs.fields(SlotRevenue)}


@pytest.mark.parametrize("name", OTHER)
def test_every_field_of_a_settlement(name: str) -> None:
    """Two rows that differ in one field have different texts.

    The text gives the row back.
    """
    other = attrs.evolve(ROW, **{name: OTHER[name]})
    assert settlement_text(other) != settlement_text(ROW)
    assert settlement_of(settlement_text(other)) == other
    assert settlement_of(settlement_text(other)).extra == other.extra


@pytest.mark.parametrize("name", OTHER_SLOT)
def test_every_field_of_a_slot(name: str) -> None:
    """Two rows with a slot that differs in one field have different texts.

    The text gives the row back.
    """
    (slot,) = ROW.slot_revenue
    other = attrs.evolve(ROW, slot_revenue=[attrs.evolve(slot, **{name: OTHER_SLOT[name]})])
    assert settlement_text(other) != settlement_text(ROW)
    assert settlement_of(settlement_text(other)) == other
    assert settlement_of(settlement_text(other)).slot_revenue[0].extra == other.slot_revenue[0].extra
