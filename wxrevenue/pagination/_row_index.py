"""What a walk remembers of the rows it saw: numbers instead of rows, some 140 bytes for each.

A row is told by 64 bits of its key, so that among a million rows the chance that any two are taken for one is below one in
ten million; its content is told by 40 bits.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from wxrevenue.pagination._page import CONTENT_BITS, IndexedPage, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

_PASS_BITS: Final = 16
_PASS: Final = (1 << _PASS_BITS) - 1
_MARK_BITS: Final = CONTENT_BITS + _PASS_BITS
_MARK: Final = (1 << _MARK_BITS) - 1

R = TypeVar("R", bound=Row)


@attrs.define
class PageDiff(Generic[R]):
    """What a page brought: rows never seen before and their places on the page, rows with another content, rows new to this pass."""

    fresh: list[R] = attrs.field(factory=list["R"])
    places: list[int] = attrs.field(factory=list[int])
    revised: list[R] = attrs.field(factory=list["R"])
    new: int = 0

    def leave_out(self, places: int) -> None:
        """Take out the fresh rows in the first places of the page."""
        kept = [(row, place) for row, place in zip(self.fresh, self.places, strict=True) if place >= places]
        self.fresh, self.places = [row for row, _ in kept], [place for _, place in kept]


class RowIndex:
    """Every row so far: what it held, and the pass over the list in which it was seen last.

    Rows that differ only in having got their number are a group. While no answer has shown two rows of a group, it is one row,
    known by the group; from then on its rows are known by their keys, and equal ones within an answer by their ordinal.
    """

    def __init__(self) -> None:
        self._by_group: dict[int, int] = {}
        """By group: the row's number (0 while it has none), its content and pass, packed into one int."""
        self._by_key: dict[int, int] = {}
        """By key and ordinal: content and pass."""
        self._ambiguous: set[int] = set()

    def diff(self, page: IndexedPage[R], pass_number: int) -> PageDiff[R]:
        """Tell the rows of one answer apart."""
        pass_number &= _PASS
        rows, keys, groups = page.rows, page.keys, page.groups
        marks = [content << _PASS_BITS | pass_number for content in page.contents]
        if self._knows_none(groups):  # as on nearly every page
            numbers = map(_number, keys, groups)
            self._by_group.update({group: number << _MARK_BITS | mark for group, number, mark in zip(groups, numbers, marks, strict=True)})
            return PageDiff([*rows], [*range(len(rows))], new=len(rows))
        for group, size in Counter(groups).items():
            if size > 1:
                self._know_by_key(group)
        found = PageDiff[R]()
        ordinals: dict[int, int] = {}
        for place, (row, group, key, mark) in enumerate(zip(rows, groups, keys, marks, strict=True)):
            ordinals[key] = ordinals.get(key, 0) + 1
            former = self._replace(group, key, ordinals[key], mark)
            if former is None:
                found.fresh.append(row)
                found.places.append(place)
            elif former >> _PASS_BITS != mark >> _PASS_BITS:
                found.revised.append(row)
            found.new += former is None or former & _PASS != pass_number
        return found

    def _knows_none(self, groups: Sequence[int]) -> bool:
        """Tell whether all these groups are new, and each has one row."""
        return len(set(groups)) == len(groups) and self._by_group.keys().isdisjoint(groups) and self._ambiguous.isdisjoint(groups)

    def _replace(self, group: int, key: int, ordinal: int, mark: int) -> int | None:
        """Keep the row's mark; return the one it had before."""
        number = _number(key, group)
        packed = self._by_group.get(group, 0)
        known = packed >> _MARK_BITS
        if known and number not in {0, known}:
            self._know_by_key(group)  # two numbers: two rows, though no answer showed both
        if group in self._ambiguous:
            identity = hash((key, ordinal))
            former = self._by_key.get(identity)
            self._by_key[identity] = mark
            return former
        self._by_group[group] = (number or known) << _MARK_BITS | mark
        return packed & _MARK if packed else None

    def _know_by_key(self, group: int) -> None:
        """Know the group's rows by their keys from now on."""
        self._ambiguous.add(group)
        packed = self._by_group.pop(group, None)
        if packed is not None:
            key = packed >> _MARK_BITS or group
            self._by_key[hash((key, 1))] = packed & _MARK


def _number(key: int, group: int) -> int:
    """Return the row's number as the group keeps it: 0 while its key is the group's."""
    return 0 if key == group else key
