"""Rows whose fields lie beside each other, of ad data and of bills.

What each field may hold, and how each format has it.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from types import ModuleType, NoneType
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams.settlement import yuan
from wxrevenue.export._text import well_formed
from wxrevenue.funds._bill import BillRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wxrevenue.export._untyped import Schema


_TEXT: Final = (str, NoneType)
_NUMBER: Final = (int, NoneType)
_DECIMAL: Final = (Decimal, NoneType)
_DATE: Final = (date, NoneType)
_ID: Final = (int, str, NoneType)
"""Text in every format but JSONL.

The number of a kind of slot has 16 digits, and spreadsheets keep 15.
"""
_ALWAYS_TEXT: Final = (str,)
_BESIDES: Final = (dict,)
"""What the server sent besides, by its names."""


@attrs.frozen(eq=False)
class Flat:
    """The columns of one model.

    Args:
        fields: in the order of every format, with the types that each may have.
        money: those in fen.
        exact: whether decimal numbers keep their digits in Parquet, too.
    """

    fields: Mapping[str, tuple[type, ...]]
    money: frozenset[str]
    exact: bool = False

    @property
    def head(self) -> tuple[str, ...]:
        """The names of a table's columns."""
        return tuple(name for field in self.fields for name in ((field, f"{field}_yuan") if field in self.money else (field,)))

    def lines(self, row: object) -> Iterator[tuple[object, ...]]:
        """Yield the row's line of a table."""
        yield tuple(found for field in self.fields for found in self._cells(field, getattr(row, field)))

    def _cells(self, field: str, value: object) -> tuple[object, ...]:
        if field in self.money:
            return (value, yuan(value) if isinstance(value, int) else None)
        return (self._as_text(field, value),)

    def wire(self, row: object) -> dict[str, object]:
        """Return the row under the wire's names: every documented field."""
        return {field: getattr(row, field) for field, kinds in self.fields.items() if kinds is not _BESIDES}

    def stored(self, field: str, value: object) -> object:
        """Return a value as Parquet stores it."""
        if isinstance(value, Decimal):
            return value if self.exact else float(value)
        value = self._as_text(field, value)
        return well_formed(value) if isinstance(value, str) else value

    def _as_text(self, field: str, value: object) -> object:
        """Return an id as text, and what the server sent besides as JSON."""
        kinds = self.fields[field]
        if kinds is _BESIDES:
            return json.dumps(value, ensure_ascii=False) if value else None
        return str(value) if kinds is _ID and value is not None else value

    def schema(self, arrow: ModuleType) -> Schema:
        """Return the columns' types in Parquet, which no row can change."""
        decimal = arrow.decimal128(38, 18) if self.exact else arrow.float64()
        kinds: dict[tuple[type, ...], object] = {_NUMBER: arrow.int64(), _DECIMAL: decimal, _DATE: arrow.date32()}
        schema: Schema = arrow.schema(
            [
                arrow.field(
                    name,
                    kinds.get(allowed, arrow.string()),
                    nullable=allowed is not _ALWAYS_TEXT,
                    metadata={"unit": "fen"} if name in self.money else None,
                )
                for name, allowed in self.fields.items()
            ]
        )
        return schema


FLAT: Final[Mapping[type, Flat]] = {
    AdRow: Flat(
        {
            "date": _DATE,
            "appid": _TEXT,
            "publisher_appid": _TEXT,
            "ad_slot": _TEXT,
            "slot_id": _ID,
            "ad_unit_id": _TEXT,
            "ad_unit_name": _TEXT,
            "req_succ_count": _NUMBER,
            "exposure_count": _NUMBER,
            "exposure_rate": _DECIMAL,
            "click_count": _NUMBER,
            "click_rate": _DECIMAL,
            "income": _NUMBER,
            "publisher_income": _NUMBER,
            "agency_income": _NUMBER,
            "ecpm": _DECIMAL,
        },
        money=frozenset({"income", "publisher_income", "agency_income"}),
    ),
    BillRow: Flat(  # in the order of the file
        {
            "create_time": _ALWAYS_TEXT,
            "initiator": _ALWAYS_TEXT,
            "sponsor": _ALWAYS_TEXT,
            "sub_mchid": _ALWAYS_TEXT,
            "transaction_id": _ALWAYS_TEXT,
            "order_id": _ALWAYS_TEXT,
            "out_order_no": _ALWAYS_TEXT,
            "detail_id": _ALWAYS_TEXT,
            "receiver_account": _ALWAYS_TEXT,
            "amount": _NUMBER,
            "currency": _ALWAYS_TEXT,
            "settlement_amount": _DECIMAL,
            "settlement_currency": _ALWAYS_TEXT,
            "exchange_rate": _DECIMAL,
            "business_type": _ALWAYS_TEXT,
            "status": _ALWAYS_TEXT,
            "description": _ALWAYS_TEXT,
            "extra": _BESIDES,  # the documents do not list the columns of refunds: their numbers are here
        },
        money=frozenset({"amount"}),
        exact=True,
    ),
}
"""The models whose rows are flat."""


def flat_of(row: object) -> Flat:
    """Return the columns of a flat row."""
    return next(flat for model, flat in FLAT.items() if isinstance(row, model))
