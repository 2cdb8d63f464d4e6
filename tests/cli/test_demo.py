"""The demo's job, in small: what it finds, and which disagreements it notices."""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from rich.console import Console
from support.demo import TINY, ran, screen

from wxrevenue import TokenKind, WaitEvent
from wxrevenue.cli._demo import job as _demo
from wxrevenue.cli._demo import report as _report
from wxrevenue.cli._demo import screen as _show
from wxrevenue.cli._demo.report import Report, Tally
from wxrevenue.errors import NotSentError
from wxrevenue.sandbox import Mishap, Sandbox, Totals

if TYPE_CHECKING:
    from wxrevenue import Event, Settlement

STREAM = "get_agency_settled_revenue"


@pytest.fixture(scope="module")
def report() -> Report:
    """Return what the job finds when nothing is wrong."""
    return asyncio.run(ran())


class OneFenMore(Sandbox):
    """Its books hold a fen more than it tells a client."""

    def totals(self, *args: object, **kwargs: object) -> Totals:
        """Return the false sum."""
        found = super().totals(*args, **kwargs)  # type: ignore[arg-type]
        return attrs.evolve(found, settled_revenue=found.settled_revenue + 1)


class NobodyConfirms(Sandbox):
    """Its merchants never agree to a ratio."""

    def confirm_ratio(self, component_appid: str, program_appid: str | None = None) -> None:
        """Do nothing."""


@pytest.mark.parametrize("seed", range(3))
async def test_everything_reconciles_in_trouble(seed: int) -> None:
    """With every kind of trouble, the job agrees with the sandbox.

    Compared are rows, fen, ratios, refusals and marks.
    """
    plan = attrs.evolve(TINY, seed=seed, calls=6, rate=0.05)
    report = await ran(plan)
    assert report.problems == ()
    assert report.rows == sum(ledger.books.rows for ledger in report.ledgers) > 40
    assert report.fen == sum(ledger.books.settled_revenue for ledger in report.ledgers) > 0
    assert [set(split.in_force.values()) for split in report.splits] == [{split.asked} for split in report.splits]
    assert [refusal.code for refusal in report.refusals] == [2056, 1735]
    assert report.marking.recorded == {"demo-order-0001", "demo-order-0002"}


def test_a_ratio_is_in_force_after_the_confirmation_only(report: Report) -> None:
    """Between the setting of a ratio and the merchants' consent, the old one is read.

    Afterwards the new one is read.
    """
    assert [split.before for split in report.splits] == [50, 50]
    assert [split.asked for split in report.splits] != [50, 50]


async def test_what_the_sandbox_threw_is_what_the_client_told() -> None:
    """Both sides count the same refusals.

    These are a refusal for haste, a busy server and an expired token.
    """
    sandbox = _demo.make_sandbox(TINY)
    sandbox.next(1737, action=STREAM)
    sandbox.next(Mishap.BUSY, action=STREAM)
    report = await ran(sandbox=sandbox)
    assert report.problems == ()
    assert (report.thrown["1737"], report.tally.closed) == (1, 1)
    assert (report.thrown["-202"], dict(report.tally.retries)) == (1, {"ServerBusyError": 1})
    assert report.thrown["42001"] == report.tally.renewed > 0
    assert report.tally.waits["turn"] >= 1
    assert report.tally.waited["turn"] >= TINY.window
    assert sum(report.calls.values()) == report.tally.attempts + report.tally.closed + report.tally.renewed


def test_every_kind_of_wait_is_counted() -> None:
    """The tally counts every reason for which clients wait.

    It also counts those for which no sandbox makes them wait long.
    """
    told: list[Any] = []
    tally = Tally(told.append)
    for what in ("turn", "token", "signature", "back-off", "signature"):
        tally(WaitEvent(endpoint="fake", account="wx0", what=what, duration=0.5))
    assert dict(tally.waited) == {"turn": 0.5, "token": 0.5, "signature": 1.0, "back-off": 0.5}
    assert len(told) == 5


