"""Reading one list of numbered pages that may change between any two answers.

No I/O here: pages in, rows out.

**Every place of a list that stood still is a row.** A list is read once from its first page to its
last: until as many rows were seen as the server announces, or to an empty page. A full last page is
no proof that there is no other, so one page more is asked for after it. Each place is a row,
whatever its key, unless the list moved.

**Did it move?** That is asked where it matters: at a page that shows a row which an earlier page of
the pass may have shown (an equal key, or an empty and a filled number of one half-month). If the
total is another than on the page before, it did. Else the earlier page is asked for again, and then
this one. If both are as they were, and announce the same total, then both rows stood in the list at
one time: they are two. If not, the list moved, and for the rest of the pass such a row counts as
seen.

**Twice at most.** The list is read a second time if it moved, if the announced total changed or was
not met, or if a page in the middle was shorter than another. The second pass goes past empty pages,
as far as the total implies pages. What it shows is compared with the rows yielded: the n-th row of
a key is the n-th yielded, with other content it is a revision, and a row that was not yielded is.
It settles the matter:

- as many rows as announced, and the total never fell: every row was seen;
- the very rows of the first pass, and every page but the last one full: the total lies; the last
  event says ``drift``;
- the list only grew: its newest rows may be missing, none that was there at the beginning; the last
  event says ``drift``;
- anything else: rows may be lost, and the walk ends in ``PageDriftError``. There is no third pass.
  So it does if a row came beside one that it may be, and the second pass did not show all yielded
  rows as they were: which row is which cannot be told.

A page that brings no row that is new to its pass, while more are announced, ends the walk at once.
A page that is the one before it over again is such a page if a page far beyond the end is that too:
the server ignores the page number.

**What no walk can see.** Rows went between two answers, and just as many others came further down;
or a list moved and moved back. Where rows are only added in front, as settlements are, the totals
tell of every row that may be missed.

And a total too low on a short first page. A first page with fewer rows than were asked for, and as
many as are announced, is the whole list to a walk: one request more for every account of one page
would double the calls of a sweep. Where the server was seen to cap pages of this interface at just
so many rows, in an earlier window or an earlier walk of this client or of its clones, the page
counts as full, and one page more is asked for.

**Going on at a cursor.** The rows before it are known by a digest. If the cursor's own page has
changed, or the list had moved before, reading begins at the first page. The second pass first
compares the digest of the pages before the cursor; if that differs, it begins again at the first
page and yields what it does not know. What it cannot see is that a row from behind the cursor
changed places with one before it. A second pass that found the list as it was, and then further
pages, moves the cursor on; what it finds before that leaves the cursor at the end of the first
pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from wxrevenue.errors import PageDriftError
from wxrevenue.pagination._cursor import Position, chained, first_of
from wxrevenue.pagination._page import IndexedPage, Row
from wxrevenue.pagination._pass import Check, Pass, ResumePoint, differ
from wxrevenue.pagination._row_index import PageDiff, RowIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.pagination._source import PageSizes

R = TypeVar("R", bound=Row)
_LARGEST_GAP: Final = 100
"""Empty pages in a row that are gone past while more rows are announced."""
_FAR: Final = 10_000
"""Pages. A server that repeats a page so far beyond it ignores the page number."""


class ListReader(Generic[R]):
    """Reads one list.

    Ask for page ``number``, hand it to :meth:`take`, until ``done``.

    Args:
        start: where to begin: a place within the list.
        index: what was seen so far, in other windows of the range too; no row belongs to two.
        sizes: how many rows make a page full.
        on_page: told the facts of every page.
    """

    def __init__(self, start: Position, index: RowIndex, sizes: PageSizes, on_page: Callable[..., None]) -> None:
        self.number = 1
        """The page to ask for next."""
        self.done = False
        self.turned = False
        """Whatever was fetched ahead is out of date."""
        self.failure: PageDriftError | None = None
        """What the walk ends with, if rows may be lost."""
        self.now = Pass(2 * start.window + 1)
        """The pass that is under way."""
        self._index, self._sizes, self._on_page = index, sizes, on_page
        self._beginning = Position(start.window, start.span)
        self._former: Pass | None = None
        """The first pass, while the second one is under way."""
        self._again = self._drift = False
        self._check: Check | None = None
        self._here: ResumePoint | None = None
        self._extends = False
        """The second pass found the first one's pages as they were, and reads on behind."""
        self._known = 0
        """How many rows the first pass showed."""
        self._further = 0
        """Rows yielded, though the list had moved, beside rows that they may be."""
        self._resumed = start if start.taken else None
        """Where the walk was resumed: what stands before was read by another walk."""
        self._looks_for_it = self._compares = False
        if start.taken:
            self._looks_for_it, self.number = True, start.page
            self.now = Pass(self.now.number, start.page, start.before, start.got, start.size, start.size, start.size)
            self.now.opening, self.now.total, self.now.odd = start.total, start.total, start.doubt

    def place(self, pending: int = 0) -> Position:
        """Return where the walk stands with ``pending`` rows of the last page not taken."""
        here = self._here
        if here is None:
            return self._beginning if self._resumed is None or self._again else self._resumed
        if not pending or not here.fresh_at:
            return here.end
        taken = here.fresh_at[-pending]
        return attrs.evolve(here.end, taken=taken, mark=here.end.mark and chained(here.end.before, first_of(here.content, taken)))

    def all_taken(self) -> None:
        """Note that the rows of the last page were all yielded."""
        if self._here is not None:
            self._here.content = b""

    @property
    def pages_missing(self) -> int:
        """How many pages from ``number`` on are surely needed, as far as is known."""
        now = self.now
        if self.turned or self._check or now.over or not now.size:
            return 0
        return max(1, -(-(0 if now.total is None else now.total - now.got) // now.size))

    def take(self, page: IndexedPage[R]) -> PageDiff[R]:
        """Return what the page asked for brought.

        Raises:
            PageDriftError: it only repeats earlier ones.
        """
        check = self._check_under_way
        number, again = self.number, self._again or check is not None
        self.turned = False
        if check is None:
            self.now.announce(page.total)
        found = self._taken(page)
        if self.now.over:
            self._end_pass()
        facts = {"rows": len(page.rows), "fresh": len(found.fresh), "revised": len(found.revised), "total": page.total}
        self._on_page(page=number, again=again, drift=self._drift, **facts)
        return found

    def _taken(self, page: IndexedPage[R]) -> PageDiff[R]:
        resumed, self._looks_for_it = self._resumed if self._looks_for_it else None, False
        if resumed is not None and chained(resumed.before, first_of(page.content, resumed.taken)) != resumed.mark:
            self._turn_back()
        elif self._compares:
            self._compare(page)
        elif (check := self._check_under_way) is not None:
            self._go_on_checking(check, page)
        elif self._check is not None or not self._begin_check(page):
            return self._read(page, 0 if resumed is None else resumed.taken)
        return PageDiff()

    # ------------------------------------------------------------------ a page

    def _read(self, page: IndexedPage[R], left_out: int) -> PageDiff[R]:
        """Take in the rows of the page asked for."""
        now, before, got = self.now, self.now.chain, self.now.got
        now.moved |= self._moved_meanwhile(page)
        found = self._index.diff(page, now.number, self.number, moved=now.moved)
        self._known += len(found.fresh) if self._former is None else 0
        self._further += found.further if now.moved or self._former is not None else 0
        if left_out:
            found.leave_out(left_out)
        now.count(page, found.new)
        if self.number > 1 and found.new and now.size == now.longest:
            self._sizes.add_cap(now.size)
        now.fresh += len(found.fresh)
        now.exact += found.exact
        now.over = self._is_over(len(page.rows))
        if page.rows and not found.new and not now.over:
            self._end_at_repetition()
        if self._former is None or self._extends:
            self._here = ResumePoint(self._end_of_page(got, before), page.content, found.places) if page.rows else self._here
        elif self._here is not None:
            self._here.fresh_at.clear()  # a cursor stays at the end of the first pass, whatever the second one finds
        if self._former is not None and self.number == self._former.last_page:
            self._extends = now.chain == self._former.chain and not now.moved
        self.number += 1
        return found

    def _is_over(self, rows: int) -> bool:
        """Return whether the pass is over with a page of so many rows."""
        now = self.now
        if rows:
            is_full = rows >= now.size if self.number > 1 else self._sizes.is_full(rows)
            return now.met and not is_full
        last = now.pages_announced(self._sizes.asked)
        return now.met or self._former is None or now.gap > _LARGEST_GAP or self.number >= last

    def _end_at_repetition(self) -> None:
        """End the pass at a page without news: an error unless all rows were seen."""
        total = self.now.total
        if not self.now.met:
            raise PageDriftError(f"page {self.number} only repeats earlier rows, of {'many' if total is None else total}")
        self.now.over = True

    def _end_of_page(self, got: int, before: int) -> Position:
        """Return the place behind the last row of the page, given what was before it."""
        start, now = self._beginning, self.now
        before, mark = (0, 0) if now.moved else (before, now.chain)  # that is found nowhere: a resumed walk begins anew
        return Position(start.window, start.span, self.number, now.last, got, now.size, now.total, now.odd or now.room, before, mark)

    # ------------------------------------------------------------------ did the list stand still?

    @property
    def _check_under_way(self) -> Check | None:
        """The check for whose sake the page is asked for, if it is for one."""
        return self._check if self._check is not None and self.number != self._check.number else None

    def _begin_check(self, page: IndexedPage[R]) -> bool:
        """Return whether earlier pages may have shown these rows; turn to the first one."""
        pages = sorted(self._index.doubtful(page, self.now.number, self.number))
        if page.rows and page.digest == self.now.page_digest:
            pages.insert(0, self.number + _FAR)
        self.now.moved |= bool(pages) and self.now.differs
        if not pages or self.now.moved:
            return False
        self._check = Check(self.number, page.digest, page.total, pages)
        self.number = pages.pop(0)
        return True

    def _go_on_checking(self, check: Check, page: IndexedPage[R]) -> None:
        """Look whether an earlier page is as it was, or one far beyond repeats this one."""
        if self.number < check.number:
            check.moved |= differ(page.total, check.total) or not self.now.showed(self.number, page.content)
        elif page.digest == check.page_digest:
            self._check, self.number = None, check.number
            self._end_at_repetition()
            return
        self.number = check.pages.pop(0) if check.pages and not check.moved else check.number

    def _moved_meanwhile(self, page: IndexedPage[R]) -> bool:
        """Return whether a check found a move; what was fetched ahead is older then."""
        check, self._check = self._check, None
        self.turned = check is not None and (check.moved or differ(check.total, page.total) or check.page_digest != page.digest)
        return self.turned

    # ------------------------------------------------------------------ from pass to pass

    def _end_pass(self) -> None:
        if self._former is not None or not self.now.suspicious:
            self.done = True
            self._drift = self._former is not None and self._judge(self._former)
            return
        self._former = self.now
        self._compares = self._resumed is not None and not self._again and self._resumed.page > 1
        self._turn_back()

    def _judge(self, former: Pass) -> bool:
        """Return whether to say ``drift``; if rows may be lost, fail after the last rows."""
        now = self.now
        if self._further and now.exact < self._known:
            self.failure = PageDriftError("the list changed while it was read, and rows with equal keys with it: who is who cannot be told")
        elif not now.moved if now.total is None else now.met and not now.fell:
            return False
        elif now.room and not now.odd and now.got < (now.total or 0):
            self.failure = PageDriftError(f"{now.got} of {now.total} rows came, and a page in the middle had room for more")
        elif not now.only_grew and (now.fresh or now.got != former.got or now.moved or former.moved):
            self.failure = PageDriftError(f"the list changed while it was read, both times; it announces {now.total} rows now")
        return True

    def _compare(self, page: IndexedPage[R]) -> None:
        """Go over a page whose rows another walk yielded, or find that it may not have."""
        now, resumed = self.now, self._resumed
        now.count(page, len(page.rows))
        self.number += 1
        if resumed is not None and self.number < resumed.page and now.gap <= _LARGEST_GAP:
            return
        self._compares = False
        if resumed is None or now.chain != resumed.before:
            self._turn_back()

    def _turn_back(self) -> None:
        number = self.now.number if self._former is None else self._former.number + 1
        self.number, self.now = 1, Pass(number)
        self.turned = self._again = True
