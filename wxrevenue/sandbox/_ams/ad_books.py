"""What advertising brought: made-up figures of a place on a day.

They depend on the seed, the place and the day alone.

Today's are a part of what they will come to, and yesterday's are still revised once. Money is whole
fen.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from wxrevenue.sandbox._seeded import eight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wxrevenue.sandbox._ams.books import Books

Figures: TypeAlias = dict[str, Any]

SLOTS = {
    "SLOT_ID_WEAPP_REWARD_VIDEO": 1030436212907001,
    "SLOT_ID_WEAPP_INTERSTITIAL": 3030046789020061,
    "SLOT_ID_WEAPP_BANNER": 8040321819858439,
}
"""The slots in which every Mini Program advertises, by the number of their kind."""
_OF_THE_PROVIDER = 50
_COUNTS = ("req_succ_count", "exposure_count", "click_count")
_MONEY = ("income", "publisher_income", "agency_income")


class AdBooks:
    """Everything that advertising ever brought.

    It goes up to the day up to which the books are kept.
    """

    def __init__(self, seed: int, books: Books) -> None:
        self._seed, self._books, self.own = seed, books, books.own

    def days(self, start: date, end: date) -> Iterator[date]:
        """Yield the days of a range that have figures, newest first."""
        newest = min(end, self._books.today)
        for back in range((newest - start).days + 1):
            yield newest - timedelta(days=back)

    def figures(self, day: date, *place: str) -> Figures:
        """Return what a place brought on a day."""
        requests, exposures, clicks, income, *_ = eight(self._seed, "ad", *place, day.toordinal())
        share = {0: 4, 1: 9}.get((self._books.today - day).days, 10)
        counts = {"req_succ_count": 10_000 + requests % 400_000}
        counts["exposure_count"] = counts["req_succ_count"] * (20 + exposures % 60) // 100
        counts["click_count"] = counts["exposure_count"] * (1 + clicks % 9) // 100
        whole = 1_000 + income % 90_000
        part = whole * _OF_THE_PROVIDER // 100
        money = dict(zip(_MONEY, (whole, whole - part, part), strict=True))
        found = {key: value * share // 10 for key, value in {**counts, **money}.items()}
        found["income"] = found["publisher_income"] + found["agency_income"]
        return found


def read(row: Figures) -> Figures:
    """Return the figures of a row of a test's own, as sums need them."""
    money = {name: row.get(name) or 0 for name in _MONEY}
    if not money["publisher_income"] and not money["agency_income"]:
        money["publisher_income"] = money["income"]  # what the older name of a Mini Program's part is
    money["income"] = money["income"] or money["publisher_income"] + money["agency_income"]
    return {**{name: int(row.get(name) or 0) for name in _COUNTS}, **money}


def summed(rows: list[Figures]) -> Figures:
    """Return the sums of several figures."""
    return {key: sum(row[key] for row in rows) for key in (*_COUNTS, *_MONEY)}


def spelled(figures: Figures, *, money: Mapping[str, str], as_fractions: bool) -> Figures:
    """Return figures as answers have them, with rates.

    Money stands under the name that the answer has for it; counts come as 1.0 at times.
    """
    seen, asked = figures["exposure_count"], figures["req_succ_count"]
    return {
        **{key: float(figures[key]) if as_fractions else figures[key] for key in _COUNTS},
        "exposure_rate": round(seen / asked, 9) if asked else 0,
        "click_rate": round(figures["click_count"] / seen, 9) if seen else 0,
        **{name: figures[kind] for name, kind in money.items()},
        "ecpm": round(figures[next(iter(money.values()))] * 1000 / seen, 9) if seen else 0,
    }
