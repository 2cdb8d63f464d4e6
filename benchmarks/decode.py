"""G3: bytes to typed rows.

Fair because the rival parses with the same orjson into the same slotted classes, and is written for
speed: positional arguments, a table of the enum's members, no check of anything. Ours checks every
type and keeps unknown fields.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson

from benchmarks._answers import ad_data_page, settlement_page
from benchmarks._measure import Outcome, in_turns, microseconds
from wxrevenue import AdPage, AdRow, Settlement, SettlementPage, SettlementStatus, SlotRevenue
from wxrevenue._wire.codec import decode, parse
from wxrevenue._wire.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT: Final = 1.08
LIMIT_REQUIRED: Final = 1.02
LIMIT_AD_DATA: Final = 1.10
_STATUS: Final = {int(member): member for member in SettlementStatus}


@attrs.define
class Slot(Model):
    """A slot, all of it required."""

    slot_id: str
    slot_settled_revenue: int


@attrs.define
class Row(Model):
    """A settlement of required fields only."""

    month: str
    order: int
    settled_revenue: int
    zone: str
    date: date
    slot_revenue: list[Slot]


@attrs.define
class Rows(Model):
    """A page of required fields only."""

    total_num: int
    settlement_list: list[Row]


def ours(body: bytes) -> SettlementPage:
    """Decode a page as the client does, its envelope taken off."""
    found: SettlementPage = decode(SettlementPage, _without_envelope(parse(body)))
    return found


def rival(body: bytes) -> SettlementPage:
    """Decode a page with a loop written by hand."""
    page = _without_envelope(orjson.loads(body))
    rows: list[Settlement] = []
    for row in page.get("settlement_list") or ():
        slots = [SlotRevenue(slot["slot_id"].strip(), slot["slot_settled_revenue"]) for slot in row.get("slot_revenue") or ()]
        updated, status, mails = row.get("date"), row.get("sett_status"), row.get("mail_send_cnt")
        rows.append(
            Settlement(
                row["month"],
                row["order"],
                row["settled_revenue"],
                None if updated is None else date.fromisoformat(updated),
                row.get("zone"),
                None if status is None else _STATUS.get(status) or SettlementStatus(status),
                row.get("sett_no"),
                None if mails is None else int(mails),
                slots,
            )
        )
    get = page.get
    return SettlementPage(get("revenue_all"), get("penalty_all"), get("settled_revenue_all"), rows, get("total_num"), get("body"))


def ours_ad_data(body: bytes) -> AdPage:
    """Decode a page of ad data as the client does, its envelope taken off."""
    found: AdPage = decode(AdPage, _without_envelope(parse(body)))
    return found


def rival_ad_data(body: bytes) -> AdPage:
    """Decode a page of ad data with a loop written by hand.

    Rates are exact, and the figures of units stand beside the unit's id.
    """
    page = _without_envelope(orjson.loads(body))
    rows: list[AdRow] = []
    for row in page.get("list") or ():
        get = row.get
        figures = get("stat_item")
        mine = get if figures is None else figures.get
        day, shown, clicked, mille = mine("date"), mine("exposure_rate"), mine("click_rate"), mine("ecpm")
        rows.append(
            AdRow(
                None if day is None else date.fromisoformat(day[:10]),
                mine("ad_slot"),
                get("slot_id"),
                get("ad_unit_id"),
                get("ad_unit_name"),
                get("appid"),
                get("publisher_appid"),
                mine("req_succ_count"),
                mine("exposure_count"),
                None if shown is None else Decimal(repr(shown)),
                mine("click_count"),
                None if clicked is None else Decimal(repr(clicked)),
                mine("income"),
                mine("publisher_income"),
                mine("agency_income"),
                None if mille is None else Decimal(repr(mille)),
            )
        )
    return AdPage(None, page.get("total_num"), rows)


def ours_required(body: bytes) -> Rows:
    """Decode a page without optional fields as the client does."""
    found: Rows = decode(Rows, parse(body))
    return found


def rival_required(body: bytes) -> Rows:
    """Decode a page without optional fields with a loop written by hand."""
    page = orjson.loads(body)
    rows: list[Row] = []
    for row in page["settlement_list"]:
        slots = [Slot(slot["slot_id"], slot["slot_settled_revenue"]) for slot in row["slot_revenue"]]
        updated = date.fromisoformat(row["date"])
        rows.append(Row(row["month"], row["order"], row["settled_revenue"], row["zone"], updated, slots))
    return Rows(page["total_num"], rows)


def required_page(rows: int) -> bytes:
    """Return the body of a page that holds the required fields and nothing else."""
    page = orjson.loads(settlement_page(rows))
    kept = [{field.name: row[field.name] for field in attrs.fields(Row) if field.name in row} for row in page["settlement_list"]]
    return orjson.dumps({"total_num": page["total_num"], "settlement_list": kept})


def _without_envelope(page: Any) -> Any:
    page.pop("ret", None)
    page.pop("err_msg", None)
    return page


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds = 15 if quick else 101
    twenty, hundred, required = settlement_page(20), settlement_page(100), required_page(100)
    by_slot, by_unit = ad_data_page(100), ad_data_page(100, by_unit=True)

    def compare(what: str, sides: tuple[Callable[[bytes], Any], Callable[[bytes], Any]], body: bytes, limit: float) -> Outcome:
        count = max(1, 400_000 // len(body))
        one, other = sides
        found = in_turns(lambda: microseconds(lambda: one(body), count), lambda: microseconds(lambda: other(body), count), rounds)
        return found.outcome("G3", f"{what} / a hand-written loop", "µs", limit)

    return [
        compare("decode 20 rows", (ours, rival), twenty, LIMIT),
        compare("decode 100 rows", (ours, rival), hundred, LIMIT),
        compare("decode 100 rows, required fields only", (ours_required, rival_required), required, LIMIT_REQUIRED),
        compare("decode 100 rows of ad data by slot", (ours_ad_data, rival_ad_data), by_slot, LIMIT_AD_DATA),
        compare("decode 100 rows of ad data by unit", (ours_ad_data, rival_ad_data), by_unit, LIMIT_AD_DATA),
    ]
