"""``wxrevenue explain``: a sheet for each code or class, or the list of all codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from wxrevenue._wire.codes import CODES
from wxrevenue.cli._explain import chinese, facts
from wxrevenue.cli._explain.lookup import found, near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from wxrevenue.cli._explain.facts import Lang


def execute(names: Sequence[str], console: Console, lang: Lang) -> None:
    """Print what is known about each name, or about all codes.

    Raises:
        Exit: one of them is not known; the others were printed.
    """
    if not names:
        console.print(index(lang))
        return
    unknown = [name for name in names if not _print(name, console, lang)]
    for name in unknown:
        typer.echo(_not_known(name), err=True)
    if unknown:
        raise typer.Exit(1)


def _print(name: str, console: Console, lang: Lang) -> bool:
    """Print what is known about a name; return whether anything is."""
    what = found(name)
    if what is None:
        return False
    console.print(_sheet(facts.of_class(what, lang) if isinstance(what, type) else facts.of_code(what, lang)))
    return True


def _not_known(name: str) -> str:
    alike = near(name)
    advice = f"did you mean {' or '.join(alike)}?" if alike else "`wxrevenue explain` lists the codes that it knows."
    return f"{name!r} is no code or class that wxrevenue knows; {advice}"


def _sheet(rows: list[facts.Fact]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")  # Chinese has no blanks at which a line could end
    for number, (name, text) in enumerate(rows):
        table.add_row(name, Text(text, style="" if number else "bold"))
    return table


def index(lang: Lang) -> Table:
    """Return a line for every code."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for title in ("代码", "异常", "含义") if lang == "zh" else ("code", "raised as", "meaning"):
        table.add_column(title)
    table.columns[0].justify = "right"
    for column in table.columns[:2]:
        column.no_wrap = True
    table.columns[2].overflow = "fold"
    for code, row in CODES.items():
        meaning = chinese.CODES[code][0] if lang == "zh" else row.meaning
        table.add_row(Text(str(code), style="bold"), row.kind.__name__, Text(meaning))
    return table
