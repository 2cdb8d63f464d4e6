"""A page as a walk takes it in: its rows, and numbers that tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Hashable, Sequence

Traits: TypeAlias = "tuple[list[int], list[int], list[bytes]]"
"""What tells the rows of a page: their groups, numbers and contents."""
_NUMBER_BITS: Final = (1 << 60) - 1
"""A larger number would take half as much memory again."""


class Row(Protocol):
    """What a row must tell of itself to be walked."""

    @property
    def key(self) -> Hashable:
        """What tells it from other rows: texts, days, counts, or a tuple of them."""
        ...

    @property
    def supersedes(self) -> Hashable | None:
        """The key it had before, if its key changes once in its life."""
        ...

    def fingerprint(self) -> bytes:
        """Return bytes that differ when the row's content does, the same in every process.

        No line break is in them.
        """
        ...


R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class Page(Protocol[R_co]):
    """What an answer must tell of itself to be a page.

    It may also have a method ``traits``, which tells all its rows at once: that is cheaper than to
    ask each of them.
    """

    @property
    def rows(self) -> Sequence[R_co]:
        """The rows, in the server's order."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows the server announces for the whole query."""
        ...


@attrs.define
class IndexedPage(Generic[R]):
    """What is read of a page at once.

    It is made when the page has arrived, while the processor has its rows at hand: when the walk
    comes to it, many other pages may have arrived.
    """

    rows: Sequence[R]
    total: int | None
    content: bytes
    """That of all rows, each behind a line break."""
    digest: int
    """Tells the rows from those of another page, in this process."""
    groups: list[int]
    """The keys that the rows have, or had, while they have no number; in 60 bits."""
    numbers: list[int]
    """The rows' numbers; 0: it has none, or its key never changes."""
    contents: list[int]
    """Tell each row's content from another, in this process."""
    news: dict[int, array[int]] | None = None
    """What to remember of a page with only new groups, each with one row.

    This is found out when the page is taken in; ``None``: some may have been.
    """


def indexed(page: Page[R]) -> IndexedPage[R]:
    """Read a page."""
    rows = page.rows
    traits: Callable[[], Traits] | None = getattr(page, "traits", None)
    groups, numbers, lines = _asked(rows) if traits is None else traits()
    contents = [*map(abs, map(hash, lines))]
    # joined: of each line orjson may keep the whole buffer, 4 kB a row
    return IndexedPage(rows, page.total, b"\n".join((b"", *lines)), hash(tuple(contents)), groups, numbers, contents)


def _asked(rows: Sequence[Row]) -> Traits:
    former = [row.supersedes for row in rows]
    groups = [_bits(row.key if before is None else before) for row, before in zip(rows, former, strict=True)]
    numbers = [0 if before is None else _bits(row.key) or 1 for row, before in zip(rows, former, strict=True)]
    return groups, numbers, [row.fingerprint() for row in rows]


def _bits(key: Hashable) -> int:
    """Return 60 bits that tell a key from others, in this process.

    A tuple's own hash is the cheapest; but -1 and -2 have one hash, and a number's hash is no
    secret.
    """
    return hash(key if type(key) is tuple and -1 not in key else repr(key)) & _NUMBER_BITS
