"""The benchmarks run, and both sides of each do the same job."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from benchmarks import (
    call,
    decode,
    decoders,
    import_time,
    ledger,
    ledger_sync,
    pages,
    retry,
    share_ratio,
    sign,
    sweep,
    transports,
    turn,
    waiters,
    workbooks,
)
from benchmarks._answers import ad_data_page, settlement_page
from benchmarks._apart import apart
from benchmarks._books import PAGES, ROWS, books
from benchmarks._half_months import server as half_month_server
from wxrevenue import (
    AdRow,
    GetShareRatio,
    HalfMonth,
    LocalRateLimiter,
    RevenueClient,
    SettlementPage,
    ShareRatio,
    open_ledger,
    write_statement,
)
from wxrevenue._engine.call import Call
from wxrevenue._wire import codec

if TYPE_CHECKING:
    from pathlib import Path


def test_g1_both_sides_fetch_the_same_page() -> None:
    """The client's page and the one that aiohttp alone fetched hold the same rows.

    The transport alone is answered the same.
    """
    with call.sides() as (runner, both):
        ours, rival, alone = runner.run(both.ours()), runner.run(both.rival()), runner.run(both.alone())
    assert len(ours.rows) == 2
    assert json.loads(alone.body) == rival
    assert rival.pop("ret") == 0
    rival.pop("err_msg")
    assert codec.decode(SettlementPage, rival) == ours


async def test_g2_both_sides_run() -> None:
    """The client answers from memory, and the comparison runs."""
    ours = share_ratio.Ours()
    assert (await ours.call()).share_ratio == 40
    await share_ratio.rival()


@pytest.mark.parametrize("by_unit", [False, True])
def test_g3_both_sides_decode_the_same_ad_data(by_unit: bool) -> None:  # noqa: FBT001  (both shapes)
    """The hand-written loop decodes the same ad data, by slot and by unit.

    Every field of a slot's row is there.
    """
    body = ad_data_page(3, by_unit=by_unit)
    page = decode.ours_ad_data(body)
    assert page == decode.rival_ad_data(body)
    assert len(page.rows) == 3
    unused = {"slot_id", "publisher_appid"} if by_unit else {"ad_unit_id", "ad_unit_name", "appid"}
    assert {field.name for field in attrs.fields(AdRow) if getattr(page.rows[0], field.name) is None} == {*unused, "_extra"}


@pytest.mark.slow("starts a server and a process")
def test_g13_both_sides_fetch_the_same() -> None:
    """``sync``, and the sweeps that drop or write their rows, run over the same jobs.

    A second run finds no job.
    """
    with half_month_server() as base_url:
        seconds = asyncio.run(ledger_sync.fleet(base_url, 3))
    assert seconds.keys() == {"thrown away", "first", "second", "alone", "together"}
    assert min(seconds.values()) > 0


async def test_g13_a_ledger_is_filled_and_read(tmp_path: Path) -> None:
    """The ledger that is read has the rows that were asked for."""
    path = str(tmp_path / "revenue.db")
    await ledger.fill(path, 96)
    async with open_ledger(path) as filled:
        assert (await filled.progress()).half_months == 96
    found = await ledger.read(path, 96)
    assert found.keys() == {"missing", "progress", "newest 1,000", "all changes", "MB", "CPU"}
    assert (await ledger.reported(path)).keys() == {"report", "report MB", "page MB"}


async def test_g17_workbooks_are_written(tmp_path: Path) -> None:
    """Rows and a statement are written.

    A settlement has the announced number of rows in a statement.
    """
    openpyxl: Any = pytest.importorskip("openpyxl")
    assert (await workbooks.exported(str(tmp_path), 12)).keys() == {"seconds", "megabytes"}
    await workbooks.fill(str(tmp_path / "revenue.db"), 12)
    async with open_ledger(str(tmp_path / "revenue.db")) as ledger:
        await write_statement(ledger, HalfMonth(2024, 3, 1), tmp_path / "a.xlsx")
    sheets = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[1:]
    rows = sum(sheet.max_row - 3 for sheet in sheets)  # without the head and the totals
    assert rows == 12 * workbooks.ROWS_OF_A_SETTLEMENT["stated"] - 3  # three are paid


@pytest.mark.parametrize("rows", [0, 1, 20])
def test_g3_both_sides_decode_the_same(rows: int) -> None:
    """The hand-written loop and the generated function decode bytes to equal pages."""
    body = settlement_page(rows)
    assert decode.ours(body) == decode.rival(body)
    assert len(decode.ours(body).rows) == rows


def test_g3_every_optional_field_is_there() -> None:
    """The pages that are decoded hold every documented field.

    So no side gains from a missing one.
    """
    page = decode.ours(settlement_page(2))
    assert None not in attrs.astuple(page, filter=lambda field, _value: field.name != "_extra")
    assert None not in attrs.astuple(page.rows[0], filter=lambda field, _value: field.name != "_extra")


def test_g3_required_fields_only() -> None:
    """Without optional fields, too, both sides make equal pages."""
    body = decode.required_page(3)
    assert decode.ours_required(body) == decode.rival_required(body)
    assert len(decode.ours_required(body).settlement_list) == 3


async def test_g5_every_limiter_lets_everyone_go() -> None:
    """A whole turn of this package's limiter ends at once.

    So do the acquisitions of the rivals.
    """
    assert await turn.ours(LocalRateLimiter(), 3) > 0
    assert await turn.ours(only := turn.OnlyCounts(), 3) > 0
    assert only.in_flight == 0
    assert await turn.with_aiolimiter(3) > 0
    for _, make in turn.RIVALS.values():
        acquire = make()
        await acquire()
        await acquire()


@pytest.mark.parametrize("name", ["ours", *waiters.RIVALS])
def test_g6_every_limiter_keeps_to_the_rate(name: str) -> None:
    """No waiter gets through sooner than the rate allows, or much later.

    Every waiter that did not give up is served.
    """
    _, make = waiters.RIVALS.get(name, ("", waiters.ours))
    for drain in (waiters.drained(make, 200), waiters.after_cancelling(make, 200)):
        assert 0.95 <= drain.seconds / drain.ideal <= 1.1


def test_g6_places_out_of_turn_are_counted() -> None:
    """The figure is the largest distance of a served waiter from its right place.

    It counts in both directions.
    """
    assert waiters.displaced([0, 1, 3, 7]) == 0
    assert waiters.displaced([7, 0, 1, 3]) == 3


async def test_g8_only_the_loop_is_left_out() -> None:
    """With and without the loop of attempts the same call gives the same result.

    Both differences are measured.
    """
    engine = retry.engine()
    call = Call(GetShareRatio(appid="wx1"), 0.0, 30.0)
    assert await engine.attempts(call) == await engine.once(call) == ShareRatio(Decimal(40))
    assert call.attempts == 1
    assert isinstance(await retry.ours_added(engine, 2) + await retry.rival_added(2), float)


async def test_g10_both_sides_walk_the_same_rows() -> None:
    """Whether pages are dropped or kept, the same number of rows comes, each once."""
    assert await pages.rows(keeps=False, walks=2) == await pages.rows(keeps=True, walks=2) == 2 * 6 * 100


@pytest.mark.slow("traces memory")
def test_g11_a_row_is_remembered_in_few_bytes() -> None:
    """P-23: a walk holds no more than 250 bytes for each different row.

    This holds also just after its tables have grown.
    """
    assert pages.bytes_per_key(12_000) <= pages.LARGEST


async def test_g9_all_sides_fetch_the_same_rows() -> None:
    """The sweep's rows and each rival's are the same: five different pages."""
    with books() as base_url:
        rivals = sweep.Rivals(base_url)
        theirs = [await rival(2) for rival in (rivals.sequential, rivals.gather, rivals.session_per_call)]
        began, ended = await sweep.by_hand(base_url, 2, 2)  # which counts its rows itself
        assert (await sweep.remembering(base_url, 2, 2))[1] > ended
        async with RevenueClient("fake-token", base_url=base_url) as client:
            mine = await client.iter_agency_settlement("2000-01-01", "2024-12-31", page_size=ROWS).collect()
    assert len({row.key for row in mine}) == len(mine) == PAGES * ROWS
    assert began < ended
    for found in theirs:
        assert [[(row.month, row.order, row.settled_revenue, row.date) for row in rows] for rows in found] == 2 * [
            [(row.month, row.order, row.settled_revenue, row.date) for row in mine]
        ]


async def test_s_both_sides_make_the_same_marks() -> None:
    """With either signer every mark is made.

    The ticker counts turns, as it does on an idle loop.
    """
    sides = sign.Sides()
    assert min(await sides.turns(sides.off, 3)) > 0
    assert min(await sides.turns(sides.on, 3)) > 0
    assert min(await sides.idle(3)) > 0


@pytest.mark.slow("waits for other processes")
def test_g9_and_g11_run_in_processes_of_their_own() -> None:
    """A sweep by two processes takes at least the time of its pages.

    One process returns how much it has grown.
    """
    with books() as base_url:
        assert sweep.in_processes(base_url, accounts=4, processes=2) > 4 * PAGES * 0.03 / sweep.SLOTS
        assert apart("benchmarks.memory", base_url, 2) > 0


@pytest.mark.slow("waits for other processes")
def test_g12_both_statements_run() -> None:
    """Both interpreters start and import the named modules.

    What comes before a statement is not timed.
    """
    assert import_time.milliseconds(import_time.OURS) > 0
    assert import_time.milliseconds(import_time.RIVAL) > 0
    assert import_time.milliseconds_inside(import_time.CLIENT, import_time.OURS) > 0
    assert import_time.milliseconds_inside("began += 3", "import time; time.sleep(0.01)") < 0


@pytest.mark.parametrize("name", decoders.RIVALS)
def test_r3_every_rival_decodes_the_same(name: str) -> None:
    """A rival's page holds what this package's page holds, to the field."""
    pytest.importorskip(name)
    decoder = decoders.RIVALS[name]()
    body = settlement_page(3)
    assert decoders.contents(decoder(body)) == decoders.contents(decode.ours(body))
    assert decoders.contents(decoder(settlement_page(2))) != decoders.contents(decode.ours(body))


@pytest.mark.slow("runs a benchmark of real HTTP")
def test_transports_are_compared() -> None:
    """Both transports get the same answer from the same server."""
    outcome = transports.compare(transports.SMALL, rounds=1, count=1)
    assert outcome.ours > 0
    assert outcome.rival > 0
