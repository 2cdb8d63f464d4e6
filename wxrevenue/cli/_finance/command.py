"""Options of ``wxrevenue statement``, ``reconcile`` and ``payout``."""

from __future__ import annotations

import asyncio
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from wxrevenue import HalfMonth, reconcile, write_statement
from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._explain.facts import Lang  # noqa: TC001  (typer reads the annotations)
from wxrevenue.cli._finance import differences
from wxrevenue.cli._finance import payout as _payout
from wxrevenue.cli._finance.shares import read_shares
from wxrevenue.cli._ledger.reading import LedgerUrl, ledger_at
from wxrevenue.cli._panels import FINANCE
from wxrevenue.cli._problem import FAILED, Problem
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from wxrevenue import Ledger

    T = TypeVar("T")

app = typer.Typer()
HalfOption: TypeAlias = Annotated[str, typer.Option("--half-month", metavar="2024-03-1", help="The 1st to the 15th; 2024-03-2: the rest.")]


@app.command(rich_help_panel=FINANCE)
def statement(
    *,
    ledger: LedgerUrl,
    half_month: HalfOption,
    out: Annotated[Path, typer.Option(metavar="FILE.xlsx", help="The workbook; what was there is replaced when it is whole.")],
    lang: Annotated[Lang, typer.Option(help="The language of its titles.")] = "zh",
) -> None:
    """Write a half-month's statement as a workbook.

    It has sums, invoices, what is unpaid, and a sheet for each state and slot. It needs the extra
    `excel`. Exits 0 when all is well, 2 when options are not right, else 1.
    """
    half = _half_month(half_month)
    if out.suffix.lower() != ".xlsx":
        raise typer.BadParameter(f"expected a name that ends in .xlsx, got {out.name!r}", param_hint="--out")
    read(ledger, lambda opened: write_statement(opened, half, out, lang=lang))
    typer.echo(f"{half}: {out}", err=True)


@app.command(name="reconcile", rich_help_panel=FINANCE)
def reconcile_(
    *,
    ledger: LedgerUrl,
    half_month: HalfOption,
    lang: Annotated[Lang, typer.Option(help="The language of what differences may mean.")] = "en",
    rows: Annotated[int, typer.Option(min=0, help="Print so many rows behind each difference.")] = 5,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also if something could not be compared.")] = False,
) -> None:
    """Compare a half-month's figures with its settlements.

    It compares slots, daily incomes, ratios, the provider's share and the sums of the headers. Each
    difference is printed with its rows and what it may mean. What could not be compared is named.

    Exits 0 without a difference; 1 with one, or if nothing could be compared; 2 when options are
    not right.
    """
    half = _half_month(half_month)
    found = read(ledger, lambda opened: reconcile(opened, half))
    for line in differences.lines(found, lang=lang, rows=rows):
        typer.echo(line)
    if found.differences or not found.compared or (strict and not found.ok):
        raise typer.Exit(FAILED)


@app.command(rich_help_panel=FINANCE)
def payout(  # noqa: PLR0913  (options, all by keyword)
    *,
    ledger: LedgerUrl,
    half_month: HalfOption,
    shares: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, metavar="FILE.csv", help="The columns payee and share; appid, if accounts differ.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .xlsx (extra excel) or a .csv, which appears when it is whole.")],
    owner: Annotated[str | None, typer.Option(metavar="APPID", help="Whose amount; by default the provider's.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="A CSV for Excel: marked as UTF-8, ' before ids that it would round.")] = False,
) -> None:
    """Split a half-month's settled amount among payees.

    Shares are numbers that relate to each other, or all percents. The sum of the parts is the
    amount, to the fen. What rounding down leaves goes to those that lost most by it, of equal ones
    to the first. An amount that is not settled yet is refused.

    Exits 0 when all is well; 2 when options, the file or the amount are not right; else 1.
    """
    half = _half_month(half_month)
    if out.suffix.lower() not in {".xlsx", ".csv"}:
        raise typer.BadParameter(f"expected a name that ends in .xlsx or .csv, got {out.name!r}", param_hint="--out")
    if out.exists() and out.samefile(shares):
        raise typer.BadParameter("expected another file than --shares, which it would replace", param_hint="--out")
    found: list[_payout.Payment] = []

    def work() -> None:
        wanted = read_shares(shares)
        if out.suffix.lower() == ".xlsx":
            _payout.check_extra()
        found.extend(_payout.payments(wanted, read(ledger, lambda opened: _payout.amounts_of(opened, half)), owner))
        _payout.write(found, half, out, bom=bom)

    Problem.of_doing(work).tell()
    typer.echo(f"{half}: {len(found):,} payees, {money(sum(one.fen for one in found))} yuan: {out}", err=True)


def read(ledger: str, work: Callable[[Ledger], Awaitable[T]]) -> T:
    """Return what is read from a ledger.

    Raises:
        Exit: it failed; why was told.
    """
    found: list[T] = []

    async def run() -> None:
        async with ledger_at(ledger) as opened:
            found.append(await work(opened))

    Problem.of_doing(lambda: asyncio.run(run())).tell()
    return found[0]


def _half_month(text: str) -> HalfMonth:
    try:
        return HalfMonth.parse(text)
    except ConfigurationError:
        told = f"expected a half-month such as '2024-03-1' or '2024-03-2', got {text!r}"
        raise typer.BadParameter(told, param_hint="--half-month") from None
