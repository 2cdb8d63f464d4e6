"""A statement's rows on their way.

They are read once, kept in a temporary file, and counted meanwhile. What a workbook begins with,
its sheets and sums, is known only after the last row. The ledger may change meanwhile; the file
does not.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._base.file_errors import with_remedy
from wxrevenue.export._cells import fits
from wxrevenue.export._text import well_formed
from wxrevenue.report._words import slot_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wxrevenue.ams.settlement import Settlement

_BATCH: Final = 500
_AGES: Final = (30, 60, 90)
"""Days: where one age of what is not paid ends and the next begins."""
PAID: Final = 5
PROVIDER, PROGRAM, UNKNOWN = "provider", "program", "unknown"


@attrs.define
class Tally:
    """How many amounts, and what they come to."""

    rows: int = 0
    fen: int = 0
    too_long: bool = False
    """One of them is text in a workbook: it has more than 15 digits."""

    def add(self, fen: int) -> None:
        """Count an amount."""
        self.rows += 1
        self.fen += fen
        self.too_long |= not fits(fen)


@attrs.frozen
class Entry:
    """A row of a statement."""

    owner: str
    company: str | None
    half_month: HalfMonth
    number: str | None
    status: int | None
    fen: int
    updated: date | None
    slots: tuple[tuple[str | None, int], ...]
    is_of_this: bool
    """It is of the half-month that the statement is about."""

    def days_unpaid(self, today: date) -> int | None:
        """Return how long ago its half-month ended; ``None``: it is paid."""
        return None if self.status == PAID else max(0, (today - self.half_month.end).days)


def _tallies() -> defaultdict[Any, Tally]:
    return defaultdict(Tally)


@attrs.define
class Counts:
    """What a statement's rows come to."""

    providers: frozenset[str]
    today: date
    states: defaultdict[int | None, Tally] = attrs.field(factory=_tallies)
    slots: defaultdict[str | None, Tally] = attrs.field(factory=_tallies)
    shares: defaultdict[str, Tally] = attrs.field(factory=_tallies)
    ages: defaultdict[int, Tally] = attrs.field(factory=_tallies)
    total: Tally = attrs.field(factory=Tally)
    unpaid: Tally = attrs.field(factory=Tally)
    numbered: Tally = attrs.field(factory=Tally)
    without_slots: Tally = attrs.field(factory=Tally)
    companies: set[str] = attrs.field(factory=set[str])

    def add(self, entry: Entry) -> None:
        """Count a row."""
        if (days := entry.days_unpaid(self.today)) is not None:
            self.ages[sum(days > end for end in _AGES)].add(entry.fen)
            self.unpaid.add(entry.fen)
        if not entry.is_of_this:
            return
        self.total.add(entry.fen)
        self.states[entry.status].add(entry.fen)
        self.shares[self._share(entry.owner)].add(entry.fen)
        if entry.number:
            self.numbered.add(entry.fen)
        if entry.company:
            self.companies.add(entry.company)
        for slot, fen in entry.slots:
            self.slots[slot].add(fen)
        if not entry.slots:
            self.without_slots.add(entry.fen)

    def _share(self, owner: str) -> str:
        if not self.providers:
            return UNKNOWN
        return PROVIDER if owner in self.providers else PROGRAM


class Spool:
    """Rows in a temporary file, which vanishes when it is closed."""

    def __init__(self, half_month: HalfMonth, counts: Counts) -> None:
        self._half_month, self.counts = half_month, counts
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (close() does)
        self._folder = Path(tempfile.gettempdir())

    def close(self) -> None:
        """Delete the file."""
        with suppress(OSError):  # what could not be written is told already
            self._file.close()

    def add(self, rows: Sequence[tuple[str, str | None, Settlement]]) -> None:
        """Keep and count some rows: owner, company, settlement."""
        with with_remedy(self._folder):
            for owner, company, row in rows:
                entry = self._entry(owner, company, row)
                self.counts.add(entry)
                self._file.write(orjson.dumps(attrs.astuple(entry, recurse=False), _plain, orjson.OPT_APPEND_NEWLINE))

    def _entry(self, owner: str, company: str | None, row: Settlement) -> Entry:
        half_month = row.half_month
        return Entry(
            owner=owner,
            company=_fit(company),
            half_month=half_month,
            number=_fit(row.sett_no) or None,
            status=None if row.sett_status is None else int(row.sett_status),
            fen=row.settled_revenue,
            updated=row.date,
            slots=tuple((slot_key(_fit(slot.slot_id)), slot.slot_settled_revenue) for slot in row.slot_revenue),
            is_of_this=half_month == self._half_month,
        )

    def batches(self) -> Iterator[list[Entry]]:
        """Yield the rows that were kept, some at a time."""
        with with_remedy(self._folder):
            self._file.seek(0)  # what is left is written now
        while lines := self._file.readlines(_BATCH * 256):
            yield [_entry_of(orjson.loads(line)) for line in lines]


def _fit(text: str | None) -> str | None:
    return None if text is None else well_formed(text).strip()


def _plain(value: object) -> object:
    if isinstance(value, HalfMonth):
        return value.ordinal
    raise TypeError


def _entry_of(values: list[Any]) -> Entry:
    owner, company, half, number, status, fen, updated, slots, is_of_this = values
    day = None if updated is None else date.fromisoformat(updated)
    return Entry(owner, company, HalfMonth.at(half), number, status, fen, day, tuple(map(tuple, slots)), is_of_this)
