"""Recording ad data, a Mini Program's day as a whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wxrevenue.ledger._texts import ad_text, key_text, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ledger._session import Session


def slots_of(rows: Sequence[AdRow]) -> list[tuple[str, int, str]]:
    """Return for each row, in order, its slot, a count, and its text.

    The count tells equal slots apart.
    """
    places: Counter[str] = Counter()
    found: list[tuple[str, int, str]] = []
    for slot, text in sorted((_slot(row), ad_text(row)) for row in rows):
        found.append((slot, places[slot], text))
        places[slot] += 1
    return found


def _slot(row: AdRow) -> str:
    """Return what tells a row from the others of its day."""
    return key_text(written([row.ad_slot, row.slot_id, row.ad_unit_id]))


def record_ads(session: Session, appid: str, day: str, slots: Sequence[tuple[str, int, str]]) -> int:
    """Replace a day's rows; return how many are new, other or gone."""
    session.lock(appid)
    kept = {
        (slot, place): data
        for slot, place, data in session.run("SELECT slot, place, data FROM ads WHERE appid = ? AND day = ?", appid, day)
    }
    came = {(slot, place): data for slot, place, data in slots}
    differ = sorted(key for key in kept.keys() | came.keys() if kept.get(key) != came.get(key))
    session.run_many("DELETE FROM ads WHERE appid = ? AND day = ? AND slot = ? AND place = ?", [(appid, day, *key) for key in differ])
    session.run_many(
        "INSERT INTO ads (appid, day, slot, place, data) VALUES (?, ?, ?, ?, ?)",
        [(appid, day, *key, came[key]) for key in differ if key in came],
    )
    return len(differ)
