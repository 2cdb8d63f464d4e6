"""The statement of a half-month: what finance sends, books and files."""

from __future__ import annotations

from contextlib import aclosing, closing, contextmanager
from datetime import timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Final

from wxrevenue._base.calendar import HalfMonth, beijing_day
from wxrevenue._base.files import checked_path, real_file, replacing
from wxrevenue.export._pump import in_thread, pump
from wxrevenue.export._workbook import ROWS, excel_book, loaded
from wxrevenue.report._arguments import checked_half_month
from wxrevenue.report._spool import Counts, Spool
from wxrevenue.report._statement_book import StatementBook
from wxrevenue.report._words import checked_lang

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Generator
    from datetime import date
    from pathlib import Path

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.export._pump import Add
    from wxrevenue.export._workbook import ExcelBook
    from wxrevenue.ledger import Ledger
    from wxrevenue.report._spool import Entry
    from wxrevenue.report._words import Lang

__all__ = ["write_statement"]

_WHERE: Final = "write_statement"
_BEIJING: Final = timezone(timedelta(hours=8))
_BATCH: Final = 500
_FIRST: Final = HalfMonth(1, 1, 1)


async def write_statement(
    ledger: Ledger, half_month: HalfMonth, path: str | os.PathLike[str], *, lang: Lang = "zh", today: date | None = None
) -> None:
    """Write the statement of a half-month as a workbook (``.xlsx``).

    Needs XlsxWriter: ``pip install "wxrevenue[excel]"``.

    Its sheets:

    - the sums, by state, slot and whose share it is, each by formula and by value;
    - the list of invoices (company, account, number, period, yuan, status, days unpaid);
    - what is not paid, of earlier half-months too, the oldest first;
    - one for each state;
    - one for each slot, and one more for those beyond the largest 40.

    Amounts are yuan; those of more than 15 digits are text.

    Days unpaid are counted from the end of the half-month. Rows are sorted by account and number.
    The same ledger on the same day makes the same bytes. Memory does not grow with the rows. The
    file appears when it is whole; what was there stays until then.

    Args:
        ledger: an open ledger.
        half_month: which.
        path: the file; a symbolic link is followed.
        lang: ``"zh"`` or ``"en"``.
        today: the Beijing day from which ages are counted; today by default.

    Raises:
        ConfigurationError: an argument is not allowed, or XlsxWriter is missing; nothing was read.
        LedgerError: the ledger's database failed.
        OSError: the file cannot be written; a note says what to do. This and any other error leave
            what was there.
    """
    half_month = checked_half_month(_WHERE, ledger, half_month)
    checked_lang(f"{_WHERE}.lang", lang)
    target, day = checked_path(f"{_WHERE}.path", path), beijing_day(today)
    await in_thread(loaded, _WHERE)
    await _write(ledger, half_month, target, lang=lang, today=day)


async def _write(  # noqa: PLR0913  (facts, by keyword)
    ledger: Ledger, half_month: HalfMonth, path: Path, *, lang: Lang, today: date, most: int = ROWS
) -> None:
    counts = Counts(frozenset(await ledger.providers()), today)
    newest = (await ledger.progress()).newest
    as_of = "" if newest is None else f"{newest.astimezone(_BEIJING):%Y-%m-%d %H:%M}"
    with closing(Spool(half_month, counts)) as spool:
        batch: list[tuple[str, str | None, Settlement]] = []
        async with aclosing(_rows(ledger, half_month)) as rows:
            async for row in rows:
                batch.append(row)
                if len(batch) == _BATCH:
                    await in_thread(spool.add, batch)
                    batch = []
        await in_thread(spool.add, batch)
        make = partial(StatementBook, half_month=half_month, counts=counts, lang=lang, as_of=as_of, most=most)
        await pump(_kept(spool), _draft(path, make))


@contextmanager
def _draft(path: Path, make: Callable[[ExcelBook], StatementBook]) -> Generator[Add]:
    with replacing(real_file(path)) as file, excel_book(_WHERE, file) as book:
        statement = make(book)
        yield statement.add
        statement.finish()


async def _rows(ledger: Ledger, half_month: HalfMonth) -> AsyncGenerator[tuple[str, str | None, Settlement]]:
    """Yield what is not paid of earlier half-months, then this half-month's rows.

    Each comes with its owner and the company that settles.
    """
    names: dict[str, str] = {}  # one text for all owners of a company
    companies = {owner: names.setdefault(totals.body, totals.body) async for owner, totals in ledger.all_totals() if totals.body}
    if half_month > _FIRST:
        async for owner, row in ledger.unpaid(end=half_month.shifted(-1)):
            yield owner, companies.get(owner), row
    async for owner, row in ledger.settlements(start=half_month, end=half_month):
        yield owner, companies.get(owner), row


async def _kept(spool: Spool) -> AsyncGenerator[Entry]:
    batches = spool.batches()
    while (batch := await in_thread(next, batches, None)) is not None:
        for entry in batch:
            yield entry
