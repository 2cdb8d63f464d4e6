"""Settlements, ad data and bills into files.

CSV and Excel (extra ``excel``) are for spreadsheets, JSONL is for everything, Parquet (extra
``parquet``) for data frames.

Each function takes any iterable or async iterable of :class:`~wxrevenue.Settlement`, or of
:class:`~wxrevenue.AdRow` or :class:`~wxrevenue.BillRow`, a ``Paginator`` or a ``Bill`` as well, and
writes it in constant memory, in threads. A file appears under its name when it is whole, or not at
all; one that was there before stays until then and passes its permissions on. (A process that is
killed may leave a hidden ``.wxrevenue-….tmp`` beside it.)

==========  ==================================================================================
CSV         one line per settlement, or one per slot; fen as an integer and, beside it, yuan
Excel       the columns of CSV; cells know what they hold, and text is text whatever it begins with
JSONL       one object per row, slots inside, every field under its wire name, unknown ones too
Parquet     one record per row, slots inside as a list; amounts are ``int64`` fen
==========  ==================================================================================

The documented fields come in a fixed order under their wire names; money is never a float.

Ad data have a line, an object or a record for each row: the day, the Mini Program, the slot or
unit, and the figures, beside each other as in :class:`~wxrevenue.AdRow`. Rates and ``ecpm`` keep
their digits, but in Parquet, where they are ``double``. A ``slot_id`` is text in CSV and Parquet.

So have bills, with the fields of :class:`~wxrevenue.BillRow`. ``settlement_amount`` is in the main
unit of its currency; it and the exchange rate are ``decimal(38, 18)`` in Parquet. What the file has
besides (of refunds: their numbers) is one column ``extra`` with JSON in CSV and Parquet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from wxrevenue._base.files import checked_path
from wxrevenue.errors import ConfigurationError, one_of
from wxrevenue.export import _csv, _excel, _jsonl, _parquet
from wxrevenue.export._lines import SHAPES
from wxrevenue.export._pump import MODELS, NAMED, in_thread, write

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Iterable

    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.export._pump import Row
    from wxrevenue.funds._bill import BillRow

    _Ads: TypeAlias = AsyncIterable[AdRow] | Iterable[AdRow]
    _Bills: TypeAlias = AsyncIterable[BillRow] | Iterable[BillRow]
    Rows: TypeAlias = AsyncIterable[Settlement] | Iterable[Settlement] | _Ads | _Bills
    Of: TypeAlias = type[Row] | None

By: TypeAlias = Literal["settlement", "slot"]

__all__ = ["to_csv", "to_excel", "to_jsonl", "to_parquet"]


async def to_csv(rows: Rows, path: str | os.PathLike[str], *, bom: bool = False, by: By = "settlement", of: Of = None) -> int:
    r"""Write rows as CSV and return how many they were.

    The file is as RFC 4180 has it: commas, ``\r\n``, UTF-8.

    The columns of settlements are ``month order settled_revenue settled_revenue_yuan date zone
    sett_status sett_no mail_send_cnt``; by slot, ``slot_id slot_settled_revenue
    slot_settled_revenue_yuan`` follow. Those of ad data and of bills are the fields of
    :class:`~wxrevenue.AdRow` and :class:`~wxrevenue.BillRow`. An amount is an integer in fen; its
    ``_yuan`` is the same amount as a decimal with two places. What is not known is an empty cell,
    zero is ``0``.

    A spreadsheet takes text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula. Such text,
    wherever the server sent it, gets an apostrophe in front, and so does text that begins with one:
    take one leading apostrophe off for the original. NUL and halves of surrogate pairs become
    U+FFFD.

    Excel keeps no more than 15 digits of a number, as a ``sett_no``, a ``slot_id`` or a
    ``transaction_id`` may have, and no leading zero. It makes a day of an ``out_order_no`` such as
    ``12-34``. With ``bom`` such text gets an apostrophe in front, too; without, every byte is the
    server's: have Excel import those columns as text.

    Args:
        rows: settlements, ad data or bills, of one kind; an async iterator is closed if the export
            fails.
        path: the file; a symbolic link is followed.
        bom: for Excel: begin with a byte order mark, from which it knows that this is UTF-8, and
            keep it from rounding ids.
        by: ``"settlement"`` gives a line for each settlement, without its slots; ``"slot"`` one for
            each slot. A settlement's own amount then stands on its first line only, so that both
            columns add up; one without slots has one line.
        of: ``Settlement``, ``AdRow`` or ``BillRow``: the columns of a file without rows. By default
            the first row decides, and it is ``Settlement`` if there is none.

    Raises:
        ConfigurationError: an argument, or something in ``rows``, is not what it should be.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    _check_by("to_csv", by)
    if type(bom) is not bool:
        raise ConfigurationError(f"to_csv.bom: expected a bool, got {type(bom).__name__}")
    target = checked_path("to_csv.path", path)
    return await write("to_csv", rows, target, lambda model: _csv.csv_format(model, bom=bom, by=by), _model("to_csv", of))


