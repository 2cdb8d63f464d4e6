"""Parquet, through pyarrow (extra ``parquet``), which nothing else here imports."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from wxrevenue._base import extras
from wxrevenue.ams.settlement import Settlement
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._flat import FLAT, Flat
from wxrevenue.export._text import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence, Sized
    from types import ModuleType

    from wxrevenue.export._pump import Add, FileFormat
    from wxrevenue.export._untyped import Schema

ROW_GROUP: Final = 16_000
"""Rows that are held, column by column, until they are written."""
_FEN: Final = {"unit": "fen"}


def _text(value: str | None) -> str | None:
    return None if value is None else well_formed(value)


_COLUMNS: Final[Mapping[str, Callable[[Settlement], object]]] = {
    "month": lambda row: _text(row.month),
    "order": lambda row: row.order,
    "settled_revenue": lambda row: row.settled_revenue,
    "date": lambda row: row.date,
    "zone": lambda row: _text(row.zone),
    "sett_status": lambda row: None if row.sett_status is None else int(row.sett_status),
    "sett_no": lambda row: _text(row.sett_no),
    "mail_send_cnt": lambda row: row.mail_send_cnt,
    "slot_revenue": lambda row: [(_text(slot.slot_id), slot.slot_settled_revenue) for slot in row.slot_revenue],
}


def parquet_format(model: type = Settlement) -> FileFormat:
    """Return the format.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    schema, columns = (_schema(arrow), _COLUMNS) if model is Settlement else _flat(arrow, FLAT[model])

    @contextmanager
    def parquet_sheet(file: BinaryIO) -> Generator[Add]:
        held: list[Sized] = []

        def add(rows: Sequence[object]) -> None:
            held.append(_records(arrow, schema, columns, rows))
            if sum(map(len, held)) >= ROW_GROUP:
                flush()

        def flush() -> None:
            writer.write_table(arrow.Table.from_batches(held, schema), row_group_size=ROW_GROUP)
            held.clear()

        writer = parquet.ParquetWriter(file, schema)
        try:
            yield add
            if held:
                flush()
            writer.close()
        finally:
            writer.is_open = False  # or it would end the file once more when it is collected

    return parquet_sheet


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        pass
    raise ConfigurationError(extras.missing("to_parquet", "pyarrow", "parquet"))


def _schema(arrow: ModuleType) -> Schema:
    """Return the columns' types, which no row can change."""
    slot = arrow.struct(
        [
            arrow.field("slot_id", arrow.string()),
            arrow.field("slot_settled_revenue", arrow.int64(), nullable=False, metadata=_FEN),
        ]
    )
    schema: Schema = arrow.schema(
        [
            arrow.field("month", arrow.string(), nullable=False),
            arrow.field("order", arrow.int64(), nullable=False),
            arrow.field("settled_revenue", arrow.int64(), nullable=False, metadata=_FEN),
            arrow.field("date", arrow.date32()),
            arrow.field("zone", arrow.string()),
            arrow.field("sett_status", arrow.int64()),
            arrow.field("sett_no", arrow.string()),
            arrow.field("mail_send_cnt", arrow.int64()),
            arrow.field("slot_revenue", arrow.list_(arrow.field("element", slot, nullable=False)), nullable=False),
        ]
    )
    return schema


def _flat(arrow: ModuleType, flat: Flat) -> tuple[Schema, Mapping[str, Callable[[object], object]]]:
    def reader(name: str) -> Callable[[object], object]:
        return lambda row: flat.stored(name, getattr(row, name))

    return flat.schema(arrow), {name: reader(name) for name in flat.fields}


def _records(arrow: ModuleType, schema: Schema, readers: Mapping[str, Callable[[Any], object]], rows: Sequence[object]) -> Sized:
    """Return rows as columns."""
    problem = ""
    columns: list[object] = []
    for field in schema:
        try:
            columns.append(arrow.array([readers[field.name](row) for row in rows], field.type))
        except (arrow.ArrowException, OverflowError, TypeError, ValueError):
            problem = f"to_parquet.rows: a row's {field.name} does not fit {field.type}"
            break
    if problem:
        raise ConfigurationError(problem)
    batch: Sized = arrow.RecordBatch.from_arrays(columns, schema=schema)
    return batch
