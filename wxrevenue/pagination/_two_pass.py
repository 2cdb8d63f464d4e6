"""Walking one list of numbered pages that may change between any two answers. No I/O here: pages in, rows out.

A list is read once from its first page to its last: until as many rows were seen as the server announces, or to an empty
page. If nothing odd showed, that is all. These are odd:

- the announced total was not the same in all answers (rows came or went, so that others may have slid over a page's edge);
- a page in the middle was shorter or longer than the first one;
- the number of rows seen is not the announced one.

Then the list is read a second time, and rows that the first pass missed are yielded. The second pass settles it:

- it saw as many rows as announced, and the total never fell: every row was seen;
- it saw the very rows of the first one, or the list only grew while it ran: the walk ends, and its last event says ``drift``;
- anything else: rows may be lost, and the walk ends in ``PageDriftError``. There is no third pass.

A page that brings no row that is new to its pass, while more are announced, ends the walk at once: a server that ignores the
page number would go on for ever. A server that caps the page size gives itself away by its first page, and costs nothing.

What no walk over page numbers can see: that between two answers rows went and just as many others came further down. Where
rows are only added in front, as settlements are, the totals tell of every row that may be missed.

A walk resumed at a cursor does not know the rows before it. If the cursor's own page has changed, it begins at the first page.
Its second pass only compares the digest of the pages before the cursor; if that differs, it begins again at the first page and
yields what it does not know. What it cannot see is that a row from behind the cursor changed places with one before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from wxrevenue.errors import PageDriftError
from wxrevenue.pagination._cursor import Position, chained
from wxrevenue.pagination._page import IndexedPage, Row
from wxrevenue.pagination._row_index import PageDiff, RowIndex

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R", bound=Row)


@attrs.define
class Pass:
    """What one pass over the list has shown so far."""

    got: int = 0
    """Different rows."""
    size: int = 0
    """Rows on its first page."""
    opening: int | None = None
    total: int | None = None
    """The total announced first, and last."""
    odd: bool = False
    """The total changed, or a page in the middle was not as long as the others."""
    repeats: bool = False
    """A row came twice. Who resumes would not know it from a new one."""
    fell: bool = False
    fresh: int = 0
    """Rows that were yielded."""
    over: bool = False

    def take(self, rows: int, new: int, fresh: int, total: int | None) -> None:
        """Count a page of so many rows: how many of them are new to this pass, and how many are yielded."""
        if total is not None:
            if self.total is None:
                self.opening = total
            else:
                self.odd |= total != self.total
                self.fell |= total < self.total
            self.total = total
        self.got += new
        self.fresh += fresh
        self.over = not rows or self.got == self.total
        self.size = self.size or rows
        self.repeats |= new < rows
        if not self.over and self.total is not None:
            self.odd |= rows != self.size

    @property
    def agrees(self) -> bool:
        """As many rows were seen as announced."""
        return self.total is None or self.got == self.total

    @property
    def only_grew(self) -> bool:
        """Rows came while it ran; as many as there were at its beginning were seen."""
        return self.total is not None and self.opening is not None and self.opening <= self.got < self.total

    @property
    def pages_missing(self) -> int:
        """How many more pages are surely needed, as far as is known: at least one, unless the pass is over."""
        missing = 0 if self.total is None else self.total - self.got
        return max(1, -(-missing // self.size)) if self.size and not self.over else 0


@attrs.define
class _ResumePoint:
    """The page read last in the first pass, in so far as a cursor needs it."""

    end: Position
    names: list[str]
    fresh_at: list[int]


class ListReader(Generic[R]):
    """One list. Ask for page ``number``, hand it to :meth:`take`, until ``done``.

    Args:
        first: the list's first page.
        start: where to begin: a place within the list.
        seen: what was seen so far, in other windows of the range too; no row belongs to two.
        tell: told the facts of every page.
    """

    def __init__(self, first: int, start: Position, seen: RowIndex, tell: Callable[..., None]) -> None:
        self.number = first
        """The page to ask for next."""
        self.done = False
        self.turned = False
        """The list is read from its beginning again: whatever was fetched ahead is out of date."""
        self.failure: PageDriftError | None = None
        """What the walk ends with, if rows may be lost."""
        self.now = Pass()
        self._first, self._seen, self._tell = first, seen, tell
        self._pass_number = 2 * start.window + 1
        self._beginning = Position(start.window, start.span)
        self._chain = self._beginning.before
        self._former: Pass | None = None
        self._again = False
        self._here: _ResumePoint | None = None
        self._anchor: Position | None = None
        """The place to be found on the page asked for first."""
        self._unknown: Position | None = None
        """The place whose page is the first that is known; those before it were read by somebody else."""
        self._skim = False
        """A second pass that has not come to that place yet, and only compares digests."""
        if start.taken:
            self._anchor = self._unknown = start
            self.number, self._chain = start.page, start.before
            self.now = Pass(start.got, start.size, start.total, start.total, start.doubt)

    def place(self, pending: int = 0) -> Position:
        """Return where the walk stands while so many rows of the last page are not yet taken."""
        if self._here is None:
            return self._anchor or self._beginning
        here = self._here
        if not pending or not here.fresh_at:
            return here.end
        taken = here.fresh_at[-pending]
        return attrs.evolve(here.end, taken=taken, mark=chained(here.end.before, here.names[:taken]))

    def take(self, page: IndexedPage[R]) -> PageDiff[R]:
        """Return what the page asked for brought.

        Raises:
            PageDriftError: it only repeats earlier ones.
        """
        rows, names = page.rows, page.names
        total = page.total if self._first == 1 else None  # a count of rows left out on purpose says nothing
        self.turned = False
        anchor, self._anchor = self._anchor, None
        if self._skim or not _is_there(anchor, names):
            self._compare(names, total)
            return PageDiff()
        found = self._seen.diff(page, self._pass_number)
        if anchor is not None:
            found.leave_out(anchor.taken)
        before, got = self._chain, self.now.got
        self._chain = chained(before, names)
        self.now.take(len(rows), found.new, len(found.fresh), total)
        if not self.now.over and not found.new:
            raise PageDriftError(f"page {self.number} only repeats earlier rows, of {'many' if self.now.total is None else self.now.total}")
        if self._former is not None and self._here is not None:
            self._here.fresh_at.clear()  # a cursor stays at the end of the first pass, whatever the second one finds
        elif rows:
            self._here = _ResumePoint(self._end_of_page(len(rows), got, before), names, found.places)
        self._go_on(fresh=len(found.fresh), revised=len(found.revised), rows=len(rows), total=page.total)
        return found

    def _end_of_page(self, rows: int, got: int, before: str) -> Position:
        """Return the place behind the last row of the page just taken, given what was there before it."""
        start, now = self._beginning, self.now
        doubt = now.odd or now.repeats
        return Position(start.window, start.span, self.number, rows, got, now.size, now.total, doubt, before, self._chain)

    def _go_on(self, **facts: Any) -> None:
        """Turn to the next page, to the beginning, or to the end."""
        number, again, drift = self.number, self._again, False
        self.number += 1
        if self.now.over and self._former is None and (self.now.odd or not self.now.agrees):
            self._former = self.now
            self._pass_number += 1
            self._skim = self._unknown is not None and self._unknown.page > self._first
            self._start_second_pass()
        elif self.now.over:
            drift = self._former is not None and self._judge(self._former)
            self.done = True
        self._tell(page=number, again=again, drift=drift, **facts)

    def _judge(self, former: Pass) -> bool:
        """Tell whether the second pass leaves anything to be said; if rows may be lost, fail as soon as its last rows are yielded."""
        now = self.now
        if now.agrees and not now.fell:
            return False
        same = not now.fresh and now.got == former.got
        if not same and (now.fell or not now.only_grew):
            self.failure = PageDriftError(f"the list changed while it was read, both times; it announces {now.total} rows now")
        return True

    def _compare(self, names: list[str], total: int | None) -> None:
        """Go over a page whose rows were yielded by somebody else, or find out that they may not have been."""
        self._tell(page=self.number, rows=len(names), fresh=0, revised=0, total=total, again=self._again, drift=False)
        known = self._unknown
        if self._skim and known is not None and names:
            self._chain = chained(self._chain, names)
            self.now.take(len(names), len(names), 0, total)
            self.number += 1
            if self.number < known.page:
                return
            if self._chain == known.before:
                self._skim, self.now.got = False, known.got
                return
        self._skim, self._unknown = False, None
        self._start_second_pass()

    def _start_second_pass(self) -> None:
        """Read the list from its beginning."""
        self.number, self.now, self._chain = self._first, Pass(), self._beginning.before
        self.turned = self._again = True


def _is_there(anchor: Position | None, names: list[str]) -> bool:
    return anchor is None or chained(anchor.before, names[: anchor.taken]) == anchor.mark