async def to_excel(rows: Rows, path: str | os.PathLike[str], *, by: By = "settlement", of: Of = None) -> int:
    """Write rows as a workbook (``.xlsx``) and return how many they were.

    Needs XlsxWriter: ``pip install "wxrevenue[excel]"``.

    The columns are those of :func:`to_csv`. Amounts are numbers, fen and yuan; a number of more
    than 15 digits, which a spreadsheet would round, is text. Text stays text whatever it begins
    with; of control characters and halves of surrogate pairs it has U+FFFD. A sheet holds 1,048,576
    lines; what is beyond goes to further sheets. The same rows make the same bytes.

    Args:
        rows: settlements, ad data or bills, of one kind; an async iterator is closed if the export
            fails.
        path: the file; a symbolic link is followed.
        by: as for :func:`to_csv`.
        of: as for :func:`to_csv`.

    Raises:
        ConfigurationError: XlsxWriter is missing, or an argument is not allowed (before the first
            row is asked for); something in ``rows`` is not what it should be, or a text has more
            than 32,767 characters.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    _check_by("to_excel", by)
    target = checked_path("to_excel.path", path)
    await in_thread(_excel.excel_format)  # XlsxWriter that is missing shows now
    return await write("to_excel", rows, target, lambda model: _excel.excel_format(model, by=by), _model("to_excel", of))


async def to_jsonl(rows: Rows, path: str | os.PathLike[str], *, of: Of = None) -> int:
    r"""Write rows as JSON lines (UTF-8, ``\n``) and return how many they were.

    An object has every documented field under its wire name, ``null`` where it is not known, and
    then what the server sent besides. Amounts are integers in fen, dates ISO, statuses numbers.
    Halves of surrogate pairs become U+FFFD.

    Args:
        rows: settlements, ad data or bills, of one kind; an async iterator is closed if the export
            fails.
        path: the file; a symbolic link is followed.
        of: as for :func:`to_csv`.

    Raises:
        ConfigurationError: an argument, or something in ``rows``, is not what it should be.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    return await write("to_jsonl", rows, checked_path("to_jsonl.path", path), lambda _: _jsonl.jsonl_format, _model("to_jsonl", of))


async def to_parquet(rows: Rows, path: str | os.PathLike[str], *, of: Of = None) -> int:
    """Write rows as Parquet and return how many they were.

    Needs pyarrow: ``pip install "wxrevenue[parquet]"``.

    The schema is fixed, whatever the rows hold: integers are ``int64`` (amounts in fen), ``date``
    is ``date32``, text is ``string``, ``slot_revenue`` is a list of structs. Only documented fields
    are written, but of bills, which have ``extra``; JSONL keeps unknown ones. Halves of surrogate
    pairs become U+FFFD.

    Args:
        rows: settlements, ad data or bills, of one kind; an async iterator is closed if the export
            fails.
        path: the file; a symbolic link is followed.
        of: as for :func:`to_csv`.

    Raises:
        ConfigurationError: pyarrow is missing, or an argument is not allowed (before the first row
            is asked for); something in ``rows`` is not what it should be, or does not fit 64 bits.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    target = checked_path("to_parquet.path", path)
    await in_thread(_parquet.parquet_format)  # pyarrow that is missing shows now
    return await write("to_parquet", rows, target, _parquet.parquet_format, _model("to_parquet", of))


def _check_by(where: str, by: str) -> None:
    if by not in [*SHAPES]:
        raise ConfigurationError(f"{where}.by: expected {one_of(tuple(SHAPES))}")


def _model(where: str, of: type | None) -> type | None:
    if of is not None and of not in MODELS:
        raise ConfigurationError(f"{where}.of: expected {NAMED}, got {of!r}")
    return of
