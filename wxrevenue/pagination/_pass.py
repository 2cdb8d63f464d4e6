"""What one pass over a list has shown so far."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from wxrevenue.pagination._cursor import chained
from wxrevenue.pagination._page import Row

if TYPE_CHECKING:
    from wxrevenue.pagination._cursor import Position
    from wxrevenue.pagination._page import IndexedPage

R = TypeVar("R", bound=Row)
_LARGEST_TOTAL: Final = 10**9
"""Rows. No list is that long: a larger total implies no pages."""


def differ(one: int | None, other: int | None) -> bool:
    """Return whether two answers announce different totals.

    An answer that announces none says nothing.
    """
    return one is not None and other is not None and one != other


@attrs.define
class Pass:
    """Rows and pages of one pass, counted.

    Args:
        number: which pass of which window it is.
        page: the page it begins with.
        chain: the digest of all rows before that page.
    """

    number: int
    page: int = 1
    chain: int = 0
    """Digest of all rows up to here."""
    got: int = 0
    """Rows that are new to the pass."""
    size: int = 0
    """Rows on the list's first page."""
    longest: int = 0
    last: int = 0
    """Rows on the longest page, and on the page read last."""
    gap: int = 0
    """Empty pages since the last row."""
    opening: int | None = None
    total: int | None = None
    """The total announced first, and last."""
    differs: bool = False
    """The last page announced another total than the one before it."""
    odd: bool = False
    """The total changed at some time."""
    fell: bool = False
    room: bool = False
    """A page that is not the last one was shorter than another.

    Rows that are announced may belong there.
    """
    moved: bool = False
    """A page asked for again was not as it had been."""
    fresh: int = 0
    """Rows that were yielded."""
    exact: int = 0
    """Rows that came in an earlier pass, just as they are."""
    over: bool = False
    page_digest: int | None = None
    """Tells the page read last from others."""
    _chains: array[int] = attrs.field(init=False)
    """The digests before the first page, and behind every page."""

    def __attrs_post_init__(self) -> None:
        self._chains = array("Q", [self.chain])

    def announce(self, total: int | None) -> None:
        """Note a total."""
        if total is None:
            return
        if self.total is None:
            self.opening = total
        else:
            self.differs = total != self.total
            self.odd |= self.differs
            self.fell |= total < self.total
        self.total = total

    def count(self, page: IndexedPage[R], new: int) -> None:
        """Count the rows of the next page: how many of them are new to the pass."""
        rows = len(page.rows)
        self.page_digest = page.digest
        self.chain = chained(self.chain, page.content)
        self._chains.append(self.chain)
        self.got += new
        self.size = self.size or rows
        if rows:
            self.room |= self.last < self.longest or 0 < self.longest < rows
        self.gap = 0 if rows else self.gap + 1
        self.longest, self.last = max(self.longest, rows), rows

    def showed(self, page: int, content: bytes) -> bool:
        """Return whether a page of this pass had these rows."""
        place = page - self.page
        return chained(self._chains[place], content) == self._chains[place + 1]

    @property
    def last_page(self) -> int:
        """The page read last."""
        return self.page + len(self._chains) - 2

    @property
    def met(self) -> bool:
        """Whether a total was announced, and as many rows were seen."""
        return self.got == self.total

    @property
    def agrees(self) -> bool:
        """Whether no other number of rows was announced than were seen."""
        return self.total is None or self.met

    @property
    def only_grew(self) -> bool:
        """Whether rows came while it ran, and none of those before is missing.

        As many rows as there were at its beginning were seen, or more.
        """
        return self.total is not None and self.opening is not None and self.opening <= self.got < self.total and not self.fell

    @property
    def suspicious(self) -> bool:
        """Whether rows may have been missed."""
        return self.odd or self.room or self.moved or not self.agrees

    def pages_announced(self, page_size: int | None) -> int:
        """How many pages the total implies."""
        total = self.total or 0
        return -(-total // (self.longest or page_size or total)) if 0 < total <= _LARGEST_TOTAL else 0


@attrs.define
class ResumePoint:
    """The page read last, in so far as a cursor needs it."""

    end: Position
    content: bytes
    """That of its rows, as long as one of them may still be yielded."""
    fresh_at: list[int]


@attrs.define
class Check:
    """A page that may show rows of earlier ones.

    Some of the earlier pages are asked for again before it.
    """

    number: int
    page_digest: int
    total: int | None
    pages: list[int]
    moved: bool = False
    """One of them is not as it was."""