async def test_a_fen_too_many_in_the_books_is_noticed() -> None:
    """A single fen of difference is a problem of every account, with both sums."""
    sandbox = OneFenMore(components=2, years=1)
    report = await ran(sandbox=sandbox)
    assert len(report.problems) == 2
    fen = report.ledgers[0].fen
    assert report.problems[0] == f"wxc000000000000000: 24 rows, {fen} fen; the books hold 24 rows, {fen + 1} fen"


async def test_a_ratio_that_is_not_in_force_is_noticed() -> None:
    """A ratio that reads back otherwise than it was set is a problem."""
    report = await ran(sandbox=NobodyConfirms(components=1, years=1))
    assert report.problems == ("wxc000000000000000: 0 of 4 Mini Programs have the ratio 40 %",)


async def test_a_refused_account_does_not_stop_the_job() -> None:
    """A refused call is a problem of its account, and the rest of the job is done."""
    sandbox = _demo.make_sandbox(attrs.evolve(TINY, components=1))
    sandbox.next(None, 48001, action="get_share_ratio")
    report = await ran(sandbox=sandbox)
    (problem,) = report.problems
    assert problem.startswith("wxc000000000000000: get_share_ratio: code 48001")


async def test_errors_of_accounts_become_part_of_the_report() -> None:
    """When nothing works the job still ends.

    It names what failed in each of its parts.
    """
    show, written = screen()
    report = await ran(attrs.evolve(TINY, rate=1.0, window=0.005, marks=1), watcher=show)
    show.summary(report)
    splits, ledgers, refusals = (tuple(part.problem for part in parts) for parts in (report.splits, report.ledgers, report.refusals))
    for name, problems in (("set_share_ratio", splits), (STREAM, ledgers)):
        assert all(re.search(rf"{name}: (\d+ attempts? in [0-9.]+ s: )?code -202", str(problem)) for problem in problems)
    assert refusals[0] == "a provider without an account: expected code 2056, got ServerBusyError"
    assert re.match(r"0 of 1 transactions are marked; mark: (\d+ attempts? in [0-9.]+ s: )?code SYSTEM_ERROR", str(report.marking.problem))
    assert "This does not reconcile:" in written.getvalue()
    assert "Everything reconciles" not in written.getvalue()


@pytest.mark.parametrize("recorded", [{"order-1"}, {"order-1", "order-2", "order-3"}])
def test_a_mark_too_few_or_too_many_is_noticed(recorded: set[str]) -> None:
    """The sandbox must have recorded the marks that were asked for, and no other."""
    marking = _report.Marking(asked=frozenset({"order-1", "order-2"}), recorded=frozenset(recorded))
    assert marking.problem == f"{min(2, len(recorded))} of 2 transactions are marked"


async def test_an_expected_refusal_has_to_come() -> None:
    """A call that works is not a refusal.

    A failure below the server's answers is not one either.
    """

    async def works() -> None:
        """Work."""

    async def breaks() -> None:
        """Break."""
        raise NotSentError("no route", reason="connect")

    for call, raised in ((works(), "no error"), (breaks(), "no route (connect)")):
        refusal = await _demo.refusal_of("it", 2056, call)
        assert refusal.problem == f"it: expected code 2056, got {raised}"


def test_a_row_twice_or_unlike_its_slots_is_noticed(report: Report) -> None:
    """A settlement number that comes twice is a problem.

    So is a row that is not the sum of its slots.
    """
    ledger = report.ledgers[0]
    twice = attrs.evolve(ledger, rows=(*ledger.rows, ledger.rows[-1]))
    assert twice.problem == "wxc000000000000000: a row came twice"
    one: Settlement = ledger.rows[-1]
    bent = attrs.evolve(one, slot_revenue=[*one.slot_revenue, *one.slot_revenue])
    assert attrs.evolve(ledger, rows=(*ledger.rows[:-1], bent)).problem == "wxc000000000000000: a row is not the sum of its slots"


