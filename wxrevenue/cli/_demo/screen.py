"""How the demo looks: the steps as they happen, then the tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from wxrevenue.ams.settlement import yuan
from wxrevenue.cli._demo.job import Watcher
from wxrevenue.events import GateEvent, PageEvent

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from datetime import date

    from rich.console import Console, RenderableType

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.cli._demo.report import DemoPlan, Marking, Refusal, Report, Resumption, Split
    from wxrevenue.events import Event
    from wxrevenue.sandbox import Sandbox

WIDE: Final = 80
"""Below so many columns tables have fewer of their own, and nothing moves."""
_NEWEST = 12
_REPEATED = "repeated the call"
_THROWN = {
    "1737": ("1737, operating too fast", "waited for its turn"),
    "42001": ("42001, token expired", "took another token"),
    "-202": ("-202, internal error", _REPEATED),
    "SYSTEM_ERROR": ("HTTP 500, SYSTEM_ERROR", _REPEATED),
    "drop_before": ("a broken connection, nothing done", _REPEATED),
    "drop_after": ("a broken connection, answer lost", _REPEATED),
    "html": ("a web page", _REPEATED),
    "cut": ("half an answer", _REPEATED),
    "probe": ("a wrong signature, as a probe", "saw it, " + _REPEATED),
    "2056": ("2056, no account", "raised it, see 3"),
    "1735": ("1735, agreement not signed", "raised it, see 3"),
}
"""What the sandbox did, by its counters' names, and what the client did about it."""


def money(fen: int) -> str:
    """Return an amount in yuan: ``1234567`` fen are ``12,345.67``."""
    return f"{yuan(fen):,.2f}"


class Screen(Watcher):
    """Shows each step when it is done, and the streaming while it goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._narrow = console.width < WIDE
        self._progress: Progress | None = None
        self._bars: dict[str, TaskID] = {}
        self._rest = ""
        self._read: Counter[str] = Counter()

    def opened(self, url: str, sandbox: Sandbox, plan: DemoPlan) -> None:
        accounts, rest = len(sandbox.components), f"{plan.window:g} s"
        self._rest = f"1737, waits {rest}"
        self._say(f"One client, {accounts} accounts, {plan.years} years of settlements, and a server that misbehaves.", style="bold")
        self._say()
        self._say(
            f"The sandbox serves {url} with seed {plan.seed}. After {plan.calls} calls of a kind in {rest} it answers 1737, "
            f'"operating too fast", and the client waits {rest}. The real server wants 60 s.'
        )

    def split(self, splits: tuple[Split, ...]) -> None:
        call = 'await client.set_share_ratio(40); await client.get_share_ratio("wx…")'
        self._heading("1. Revenue split: set, confirmed by the merchants, read back", call)
        table = _table("account", "") if self._narrow else _table("account", ">set", ">before", ">in force", "")
        for split in splits:
            agreeing = sum(ratio == split.asked for ratio in split.in_force.values())
            before, now = (f"{split.before} %", f"{split.asked} %") if split.before is not None else ("", "")
            note = now if self._narrow else f"{agreeing} of {split.programs} Mini Programs"
            ratios = () if self._narrow else (f"{split.asked} %", before, now)
            table.add_row(split.component, *ratios, self._verdict(split.problem, note))
        self._print(table)

    @contextmanager
    def streaming(self, start: date, end: date, components: Iterable[str]) -> Generator[None]:
        call = "async for row in client.iter_agency_settlement(start, end): …"
        self._heading(f"2. Settlements from {start} to {end}, all accounts at once", call)
        columns = (TextColumn(" {task.description} "), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
        with Progress(*columns, console=self._console, disable=self._narrow) as self._progress:
            self._bars = {component: self._progress.add_task(component, total=None, note="") for component in components}
            yield
        self._progress = None

    def event(self, event: Event) -> None:
        if self._progress is None:
            return
        bar = self._bars[event.account]
        if isinstance(event, PageEvent):
            self._read[event.account] += event.fresh
            if self._narrow and event.fresh and self._read[event.account] == event.total:
                self._say(f" {event.account}  {event.total:,} rows")  # where no bar says so
            self._progress.update(bar, total=event.total, advance=event.fresh, note="")
        elif isinstance(event, GateEvent):
            self._progress.update(bar, note=f"[yellow]{self._rest}")

    def refused(self, refusals: tuple[Refusal, ...]) -> None:
        self._heading("3. Two refusals on purpose", "except ApiError as error: error.code, error.meaning, error.solution")
        for refusal in refusals:
            self._print(self._verdict(refusal.problem, f"{refusal.call}: {refusal.raised}"))
            facts = Text(f"{refusal.code}: {refusal.meaning}\nWhat to do: {refusal.solution}", style="dim")
            self._print(Padding(facts, (0, 0, 0, 5)))

    def marked(self, marking: Marking) -> None:
        self._heading("4. Funds distribution: transactions marked before they are paid", "await funds.mark_transaction(out_trade_no)")
        done = len(marking.asked & marking.recorded)
        self._print(self._verdict(marking.problem, f"{done} of {len(marking.asked)} marked, the signature of every answer verified"))

    def resumed(self, resumption: Resumption) -> None:
        self._heading("5. A run that is killed, and the next one", "wxrevenue settlements … --out FILE, killed; then with --resume")
        rest = resumption.rows - resumption.kept
        text = f"killed after {resumption.kept} rows; --resume fetched the other {rest}, none twice"
        self._print(self._verdict(resumption.problem, text))

    def summary(self, report: Report) -> None:
        """Show the tables, and whether everything agrees."""
        self._heading("The newest half-months, all accounts together")
        self._print(half_months(report, narrow=self._narrow))
        self._heading("Against the sandbox's books")
        self._print(self._books(report))
        self._heading("Faults that the sandbox made, and what the client did")
        self._print(thrown(report))
        self._heading("What it took")
        self._print(_effort(report))
        self._say()
        if report.problems:
            self._say("This does not reconcile:", style="bold red")
        for problem in report.problems:
            self._print(Text(f" {self._sign(problem)} {problem}"))
        if not report.problems:
            self._say(f"Everything reconciles: {report.rows:,} rows, {money(report.fen)} yuan, to the fen.", style="bold green")

    def _heading(self, text: str, call: str = "") -> None:
        """Print what a step is, and the call that does it."""
        self._say()
        self._say(text, style="bold")
        if call:
            self._print(Padding(Text(call, style="dim"), (0, 0, 0, 3)))  # a long call wraps under itself

    def _sign(self, problem: str | None) -> str:
        """Return a mark that the terminal's encoding has."""
        mark, plain = ("✓", "ok") if problem is None else ("✗", "x")
        try:
            mark.encode(self._console.encoding)
        except (LookupError, UnicodeEncodeError):
            return plain
        return mark

    def _verdict(self, problem: str | None, text: str) -> Text:
        sign = Text(f" {self._sign(problem)} ", style="green" if problem is None else "red")
        return sign.append(text if problem is None else problem, style="default")

    def _books(self, report: Report) -> Table:
        wide = ("account", ">rows", ">yuan", ">books: rows", ">books: yuan", "")
        table = _table("account", ">yuan", "") if self._narrow else _table(*wide)
        for ledger in report.ledgers:
            sign = Text(self._sign(ledger.problem), style="green" if ledger.problem is None else "red")
            figures = ((len(ledger.rows), ledger.fen), (ledger.books.rows, ledger.books.settled_revenue))
            cells = (money(ledger.fen),) if self._narrow else (cell for rows, fen in figures for cell in (f"{rows:,}", money(fen)))
            table.add_row(ledger.component, *cells, sign)
        return table

    def _say(self, text: str = "", style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False)

    def _print(self, what: RenderableType) -> None:
        self._console.print(what, highlight=False)


