"""What a walk remembers of the rows it saw: numbers instead of rows.

A row takes some 120 bytes. It is told by 60 bits of its key, so that among a million rows the
chance that any two are taken for one is below one in a million; its content is told by 40 bits.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from wxrevenue.pagination._page import Row

if TYPE_CHECKING:
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
_64_BITS: Final = "L" if array("L").itemsize == 8 else "Q"  # noqa: PLR2004  (bytes)
"""The type of an array's numbers.

Where L has as many bits, it is made in a quarter of the time.
"""


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
        self._by_group: dict[int, int | array[int]] = {}
        """By group: number, content, pass and page of the row, in one int.

        The number is 0 while the row has none. Rows that came on one page, and never again, share
        an array: pass and page, then the groups, the numbers and the contents of all.
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

    def doubtful(self, page: IndexedPage[R], pass_number: int, page_number: int) -> set[int]:
        """Return the earlier pages of the pass that may have shown rows of this one."""
        page.news = self._news(page, _sighting(pass_number, page_number))
        if page.news is not None:
            return set()
        alike = (self._alike(group, number) for group, number in zip(page.groups, page.numbers, strict=True))
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
        here = _sighting(pass_number, page_number)
        news = self._news(page, here) if page.news is None else page.news
        if news is not None:  # as on nearly every page
            self._by_group.update(news)
            return PageDiff([*page.rows], [*range(len(page.rows))], new=len(page.rows))
        known = {group for group in page.groups if group in self._by_group or group in self._ambiguous}
        for group, size in Counter(page.groups).items():
            if size > 1 or (not moved and _same_pass(self._alone(group) or 0, here)):
                self._know_by_key(group)
        found, ordinals = PageDiff[R](), dict[int, int]()
        for place, (row, group, number, content) in enumerate(zip(page.rows, page.groups, page.numbers, page.contents, strict=True)):
            key = _key(group, number)
            before = ordinals[key] if key in ordinals else 0 if moved else self._shown(key, here)
            ordinals[key] = before + 1
            record = _record(content, here)
            former = self._replace(group, number, before + 1, record)
            found.add(row, place, former, record)
            if former is None and group in known:
                found.further += before > 0 or not number or hash((group, 1)) in self._by_key
        for key, count in ordinals.items():
            if count > 1:
                self._counts[key] = (here >> _PAGE_BITS, max(count, self._shown(key, here)))
        return found

    def _news(self, page: IndexedPage[R], here: int) -> dict[int, array[int]] | None:
        """Return what to remember of a page with only new groups, each with one row."""
        news = dict.fromkeys(page.groups, array(_64_BITS, [here, *page.groups, *page.numbers, *page.contents]))
        if len(news) != len(page.groups) or not self._by_group.keys().isdisjoint(news):
            return None
        return news if not self._ambiguous or self._ambiguous.keys().isdisjoint(news) else None

    def _alone(self, group: int) -> int | None:
        """Return the record of the only row of a group."""
        found = self._by_group.get(group)
        if not isinstance(found, array):
            return found
        here, *told = found
        size = len(told) // 3
        for one, number, content in zip(told[:size], told[size:-size], told[-size:], strict=True):
            self._by_group[one] = number << _RECORD_BITS | _record(content, here)
        return self._alone(group)

    def _alike(self, group: int, number: int) -> tuple[int, ...]:
        """Return where rows that may be this one were seen last."""
        alone = self._alone(group)
        if alone is not None:
            return (alone & _SIGHTING,) if _may_be_one(alone >> _RECORD_BITS, number) else ()
        if not number:
            return (self._ambiguous.get(group, 0),)
        return tuple(self._by_key.get(hash((one, 1)), 0) & _SIGHTING for one in (_key(group, number), group))

    def _shown(self, key: int, here: int) -> int:
        """Return how many rows with this key the pass showed so far."""
        if not _same_pass(self._by_key.get(hash((key, 1)), 0), here):
            return 0
        counted_in, count = self._counts.get(key, (0, 1))
        return count if counted_in == here >> _PAGE_BITS else 1

    def _replace(self, group: int, number: int, ordinal: int, record: int) -> int | None:
        """Note where the row is seen; return its record as it was before."""
        alone = self._alone(group)
        if alone is not None and not _may_be_one(alone >> _RECORD_BITS, number):
            self._know_by_key(group)  # two numbers: two rows, though no pass showed both
        if group in self._ambiguous:
            return self._replace_in_ambiguous(_key(group, number), group, ordinal, record)
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
        alone = self._alone(group)
        if alone is not None:
            del self._by_group[group]
            self._ambiguous[group] = alone & _SIGHTING
            self._by_key[hash((_key(group, alone >> _RECORD_BITS), 1))] = alone & _RECORD
        self._ambiguous.setdefault(group, 0)


def _sighting(pass_number: int, page_number: int) -> int:
    """Return a pass and a page as one number."""
    return (pass_number & _PASS) << _PAGE_BITS | page_number & _PAGE


def _key(group: int, number: int) -> int:
    """Return what tells a row's key."""
    return hash((group, number)) if number else group


def _record(content: int, here: int) -> int:
    return (content & _CONTENT) << _SIGHTING_BITS | here


def _may_be_one(one: int, other: int) -> bool:
    """Return whether rows of a group with these numbers may be one row."""
    return one == other or not one or not other


def _same_pass(one: int, other: int) -> bool:
    return (one ^ other) >> _PAGE_BITS & _PASS == 0
