"""The report shows what the ledger holds, to the fen."""

# ruff: noqa: RUF001  (dashes, and Chinese)

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.postgres import new_database
from support.report import (
    LAST,
    PROVIDER,
    TODAY,
    a_ledger,
    captions,
    fen_of,
    headlines,
    of_class,
    parsed,
    slots,
    statement,
    table,
    text_of,
)

from wxrevenue import ConfigurationError, HalfMonth, Totals, open_ledger, render_html
from wxrevenue.report import _figures

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from pathlib import Path

    from wxrevenue import Ledger

STATES = {5: "Paid", 4: "Paying", 3: "Settled", 2: "Settled", 1: "Settling", 9: "Other status", None: "Other status"}
OWNERS = (PROVIDER, "wx1", "wx2", "wx3")
ROWS = st.lists(
    st.tuples(st.sampled_from(OWNERS), st.integers(0, 40), st.integers(-(10**12), 10**12), st.sampled_from([*STATES])), max_size=25
)


async def page_of(ledger: Ledger, **options: Any) -> ET.Element:
    """Return the English page, parsed."""
    chosen: dict[str, Any] = {"lang": "en", "today": TODAY, **options}
    return parsed(await render_html(ledger, **chosen))


def total_of(page: ET.Element, caption: str) -> dict[str, int]:
    """Return the last row of a table of half-months, by column."""
    head, *_, last = table(page, caption)
    return {name: fen_of(cell) for name, cell in zip(head[1:], last[1:], strict=True)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
async def test_every_sum_is_the_ledgers(rows: list[tuple[str, int, int, int | None]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Headlines, totals, rows by half-month and Mini Programs add up to the fen.

    This holds for all amounts and statuses.
    """
    wanted: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    by_owner: dict[str, list[Any]] = {owner: [] for owner in OWNERS}
    for owner, back, fen, status in rows:
        by_owner[owner].append(statement(LAST.shifted(-back), fen, status))
        wanted[owner == PROVIDER][STATES[status]] += fen
    async with a_ledger(tmp_path_factory.mktemp("ledger") / "revenue.db") as ledger:
        await ledger.record_provider(PROVIDER)
        for owner, some in by_owner.items():
            for half in {row.half_month for row in some}:
                await ledger.record(owner, half, [row for row in some if row.half_month == half])
        page = await page_of(ledger)
    kinds = {"The provider's revenue": True, "The Mini Programs' revenue": False}
    shown = [own for own in kinds.values() if any((owner == PROVIDER) == own for owner, *_ in rows)]
    assert headlines(page) == [sum(wanted[own].values()) for own in shown]
    for name, own in kinds.items():
        caption = f"{name} by half-month and status"
        if own in shown:
            assert total_of(page, caption) == {**wanted[own], "Total": sum(wanted[own].values())}
            body = table(page, caption)[1:-1]
            assert sum(fen_of(cells[-1]) for cells in body) == sum(wanted[own].values())
    if False in shown:
        programs = table(page, "Mini Programs that earned most")[1:]
        assert {cells[0]: fen_of(cells[1]) for cells in programs} == {
            owner: sum(row.settled_revenue for row in some) for owner, some in by_owner.items() if some and owner != PROVIDER
        }


@pytest.fixture
async def ledger(tmp_path: Path) -> Any:
    """Return a ledger with a provider and three Mini Programs, each with a trouble."""
    async with a_ledger(tmp_path / "revenue.db") as opened:
        await opened.record_provider(PROVIDER)
        for back in range(8):
            half = LAST.shifted(-back)
            status = 1 if not back else 4 if back < 3 else 5
            header = Totals(1_000_000, 10_000, 900_000, "深圳市腾讯计算机系统有限公司")
            row = statement(half, 50_000, status, f"P{back}", slot_revenue=slots(BANNER=20_000, REWARD_VIDEO=30_000))
            await opened.record(PROVIDER, half, [row], totals=header)
            await opened.record("wx1", half, [statement(half, 30_000, status)], totals=Totals(300_000, 0, 250_000, None))
            await opened.record(
                "wx2", half, [statement(half, 10_000, 2 if back == 6 else status, f"N{back}")], totals=Totals(None, 0, 1, None)
            )
        await opened.record("wx3", LAST.shifted(-3), [statement(LAST.shifted(-3), 7)])
        yield opened


async def test_what_is_late(ledger: Ledger) -> None:
    """A statement that is not paid 60 days after its half-month is late.

    It is listed with its number, and is in the column of its age.
    """
    page = await page_of(ledger)
    assert table(page, "The oldest late statements")[1:] == [["wx2", "1-15 Mar 2024", "N6", "settled", "100.00", "97"]]
    ages = table(page, "Not paid, by days since the half-month's end")
    assert ages[0][1:] == ["0–30 days", "31–60 days", "61–90 days", "over 90 days", "Total"]
    assert ages[1:] == [
        ["The provider's revenue", "1,000.00", "500.00", "0", "0", "1,500.00"],
        ["The Mini Programs' revenue", "800.00", "400.00", "0", "100.00", "1,300.00"],
    ]
    late = await page_of(ledger, today=dt.date(2024, 7, 14))
    assert len(table(late, "The oldest late statements")) == 2
    assert len(table(await page_of(ledger, today=dt.date(2024, 7, 15)), "The oldest late statements")) == 2 + 3


@pytest.mark.parametrize(("age", "column"), [(0, 0), (30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3), (400, 3)])
async def test_ages(age: int, column: int, tmp_path: Path) -> None:
    """Each column of the ages includes its last day.

    What is in the last two columns is late.
    """
    half = HalfMonth(2024, 3, 2)
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record("wx1", half, [statement(half, 700, 4)])
        page = await page_of(ledger, today=half.end + dt.timedelta(days=age))
    cells = table(page, "Not paid, by days since the half-month's end")[1][1:-1]
    assert [place for place, cell in enumerate(cells) if fen_of(cell)] == [column]
    (late,) = [text_of(one) for one in of_class(page, "tile") if text_of(one).startswith("Late¥")]
    assert ("¥7.00" in late) == (column >= 2) == ("The oldest late statements" in captions(page))


async def test_what_is_missing(ledger: Ledger) -> None:
    """A half-month that was not fetched is missing.

    It ended since the first one of its owner. One that was recorded empty is not missing.
    """
    assert table(await page_of(ledger), "Accounts that lack half-months")[1:] == [["wx3", "16-30 Apr 2024", "3 half-months"]]
    await ledger.record("wx3", LAST, [])
    page = await page_of(ledger)
    assert table(page, "Accounts that lack half-months")[1:] == [["wx3", "1-15 Jun 2024", "2 half-months"]]
    later = await page_of(ledger, today=dt.date(2024, 7, 1))
    assert [row[2] for row in table(later, "Accounts that lack half-months")[1:]] == [
        "1 half-month",
        "3 half-months",
        "1 half-month",
        "1 half-month",
    ]


async def test_open_balances(ledger: Ledger) -> None:
    """The open balance is income less deductions and less what was settled.

    The provider and each Mini Program have one.
    """
    page = await page_of(ledger)
    tiles = [text_of(one) for one in of_class(page, "tile")]
    assert "Open balance¥900.00earned − deducted − settled" in tiles
    rows = {cells[0]: cells[-1] for cells in table(page, "Mini Programs that earned most")[1:]}
    assert rows == {"wx1": "500.00", "wx2": "–", "wx3": "–"}


async def test_slots_by_name(ledger: Ledger) -> None:
    """The provider's slots have readable names, the largest first."""
    assert [row[:3] for row in table(await page_of(ledger), "The provider's revenue by slot")[1:]] == [
        ["rewarded video", "2,400.00", "60.0%"],
        ["banner", "1,600.00", "40.0%"],
    ]
    zh = await page_of(ledger, lang="zh")
    assert [row[0] for row in table(zh, "服务商收入：按广告位")[1:]] == ["激励视频", "Banner"]


async def test_what_changed(ledger: Ledger) -> None:
    """The newest changes are counted.

    Those that move money come before new statements.
    """
    await ledger.record("wx1", LAST, [statement(LAST, 31_234, 2)])
    await ledger.record("wx2", LAST, [])
    page = await page_of(ledger)
    rows = table(page, "What changed lately")[1:]
    assert rows[:2] == [
        ["2024-06-20 12:00", "wx2", "1-15 Jun 2024", "gone", "100.00", "–"],
        ["2024-06-20 12:00", "wx1", "1-15 Jun 2024", "amount changed, status changed", "300.00 settling", "312.34 settled"],
    ]
    (summary,) = [text_of(one) for one in of_class(page, "sub") if "newest" in text_of(one)]
    assert summary == ("The newest 27 changes: 25 new, 1 amount changed, 1 status changed, 1 gone; changed amounts come to -87.66 yuan")


async def test_from_when_the_data_are(ledger: Ledger) -> None:
    """The page says when data were last recorded, in Beijing time, and whose they are."""
    (about,) = of_class(await page_of(ledger), "about")
    assert text_of(about) == (
        "Provider wx-provider Data as of 2024-06-20 12:00 (Beijing time) Report of 2024-06-20"
        " Settled by 深圳市腾讯计算机系统有限公司 The ledger holds 4 accounts, 25 half-months"
    )


async def test_a_ledger_without_a_provider(tmp_path: Path) -> None:
    """Where no provider is recorded all are Mini Programs, and the page says so."""
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record("wx1", LAST, [statement(LAST, 5)])
        page = await page_of(ledger)
    assert headlines(page) == [5]
    assert any("not known which account is the provider's" in text_of(one) for one in page.iter("li"))


async def test_an_empty_ledger(tmp_path: Path) -> None:
    """An empty ledger gives a page, too: it says what to do."""
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        page = await page_of(ledger)
        assert captions(page) == []
        assert "Run wxrevenue sync" in text_of(page)
        await ledger.record("wx1", LAST, [])
        assert "Run wxrevenue sync" in text_of(await page_of(ledger))


async def test_more_programs_than_are_listed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mini Programs beyond the list are one row; the sum stays that of all."""
    for number in range(30):
        await ledger.record(f"wy{number:02}", LAST, [statement(LAST, number + 1, 5 if number % 2 else 4)])
    monkeypatch.setattr(_figures, "LISTED", 22)
    page = await page_of(ledger)
    _, *rows = table(page, "All 33 Mini Programs")
    assert (len(rows), rows[-1][0]) == (23, "The other 11 Mini Programs")
    programs = "The Mini Programs' revenue by half-month and status"
    assert sum(fen_of(row[1]) for row in rows) == total_of(page, programs)["Total"]
    unpaid = table(page, "Not paid, by days since the half-month's end")[2]
    assert sum(fen_of(row[2]) for row in rows) == fen_of(unpaid[-1])
    assert len(table(page, "Mini Programs that earned most")) == 1 + 20


async def test_both_databases_make_the_same_page(ledger: Ledger, postgres_url: str) -> None:
    """SQLite and PostgreSQL give the same page."""
    async with a_ledger(new_database(postgres_url, "report")) as other:
        for provider in await ledger.providers():
            await other.record_provider(provider)
        rows = [one async for one in ledger.settlements()]
        header = dict([one async for one in ledger.all_totals()])
        for owner, row in sorted(rows, key=lambda one: -one[1].half_month.ordinal):
            await other.record(owner, row.half_month, [row], totals=header.get(owner))
        pages = [await page_of(one) for one in (ledger, other)]
    for caption in captions(pages[0]):
        if caption != "What changed lately":  # numbers of changes are those of each ledger
            assert table(pages[0], caption) == table(pages[1], caption)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lang": "fr"}, r"render_html\.lang: expected 'zh' or 'en'"),
        ({"today": "2024-06-20"}, "expected a datetime"),
        ({"ledger": "revenue.db"}, r"render_html\.ledger: expected a Ledger, got str"),
    ],
)
async def test_what_is_refused(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    """A forbidden argument is named before anything is read."""
    ledger = open_ledger(str(tmp_path / "revenue.db"))  # never opened: reading it would fail otherwise
    with pytest.raises(ConfigurationError, match=says):
        await render_html(options.pop("ledger", ledger), **options)


async def test_the_oldest_half_months_there_can_be(tmp_path: Path) -> None:
    """Half-months at the calendar's ends are shown, too."""
    first, last = HalfMonth(1, 1, 1), HalfMonth(9999, 12, 2)
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record("wx1", first, [statement(first, 1)])
        assert headlines(await page_of(ledger)) == [1]
        await ledger.record("wx1", last, [statement(last, 2, 1)])
        assert headlines(await page_of(ledger)) == [3]
