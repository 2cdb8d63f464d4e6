"""Reconciling: books that agree are ok, and one fen anywhere is found.

A difference has its rows and its possible meaning. Missing data are named.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxrevenue import (
    AdRow,
    CheckKind,
    ConfigurationError,
    HalfMonth,
    RatioState,
    RatioStatus,
    Settlement,
    SettlementStatus,
    SlotRevenue,
    Totals,
    open_ledger,
    reconcile,
)
from wxrevenue.report._amounts import counted_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wxrevenue import Difference, Ledger, Reconciliation

MARCH = HalfMonth(2024, 3, 1)
FEBRUARY = HalfMonth(2024, 2, 2)
SLOT = "SLOT_ID_WEAPP_BANNER"
DAYS = [date(2024, 3, day) for day in range(1, 16)]
PROVIDER, ONE, TWO = "wxprovider", "wxone", "wxtwo"


def row(fen: int, status: int | None = 5, half: HalfMonth = MARCH, slots: tuple[int, ...] = ()) -> Settlement:
    """Return a settlement with these slots, by default one."""
    found = [SlotRevenue(SLOT, amount) for amount in slots or (fen,)]
    return Settlement(
        f"{half.year}{half.month:02}", half.order, fen, None, None, None if status is None else SettlementStatus(status), "N", 0, found
    )


def ads(day: date, publisher: int, agency: int) -> AdRow:
    """Return the ad data of a slot for a day."""
    return AdRow(date=day, ad_slot=SLOT, income=publisher + agency, publisher_income=publisher, agency_income=agency)


def status(appid: str, in_force: str | None) -> RatioStatus:
    """Return the ratios of a Mini Program."""
    ratio = None if in_force is None else Decimal(in_force)
    return RatioStatus(appid, Decimal(50), None, ratio, RatioState.FAILED if ratio is None else RatioState.IN_FORCE, None)


@attrs.define
class At:
    """A clock that stands still at a given time."""

    now: datetime = datetime(2024, 2, 1, tzinfo=UTC)

    def time(self) -> float:
        """Return the time of day."""
        return self.now.timestamp()

    def monotonic(self) -> float:
        """Return the same time."""
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Return at once."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger whose books of March agree.

    Two Mini Programs have ratios of 40 % and 25 %, and 15 days each.
    """
    async with open_ledger(str(tmp_path / "revenue.db"), clock=At()) as opened:
        await opened.record_provider(PROVIDER)
        await opened.record_ratios([status(ONE, "40"), status(TWO, "25")])
        for appid, publisher, agency in ((ONE, 60, 40), (TWO, 300, 100)):
            for day in DAYS:
                await opened.record_ads(appid, day, [ads(day, publisher, agency)])
            await settle(opened, appid, 15 * publisher)
        await settle(opened, PROVIDER, 15 * 140)
        yield opened


async def settle(ledger: Ledger, owner: str, fen: int, *, header: int | None = None, state: int | None = 5) -> None:
    """Record a settlement, and a header that agrees with it."""
    total = fen if header is None else header
    await ledger.record(owner, MARCH, [row(fen, state)], totals=Totals(10**9, 0, total if state not in {1, None} else 0, None))


def only(found: Reconciliation) -> Difference:
    """Return the one difference."""
    (difference,) = found.differences
    assert not found.ok
    return difference


async def test_books_that_agree(ledger: Ledger) -> None:
    """Everything is compared and agrees.

    The comparisons are slots, incomes, parts, the provider's share and headers.
    """
    found = await reconcile(ledger, MARCH)
    assert (found.half_month, found.differences, found.unchecked, found.ok) == (MARCH, (), (), True)
    assert found.compared == 3 + 2 + 2 + 2 + 3 * 2  # slots, incomes, ratios, the provider's two, headers


