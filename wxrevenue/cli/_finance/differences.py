"""A reconciliation as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams.settlement import Settlement
from wxrevenue.cli._demo.screen import money
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxrevenue import Difference, Reconciliation
    from wxrevenue.report import Unchecked
    from wxrevenue.report._findings import Behind
    from wxrevenue.report._words import Lang

_SHOWN: Final = 3
"""Owners that are named; the rest is counted."""


def lines(found: Reconciliation, *, lang: Lang, rows: int) -> Iterator[str]:
    """Yield the lines: differences, what could not be compared, and how it came out."""
    for difference in found.differences:
        yield from _difference(difference, lang, rows)
    for unchecked in found.unchecked:
        yield _unchecked(unchecked, lang)
    counts = (
        f"{found.compared:,} compared, {len(found.differences):,} different, {sum(one.count for one in found.unchecked):,} not compared"
    )
    yield f"{found.half_month}: {counts}"


def _difference(difference: Difference, lang: Lang, rows: int) -> Iterator[str]:
    expected, got, less = (money(fen) for fen in (difference.expected, difference.found, difference.found - difference.expected))
    yield f"{difference.what} {printable(difference.owner)}: expected {expected}, found {got}, {less} yuan"
    yield f"    {difference.meaning(lang)}"
    for behind in difference.rows[:rows]:
        yield f"    {_row(behind)}"
    if rows and len(difference.rows) > rows:
        yield f"    and {len(difference.rows) - rows:,} rows more"


def _row(behind: Behind) -> str:
    owner, row = behind
    told: tuple[str, ...]
    if isinstance(row, Settlement):
        state = "no status" if row.sett_status is None else row.sett_status.label("en")
        told = (owner, row.sett_no or "-", state, f"{money(row.settled_revenue)} yuan")
    elif isinstance(row, AdRow):
        parts = (("income", row.income), ("publisher", row.publisher_income), ("agency", row.agency_income))
        told = (
            owner,
            str(row.date),
            row.ad_slot or row.ad_unit_id or "-",
            *(f"{name} {money(fen)}" for name, fen in parts if fen is not None),
        )
    else:
        told = (owner, f"{money(row.amount or 0)} yuan")
    return printable("  ".join(told))


def _unchecked(unchecked: Unchecked, lang: Lang) -> str:
    named = ", ".join(unchecked.owners[:_SHOWN])
    rest = unchecked.count - len(unchecked.owners[:_SHOWN])
    whose = f" ({named}{f' and {rest:,} more' if rest else ''})" if named else ""
    return f"{unchecked.what}: not compared{printable(whose)}: {unchecked.reason(lang)}"
