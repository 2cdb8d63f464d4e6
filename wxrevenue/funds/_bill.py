"""The file of a bill: a line of names, a line for each row, and a summary."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue.errors import DecodeError, ResponseLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BillRow"]

_YUAN: Final = re.compile(r"-?\d{1,15}(\.\d{1,2})?", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
_MARK: Final = "`"


@attrs.frozen(kw_only=True)
class BillRow(Printable):
    """One row of a bill.

    Args:
        amount: fen; ``None`` only where the bill has no such column.
        create_time: when it was requested.
        initiator: the merchant that requested it; ``system`` for what 180 days unfroze.
        sponsor: the merchant that is settled.
        sub_mchid: the sub-merchant.
        transaction_id: WeChat Pay's number of the payment.
        order_id: WeChat Pay's number of the distribution.
        out_order_no: the merchant's.
        detail_id: WeChat Pay's number of the share.
        receiver_account: the account that received.
        currency: the amount's currency.
        settlement_amount: in ``settlement_currency``, as the file has it, in its main unit.
        settlement_currency: in which the sponsor is settled.
        exchange_rate: between the two.
        business_type: what happened, as WeChat Pay words it.
        status: how it ended, as WeChat Pay words it.
        description: as it was requested.
        extra: what else the file has, by its names.
    """

    amount: int | None = None
    create_time: str = ""
    initiator: str = ""
    sponsor: str = ""
    sub_mchid: str = ""
    transaction_id: str = ""
    order_id: str = ""
    out_order_no: str = ""
    detail_id: str = ""
    receiver_account: str = ""
    currency: str = ""
    settlement_amount: Decimal | None = None
    settlement_currency: str = ""
    exchange_rate: Decimal | None = None
    business_type: str = ""
    status: str = ""
    description: str = ""
    extra: dict[str, str] = attrs.field(factory=dict[str, str])


_ALSO: Final[Mapping[str, str]] = {"detaill_id": "detail_id"}
"""How the documents misspell a name."""
_KNOWN: Final = frozenset(field.name for field in attrs.fields(BillRow)) - {"extra"}


class BillParser:
    """Reads a bill line by line.

    Args:
        needs_amount: whether a bill without the column ``amount`` is none.
    """

    def __init__(self, *, needs_amount: bool) -> None:
        self._needs_amount = needs_amount
        self._names: list[str] = []
        self._totals: list[str] = []
        self._names_are_marked = False
        """Whether names have the mark of values.

        The number of parts tells the two apart then.
        """
        self.rows = 0
        """How many rows were read."""
        self.summary: dict[str, str] | None = None
        """What the last lines say, by their names."""

    @property
    def awaits_totals(self) -> bool:
        """Whether the names of the summary were read, and its values were not."""
        return bool(self._totals) and self.summary is None

    def read(self, line: str) -> BillRow | None:
        """Return the row of a line, if it is one.

        Raises:
            DecodeError: it is none, and no other part of a bill; the text names the row and no
                value.
        """
        if not line.strip():
            return None
        if self.summary is not None:
            raise DecodeError("something follows the summary", path=self._path)
        if not line.startswith(_MARK) or not self._names:
            self._names_are_marked = not self._names and line.startswith(_MARK)
            self._read_names(line)
            return None
        values = line[1:].split(f",{_MARK}", len(self._names) - 1 if self._ends_free and not self._totals else -1)
        if self._names_are_marked and not self._totals and len(values) < len(self._names):
            self._read_names(line)
            return None
        if self._totals:
            self.summary = dict(zip(self._totals, self._fitting(values, self._totals), strict=True))
            return None
        self.rows += 1
        return self._row(dict(zip(self._names, self._fitting(values, self._names), strict=True)))

    def finish(self) -> None:
        """Raise ``ResponseLostError`` unless the bill ended with its summary."""
        if self.summary is None:
            raise ResponseLostError(f"the bill ends after {self.rows} rows, without its summary: it was cut short", reason="protocol")

    @property
    def _ends_free(self) -> bool:
        """Whether the last value of a row is a merchant's own words.

        Those may hold the separators that stand between values elsewhere.
        """
        return self._names[-1] == "description"

    @property
    def _path(self) -> str:
        return f"$[{self.rows}]"

    def _read_names(self, line: str) -> None:
        names = [name.strip().removeprefix(_MARK) for name in line.split(",")]
        if self._totals:
            raise DecodeError("expected values behind the names of the summary", path=self._path)
        if self._names:
            self._totals = names
            return
        if len(set(names)) < len(names):
            raise DecodeError("a name comes twice")
        if self._needs_amount and "amount" not in names:
            raise DecodeError("missing", path="$.amount")
        self._names = [_ALSO.get(name, name) for name in names]

    def _fitting(self, values: list[str], names: list[str]) -> list[str]:
        if len(values) != len(names):
            raise DecodeError(f"expected {len(names)} values, got {len(values)}", path=self._path)
        return [value.strip() for value in values]

    def _row(self, values: dict[str, str]) -> BillRow:
        found: dict[str, Any] = {name: value for name, value in values.items() if name in _KNOWN}
        for name, read in _READERS.items():
            if name in found:
                found[name] = self._value(name, found[name], read)
        return BillRow(**found, extra={name: value for name, value in values.items() if name not in _KNOWN})

    def _value(self, name: str, text: str, read: Callable[[str], object]) -> object:
        value = read(text)
        if value is None and (text or name == "amount"):
            raise DecodeError("expected a decimal number", path=f"{self._path}.{name}")
        return value


def _fen(text: str) -> int | None:
    return int(Decimal(text) * 100) if _YUAN.fullmatch(text) else None


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_READERS: Final[Mapping[str, Callable[[str], object]]] = {"amount": _fen, "settlement_amount": _decimal, "exchange_rate": _decimal}