async def test_a_refused_token_is_renewed_once() -> None:
    """Of several callers with the same refused token, the first renews it.

    The others find the new token.
    """
    sandbox = Sandbox()
    component = sandbox.components[0]
    tokens = _demo.CachedTokens(sandbox, component)
    old = await tokens.get(TokenKind.COMPONENT, None, timeout=1)
    sandbox.expire_token(component)
    await tokens.reject(TokenKind.COMPONENT, None, old)
    new = await tokens.get(TokenKind.COMPONENT, None, timeout=1)
    sandbox.expire_token(component)
    await tokens.reject(TokenKind.COMPONENT, None, old)
    assert old != new == await tokens.get(TokenKind.COMPONENT, None, timeout=1)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123456789, "1,234,567.89"), (10**17 + 1, "1,000,000,000,000,000.01")]
)
def test_money_is_exact(fen: int, text: str) -> None:
    """Fen become yuan with separators and both decimals, exactly, at any size."""
    assert _show.money(fen) == text


async def test_the_screen_shows_the_steps_and_the_tables() -> None:
    """Without a terminal the demo prints plainly.

    It prints steps, bars, half-months, books and the closing sentence.
    """
    show, written = screen()
    sandbox = _demo.make_sandbox(TINY)
    sandbox.next(1737, action=STREAM)
    report = await ran(sandbox=sandbox, watcher=show)
    show.summary(report)
    text = written.getvalue()
    assert "\x1b" not in text
    for line in ("1. Revenue split", "2. Settlements from", "3. Two refusals", "4. Funds distribution", "24/24", "AccountNotOpenError"):
        assert line in text
    assert "What to do: Open the service in the monetization zone" in text
    assert "12 older ones" in text
    assert text.rstrip().endswith(f"Everything reconciles: 48 rows, {_show.money(report.fen)} yuan, to the fen.")


async def test_a_gate_that_closed_is_shown_until_the_next_page() -> None:
    """While an account rests after 1737 its bar says so."""
    written = io.StringIO()
    notes: list[str] = []

    class Noting(_show.Screen):
        """Notes what the bars say after each event."""

        def event(self, event: Event) -> None:
            """Take notice."""
            super().event(event)
            if self._progress is not None:
                notes.append(self._progress.tasks[0].fields["note"])

    sandbox = _demo.make_sandbox(attrs.evolve(TINY, components=1))
    sandbox.next(1737, action=STREAM)
    await ran(sandbox=sandbox, watcher=Noting(Console(file=written, width=100)))
    assert "[yellow]1737, waits 0.05 s" in notes
    assert notes[-1] == ""
    assert "resting" not in written.getvalue().partition("2. Settlements")[2]


def test_few_half_months_need_no_line_for_older_ones(report: Report) -> None:
    """With a dozen half-months or fewer the table shows them all."""
    ledger = report.ledgers[0]
    short = attrs.evolve(report, ledgers=(attrs.evolve(ledger, rows=ledger.rows[:2]),))
    assert _show.half_months(short).row_count == 3
    assert _show.half_months(report).row_count == 14


def test_outcomes_without_words_of_their_own_are_shown_as_they_are(report: Report) -> None:
    """An outcome that the table of words lacks is shown under its counter's name."""
    written = io.StringIO()
    calls = report.calls + Counter({("get_share_ratio", "61004"): 1})
    Console(file=written, width=100).print(_show.thrown(attrs.evolve(report, calls=calls)))
    assert "61004" in written.getvalue()


def test_an_event_without_a_count_is_passed_on() -> None:
    """The tally passes every event on to its listener.

    That includes an event that it does not count.
    """
    heard: list[object] = []
    tally = _report.Tally(heard.append)
    event = _attempt()
    tally(event)
    assert heard == [event]
    assert (tally.calls, tally.closed) == (0, 0)


def _attempt() -> Event:
    from wxrevenue import AttemptEvent

    return AttemptEvent(endpoint="x", account="y", attempt=1, duration=0.0, outcome="ok")