def _table(*titles: str) -> Table:
    """Return a table without lines.

    A title that begins with ``>`` makes a column of numbers.
    """
    table = Table(box=None, header_style="dim", pad_edge=True, padding=(0, 1))
    for title in titles:
        table.add_column(title.removeprefix(">"), justify="right" if title.startswith(">") else "left", no_wrap=True)
    return table


def half_months(report: Report, *, narrow: bool = False) -> Table:
    """Return the newest twelve half-months of all accounts, and the sum.

    Older ones have one line together.
    """
    by_half: defaultdict[tuple[date, date], list[Settlement]] = defaultdict(list)
    for ledger in report.ledgers:
        for row in ledger.rows:
            by_half[row.period].append(row)
    halves = sorted(by_half.items(), reverse=True)
    older = [row for _, rows in halves[_NEWEST:] for row in rows]
    table = _table("half-month", ">yuan") if narrow else _table("half-month", "status", ">rows", ">yuan")
    first_cell = 2 if narrow else 0  # the sum alone
    for (first, last), rows in halves[:_NEWEST]:
        table.add_row(f"{first} to {last:%d}", *_line(rows)[first_cell:])
    if older:
        table.add_row(f"{len(halves) - _NEWEST} older ones", *_line(older)[first_cell:], style="dim")
    table.add_row("total", *("", f"{report.rows:,}", money(report.fen))[first_cell:], style="bold")
    return table


def _line(rows: list[Settlement]) -> tuple[str, str, str]:
    """Return the statuses, how many rows, and their sum."""
    statuses = {row.sett_status.name.partition("_")[0].lower() for row in rows if row.sett_status is not None}
    return ", ".join(sorted(statuses)), f"{len(rows):,}", money(sum(row.settled_revenue for row in rows))


def thrown(report: Report) -> Table:
    """Return what the sandbox did wrong, and what the client did."""
    table = _table("answer", ">times", "the client")
    table.columns[0].no_wrap = table.columns[2].no_wrap = False
    for outcome, times in report.thrown.most_common():
        said, did = _THROWN.get(outcome, (outcome, "raised it"))
        table.add_row(said, f"{times:,}", did)
    return table


def _effort(report: Report) -> Table:
    tally, requests = report.tally, sum(report.calls.values())
    errors = ", ".join(f"{times} {error}" for error, times in tally.retries.most_common())
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("calls", f"{tally.calls:,}, which took {tally.attempts:,} attempts and {requests:,} requests")
    table.add_row("retries", f"{sum(tally.retries.values()):,}: {errors}")
    table.add_row("tokens", f"{tally.renewed:,} refused, each call went on with the next one")
    table.add_row(
        "1737", f"{tally.closed:,} times; callers waited {tally.waits['turn']:,} times for a turn, {tally.waited['turn']:.1f} s in all"
    )
    table.add_row("back-off", f"{tally.waits['back-off']:,} times, {tally.waited['back-off']:.1f} s in all")
    table.add_row("time", f"{report.seconds:.1f} s, because all accounts go side by side")
    return table
