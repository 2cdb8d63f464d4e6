"""A statement as a workbook.

A sheet with the sums, one for each state and slot, invoices, and what is not paid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from wxrevenue.ams.settlement import SettlementStatus, yuan
from wxrevenue.export._cells import fits
from wxrevenue.export._workbook import ROWS, Column
from wxrevenue.report._spool import PROGRAM, PROVIDER, UNKNOWN, Tally
from wxrevenue.report._statement_words import WORDS
from wxrevenue.report._words import slot_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.export._workbook import ExcelBook, ExcelTable
    from wxrevenue.report._spool import Counts, Entry
    from wxrevenue.report._words import Lang

T = TypeVar("T")
_MOST_SLOTS: Final = 40
"""Slots with a sheet of their own, those with the largest amounts.

The others share one.
"""
_MOST_STATES: Final = 20
"""States with a sheet of their own, the lowest numbers; the documents know five."""
_FOOT: Final = 3
"""Lines below the rows: both totals, and a remark."""
_MOST_COMPANIES: Final = 5
_YUAN_OF_INVOICES: Final = 5
"""The column of amounts in lists of invoices, from 0."""


class StatementBook:
    """Writes a statement, whose counts are known beforehand.

    Args:
        book: the workbook.
        half_month: of which it is.
        counts: what its rows come to.
        lang: the language.
        as_of: when the ledger was written last, as text.
        most: lines of a sheet, after which comes a further one.
    """

    def __init__(  # noqa: PLR0913  (facts, by keyword)
        self, book: ExcelBook, half_month: HalfMonth, counts: Counts, *, lang: Lang, as_of: str, most: int = ROWS
    ) -> None:
        self._book, self._half_month, self._counts = book, half_month, counts
        self._lang: Lang = lang
        self._words, self._as_of, self._most = WORDS[lang], as_of, most - _FOOT
        self._sheet = book.sheet(self._words.summary)
        self._invoices = self._table(self._words.invoices, self._invoice_columns())
        self._unpaid = self._table(self._words.unpaid, self._invoice_columns())
        states = self._ordered_states()
        self._states = {status: self._table(self.status(status), self._state_columns()) for status in states[:_MOST_STATES]}
        self._other_states: ExcelTable | None = None
        if len(states) > _MOST_STATES:
            self._other_states = self._table(self._words.other_states, (*self._state_columns(), self._text(self._words.status, 18)))
        slots = self._ordered_slots()
        columns = (self._text(self._words.owner, 26), self._money())
        self._slots = {slot: self._table(slot_name(slot, lang), columns) for slot in slots[:_MOST_SLOTS]}
        self._other: ExcelTable | None = None
        if len(slots) > _MOST_SLOTS:
            self._other = self._table(self._words.other_slots, (*columns, self._text(self._words.slot, 32)))

    # -- rows --------------------------------------------------------------------------------------

    def add(self, entries: Sequence[Entry]) -> None:
        """Write some rows."""
        for entry in entries:
            amount = yuan(entry.fen)
            days = entry.days_unpaid(self._counts.today)
            invoice = (entry.company, entry.owner, entry.number, self.period(entry.half_month), self.status(entry.status), amount, days)
            if days is not None:
                self._unpaid.add(invoice)
            if not entry.is_of_this:
                continue
            self._add_state(entry.status, (entry.owner, entry.number, amount, entry.updated))
            if entry.number:
                self._invoices.add(invoice)
            for slot, fen in entry.slots:
                self._add_slot(entry.owner, slot, fen)

    def _add_state(self, status: int | None, cells: tuple[object, ...]) -> None:
        table = self._states.get(status)
        if table is not None:
            table.add(cells)
        elif self._other_states is not None:
            self._other_states.add((*cells, self.status(status)))

    def _add_slot(self, owner: str, slot: str | None, fen: int) -> None:
        table = self._slots.get(slot)
        if table is not None:
            table.add((owner, yuan(fen)))
        elif self._other is not None:
            self._other.add((owner, yuan(fen), slot_name(slot, self._lang)))

    def finish(self) -> None:
        """Write the totals and the first sheet."""
        self._total(self._invoices, _YUAN_OF_INVOICES, self._counts.numbered)
        self._total(self._unpaid, _YUAN_OF_INVOICES, self._counts.unpaid)
        for status, table in self._states.items():
            self._total(table, 2, self._counts.states[status])
        if self._other_states is not None:
            self._total(self._other_states, 2, _rest(self._counts.states, self._states))
        for slot, table in self._slots.items():
            self._total(table, 1, self._counts.slots[slot])
        if self._other is not None:
            self._total(self._other, 1, _rest(self._counts.slots, self._slots))
        self._write_summary()

    def _total(self, table: ExcelTable, column: int, tally: Tally) -> None:
        """Write a total by formula, and one by value, below the last row."""
        sheet, empty = table.sheets[-1], [None] * (column - 1)
        formats = ["foot"] * column + ["sum"]
        lines: list[tuple[str, object]] = [(self._words.total_by_formula, None), (self._words.total_by_value, yuan(tally.fen))]
        for title, value in lines:
            sheet.add([title, *empty, value], formats, texts="foot")
            if value is None and self._adds_up(table.ranges(column), tally):
                sheet.formula(column, _sum(table.ranges(column)), yuan(tally.fen), "sum")
        if tally.too_long:
            sheet.add([self._words.too_long], ["text"])

    @staticmethod
    def _adds_up(ranges: str, tally: Tally) -> bool:
        """Return whether a formula comes to what the rows come to."""
        return bool(ranges) and not tally.too_long and fits(tally.fen)

    # -- the first sheet ---------------------------------------------------------------------------

    def _write_summary(self) -> None:
        words, sheet = self._words, self._sheet
        columns = (self._text("", 48), Column("", "whole", 12), self._money(), self._money())
        sheet.look(columns)
        sheet.add([f"{words.title} {self._half_month}", None], ["text"] * 2, texts="title")
        companies = sorted(self._counts.companies)
        more = [f"+{len(companies) - _MOST_COMPANIES}"] if len(companies) > _MOST_COMPANIES else []
        facts = {
            words.period: self.period(self._half_month),
            words.company: ", ".join([*companies[:_MOST_COMPANIES], *more]) or None,
            words.as_of: self._as_of,
            words.today: str(self._counts.today),
        }
        for name, value in facts.items():
            sheet.add([name, value], ["text", "text"])
        if not self._counts.total.rows:
            sheet.add([words.no_rows], ["text"], texts="strong")
        self._write_parts()

    def _write_parts(self) -> None:
        words = self._words
        states = [(self.status(one), self._counts.states[one], table.ranges(2)) for one, table in self._states.items()]
        if self._other_states is not None:
            states.append((words.other_states, _rest(self._counts.states, self._states), self._other_states.ranges(2)))
        self._part(words.status, states)
        slots = [(slot_name(one, self._lang), self._counts.slots[one], table.ranges(1)) for one, table in self._slots.items()]
        if self._other is not None:
            slots.append((words.other_slots, _rest(self._counts.slots, self._slots), self._other.ranges(1)))
        if self._counts.without_slots.rows:
            slots.append((words.no_slots, self._counts.without_slots, ""))
        self._part(words.slot, slots)
        shares = ((PROVIDER, words.provider), (PROGRAM, words.program), (UNKNOWN, words.unknown_share))
        self._part(words.share, [(name, self._counts.shares[one], "") for one, name in shares if one in self._counts.shares])
        self._part(
            words.invoices, [(words.invoices, self._counts.numbered, self._invoices.ranges(_YUAN_OF_INVOICES)), self._without_number()]
        )
        ages = [(name, self._counts.ages[number], "") for number, name in enumerate(words.ages)]
        self._part(words.till, ages)

    def _part(self, title: str, lines: Sequence[tuple[str, Tally, str]]) -> None:
        """Write a small table.

        Its columns: names, how many, yuan by formula, yuan by value, and the sums.
        """
        words, sheet = self._words, self._sheet
        sheet.skip()
        sheet.head([self._text(title, 0), *(Column(name, "money") for name in (words.rows, words.by_formula, words.by_value))])
        first = sheet.lines + 1
        together = Tally()
        for name, tally, ranges in lines:
            sheet.add([name, tally.rows, None, yuan(tally.fen)], ["text", "whole", "money", "money"])
            if self._adds_up(ranges, tally):
                sheet.formula(2, _sum(ranges), yuan(tally.fen), "money")
            together = Tally(together.rows + tally.rows, together.fen + tally.fen, together.too_long or not fits(tally.fen))
        sheet.add([words.total, together.rows, None, yuan(together.fen)], ["foot", "count", "sum", "sum"], texts="foot")
        if lines and self._adds_up("D", together):
            sheet.formula(2, _sum(f"D{first}:D{sheet.lines - 1}"), yuan(together.fen), "sum")

    def _without_number(self) -> tuple[str, Tally, str]:
        total, numbered = self._counts.total, self._counts.numbered
        return self._words.without_number, Tally(total.rows - numbered.rows, total.fen - numbered.fen, total.too_long), ""

    # -- columns and names -------------------------------------------------------------------------

    def status(self, status: int | None) -> str:
        """Return what a status is called."""
        if status is None:
            return self._words.no_status
        if status == SettlementStatus.SETTLED_3:  # the page has two numbers for the same; their sheets need two names
            return self._words.second_settled
        return SettlementStatus(status).label(self._lang)

    @staticmethod
    def period(half_month: HalfMonth) -> str:
        """Return first and last day."""
        return f"{half_month.start} – {half_month.end}"  # noqa: RUF001  (a dash between days)

    def _ordered_states(self) -> list[int | None]:
        return sorted(self._counts.states, key=lambda status: -1 if status is None else status)

    def _ordered_slots(self) -> list[str | None]:
        return sorted(self._counts.slots, key=lambda slot: (-self._counts.slots[slot].fen, slot or ""))

    def _table(self, wanted: str, columns: Sequence[Column]) -> ExcelTable:
        return self._book.table(wanted, columns, most=self._most)

    def _state_columns(self) -> tuple[Column, ...]:
        words = self._words
        return self._text(words.owner, 26), self._text(words.number, 30), self._money(), Column(words.updated, "day", 12)

    def _invoice_columns(self) -> tuple[Column, ...]:
        words = self._words
        texts = {words.company: 34, words.owner: 26, words.number: 30, words.period: 26, words.status: 18}
        return (
            *(self._text(title, width) for title, width in texts.items()),
            self._money(),
            Column(words.age, "whole", 12),
        )

    @staticmethod
    def _text(title: str, width: int) -> Column:
        return Column(title, "text", width)

    def _money(self) -> Column:
        return Column(self._words.yuan, "money", 22)


def _sum(ranges: str) -> str:
    return f"=ROUND(SUM({ranges}),2)"


def _rest(counted: Mapping[T, Tally], tables: Mapping[T, ExcelTable]) -> Tally:
    """Return what those without a sheet of their own come to."""
    found = Tally()
    for one, tally in counted.items():
        if one not in tables:
            found = Tally(found.rows + tally.rows, found.fen + tally.fen, found.too_long or tally.too_long)
    return found