async def test_slots_against_the_row(ledger: Ledger) -> None:
    """Slots that do not add up are found, with the row.

    A fen too much is found as well as a fen too little.
    """
    wrong = row(900, slots=(400, 501))
    await ledger.record(ONE, MARCH, [wrong])
    difference = only(await reconcile(ledger, MARCH))
    assert (difference.what, difference.owner, difference.expected, difference.found) == ("slots", ONE, 901, 900)
    assert difference.rows == ((ONE, wrong),)
    assert "slots do not add up" in difference.meaning("en")
    assert "广告位" in difference.meaning()


@pytest.mark.parametrize(("fen", "word"), [(899, "0.01 yuan less"), (901, "0.01 yuan more")])
async def test_income_against_what_was_settled(fen: int, word: str, ledger: Ledger) -> None:
    """One fen between a Mini Program's days and its settlement is a difference.

    Less is a deduction, more a late revision.
    """
    await settle(ledger, ONE, fen)
    difference = only(await reconcile(ledger, MARCH))
    assert (difference.what, difference.owner, difference.expected, difference.found) == (CheckKind.INCOME, ONE, 900, fen)
    assert [type(one) for _, one in difference.rows] == [Settlement] + [AdRow] * 15
    assert word in difference.meaning("en")


async def test_income_of_the_provider(ledger: Ledger) -> None:
    """The provider's settlement is compared with its part of all incomes, to the fen.

    This holds although the comparison of ratios allows for rounding.
    """
    await settle(ledger, PROVIDER, 2_099)
    difference = only(await reconcile(ledger, MARCH))
    assert (difference.what, difference.owner, difference.expected, difference.found) == ("income", PROVIDER, 2_100, 2_099)


async def test_days_that_are_missing_are_said(ledger: Ledger) -> None:
    """A difference of days without ad data says how many there are.

    They may explain all of it.
    """
    await ledger.record_ads(ONE, DAYS[3], [])
    found = await reconcile(ledger, MARCH)
    programs = [one for one in found.differences if one.owner == ONE]
    assert [(one.what, one.expected, one.found) for one in programs] == [("income", 840, 900)]
    assert "no ad data of 1 of the days" in programs[0].meaning("en")


async def test_the_ratio_in_force(ledger: Ledger) -> None:
    """A provider's part that is not the ratio of the income is found.

    One fen of rounding for each row is allowed.
    """
    await ledger.record_ratios([status(ONE, "41")])
    for day in DAYS:
        await ledger.record_ads(ONE, day, [ads(day, 60_000, 40_000)])
    found = [one for one in (await reconcile(ledger, MARCH)).differences if one.what == "ratio"]
    assert [(one.owner, one.expected, one.found) for one in found] == [(ONE, 615_000, 600_000)]
    assert "not 41% of the income" in found[0].meaning("en")


async def test_a_ratio_that_changed_meanwhile(tmp_path: Path) -> None:
    """Between two ratios of one half-month every part is right.

    A ratio recorded after its end does not count.
    """
    clock = At(datetime(2024, 3, 1, tzinfo=UTC) - timedelta(days=9))
    async with open_ledger(str(tmp_path / "revenue.db"), clock=clock) as ledger:
        await ledger.record_provider(PROVIDER)
        for day in DAYS:
            await ledger.record_ads(ONE, day, [ads(day, 6_500, 3_500)])
        await settle(ledger, ONE, 15 * 6_500)
        await settle(ledger, PROVIDER, 15 * 3_500)
        clock.now = datetime(2024, 3, 15, 16, tzinfo=UTC)  # midnight in Beijing: the half-month is over
        await ledger.record_ratios([status(ONE, "30")])
        found = await reconcile(ledger, MARCH)
        assert found.differences == ()
        assert [(one.what, one.owners, "first recorded on 2024-03-15" in one.reason("en")) for one in found.unchecked] == [
            ("ratio", (ONE,), True),
            ("share", (ONE,), True),
        ]
        assert not found.ok
    clock.now = datetime(2024, 2, 1, tzinfo=UTC)
    async with open_ledger(str(tmp_path / "other.db"), clock=clock) as ledger:
        await ledger.record_provider(PROVIDER)
        for day in DAYS:
            await ledger.record_ads(ONE, day, [ads(day, 6_500, 3_500)])
        await settle(ledger, ONE, 15 * 6_500)
        await settle(ledger, PROVIDER, 15 * 3_500)
        await ledger.record_ratios([status(ONE, "30")])
        clock.now = datetime(2024, 3, 9, tzinfo=UTC)
        await ledger.record_ratios([status(ONE, None), status(ONE, "40")])  # one that failed says nothing
        assert (await reconcile(ledger, MARCH)).ok


