"""The benchmarks run, and both sides of each do the same job."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from benchmarks import __main__ as command
from benchmarks import (
    _measure,
    call,
    decode,
    import_time,
    memory,
    pages,
    retry,
    share_ratio,
    sweep,
    token_processes,
    transports,
    turn,
    waiters,
)
from benchmarks._answers import settlement_page
from benchmarks._books import PAGES, ROWS, books
from wxrevenue import GetShareRatio, LocalRateLimiter, RevenueClient, SettlementPage, ShareRatio
from wxrevenue._engine.call import Call
from wxrevenue._wire import codec


def test_g1_both_sides_fetch_the_same_page() -> None:
    """The client's page and the one that aiohttp alone fetched hold the same rows."""
    with call.sides() as (runner, both):
        ours, rival = runner.run(both.ours()), runner.run(both.rival())
    assert len(ours.rows) == 2
    assert rival.pop("ret") == 0
    rival.pop("err_msg")
    assert codec.decode(SettlementPage, rival) == ours


async def test_g2_both_sides_run() -> None:
    """The client answers from memory, and the yardstick runs."""
    ours = share_ratio.Ours()
    assert (await ours.call()).share_ratio == 40
    await share_ratio.rival()
    ours.forget()


@pytest.mark.parametrize("rows", [0, 1, 20])
def test_g3_both_sides_decode_the_same(rows: int) -> None:
    """The hand-written loop and the generated function make equal pages of the same bytes."""
    body = settlement_page(rows)
    assert decode.ours(body) == decode.rival(body)
    assert len(decode.ours(body).rows) == rows


def test_g3_every_optional_field_is_there() -> None:
    """The pages that are decoded hold every documented field: no side gains from what is left out."""
    page = decode.ours(settlement_page(2))
    assert None not in attrs.astuple(page, filter=lambda field, _value: field.name != "_extra")
    assert None not in attrs.astuple(page.rows[0], filter=lambda field, _value: field.name != "_extra")


def test_g3_required_fields_only() -> None:
    """Without optional fields, too, both sides make equal pages."""
    body = decode.required_page(3)
    assert decode.ours_required(body) == decode.rival_required(body)
    assert len(decode.ours_required(body).settlement_list) == 3


async def test_g5_every_limiter_lets_everyone_go() -> None:
    """A whole turn of ours and the acquisitions of the three rivals come to an end at once."""
    assert await turn.ours(LocalRateLimiter(), 3) > 0
    assert await turn.with_aiolimiter(3) > 0
    for make in turn.RIVALS.values():
        acquire = make()
        await acquire()
        await acquire()


@pytest.mark.parametrize("name", ["ours", *waiters.RIVALS])
def test_g6_every_limiter_keeps_to_the_rate(name: str) -> None:
    """Nobody gets through sooner than the rate allows, or much later; and everyone who did not give up is served."""
    make = waiters.RIVALS.get(name, waiters.ours)
    for drain in (waiters.drained(make, 200), waiters.after_cancelling(make, 200)):
        assert 0.95 <= drain.seconds / drain.ideal <= 1.1


def test_g6_places_out_of_turn_are_counted() -> None:
    """The figure is how far the most unlucky or lucky waiter was from the right place, among those who were served."""
    assert waiters.displaced([0, 1, 3, 7]) == 0
    assert waiters.displaced([7, 0, 1, 3]) == 3


async def test_g8_only_the_loop_is_left_out() -> None:
    """With and without the loop of attempts the same call gives the same result, and both differences are measured."""
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
    """P-23: a walk holds no more than 250 bytes for each different row, also just after its tables have grown."""
    assert pages.bytes_per_key(12_000) <= pages.LARGEST


