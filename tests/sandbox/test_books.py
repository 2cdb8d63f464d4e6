"""The sandbox's settlement books: their rows, their sums, and what a range takes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from wxrevenue.errors import ConfigurationError
from wxrevenue.sandbox import Sandbox

RANGE = {"page": 1, "page_size": 20, "start_date": "2020-01-01", "end_date": "2026-12-31"}


def make(seed: int = 7) -> Sandbox:
    """Return a sandbox with a fixed day."""
    return Sandbox(seed=seed, today=date(2026, 3, 20))


def raw(sandbox: Sandbox, component: int = 0, **changes: Any) -> bytes:
    """Return the bytes of one page of a provider's settlements."""
    token = sandbox.component_token(sandbox.components[component])
    target = f"/wxa/operationams?action=get_agency_settled_revenue&access_token={token}"
    return sandbox.handle("POST", target, {}, orjson.dumps({**RANGE, **changes})).body


def settlement(sandbox: Sandbox, component: int = 0, **changes: Any) -> Any:
    """Return one page as JSON."""
    return orjson.loads(raw(sandbox, component, **changes))


def walk(sandbox: Sandbox, component: int) -> list[dict[str, Any]]:
    """Return all rows of a provider, page by page."""
    rows: list[dict[str, Any]] = []
    page = 1
    while found := settlement(sandbox, component, page=page).get("settlement_list"):
        rows += found
        page += 1
    return rows


@pytest.mark.parametrize("component", [0, 1, 2])
def test_rows_reconcile(component: int) -> None:
    """All pages together hold the books' number of rows and their sum.

    Each row is the sum of its slots.
    """
    sandbox = make()
    rows = walk(sandbox, component)
    totals = sandbox.totals(sandbox.components[component], "2020-01-01", date(2026, 12, 31))
    assert len(rows) == totals.rows == settlement(sandbox, component)["total_num"] >= 6 * 24
    assert sum(row["settled_revenue"] for row in rows) == totals.settled_revenue
    for row in rows:
        assert row["settled_revenue"] == sum(slot["slot_settled_revenue"] for slot in row["slot_revenue"])
        assert len({slot["slot_id"] for slot in row["slot_revenue"]}) == len(row["slot_revenue"]) >= 2


def test_same_seed_same_bytes() -> None:
    """Two sandboxes of one seed give the same bytes; another seed gives others."""
    first, second, other = (raw(make(s)) for s in (7, 7, 8))
    assert first == second != other


def test_header_is_all_time() -> None:
    """The header's sums do not depend on the range, and fit together.

    They exceed 32 bits for the first provider.
    """
    sandbox = make()
    page, short = settlement(sandbox), settlement(sandbox, start_date="2026-01-01", end_date="2026-01-02")
    keys = ("body", "revenue_all", "penalty_all", "settled_revenue_all")
    assert [page[key] for key in keys] == [short[key] for key in keys]
    rows = walk(sandbox, 0)
    assert page["revenue_all"] > sum(row["settled_revenue"] for row in rows) + page["penalty_all"] > 2**31
    assert page["settled_revenue_all"] == sum(row["settled_revenue"] for row in rows if row["sett_status"] != 1)


def test_range_takes_overlapping_half_months() -> None:
    """An answer has every half-month that shares a day with the range.

    The last updated comes first. Names are Chinese in raw UTF-8.
    """
    body = raw(make(), start_date="2024-02-11", end_date="2024-03-26")
    rows = orjson.loads(body)["settlement_list"]
    assert sorted((row["month"], row["order"]) for row in rows) == [("202402", 1), ("202402", 2), ("202403", 1), ("202403", 2)]
    assert {"2024年3月1日至15日", "2024年2月16日至29日"} < {row["zone"] for row in rows}
    assert "沙箱".encode() in body
    assert b"\\u" not in body
    dates = [row["date"] for row in walk(make(), 0)]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(
    ("start", "days"), [("2023-02-15", 0), ("2023-02-15", 1), ("2023-12-31", 1), ("2024-02-29", 40), ("2020-01-01", 90), ("2026-03-31", 9)]
)
def test_range_day_by_day(start: str, days: int) -> None:
    """The half-months of an answer are those of the range's days, one by one.

    They end where the books end.
    """
    first = date.fromisoformat(start)
    each = [first + timedelta(days=n) for n in range(days + 1)]
    expected = {(f"{day:%Y%m}", 1 if day.day <= 15 else 2) for day in each if date(2020, 3, 16) <= day <= date(2026, 3, 15)}
    page = settlement(make(), start_date=start, end_date=each[-1].isoformat())
    assert sorted((row["month"], row["order"]) for row in page.get("settlement_list", [])) == sorted(expected)