async def test_the_provider_against_the_programs(ledger: Ledger) -> None:
    """The provider's part is compared with the Mini Programs' settlements and ratios.

    A difference has both sides' rows.
    """
    await settle(ledger, PROVIDER, 2_000)
    found = {one.what: one for one in (await reconcile(ledger, MARCH)).differences}
    assert found.keys() == {"income", "share"}
    share = found[CheckKind.SHARE]
    assert (share.expected, share.found) == (2_100, 2_000)
    assert [owner for owner, _ in share.rows] == [PROVIDER, ONE, TWO]


@pytest.mark.parametrize(("header", "words"), [(901, "begins with 2024-03-1"), (899, "more than the header says")])
async def test_the_header_against_all_rows(header: int, words: str, ledger: Ledger) -> None:
    """The header counts all times.

    A fen between it and the settled rows is a difference.
    """
    await settle(ledger, ONE, 900, header=header)
    difference = only(await reconcile(ledger, MARCH))
    assert (difference.what, difference.owner, difference.expected, difference.found) == ("header", ONE, header, 900)
    assert words in difference.meaning("en")


async def test_the_header_counts_settled_rows_of_other_half_months(ledger: Ledger) -> None:
    """The header counts settled rows of other half-months, and no others.

    The report names half-months that are missing between them.
    """
    header = Totals(10_000, 0, 1_000, None)
    await ledger.record(ONE, FEBRUARY, [row(100, 4, FEBRUARY), row(7, 1, FEBRUARY), row(3, None, FEBRUARY)], totals=header)
    assert (await reconcile(ledger, MARCH)).ok
    january = HalfMonth(2024, 1, 2)
    await ledger.record(ONE, january, [], totals=attrs.evolve(header, settled_revenue_all=1_001))
    assert "lacks 1 half-months" in only(await reconcile(ledger, MARCH)).meaning("en")


async def test_more_settled_than_earned(ledger: Ledger) -> None:
    """A header that contradicts itself is a difference."""
    await ledger.record(ONE, MARCH, [row(900)], totals=Totals(1_000, 101, 900, None))
    difference = only(await reconcile(ledger, MARCH))
    assert (difference.what, difference.expected, difference.found) == ("balance", 899, 900)


async def test_income_without_a_settlement(ledger: Ledger) -> None:
    """Income without a settlement is a difference; missing income is not."""
    await ledger.record_ads("wxthree", DAYS[0], [ads(DAYS[0], 70, 0)])
    await ledger.record_ads("wxfour", DAYS[0], [ads(DAYS[0], 0, 0)])
    await ledger.record_ratios([status("wxthree", "0"), status("wxfour", "0")])
    difference = only(await reconcile(ledger, MARCH))
    assert (difference.what, difference.owner, difference.expected, difference.found) == ("income", "wxthree", 70, 0)


# -- what is not there -----------------------------------------------------------------------------


