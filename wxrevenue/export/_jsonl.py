"""JSON lines, under the wire's own names."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from wxrevenue.errors import ConfigurationError
from wxrevenue.export._text import well_formed

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from wxrevenue.ams.settlement import Settlement, SlotRevenue
    from wxrevenue.export._pump import Add


@contextmanager
def jsonl_format(file: BinaryIO) -> Generator[Add]:
    """Write JSON lines to a file."""

    def add(rows: Sequence[Settlement]) -> None:
        file.write(b"".join(encode(wire(row)) for row in rows))

    yield add


def wire(row: Settlement) -> dict[str, Any]:
    """Return a settlement as the server spells it: every documented field, then whatever else it sent."""
    known = {
        "month": row.month,
        "order": row.order,
        "settled_revenue": row.settled_revenue,
        "date": row.date,
        "zone": row.zone,
        "sett_status": row.sett_status,
        "sett_no": row.sett_no,
        "mail_send_cnt": row.mail_send_cnt,
        "slot_revenue": [_slot(slot) for slot in row.slot_revenue],
    }
    return known | _unknown(row.extra, known) if row.extra else known


def _slot(slot: SlotRevenue) -> dict[str, Any]:
    known = {"slot_id": slot.slot_id, "slot_settled_revenue": slot.slot_settled_revenue}
    return known | _unknown(slot.extra, known) if slot.extra else known


def _unknown(extra: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return what no field holds: what the documents do not know, and what could not be read."""
    return {name: value for name, value in extra.items() if known.get(name) is None}


def encode(value: Any) -> bytes:
    """Return a value as a line of JSON.

    Raises:
        ConfigurationError: no JSON has what it holds.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # text that UTF-8 cannot hold, a number beyond 64 bits, or what no JSON has
        return _slowly(value)


def _slowly(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_iso)
        return well_formed(text).encode() + b"\n"
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigurationError("a row holds something that JSON cannot")


def _iso(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