async def test_g9_all_sides_fetch_the_same_rows() -> None:
    """The sweep's rows and each rival's are the same, five different pages of them."""
    with books() as base_url:
        rivals = sweep.Rivals(base_url)
        theirs = [await rival(2) for rival in (rivals.sequential, rivals.gather, rivals.session_per_call)]
        async with RevenueClient("fake-token", base_url=base_url) as client:
            mine = await client.iter_agency_settlement("2000-01-01", "2024-12-31", page_size=ROWS).collect()
    assert len({row.key for row in mine}) == len(mine) == PAGES * ROWS
    for found in theirs:
        assert [[(row.month, row.order, row.settled_revenue, row.date) for row in rows] for rows in found] == 2 * [
            [(row.month, row.order, row.settled_revenue, row.date) for row in mine]
        ]


@pytest.mark.slow("waits for other processes")
def test_g9_and_g11_run_in_processes_of_their_own() -> None:
    """A sweep by two processes takes its time, and one process tells how much it has grown."""
    with books() as base_url:
        assert sweep.in_processes(base_url, accounts=4, processes=2) > 4 * PAGES * 0.03 / sweep.SLOTS
        assert memory.in_a_process(base_url, accounts=2) > 0


@pytest.mark.slow("waits for other processes")
def test_g12_both_statements_run() -> None:
    """Both interpreters start and import what they are told."""
    assert import_time.milliseconds(import_time.OURS) > 0
    assert import_time.milliseconds(import_time.RIVAL) > 0


def test_rounds_alternate_and_ratios_are_of_one_round() -> None:
    """Who goes first changes every round, and the median is that of the rounds' own ratios."""
    order: list[str] = []
    ours, rival = iter([0.0, 1.0, 4.0, 9.0]), iter([0.0, 1.0, 2.0, 3.0])

    def our_round() -> float:
        order.append("ours")
        return next(ours)

    def rival_round() -> float:
        order.append("rival")
        return next(rival)

    assert _measure.in_turns(our_round, rival_round, rounds=3) == (4.0, 2.0, 2.0)
    assert order == ["ours", "rival", "ours", "rival", "rival", "ours", "ours", "rival"]


def test_the_command_prints_one_line_per_comparison(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The table tells goal, both figures, ratio and verdict; goals can be chosen by name."""
    met, missed = (_measure.Outcome("G9", "a / b", 2.0, 4.0, "µs", ratio, 1.0) for ratio in (0.5, 1.01))

    def run(*, quick: bool) -> list[_measure.Outcome]:
        return [met, missed] if quick else []

    monkeypatch.setattr(command, "_GOALS", {"G9": run})
    command.main(["G9", "--quick"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["goal", "ours", "/", "rival", "ours", "rival", "ratio", "goal"]
    assert [line.split()[-1] for line in lines] == ["met", "MISSED"]


def test_an_unknown_goal_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A goal that does not exist ends the command with a message."""
    with pytest.raises(SystemExit):
        command.main(["G0"])
    assert "unknown goal: G0" in capsys.readouterr().err


@pytest.mark.slow("runs a benchmark of real HTTP")
def test_transports_are_compared() -> None:
    """Both transports bring the same answer through the same server."""
    outcome = transports.compare(transports.SMALL, rounds=1, count=1)
    assert outcome.ours > 0
    assert outcome.rival > 0


@pytest.mark.slow("waits for other processes")
async def test_token_processes() -> None:
    """Two processes with one Redis make one refresh each time that one is needed, at most one early, and none else."""
    phases = await token_processes.measure(processes=2, callers=3, slow=0.05, seconds=0.5, timeout=5.0)
    first, quiet, early, refused = (phase.refreshes for phase in phases)
    assert (first, quiet, refused) == (1, 0, 1)
    assert early <= 1
    assert [phase.failures for phase in phases] == [0, 0, 0, 0]


def test_token_processes_as_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has a line for each phase."""

    async def measured(**_settings: object) -> list[token_processes.Phase]:
        return [token_processes.Phase("quiet", 0, 7, 0, 0.001, 0.0123)]

    monkeypatch.setattr(token_processes, "measure", measured)
    token_processes.main(["--processes", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 processes of 16 callers; a refresh takes 2 s"
    assert lines[-1].split() == ["quiet", "0", "7", "0", "1.0", "ms", "12.3", "ms"]
