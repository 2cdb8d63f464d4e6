"""The made-up books: the providers, and what every half-month brought them.

All money is whole fen.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

import attrs

from wxrevenue.sandbox._ams.own_figures import OwnFigures
from wxrevenue.sandbox._ams.programs import Programs
from wxrevenue.sandbox._seeded import between, eight

_SLOTS = ("BANNER", "REWARD_VIDEO", "INTERSTITIAL", "VIDEO_FEEDS", "VIDEO_BEGIN", "COVER", "TEMPLATE")
_SETTLING, _SETTLED, _PAYING, _PAID = 1, 2, 4, 5
_FIRST_SEEN = 5
"""Days after its end at which a half-month has a row.

The documents' sample has one at ten, and none of the half still running.
"""
_STATEMENT = 12
"""Days after its end at which the statement has a number."""
_PAYMENT_BEGINS, _PAYMENT_ENDS = range(26, 33), range(45, 66)
"""Days after its end between which payment begins, after the invoice, and ends."""

Row: TypeAlias = dict[str, Any]


@attrs.frozen
class HalfMonth:
    """The days 1 to 15 of a month (order 1) or the rest of it (order 2).

    Half-months are numbered without gaps by ``ordinal``.
    """

    ordinal: int

    @classmethod
    def of(cls, day: date) -> HalfMonth:
        """Return the half-month that a day belongs to."""
        return cls((day.year * 12 + day.month - 1) * 2 + (day.day > 15))  # noqa: PLR2004  (the middle of a month)

    @classmethod
    def named(cls, month: str, order: int) -> HalfMonth:
        """Return the half-month that a row names."""
        return cls((int(month[:4]) * 12 + int(month[4:]) - 1) * 2 + order - 1)

    @property
    def order(self) -> int:
        """1 or 2."""
        return self.ordinal % 2 + 1

    @property
    def start(self) -> date:
        """The first day."""
        return _days_of(self.ordinal)[0]

    @property
    def end(self) -> date:
        """The last day."""
        return _days_of(self.ordinal)[1]


@lru_cache(maxsize=1024)
def _days_of(ordinal: int) -> tuple[date, date]:
    year, month = divmod(ordinal // 2, 12)
    if ordinal % 2 == 0:
        return date(year, month + 1, 1), date(year, month + 1, 15)
    return date(year, month + 1, 16), date(year, month + 1, monthrange(year, month + 1)[1])


@attrs.frozen(kw_only=True)
class Provider:
    """A service provider: ``statements`` is how many rows each of its half-months has."""

    index: int
    appid: str
    programs: Programs = attrs.field(eq=False)
    unsigned_program: str
    has_account: bool
    statements: int
    largest: int


@attrs.frozen
class Totals:
    """What the books hold.

    How many rows, and the sum of their ``settled_revenue`` in fen.
    """

    rows: int
    settled_revenue: int


@attrs.frozen
class _Ledger:
    """What a provider's books say on one day.

    Its rows, each with its half-month's number, and their header.
    """

    rows: list[tuple[int, Row]]
    header: Row


def provider(index: int, *, has_account: bool = True, programs: int = 4) -> Provider:
    """Return the provider of that number.

    The first one's sums are larger than 32 bits hold; every third one has several rows to a
    half-month.
    """
    return Provider(
        index=index,
        appid=f"wxc{index:015x}",
        programs=Programs(index, programs),
        unsigned_program=f"wxb{index:015x}",
        has_account=has_account,
        statements=3 if index % 3 == 2 else 1,  # noqa: PLR2004  (the third of three kinds)
        largest=300_000_000 if index == 0 else 3_000_000,
    )


class Books:
    """Everything ever settled, from ``years`` before ``today`` until ``today``.

    ``today`` is a Beijing day, which may be moved on.

    What a half-month brought depends on the seed, the provider and the half-month alone. Its
    status, and what that entails, follow from how many days ago it ended: there is no row while it
    runs and some days longer, then one that is settling, has no ``sett_no`` and is not yet
    complete; a statement after twelve days, and payment weeks later. A row is dated anew whenever
    its status changes, and may then stand above those of newer half-months.
    """

    def __init__(self, *, seed: int, today: date, years: int) -> None:
        self.today = today
        self.own = OwnFigures()
        self._seed = seed
        self._first = _newest(today) - 24 * years + 1
        self._ledger = lru_cache(maxsize=256)(self._write)

    def rows(self, who: Provider, start: date, end: date) -> list[Row]:
        """Return the rows of every half-month that shares a day with the range.

        The last updated comes first.
        """
        low, high = HalfMonth.of(start).ordinal, HalfMonth.of(end).ordinal
        return [row for ordinal, row in self._of(who).rows if low <= ordinal <= high]

    def totals(self, who: Provider, start: date, end: date) -> Totals:
        """Return how many rows the range has and their sum in fen."""
        rows = self.rows(who, start, end)
        return Totals(len(rows), sum(map(_fen, rows)))

    def header(self, who: Provider) -> Row:
        """Return the all-time sums in fen and the company that settles.

        They do not depend on a range.
        """
        return self._of(who).header

    def _of(self, who: Provider) -> _Ledger:
        own = self.own.of(who.appid)
        if own.alone:
            return _with(_Ledger([], {"revenue_all": 0, "penalty_all": 0, "settled_revenue_all": 0}), own.settlements)
        made_up = self._ledger(who, self.today)
        return _with(made_up, own.settlements) if own.settlements else made_up

    def _write(self, who: Provider, today: date) -> _Ledger:
        running = HalfMonth.of(today).ordinal
        halves = [HalfMonth(ordinal) for ordinal in range(running, self._first - 1, -1)]
        written = [(half.ordinal, self._row(who, half, n, today)) for half in halves for n in range(who.statements)]
        newest = _newest(today)
        rows = [(ordinal, row) for ordinal, row in written if ordinal <= newest]
        rows.sort(key=lambda entry: entry[1]["date"], reverse=True)  # newer half-months first among those of one day
        penalty = between(0, who.largest // 100, self._seed, who.appid, "penalty")
        header = {
            "body": "沙箱示例科技有限公司",
            # All that was earned, also in half-months that have no row yet.
            "revenue_all": sum(row["settled_revenue"] for _, row in written) + penalty,
            "penalty_all": penalty,
            "settled_revenue_all": sum(row["settled_revenue"] for _, row in rows if row["sett_status"] != _SETTLING),
        }
        return _Ledger(rows, header)

    def _row(self, who: Provider, half: HalfMonth, statement: int, today: date) -> Row:
        start, end = half.start, half.end
        status, updated = self._stage(who, half, today)
        number, mails, *lots = eight(self._seed, who.appid, half.ordinal, statement)
        slots = _slots(who.largest, status, lots)
        return {
            "date": updated.isoformat(),
            "zone": f"{start.year}年{start.month}月{start.day}日至{end.day}日",
            "month": f"{start.year}{start.month:02d}",
            "order": half.order,
            "sett_status": status,
            "settled_revenue": sum(slot["slot_settled_revenue"] for slot in slots),
            "sett_no": "" if status == _SETTLING else f"{start:%Y%m%d}{who.index:05d}{statement:02d}{number % 10_000:04d}",
            # A number of mails, but the wire has it as a string.
            "mail_send_cnt": str(max(0, mails % 9 - 6)),
            "slot_revenue": slots,
        }

    def _stage(self, who: Provider, half: HalfMonth, today: date) -> tuple[int, date]:
        """Return the status of a half-month, and the day on which it was last updated."""
        about = (self._seed, who.appid, half.ordinal)
        settled = _SETTLED + between(0, 1, *about, "settled")  # the documents have two numbers for it
        begins = between(_PAYMENT_BEGINS[0], _PAYMENT_BEGINS[-1], *about, "payment begins")
        ends = between(_PAYMENT_ENDS[0], _PAYMENT_ENDS[-1], *about, "payment ends")
        age = (today - half.end).days
        stages = ((ends, _PAID), (begins, _PAYING), (_STATEMENT, settled))
        return next(((status, half.end + timedelta(days)) for days, status in stages if age >= days), (_SETTLING, today))


def _with(made_up: _Ledger, own: list[Row]) -> _Ledger:
    """Return books with a test's own rows.

    They stand in place of all that was made up of their half-months.
    """
    put = [(HalfMonth.named(str(row["month"]), row["order"]).ordinal, row) for row in own]
    ordinals = {ordinal for ordinal, _ in put}
    gone = [row for ordinal, row in made_up.rows if ordinal in ordinals]
    rows = [*(entry for entry in made_up.rows if entry[0] not in ordinals), *put]
    rows.sort(key=lambda entry: (str(entry[1].get("date") or HalfMonth(entry[0]).end), entry[0]), reverse=True)
    header = dict(made_up.header)
    for sign, changed in ((1, own), (-1, gone)):
        header["revenue_all"] += sign * sum(map(_fen, changed))
        header["settled_revenue_all"] += sign * sum(_fen(row) for row in changed if row.get("sett_status") != _SETTLING)
    return _Ledger(rows, header)


def _fen(row: Row) -> int:
    return row.get("settled_revenue") or 0


def _newest(today: date) -> int:
    """Return the number of the newest half-month that has a row."""
    return HalfMonth.of(today - timedelta(_FIRST_SEEN - 1)).ordinal - 1


def _slots(largest: int, status: int, lots: list[int]) -> list[Row]:
    """Return two to four slots.

    What is still settling has only nine tenths of what it will come to.
    """
    first, count, *amounts = lots
    share = 9 if status == _SETTLING else 10
    return [
        {
            "slot_id": f"SLOT_ID_WEAPP_{_SLOTS[(first + n) % len(_SLOTS)]}",
            "slot_settled_revenue": (largest // 100 + amount % largest) * share // 10,
        }
        for n, amount in enumerate(amounts[: 2 + count % 3])
    ]
