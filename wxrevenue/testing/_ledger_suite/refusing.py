"""What no ledger keeps.

It could not be read again, or would end a call in an error of the database's own.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from wxrevenue._wire.totals import Totals
from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams._ratio_status import RatioState, RatioStatus
from wxrevenue.ams.settlement import SettlementStatus, SlotRevenue
from wxrevenue.testing._ledger_suite.case import FIRST, NOON, LedgerCase, LedgerScene, all_of, row
from wxrevenue.testing._ledger_suite.recording import refused
from wxrevenue.testing._suite import Suite

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: Final = Suite(LedgerCase)
_MIDNIGHT: Final = datetime.combine(NOON.date(), NOON.time())


async def no_settlement(scene: LedgerScene, fields: dict[str, Any]) -> None:
    """Offer a settlement with such fields."""
    ledger = await scene.ledger()
    for name, value in fields.items():
        await refused(ledger.record(scene.owner, FIRST, [row(7), attrs.evolve(row(), **{name: value})]))
    assert await scene.kept(ledger) == []
    assert await scene.changes(ledger) == []


_SETTLEMENTS: Final[dict[str, dict[str, object]]] = {
    "an amount that is no int": {"settled_revenue": 1.5},
    "an amount that is true": {"settled_revenue": True},
    "an amount of another kind": {"settled_revenue": Decimal(1)},
    "a day as a text, or with a time": {"date": "2024-03-20", "zone": 7},
    "a time for a day": {"date": _MIDNIGHT},
    "a status or a number of another kind": {"sett_status": "5", "sett_no": 7, "mail_send_cnt": "0"},
    "slots that are none": {"slot_revenue": None},
    "a slot that is none": {"slot_revenue": ["SLOT"]},
    "a slot's amount that is no int": {"slot_revenue": [cast("Any", SlotRevenue)("SLOT", 1.5)]},
    "a month that is none": {"month": []},
}
CASES.each(
    "B-06: A settlement with a field of another type is refused at once, as a whole, before anything is written.",
    _SETTLEMENTS,
    no_settlement,
)


@CASES()
async def other_values_of_another_type(scene: LedgerScene) -> None:
    """B-06: Headers, ad data and ratios with a field of another type are refused, too."""
    ledger = await scene.ledger()
    make = cast("Callable[..., RatioStatus]", RatioStatus)
    await refused(ledger.record(scene.owner, FIRST, [], totals=cast("Any", Totals)(1, 1, 1.5, None)))
    await refused(ledger.record(scene.owner, FIRST, [], totals=cast("Any", Totals)(1, 1, 1, 7)))
    for fields in ({"date": _MIDNIGHT}, {"ecpm": "1"}, {"income": "1"}, {"ad_slot": 1}):
        await refused(ledger.record_ads(scene.owner, "2024-04-01", [cast("Any", AdRow)(**fields)]))
    for ratio, state, error in (("40", RatioState.FAILED, None), (None, "failed", None), (None, RatioState.FAILED, ValueError())):
        await refused(ledger.record_ratios([make(scene.owner, ratio, None, None, state, error)]))
    await refused(ledger.record_ratios([make(7, None, None, None, RatioState.FAILED, None)]))
    assert await all_of(ledger.ads(scene.owner)) == []
    assert await all_of(ledger.ratios(scene.owner)) == []


@CASES()
async def numbers_without_end(scene: LedgerScene) -> None:
    """B-08: A statement's number too long for an index is kept as it came.

    Two that begin alike are two.
    """
    ledger = await scene.ledger()
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(20_000))
    rows = [row(1, f"{long}A"), row(2, f"{long}B"), row(3, "\0\ud800")]
    recorded = await ledger.record(scene.owner, FIRST, rows)
    assert len({change.key for change in recorded.changes}) == 3
    assert sorted(map(repr, await scene.kept(ledger))) == sorted(map(repr, rows))
    assert not (await ledger.record(scene.owner, FIRST, rows)).changes
    slots = [AdRow(ad_unit_id=f"{long}A"), AdRow(ad_unit_id=f"{long}B")]
    assert await ledger.record_ads(scene.owner, "2024-04-01", slots) == 2


@CASES()
async def numbers_beyond_the_database(scene: LedgerScene) -> None:
    """B-08: A lease, a number or a status that no database can hold is refused."""
    ledger = await scene.ledger()
    for lease in (1e300, 1e10):
        await refused(ledger.claim([scene.job()], limit=1, lease=lease))
    await refused(ledger.told(2**63))
    for status in (2**63, -(2**63) - 1):
        await refused(ledger.record(scene.owner, FIRST, [attrs.evolve(row(), sett_status=SettlementStatus(status))]))
    (kept,) = (await ledger.record(scene.owner, FIRST, [attrs.evolve(row(), sett_status=SettlementStatus(2**63 - 1))])).changes
    assert kept.after is not None
    assert kept.after.sett_status == 2**63 - 1
    assert (await scene.claimed(ledger, scene.job())).fence > 0
