"""What a walk asks of the interface that it walks over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, Protocol, TypedDict, TypeVar, Unpack

import attrs

from wxrevenue.pagination._page import Page, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

R_co = TypeVar("R_co", bound=Row, covariant=True)
Q = TypeVar("Q")
"""The requests of an interface."""


@attrs.define
class PageSizes:
    """How many rows make a page full.

    A server may put fewer rows on a page than it was asked for. Such a cap shows when a further
    page has rows. It is remembered for all walks that share ``caps``.

    Args:
        asked: how many rows a page may have, where that is known.
        caps: the caps of the interface that were seen so far.
    """

    asked: int | None = None
    caps: set[int] = attrs.field(factory=set[int])

    def is_full(self, rows: int) -> bool:
        """Return whether a first page of so many rows may have been cut off."""
        return rows == self.asked or rows in self.caps

    def add_cap(self, rows: int) -> None:
        """Note that a first page had so many rows.

        No later page had more, and rows followed.
        """
        if self.asked is not None and rows < self.asked:
            self.caps.add(rows)


class PageFacts(TypedDict):
    """What a listener is told of a page; see :class:`wxrevenue.PageEvent`."""

    page: int
    rows: int
    fresh: int
    total: int | None
    drift: NotRequired[bool]
    revised: NotRequired[int]
    again: NotRequired[bool]


class PageSource(Protocol[R_co, Q]):
    """A paged interface with one query. Walks count its pages from 1."""

    @property
    def account(self) -> str:
        """Whom cursors belong to; empty where the account has no lasting name."""
        ...

    @property
    def span(self) -> int:
        """How long a window of a new walk is, in the interface's own unit; 0: one list."""
        ...

    @property
    def sizes(self) -> PageSizes:
        """How many rows make a page full."""
        ...

    def windows(self, span: int) -> Sequence[Q]:
        """Return the query cut into windows of this length, a request for each; 0: uncut."""
        ...

    def request_for(self, number: int, window: Q, size: int) -> Q:
        """Return the request for a page of a window.

        Args:
            number: the page's number, from 1.
            window: one of :meth:`windows`.
            size: how many rows the window's first page had, or 0 before it came. Where pages
                begin at an offset, a capped page moves the beginning of the next one.
        """
        ...

    async def fetch(self, request: Q) -> Page[R_co]:
        """Return a page."""
        ...

    def is_waiting(self) -> bool:
        """Return whether a page under way waits for anything but its answer."""
        ...

    def on_page(self, **facts: Unpack[PageFacts]) -> None:
        """Take note of a page that was read."""
        ...
