"""Settlements of a provider's Mini Programs, side by side.

A refusal of one Mini Program stops no other.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from support.fleet import Fleet
from support.virtual import now, virtual

from wxrevenue import ApiError, Checkpoint, ConfigurationError, sweep_authorizer_settlements, sweep_half_months, sweep_settlements
from wxrevenue.sandbox import Quota, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from wxrevenue import Outcome, Settlement

HALF_YEAR = ("2025-10-01", "2026-03-20")
MANY, QUOTA = 10_000, 1_000


def appids(count: int) -> Iterator[str]:
    """Yield the Mini Programs of the first provider, one by one."""
    for number in range(count):
        yield f"wxa{0:09x}{number:06x}"


class Tally:
    """Counts rows and money by Mini Program, and errors."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.fen: Counter[str] = Counter()
        self.keys = set[tuple[str, Any]]()
        self.errors: dict[str, Any] = {}

    def add(self, outcome: Outcome[str, list[Settlement]]) -> None:
        """Count an outcome."""
        if outcome.error is not None:
            assert isinstance(outcome.error, ApiError)
            self.errors[outcome.job] = outcome.error.code
        for row in outcome.value or ():
            assert (outcome.job, row.key) not in self.keys, "a row came twice"
            self.keys.add((outcome.job, row.key))
            self.rows[outcome.job] += 1
            self.fen[outcome.job] += row.settled_revenue

    def agrees(self, fleet: Fleet, appid: str) -> bool:
        """Return whether a Mini Program's rows and sum are those of the sandbox's books."""
        books = fleet.sandbox.totals(appid, *HALF_YEAR)
        return (self.rows[appid], self.fen[appid]) == (books.rows, books.settled_revenue)


@virtual
async def test_refusals_stand_in_their_outcomes() -> None:
    """1807, 2009 and 1735 end one Mini Program's job each, in its outcome.

    All others get every row, also of several pages.
    """
    fleet, tally = Fleet(20, trouble=Trouble(page_cap=5)), Tally()
    closed, unsigned, invalid = fleet.programs[-1], fleet.unsigned, fleet.programs[0]
    fleet.sandbox.next(2009)
    async with sweep_authorizer_settlements(fleet.client, [*fleet.programs, unsigned], *HALF_YEAR, concurrency=1) as outcomes:
        async for outcome in outcomes:
            tally.add(outcome)
    assert tally.errors == {invalid: 2009, closed: 1807, unsigned: 1735}
    assert all(tally.agrees(fleet, appid) for appid in fleet.programs[1:-1])


@virtual
async def test_a_provider_without_an_account() -> None:
    """Without an account every job's outcome is 2056: the sweep does not raise."""
    fleet, tally = Fleet(5), Tally()
    fleet.sandbox.next(*[2056] * 5)
    async for outcome in sweep_authorizer_settlements(fleet.client, fleet.programs, *HALF_YEAR):
        tally.add(outcome)
    assert tally.errors == dict.fromkeys(fleet.programs, 2056)


@virtual
async def test_from_an_asynchronous_source() -> None:
    """The Mini Programs may come from the provider's own list, as it is read.

    A wrong appid ends its own job alone.
    """
    fleet, found = Fleet(7), dict[str, Any]()

    async def listed() -> AsyncIterator[str]:
        async for row in fleet.client.iter_authorizer_list(count=3):
            yield row.authorizer_appid
        yield "no appid"

    async for outcome in sweep_authorizer_settlements(fleet.client, listed(), *HALF_YEAR, page_size=50, ordered=True):
        found[outcome.job] = outcome.error
    assert tuple(found) == (*fleet.programs, "no appid")
    assert isinstance(found["no appid"], ConfigurationError)


@virtual
async def test_resumed_from_a_checkpoint(tmp_path: Path) -> None:
    """A sweep that was left goes on with the open jobs.

    No Mini Program that is done is asked for again.
    """
    fleet, tally = Fleet(12, trouble=Trouble(page_cap=4)), Tally()
    for stop in (9, 1_000):
        before, outcomes = sum(fleet.sandbox.calls.values()), 0
        swept = sweep_authorizer_settlements(fleet.client, fleet.programs, *HALF_YEAR, checkpoint=Checkpoint(tmp_path / "a"), concurrency=2)
        async with swept:
            async for outcome in swept:
                outcomes += 1
                if outcomes == stop:
                    break  # what was not taken in comes again
                tally.add(outcome)
    assert all(tally.agrees(fleet, appid) for appid in fleet.programs[:-1])
    assert sum(fleet.sandbox.calls.values()) - before < 12 * 3


def test_arguments_are_checked_at_once() -> None:
    """Dates, their order, the appids and the options are checked before the first job."""
    client = Fleet(1).client
    wrong: list[tuple[Any, Any, Any, dict[str, Any], str]] = [
        ("wx-one", *HALF_YEAR, {}, "expected an iterable of jobs"),
        ([], "2026-1-1", "2026-03-20", {}, "sweep_authorizer_settlements.start_date: expected zero-padded"),
        ([], "2026-03-20", "2026-03-19", {}, "sweep_authorizer_settlements.end_date: expected start_date or a later day"),
        ([], *HALF_YEAR, {"concurrency": 0}, "sweep.concurrency"),
        ([], *HALF_YEAR, {"page_size": 0}, "sweep_authorizer_settlements.page_size: expected an int, 1 to 10000"),
    ]
    for jobs, start, end, options, said in wrong:
        with pytest.raises(ConfigurationError, match=said):
            sweep_authorizer_settlements(client, jobs, start, end, **options)
    with pytest.raises(ConfigurationError, match=r"sweep_settlements\.page_size"):
        sweep_settlements(lambda _: client, [], *HALF_YEAR, page_size=0)
    with pytest.raises(ConfigurationError, match=r"sweep_half_months\.page_size"):
        sweep_half_months(client, *HALF_YEAR, page_size=0)


@pytest.mark.slow("ten thousand Mini Programs, ten virtual minutes")
@virtual
async def test_ten_thousand_mini_programs_under_one_quota() -> None:
    """R-36: every row of each comes once and adds up to the fen.

    The quota is the provider's, and there is trouble on the way. Hardly a call is refused, and the
    time is little more than the quota asks for.
    """
    trouble = Trouble(too_fast=Quota(QUOTA, per="component"), latency=0.05, busy=0.002, expired=0.001, drop_after=0.001)
    fleet, tally = Fleet(MANY, years=1, trouble=trouble), Tally()
    async for outcome in sweep_authorizer_settlements(fleet.client, appids(MANY), *HALF_YEAR):
        tally.add(outcome)
    assert tally.errors == {f"wxa{0:09x}{MANY - 1:06x}": 1807}
    assert all(tally.agrees(fleet, appid) for appid in appids(MANY - 1))
    assert sum(tally.rows.values()) == len(tally.keys) == 11 * (MANY - 1)
    assert fleet.sandbox.calls["agency_get_settlement", "1737"] <= 100
    assert now() <= 1.25 * (MANY // QUOTA - 1) * 60.0
    assert fleet.sandbox.calls["agency_get_settlement", "-202"] > 0
