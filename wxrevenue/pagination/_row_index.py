"""What a walk remembers of the rows it saw: numbers instead of rows.

A row takes some 150 bytes. A row is told by 64 bits of its key, so that among a million rows the
chance that any two are taken for one is below one in ten million; its content is told by 40 bits.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from wxrevenue.pagination._page import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue.pagination._page import IndexedPage

_CONTENT_BITS: Final = 40
_PASS_BITS: Final = 16
_PAGE_BITS: Final = 32
_SIGHTING_BITS: Final = _PASS_BITS + _PAGE_BITS
_RECORD_BITS: Final = _CONTENT_BITS + _SIGHTING_BITS
_CONTENT: Final = (1 << _CONTENT_BITS) - 1
_PASS: Final = (1 << _PASS_BITS) - 1
_PAGE: Final = (1 << _PAGE_BITS) - 1
_SIGHTING: Final = (1 << _SIGHTING_BITS) - 1
_RECORD: Final = (1 << _RECORD_BITS) - 1


R = TypeVar("R", bound=Row)


@attrs.define
class PageDiff(Generic[R]):
    """What a page brought."""

    fresh: list[R] = attrs.field(factory=list["R"])
    """Rows that no page brought before."""
    places: list[int] = attrs.field(factory=list[int])
    """Where on the page they stand."""
    revised: list[R] = attrs.field(factory=list["R"])
    """Rows of an earlier pass whose content is another one."""
    new: int = 0
    """Rows that are new to this pass."""
    exact: int = 0
    """Rows of an earlier pass that came again as they were."""
    further: int = 0
    """Fresh rows that may be taken for one of an earlier page.

    They have equal keys, or an empty and a filled number.
    """

    def add(self, row: R, place: int, former: int | None, record: int) -> None:
        """Add a row, given its record as it was before."""
        if former is None:
            self.fresh.append(row)
            self.places.append(place)
        elif _same_pass(former, record):
            return
        elif former >> _SIGHTING_BITS == record >> _SIGHTING_BITS:
            self.exact += 1
        else:
            self.revised.append(row)
        self.new += 1

    def leave_out(self, places: int) -> None:
        """Take out the fresh rows in the first places of the page."""
        kept = [(row, place) for row, place in zip(self.fresh, self.places, strict=True) if place >= places]
        self.fresh, self.places = [row for row, _ in kept], [place for _, place in kept]


class RowIndex:
    """Every row so far: what it held first, and where it was seen last.

    Rows that differ only in having got their number are a group. While no pass has shown two rows
    of a group, it is one row, known by the group. From then on its rows are known by their keys,
    and those with equal keys by their order in the pass.
    """

    def __init__(self) -> None:
        self._by_group: dict[int, int] = {}
        """By group: number, content, pass and page of the row, in one int.

        The number is 0 while the row has none.
        """
        self._by_key: dict[int, int] = {}
        """By key and ordinal: content, pass and page.

        The first of a key has the page where any of them was seen last.
        """
        self._ambiguous: dict[int, int] = {}
        """By group that showed several rows: where any of them was seen last.

        That is a pass and a page.
        """
        self._counts: dict[int, tuple[int, int]] = {}
        """By key that several rows share: a pass, and how many it showed so far."""

    def doubtful(self, page: IndexedPage[R], pass_number: int) -> set[int]:
        """Return the earlier pages of the pass that may have shown rows of this one."""
        page.is_new = self._knows_none(page.groups)
        if page.is_new:
            return set()
        alike = (self._alike(key, group) for key, group in zip(page.keys, page.groups, strict=True))
        return {seen & _PAGE for sightings in alike for seen in sightings if seen >> _PAGE_BITS & _PASS == pass_number & _PASS}

    def diff(self, page: IndexedPage[R], pass_number: int, page_number: int, *, moved: bool) -> PageDiff[R]:
        """Take in the rows of an answer, and tell which of them are new.

        Args:
            page: the answer.
            pass_number: which pass over the list it belongs to.
            page_number: which page it is.
            moved: the list moved during the pass, so that what looks like a row of an earlier page
                is that row.
        """
        here = (pass_number & _PASS) << _PAGE_BITS | page_number & _PAGE
        if page.is_new or self._knows_none(page.groups):  # as on nearly every page
            self._add(page, here)
            return PageDiff([*page.rows], [*range(len(page.rows))], new=len(page.rows))
        known = {group for group in page.groups if group in self._by_group or group in self._ambiguous}
        for group, size in Counter(page.groups).items():
            if size > 1 or (not moved and _same_pass(self._by_group.get(group, 0), here)):
                self._know_by_key(group)
        found, ordinals = PageDiff[R](), dict[int, int]()
        for place, (row, key, group, content) in enumerate(zip(page.rows, page.keys, page.groups, page.contents, strict=True)):
            before = ordinals[key] if key in ordinals else 0 if moved else self._shown(key, here)
            ordinals[key] = before + 1
            record = _record(content, here)
            former = self._replace(key, group, before + 1, record)
            found.add(row, place, former, record)
            if former is None and group in known:
                found.further += before > 0 or key == group or hash((group, 1)) in self._by_key
        for key, count in ordinals.items():
            if count > 1:
                self._counts[key] = (here >> _PAGE_BITS, max(count, self._shown(key, here)))
        return found

    def _knows_none(self, groups: Sequence[int]) -> bool:
        """Return whether all these groups are new, and each has one row."""
        return len(set(groups)) == len(groups) and self._by_group.keys().isdisjoint(groups) and self._ambiguous.keys().isdisjoint(groups)

    def _add(self, page: IndexedPage[R], here: int) -> None:
        for key, group, content in zip(page.keys, page.groups, map(hash, page.contents), strict=True):
            record = (content & _CONTENT) << _SIGHTING_BITS | here  # written out: a function's call would cost as much again
            self._by_group[group] = record if key == group else key << _RECORD_BITS | record

    def _alike(self, key: int, group: int) -> tuple[int, ...]:
        """Return where rows that may be this one were seen last."""
        alone = self._by_group.get(group)
        if alone is not None:
            return (alone & _SIGHTING,) if _may_be_one(alone >> _RECORD_BITS, _number(key, group)) else ()
        if key == group:
            return (self._ambiguous.get(group, 0),)
        return tuple(self._by_key.get(hash((one, 1)), 0) & _SIGHTING for one in (key, group))

    def _shown(self, key: int, here: int) -> int:
        """Return how many rows with this key the pass showed so far."""
        if not _same_pass(self._by_key.get(hash((key, 1)), 0), here):
            return 0
        counted_in, count = self._counts.get(key, (0, 1))
        return count if counted_in == here >> _PAGE_BITS else 1

    def _replace(self, key: int, group: int, ordinal: int, record: int) -> int | None:
        """Note where the row is seen; return its record as it was before."""
        number, alone = _number(key, group), self._by_group.get(group)
        if alone is not None and not _may_be_one(alone >> _RECORD_BITS, number):
            self._know_by_key(group)  # two numbers: two rows, though no pass showed both
        if group in self._ambiguous:
            return self._replace_in_ambiguous(key, group, ordinal, record)
        if alone is None:
            self._by_group[group] = number << _RECORD_BITS | record
            return None
        known = alone >> _RECORD_BITS
        if not _same_pass(alone, record):
            known = number or known
        self._by_group[group] = known << _RECORD_BITS | alone & _CONTENT << _SIGHTING_BITS | record & _SIGHTING
        return alone & _RECORD

    def _replace_in_ambiguous(self, key: int, group: int, ordinal: int, record: int) -> int | None:
        first, identity = hash((key, 1)), hash((key, ordinal))
        former = self._by_key.get(identity)
        self._by_key[identity] = record if former is None else former & ~_SIGHTING | record & _SIGHTING
        self._by_key[first] = self._by_key[first] & ~_SIGHTING | record & _SIGHTING
        self._ambiguous[group] = record & _SIGHTING
        return former

    def _know_by_key(self, group: int) -> None:
        """Know the group's rows by their keys from now on."""
        alone = self._by_group.pop(group, None)
        if alone is not None:
            self._ambiguous[group] = alone & _SIGHTING
            self._by_key[hash((alone >> _RECORD_BITS or group, 1))] = alone & _RECORD
        self._ambiguous.setdefault(group, 0)


def _number(key: int, group: int) -> int:
    """Return the row's number as the group keeps it: 0 while its key is the group's."""
    return 0 if key == group else key


def _record(content: bytes, here: int) -> int:
    return (hash(content) & _CONTENT) << _SIGHTING_BITS | here


def _may_be_one(one: int, other: int) -> bool:
    """Return whether rows of a group with these numbers may be one row."""
    return one == other or not one or not other


def _same_pass(one: int, other: int) -> bool:
    return (one ^ other) >> _PAGE_BITS & _PASS == 0
