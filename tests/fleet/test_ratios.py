"""Reading the ratios of a fleet, planning changes, and setting them."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.chapters import refused
from support.fakes import ams_client, answer
from support.fleet import Fleet
from support.provider import SandboxTokens
from support.ratios import AWAITING, FAILED, GET, GET_CUSTOM, IN_FORCE, UNSIGNED, change, read, status
from support.virtual import run_virtual, virtual

from wxrevenue import (
    AgreementUnsignedError,
    ApiError,
    ConfigurationError,
    InvalidParameterError,
    MemoryTransport,
    RatioPlan,
    RevenueClient,
    WxRevenueError,
    apply_ratios,
    plan_ratios,
    ratio_status,
)
from wxrevenue.sandbox import Quota, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable


# -- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_what_is_set_and_what_is_in_force(number: int) -> None:
    """A custom ratio counts, else the default.

    Until the merchant confirms it, the row is awaiting; one that has not signed says so.
    """
    fleet = Fleet(number=number)
    custom, other, third, _ = fleet.programs
    await fleet.client.set_custom_share_ratio(custom, share_ratio=40)
    found = await read(fleet, [custom, other, fleet.unsigned])
    assert found[custom] == status(custom, 40, state=AWAITING)
    assert found[other] == status(other)
    assert found[fleet.unsigned].state is UNSIGNED
    assert isinstance(found[fleet.unsigned].error, AgreementUnsignedError)
    fleet.sandbox.confirm_ratio(fleet.appid, custom)
    await fleet.client.set_share_ratio(30)
    found = await read(fleet, [custom, third])
    assert found[custom] == status(custom, 40, default=30, in_force=40)
    assert found[third] == status(third, default=30, state=AWAITING)


@virtual
async def test_one_that_fails_is_a_row() -> None:
    """A refusal, an unknown appid and an invalid one are rows with errors.

    The other rows come.
    """
    fleet = Fleet()
    one, two, three, four = fleet.programs
    fleet.sandbox.next(2056, action=GET_CUSTOM)
    found = await read(fleet, [one, two, "wx nobody", "wx1", three, four], concurrency=1)
    assert [row.state for row in found.values()] == [FAILED, IN_FORCE, FAILED, FAILED, IN_FORCE, IN_FORCE]
    assert isinstance(found[one].error, ApiError)
    assert found[one].in_force == 50
    assert isinstance(found["wx nobody"].error, ConfigurationError)
    assert isinstance(found["wx1"].error, InvalidParameterError)


@virtual
async def test_one_that_is_listed_twice_has_two_rows() -> None:
    """The same Mini Program twice at once is read twice, and no row fails."""
    fleet = Fleet()
    one = fleet.programs[0]
    rows = [row async for row in ratio_status(fleet.client, [one, one, one])]
    assert rows == [status(one)] * 3


@virtual
async def test_a_default_that_cannot_be_read() -> None:
    """If the default is refused, even with 1735, that row has failed.

    The next row asks again.
    """
    fleet = Fleet()
    fleet.sandbox.next(1735, action=GET)
    first, second = (await read(fleet, fleet.programs[:2], concurrency=1)).values()
    assert (first.state, first.default) == (FAILED, None)
    assert (second.state, second.default) == (IN_FORCE, Decimal(50))


@virtual
async def test_what_a_part_of_the_users_own_raises_is_a_row() -> None:
    """An exception of the user's own token source is the cause of the row's error."""

    class Forgetful(SandboxTokens):
        async def get(self, kind: Any, appid: str | None, *, timeout: float) -> str:
            raise LookupError("vault")

    plain = Fleet()
    fleet = Fleet(tokens=Forgetful(plain.sandbox, plain.appid))
    (row,) = (await read(fleet, fleet.programs[:1])).values()
    assert row.state is FAILED
    assert type(row.error) is WxRevenueError
    assert str(row.error) == "the call ended in LookupError, which a part of your own raised"
    assert isinstance(row.error.__cause__, LookupError)


@virtual
async def test_a_fleet_is_read_with_a_bounded_number_of_tasks() -> None:
    """1,000 Mini Programs take 2,001 calls, at most ``concurrency`` at once.

    They do not take a task each.
    """
    fleet = Fleet(1000, trouble=Trouble(latency=0.05))
    pulled = tasks = 0

    def appids() -> Iterable[str]:
        nonlocal pulled
        for pulled, appid in enumerate(fleet.programs, 1):  # noqa: B007  (read below)
            yield appid

    rows = 0
    async for _ in ratio_status(fleet.client, appids(), concurrency=7):
        rows += 1
        tasks = max(tasks, len(asyncio.all_tasks()))
        assert pulled <= rows + 7
    assert rows == 1000
    assert (fleet.calls(GET), fleet.calls(GET_CUSTOM, "2061")) == (1001, 1000)
    assert fleet.most_in_flight <= 7
    assert tasks <= 7 + 1


@pytest.mark.parametrize(("kind", "per"), [("fixed", "action"), ("sliding", "component"), ("bucket", "action")])
def test_operating_too_fast_costs_no_row(kind: Any, per: Any) -> None:
    """Under a quota of 100 calls a minute a thousand rows come without an error.

    What was asked is not asked again.
    """

    async def main() -> None:
        fleet = Fleet(1000, trouble=Trouble(too_fast=Quota(100, 60.0, kind, per)))
        found = await read(fleet, fleet.programs)
        assert Counter(row.state for row in found.values()) == {IN_FORCE: 1000}
        assert fleet.calls(GET) == 1001
        assert fleet.calls(GET, "1737") + fleet.calls(GET_CUSTOM, "1737") <= 60

    run_virtual(main())


@virtual
async def test_a_row_that_is_begun_again() -> None:
    """A row that was put off for long asks only for what it lacks.

    It was put off for longer than ``page_deadline``.
    """
    fleet = Fleet()
    fleet.client = fleet.client.with_options(page_deadline=10.0)
    fleet.sandbox.next(1737, action=GET_CUSTOM)
    found = await read(fleet, fleet.programs[:1])
    assert found == {fleet.programs[0]: status(fleet.programs[0])}
    assert fleet.actions == [GET, GET, GET_CUSTOM, GET_CUSTOM]


async def asynchronous(appids: Iterable[str], ended: list[bool]) -> AsyncGenerator[str]:
    """Yield appids; note the end."""
    try:
        for appid in appids:
            await asyncio.sleep(0)
            yield appid
    finally:
        ended.append(True)


@virtual
async def test_closing_leaves_nothing_behind() -> None:
    """A reader that stops early and closes leaves nothing behind.

    No task, call or iterator of appids is left.
    """
    fleet, ended = Fleet(100, trouble=Trouble(latency=1.0)), list[bool]()
    async with aclosing(ratio_status(fleet.client, asynchronous(fleet.programs, ended))) as rows:
        async for _ in rows:
            break
    assert ended == [True]
    assert fleet.in_flight == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_wrong_arguments_are_refused_at_once() -> None:
    """A wrong argument is refused before anything is awaited or sent."""
    client = ams_client()[0]
    refused(ratio_status, "ratio_status.appids: expected an iterable of jobs, or an asynchronous one, got str: write a list", client, "wx1")
    refused(ratio_status, "ratio_status.concurrency: expected an int, 1 to 10000, got 0", client, [], concurrency=0)
    refused(apply_ratios, "apply_ratios.plan: expected a RatioPlan, got dict", client, {"wx1": 40})
    refused(apply_ratios, "apply_ratios.concurrency: expected an int, 1 to 10000, got True", client, RatioPlan((), 0), concurrency=True)
    nameless = RevenueClient("fake-token", transport=MemoryTransport(lambda _: answer()))
    refused(
        ratio_status,
        "ratio_status.client: expected a client that knows its component_appid: give it, or set WXREVENUE_COMPONENT_APPID",
        nameless,
        ["wx1"],
    )


# -- planning --------------------------------------------------------------------------------------


def test_a_plan_is_what_differs() -> None:
    """Only what is not set as wanted is a change, the default first.

    ``str`` shows a diff.
    """
    found = [status("wx1", 40), status("wx2", 30), status("wx3")]
    plan = plan_ratios({"wx1": 40, "wx2": Decimal("40.00"), "wx3": 50, None: 45}, found)
    assert plan == RatioPlan((change(None, 50, 45), change("wx2", 30, 40), change("wx3", None, 50)), unchanged=1)
    assert str(plan).splitlines() == [
        "default  50 % -> 45 %",
        "wx2  30 % -> 40.00 %",
        "wx3  none -> 50 %",
        "3 to set, 1 unchanged",
    ]


def test_what_could_not_be_read_is_set() -> None:
    """What could not be read is a change.

    It is a Mini Program that has not signed, or a default without an answer.
    """
    unsigned = status("wx1", in_force=None, default=None, state=UNSIGNED, error=AgreementUnsignedError())
    assert plan_ratios({"wx1": 40, None: 0}, [unsigned]).changes == (change(None, None, 0), change("wx1", None, 40))
    assert plan_ratios({}, [unsigned]) == RatioPlan((), 0)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"wx9": 40}, "plan_ratios.wanted['wx9']: expected a Mini Program that is among those found"),
        ({"wx1": 101}, "plan_ratios.wanted['wx1']: expected 0 to 100 percent, got 101"),
        ({None: -1}, "plan_ratios.wanted[None]: expected 0 to 100 percent, got -1"),
        ({"wx1": 40.0}, "plan_ratios.wanted['wx1']: expected an int or a Decimal, got float: write Decimal('40.0')"),
        ({"wx1": True}, "plan_ratios.wanted['wx1']: expected an int or a Decimal, got bool"),
        (
            {"wx1": Decimal("12.5")},
            "plan_ratios.wanted['wx1']: expected a whole number from 0 to 100, got 12.5; allow_fractions=True lets it pass",
        ),
    ],
)
def test_ratios_that_are_refused(wanted: Any, message: str) -> None:
    """A wrong ratio is refused by name.

    It is of an unknown Mini Program, beyond 0 to 100, or a fraction.
    """
    refused(plan_ratios, message, wanted, [status("wx1")])


def test_fractions_on_request() -> None:
    """``allow_fractions`` lets a fraction pass, with two places at most; it is a bool."""
    plan = plan_ratios({"wx1": Decimal("12.5")}, [status("wx1")], allow_fractions=True)
    assert plan.changes[0].after == Decimal("12.5")
    refused(
        plan_ratios,
        "plan_ratios.wanted['wx1']: expected at most 2 decimal places",
        {"wx1": Decimal("0.125")},
        [status("wx1")],
        allow_fractions=True,
    )
    refused(plan_ratios, "plan_ratios.allow_fractions: expected a bool, got int", {}, [], allow_fractions=1)