async def test_an_empty_ledger_is_not_ok(tmp_path: Path) -> None:
    """A ledger with no data to compare is not ok."""
    async with open_ledger(str(tmp_path / "revenue.db")) as ledger:
        found = await reconcile(ledger, MARCH)
    assert (found.ok, found.compared, found.differences) == (False, 0, ())
    assert "no settlement of the half-month" in found.unchecked[0].reason("en")


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """Without data each comparison says what it lacks, and of whom.

    The data are ad data, ratios, a provider and a header.
    """
    async with open_ledger(str(tmp_path / "revenue.db")) as ledger:
        for number in range(150):
            await ledger.record(f"wx{number:03}", MARCH, [row(100)])
        found = await reconcile(ledger, MARCH)
    assert (found.ok, found.differences, found.compared) == (False, (), 150)
    said = {(one.what, one.count): one.reason("en") for one in found.unchecked}
    assert said.keys() == {("income", 150), ("share", 1), ("header", 150)}
    assert "sync --ads" in said[CheckKind.INCOME, 150]
    assert "which account is the provider" in said[CheckKind.SHARE, 1]
    assert len(found.unchecked[0].owners) == 100


async def test_what_is_not_settled_is_not_compared(ledger: Ledger) -> None:
    """An amount that is not settled may still change, and is not compared."""
    await settle(ledger, ONE, 800, state=1)
    found = await reconcile(ledger, MARCH)
    assert found.differences == ()
    assert [(one.what, one.owners) for one in found.unchecked] == [("income", (ONE,)), ("share", (ONE,))]


@pytest.mark.parametrize(
    ("owner", "change", "what"),
    [
        (ONE, {"publisher_income": None, "income": None}, "income"),
        (ONE, {"agency_income": None}, "ratio"),
    ],
)
async def test_figures_without_money(owner: str, change: dict[str, Any], what: str, ledger: Ledger) -> None:
    """Ad data that lack an amount are not taken for zero."""
    await ledger.record_ads(owner, DAYS[0], [attrs.evolve(ads(DAYS[0], 60, 40), **change)])
    found = await reconcile(ledger, MARCH)
    assert what in {one.what for one in found.unchecked}
    assert not found.ok


async def test_several_providers(ledger: Ledger) -> None:
    """With several providers a Mini Program's provider is unknown, and not guessed."""
    await ledger.record_provider("wxother")
    found = await reconcile(ledger, MARCH)
    assert [(one.what, "2 providers" in one.reason("en")) for one in found.unchecked] == [("share", True)]


async def test_a_ratio_of_all(ledger: Ledger) -> None:
    """At 100 % a Mini Program's settlement does not show the provider's part."""
    await ledger.record_ratios([status(TWO, "100")])
    found = await reconcile(ledger, MARCH)
    assert ("share", (TWO,)) in [(one.what, one.owners) for one in found.unchecked]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((None, MARCH), "ledger: expected a Ledger, got NoneType"), (("ledger", "2024-03-1"), "half_month: expected a HalfMonth, got str")],
)
async def test_arguments_are_checked(arguments: tuple[Any, Any], said: str, ledger: Ledger) -> None:
    """A wrong ledger or half-month is refused by name."""
    with pytest.raises(ConfigurationError, match=said):
        await reconcile(ledger if arguments[0] == "ledger" else arguments[0], arguments[1])
    difference = (await reconcile(ledger, MARCH)).differences
    assert difference == ()


# -- ad data ---------------------------------------------------------------------------------------

money = st.integers(1, 1_000)


@given(st.lists(st.tuples(money, money), min_size=1, max_size=4))
def test_sums_and_units_are_not_counted_twice(amounts: list[tuple[int, int]]) -> None:
    """Sums and ad units are not counted twice.

    A row without a slot may be the sum of the others, and ad units stand beside their slots. Any
    other row counts.
    """
    slots = [attrs.evolve(ads(DAYS[0], *pair), ad_slot=f"S{number}") for number, pair in enumerate(amounts)]
    units = [attrs.evolve(one, ad_unit_id=f"u{number}") for number, one in enumerate(slots)]
    whole = attrs.evolve(ads(DAYS[0], sum(p for p, _ in amounts), sum(a for _, a in amounts)), ad_slot=None)
    other = attrs.evolve(whole, publisher_income=(whole.publisher_income or 0) + 1)
    assert counted_once([*slots, whole, *units]) == slots
    assert counted_once([*units, whole]) == units
    assert counted_once([*slots, other]) == [*slots, other]
    assert counted_once([whole]) == [whole]
