"""A page as a walk takes it in: its rows, and numbers that tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

_KEY: Final = (1 << 64) - 1


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
        """Return bytes that differ when the row's content does, the same in every process."""
        ...


R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class Page(Protocol[R_co]):
    """What an answer must tell of itself to be a page."""

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
    contents: list[bytes]
    digest: int
    """Tells the rows from those of another page, in this process."""
    keys: list[int]
    groups: list[int]
    """The keys they have, or had, while they have no number."""
    is_new: bool = False
    """None of its rows was seen before, nor one that it may be.

    This is found out when the page is taken in.
    """


def indexed(page: Page[R]) -> IndexedPage[R]:
    """Read a page."""
    rows = page.rows
    keys = [_bits(row.key) for row in rows]
    groups = [key if (former := row.supersedes) is None else _bits(former) for row, key in zip(rows, keys, strict=True)]
    # copied: what orjson returns may keep its whole buffer, 4 kB a row
    contents = [b"%b" % row.fingerprint() for row in rows]
    return IndexedPage(rows, page.total, contents, hash(tuple(contents)), keys, groups)


def _bits(key: Hashable) -> int:
    """Return 64 bits that tell a key from others, in this process.

    A tuple's own hash is the cheapest; but -1 and -2 have one hash, and a number's hash is no
    secret.
    """
    return hash(key if type(key) is tuple and -1 not in key else repr(key)) & _KEY
