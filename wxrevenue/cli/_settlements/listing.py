"""Settlements as a table of plain text, line by line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from rich.cells import cell_len

from wxrevenue._base.calendar import half_month
from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._terminal import LINE
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.export._pump import Add
    from wxrevenue.report._words import Lang

_WIDTHS: Final = (13, 8, 19)
"""Columns of all but the figures."""
_WORDS: Final[Mapping[Lang, tuple[str, str, str, str]]] = {
    "en": ("half-month", "status", "number", "yuan"),
    "zh": ("半月", "状态", "单号", "元"),
}
_SUM: Final[Mapping[Lang, tuple[str, str]]] = {"en": ("total", "rows"), "zh": ("合计", "张")}


def half_label(month: str, order: int) -> str:
    """Return a half-month such as ``2026-03 16-31``.

    If it is none, return what the server sent.
    """
    try:
        first, last = half_month(month, order)
    except ValueError:
        return printable(f"{month}/{order}")
    return f"{first:%Y-%m} {first.day:02}-{last.day:02}"


@contextmanager
def table(file: BinaryIO, lang: Lang = "en", encoding: str = "utf-8", columns: int = LINE) -> Generator[Add]:
    """Write a table to a file or terminal, in its encoding; the last line has the sum.

    With fewer than ``LINE`` columns numbers stand below their rows.
    """
    rows = fen = 0
    head = _line(*_WORDS[lang], columns=columns)

    def add(page: Sequence[Settlement]) -> None:
        nonlocal rows, fen
        lead = "" if rows else head  # with the first row, not before an error
        rows, fen = rows + len(page), fen + sum(row.settled_revenue for row in page)
        file.write((lead + "".join(_row(row, lang, columns) for row in page)).encode(encoding, "replace"))

    yield add
    if not rows:
        return
    together, unit = _SUM[lang]
    count = f"{rows:,} {unit}"
    middle = ("", count) if columns >= LINE else (count, "")
    file.write(_line(together, *middle, money(fen), columns=columns).encode(encoding, "replace"))


def _row(row: Settlement, lang: Lang, columns: int) -> str:
    """Return a row; a number that has no room in its column stands below, whole."""
    status = "" if row.sett_status is None else row.sett_status.label(lang)
    number = printable(row.sett_no or "")
    fits = cell_len(number) <= (_WIDTHS[-1] if columns >= LINE else 0)
    first = _line(half_label(row.month, row.order), status, number if fits else "", money(row.settled_revenue), columns=columns)
    return first if fits else f"{first}   {number}\n"


def _line(*cells: str, columns: int) -> str:
    """Return a line; a figure that is too long takes the room that is left of it."""
    *texts, figure = cells if columns >= LINE else (*cells[:2], cells[-1])
    padded = [text + " " * (width - cell_len(text)) for text, width in zip(texts, _WIDTHS, strict=False)]
    left = f" {'  '.join(padded)}".rstrip()
    return f"{left}{' ' * max(1, columns - cell_len(left) - cell_len(figure))}{figure}\n"
