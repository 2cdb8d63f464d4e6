"""JSON lines, under the wire's own names."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

import orjson

from wxrevenue.ams.settlement import Settlement
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._flat import flat_of
from wxrevenue.export._text import well_formed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from wxrevenue.ams.settlement import SlotRevenue
    from wxrevenue.export._pump import Add, Row


@contextmanager
def jsonl_format(file: BinaryIO) -> Generator[Add]:
    """Write JSON lines to a file."""

    def add(rows: Sequence[Row]) -> None:
        file.write(b"".join(encode(wire(row)) for row in rows))

    yield add


def wire(row: Row) -> dict[str, object]:
    """Return a row under the wire's names.

    It has every documented field, then whatever else the server sent.
    """
    known = _settlement(row) if isinstance(row, Settlement) else flat_of(row).wire(row)
    return known | _unknown(row.extra, known) if row.extra else known


def _settlement(row: Settlement) -> dict[str, object]:
    return {
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


def _slot(slot: SlotRevenue) -> dict[str, object]:
    known: dict[str, object] = {"slot_id": slot.slot_id, "slot_settled_revenue": slot.slot_settled_revenue}
    return known | _unknown(slot.extra, known) if slot.extra else known


def _unknown(extra: Mapping[str, object], known: dict[str, object]) -> dict[str, object]:
    """Return what no field holds.

    The documents do not know it, or it could not be read.
    """
    return {name: value for name, value in extra.items() if known.get(name) is None}


def encode(value: object) -> bytes:
    """Return a value as a line of JSON.

    Raises:
        ConfigurationError: no JSON has what it holds.
    """
    try:
        return orjson.dumps(value, _exact, orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # text that UTF-8 cannot hold, a number beyond 64 bits, or what no JSON has
        return _slowly(value)


def _slowly(value: object) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        return well_formed(text).encode() + b"\n"
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigurationError("a row holds something that JSON cannot")


def _exact(value: object) -> orjson.Fragment:
    """Return a rate with all its digits."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)


def _plain(value: object) -> str | float:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
