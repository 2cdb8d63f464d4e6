"""Settlements into files: CSV for spreadsheets, JSONL for everything, Parquet (extra ``parquet``) for data frames.

Each function takes any iterable or async iterable of :class:`~wxrevenue.Settlement`, a ``Paginator`` as well, and writes it in
constant memory, in threads. A file appears under its name when it is whole, or not at all; one that was there before stays until
then and passes its permissions on. (Who is killed outright may leave a hidden ``.wxrevenue-….tmp`` beside it.)

==========  ====================================================================================================
CSV         one line per settlement, or one per slot; fen as an integer and, beside it, yuan with two decimals
JSONL       one object per settlement, slots inside, every field under its wire name, unknown ones too
Parquet     one record per settlement, slots inside as a list; amounts are ``int64`` fen
==========  ====================================================================================================

The documented fields come in a fixed order under their wire names; money is never a float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from wxrevenue._base.files import checked_path
from wxrevenue.errors import ConfigurationError, one_of
from wxrevenue.export import _csv, _jsonl, _parquet
from wxrevenue.export._pump import in_thread, write

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Iterable

    from wxrevenue.ams.settlement import Settlement

    Rows: TypeAlias = AsyncIterable[Settlement] | Iterable[Settlement]

By: TypeAlias = Literal["settlement", "slot"]

__all__ = ["to_csv", "to_jsonl", "to_parquet"]


async def to_csv(rows: Rows, path: str | os.PathLike[str], *, bom: bool = False, by: By = "settlement") -> int:
    r"""Write settlements as CSV (RFC 4180: commas, ``\r\n``, UTF-8) and return how many they were.

    The columns are ``month order settled_revenue settled_revenue_yuan date zone sett_status sett_no mail_send_cnt``; by slot,
    ``slot_id slot_settled_revenue slot_settled_revenue_yuan`` follow. An amount is an integer in fen; its ``_yuan`` is the same
    amount as a decimal with two places. What is not known is an empty cell, nought is ``0``.

    A spreadsheet takes text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula. Such text, wherever the server sent it,
    gets an apostrophe in front, and so does text that begins with one: whoever takes one leading apostrophe off has the original.
    NUL and halves of surrogate pairs become U+FFFD.

    Excel keeps no more than 15 digits of a number, as a ``sett_no`` or a ``slot_id`` may have, and no leading zero. With ``bom``
    such text gets an apostrophe in front, too; without, every byte is the server's: have Excel import those columns as text.

    Args:
        rows: settlements; an async iterator is closed if the export fails.
        path: the file; a symbolic link is followed.
        bom: for Excel: begin with a byte order mark, from which it knows that this is UTF-8, and keep it from rounding ids.
        by: ``"settlement"`` gives a line for each settlement, without its slots; ``"slot"`` one for each slot. A settlement's
            own amount then stands on its first line only, so that both columns add up; one without slots has one line.

    Raises:
        ConfigurationError: an argument, or something in ``rows``, is not what it should be.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    if by not in _csv.SHAPES:
        raise ConfigurationError(f"to_csv.by: expected {one_of(tuple(_csv.SHAPES))}")
    if type(bom) is not bool:
        raise ConfigurationError(f"to_csv.bom: expected a bool, got {type(bom).__name__}")
    return await write("to_csv", rows, checked_path("to_csv.path", path), _csv.csv_format(bom=bom, by=by))


async def to_jsonl(rows: Rows, path: str | os.PathLike[str]) -> int:
    r"""Write settlements as JSON lines (UTF-8, ``\n``) and return how many they were.

    An object has every documented field under its wire name, ``null`` where it is not known, and then what the server sent
    besides. Amounts are integers in fen, dates ISO, statuses numbers. Halves of surrogate pairs become U+FFFD.

    Args:
        rows: settlements; an async iterator is closed if the export fails.
        path: the file; a symbolic link is followed.

    Raises:
        ConfigurationError: an argument, or something in ``rows``, is not what it should be.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    return await write("to_jsonl", rows, checked_path("to_jsonl.path", path), _jsonl.jsonl_format)


async def to_parquet(rows: Rows, path: str | os.PathLike[str]) -> int:
    """Write settlements as Parquet and return how many they were. Needs pyarrow: ``pip install "wxrevenue[parquet]"``.

    The schema is fixed, whatever the rows hold: integers are ``int64`` (amounts in fen), ``date`` is ``date32``, text is
    ``string``, ``slot_revenue`` is a list of structs. Only documented fields are written; JSONL keeps unknown ones. Halves of
    surrogate pairs become U+FFFD.

    Args:
        rows: settlements; an async iterator is closed if the export fails.
        path: the file; a symbolic link is followed.

    Raises:
        ConfigurationError: pyarrow is missing, or an argument is not allowed (before the first row is asked for); something in
            ``rows`` is not what it should be, or does not fit 64 bits.
        OSError: the file cannot be written. This and whatever ``rows`` raises leave no file behind.
    """
    target = checked_path("to_parquet.path", path)
    return await write("to_parquet", rows, target, await in_thread(_parquet.parquet_format))