def row_of(sandbox: Sandbox, day: date, half: tuple[str, int] = ("202003", 1)) -> dict[str, Any] | None:
    """Return the row of a half-month as it is on a day."""
    sandbox.today = day
    return next((row for row in walk(sandbox, 0) if (row["month"], row["order"]) == half), None)


def test_the_documents_own_question() -> None:
    """The documents' own question of 25 March 2020 has one row as its answer.

    It asks for 1 to 16 March. The row is the first half of March, settling and updated that day.
    The running half-month has no row.
    """
    sandbox = Sandbox(seed=7, today=date(2020, 3, 25))
    page = settlement(sandbox, start_date="2020-03-01", end_date="2020-03-16")
    [row] = page["settlement_list"]
    assert page["total_num"] == 1
    assert (row["date"], row["month"], row["order"], row["sett_status"]) == ("2020-03-25", "202003", 1, 1)
    assert row["zone"] == "2020年3月1日至15日"


def test_status_follows_age() -> None:
    """A half-month has no row while it runs; then its status follows its age.

    It is settling without a number, has a statement after twelve days, and is paid weeks later.
    """
    sandbox = Sandbox(seed=7, today=date(2020, 3, 15))
    stages: list[tuple[int, str]] = []
    status: int | None = None
    for age in range(80):
        row = row_of(sandbox, date(2020, 3, 15) + timedelta(days=age))
        assert (row is None) is (age < 5)
        if row is not None:
            assert (row["sett_no"] == "") is (row["sett_status"] == 1) is (age < 12)
            if row["sett_status"] != status:
                stages.append((age, row["date"]))
                status = row["sett_status"]
    ages = [age for age, _ in stages]
    assert ages[:2] == [5, 12]
    assert 26 <= ages[2] <= 32
    assert 45 <= ages[3] <= 65
    assert [(date.fromisoformat(day) - date(2020, 3, 15)).days for _, day in stages] == ages
    assert {row["mail_send_cnt"] for row in walk(make(), 0)} == {"0", "1", "2"}


def test_a_row_that_is_dated_anew() -> None:
    """A half-month whose status changed late stands above newer ones.

    The order is that of the updates, not of the periods.
    """
    rows = walk(make(), 0)
    periods = [(row["month"], row["order"]) for row in rows]
    assert periods != sorted(periods, reverse=True)
    assert len(set(periods)) == len(periods)


def test_several_rows_per_half_month() -> None:
    """Every third provider has three rows to a half-month.

    Their numbers tell them apart once they are settled.
    """
    rows = walk(make(), 2)
    assert [row["month"] for row in rows if row["sett_status"] == 1] == ["202603"] * 3
    numbers = [row["sett_no"] for row in rows if row["sett_status"] != 1]
    assert len(set(numbers)) == len(numbers)


def test_moving_today_on_settles() -> None:
    """On a later day a settling half-month has a number and its full amount.

    A new half-month has a row.
    """
    sandbox = make()
    before = {(row["month"], row["order"]): row for row in walk(sandbox, 0)}
    sandbox.today = date(2026, 4, 6)
    after = {(row["month"], row["order"]): row for row in walk(sandbox, 0)}
    assert sandbox.today == date(2026, 4, 6)
    assert after.keys() - before.keys() == {("202603", 2)}
    newest = ("202603", 1)
    assert after[newest]["sett_no"]
    assert after[newest]["settled_revenue"] > before[newest]["settled_revenue"]
    assert all(after[half]["settled_revenue"] == row["settled_revenue"] for half, row in before.items() if half != newest)


def test_today_defaults_to_the_beijing_day() -> None:
    """Without ``today`` the books end on the day that the clock shows in Beijing."""
    assert Sandbox(now=lambda: 1_774_022_399.0).today == date(2026, 3, 20)
    assert Sandbox(now=lambda: 1_774_022_400.0).today == date(2026, 3, 21)


@pytest.mark.parametrize("changes", [{"page": 1000}, {"start_date": "2010-01-01", "end_date": "2010-12-31"}])
def test_nothing_to_show_has_no_list(changes: dict[str, Any]) -> None:
    """Where a page has no rows the list's key is missing; the total stays."""
    page = settlement(make(), **changes)
    assert "settlement_list" not in page
    assert page["total_num"] == (0 if "start_date" in changes else 144)


@pytest.mark.parametrize("components", [0, -1])
def test_a_sandbox_has_providers(components: int) -> None:
    """A sandbox without a provider is refused."""
    with pytest.raises(ConfigurationError, match=r"Sandbox\.components: expected an int, 1 to"):
        Sandbox(components=components)
