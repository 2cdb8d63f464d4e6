"""Settlements as a table of plain text, line by line: whatever their number, none is waited for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from rich.cells import cell_len

from wxrevenue._base.calendar import half_month
from wxrevenue.cli._demo.screen import money

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.export._pump import Add

_WIDTHS: Final = (15, 10, 24)
_FIGURES: Final = 20


def printable(text: str) -> str:
    """Return server text that cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def half_label(month: str, order: int) -> str:
    """Return a half-month such as ``2026-03 16-31``, or what the server sent if it is none."""
    try:
        first, last = half_month(month, order)
    except ValueError:
        return printable(f"{month}/{order}")
    return f"{first:%Y-%m} {first.day:02}-{last.day:02}"


@contextmanager
def table(file: BinaryIO) -> Generator[Add]:
    """Write a table to a file or terminal; its last line has the sum."""
    rows = fen = 0

    def add(page: Sequence[Settlement]) -> None:
        nonlocal rows, fen
        rows, fen = rows + len(page), fen + sum(row.settled_revenue for row in page)
        file.write("".join(map(_row, page)).encode(errors="replace"))

    file.write(_line("half-month", "status", "number", "yuan").encode())
    yield add
    file.write(_line("together", "", f"{rows:,} rows", money(fen)).encode())


def _row(row: Settlement) -> str:
    status = "" if row.sett_status is None else row.sett_status.name.lower().replace("_", " ").removesuffix(" 3")
    return _line(half_label(row.month, row.order), status, printable(row.sett_no or ""), money(row.settled_revenue))


def _line(*cells: str) -> str:
    *texts, figure = cells
    padded = [text + " " * (width - cell_len(text)) for text, width in zip(texts, _WIDTHS, strict=True)]
    return f" {'  '.join(padded)} {figure:>{_FIGURES}}\n"
