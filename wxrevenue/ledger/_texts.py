"""Rows as the strings that a ledger keeps, and back.

They hold everything in a row, raw values too.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

import attrs
import orjson

from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams.settlement import Settlement, SettlementStatus, SlotRevenue
from wxrevenue.errors import ConfigurationError

FEN: Final = range(-(2**63), 2**63)
"""Amounts that a database keeps: 64 bits."""
_LEAST, _LARGEST = FEN[0], FEN[-1]
_LONGEST_KEY: Final = 200
"""Characters of a key that are kept; what tells longer ones apart is a digest."""
_EXTRA: Final = "."
"""The key of what the documents do not know; no field's name."""
_BIG: Final = " "
"""Begins a string that has numbers beyond 64 bits.

The faster parser would round these.
"""
_SETTLEMENT, _SLOT, _AD_ROW = (cast("Any", kind) for kind in (Settlement, SlotRevenue, AdRow))
"""pyright does not know that ``_extra`` is given as ``extra``."""
_STATUSES: Final = {int(status): status for status in SettlementStatus}
_PLAIN: Final = 2
"""Fields of a slot that has nothing unknown."""
_AD_FIELDS: Final = tuple(field.name for field in attrs.fields(AdRow) if field.name != "_extra")
_DECIMALS: Final = ("exposure_rate", "click_rate", "ecpm")


def amount(where: str, value: object) -> int:
    """Return an amount that fits 64 bits.

    Raises:
        ConfigurationError: it does not.
    """
    if type(value) is not int or not _LEAST <= value <= _LARGEST:
        raise ConfigurationError(f"{where}: expected an amount that fits 64 bits, an int")
    return value


def column_text(text: str) -> str:
    """Return a string as a column of any database takes it.

    It has no NUL and no lone surrogates.
    """
    return text if text.isprintable() else text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def key_text(text: str) -> str:
    """Return the same for a column with an index, which takes no long one."""
    if len(text) <= _LONGEST_KEY and text.isprintable():  # as nearly every one
        return text
    found = column_text(text)
    if len(found) <= _LONGEST_KEY:
        return found
    return f"{found[:_LONGEST_KEY]}\N{HORIZONTAL ELLIPSIS}{hashlib.sha256(found.encode()).hexdigest()}"


def written(content: object) -> str:
    """Return plain data as one string, the same for the same data.

    Raises:
        ConfigurationError: JSON cannot hold it.
    """
    try:
        return orjson.dumps(content, _plain, orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        pass
    try:
        return _BIG + json.dumps(content, default=_plain, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigurationError("row.extra: expected values that JSON can hold")


def read(text: str) -> Any:
    """Return the data of a string that :func:`written` made."""
    return json.loads(text) if text.startswith(_BIG) else orjson.loads(text)


def settlement_text(row: Settlement) -> str:
    """Return everything in a settlement as one string."""
    slots: list[object] = []
    for slot in row.slot_revenue:
        more = slot._extra  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (where .extra is a call)
        slots.append([slot.slot_id, slot.slot_settled_revenue, more] if more else [slot.slot_id, slot.slot_settled_revenue])
    content: dict[str, object] = {  # field by field: it is done for every row
        "date": row.date,
        "mail_send_cnt": row.mail_send_cnt,
        "month": row.month,
        "order": row.order,
        "sett_no": row.sett_no,
        "sett_status": row.sett_status,
        "settled_revenue": row.settled_revenue,
        "slot_revenue": slots,
        "zone": row.zone,
    }
    if extra := row._extra:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (as above)
        content[_EXTRA] = extra
    return written(content)


def settlement_of(text: str) -> Settlement:
    """Return the settlement that a string of :func:`settlement_text` holds."""
    content = read(text)
    day, status = content["date"], content["sett_status"]
    row: Settlement = _SETTLEMENT(  # field by field: it is done for every change
        content["month"],
        content["order"],
        content["settled_revenue"],
        None if day is None else date.fromisoformat(day),
        content["zone"],
        None if status is None else _STATUSES.get(status) or SettlementStatus(status),
        content["sett_no"],
        content["mail_send_cnt"],
        [_SLOT(*slot) if len(slot) == _PLAIN else _SLOT(*slot[:_PLAIN], extra=slot[_PLAIN]) for slot in content["slot_revenue"]],
        extra=content.get(_EXTRA),
    )
    return row


def ad_text(row: AdRow) -> str:
    """Return everything in a row of ad data as one string."""
    content = {name: value for name in _AD_FIELDS if (value := getattr(row, name)) is not None}
    if row.extra:
        content[_EXTRA] = row.extra
    return written(content)


def ad_of(text: str) -> AdRow:
    """Return the row of ad data that a string of :func:`ad_text` holds."""
    content = read(text)
    extra = content.pop(_EXTRA, None)
    if (day := content.get("date")) is not None:
        content["date"] = date.fromisoformat(day)
    for name in _DECIMALS:
        if name in content:
            content[name] = Decimal(content[name])
    row: AdRow = _AD_ROW(extra=extra, **content)
    return row


def _plain(value: object) -> str:
    """Return what JSON has no type for as a string."""
    if isinstance(value, (date, Decimal)):
        return str(value)
    raise TypeError
