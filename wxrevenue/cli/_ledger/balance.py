"""``wxrevenue balance``: what is still to be settled, by the headers of answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from wxrevenue._base.calendar import beijing_day
from wxrevenue.ams._service import ANONYMOUS
from wxrevenue.cli import _terminal
from wxrevenue.cli._client import client_for
from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._ledger.reading import ledger_at
from wxrevenue.cli._waits import Waits
from wxrevenue.errors import ConfigurationError
from wxrevenue.report._shares import open_balance
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wxrevenue._wire.totals import Totals
    from wxrevenue.report._words import Lang

_WIDTHS: Final = (18, 20, 20)
"""Columns of account, settled and open: ``LINE`` with the blanks between."""
_NARROW_WIDTHS: Final = (0, 19, 19)
"""The same of a narrow terminal: an account stands on a line of its own."""
_WORDS: Final[Mapping[Lang, Sequence[str]]] = {
    "en": ("account", "settled", "open balance", "earned", "deducted", "not known", "total", "yuan"),
    "zh": ("账户", "已结算", "未结余额", "累计收入", "累计扣款", "未知", "合计", "元"),
}
_LATELY: Final = timedelta(days=60)
"""The header is all-time, whatever the range; this one has a few rows."""


def amount(fen: int | None, lang: Lang) -> str:
    """Return an amount, or that it is not known."""
    return _WORDS[lang][5] if fen is None else money(fen)


def line(*cells: str, wide: bool) -> str:
    """Return a line of the table.

    A long figure takes room on its left. A long account stands on a line of its own.
    """
    name, *figures = cells
    widths = _WIDTHS if wide else _NARROW_WIDTHS
    rest, columns = "", 0
    for width, cell in reversed([*zip(widths[1:], figures, strict=True)]):
        columns += 1 + width
        rest = " " * max(1, columns - cell_len(rest) - cell_len(cell)) + cell + rest
    room = widths[0] + columns - cell_len(rest)
    return f"{name}\n{' ' * room}{rest}" if cell_len(name) > room else f"{name}{' ' * (room - cell_len(name))}{rest}"


def table(found: Iterable[tuple[str, Totals]], providers: Sequence[str], lang: Lang) -> Iterator[str]:
    """Yield the lines of a table.

    Providers come first, then the largest open balance. What is not known comes last.
    """
    words, wide = _WORDS[lang], _terminal.table_columns() >= _terminal.LINE

    def place(one: tuple[str, Totals]) -> tuple[bool, float, str]:
        fen = open_balance(one[1])
        return one[0] not in providers, float("inf") if fen is None else -fen, one[0]

    rows = sorted(found, key=place)
    yield line(*words[:3], wide=wide)
    for owner, totals in rows:
        yield line(printable(owner), amount(totals.settled_revenue_all, lang), amount(open_balance(totals), lang), wide=wide)
    settled = sum(totals.settled_revenue_all or 0 for _, totals in rows)
    together = money(sum(open_balance(totals) or 0 for _, totals in rows))
    yield line(f"{words[6]} {len(rows):,}", money(settled), together, wide=wide)


def account(owner: str, totals: Totals, lang: Lang) -> Iterator[str]:
    """Yield the lines of one account: each of the sums, and the company that settles."""
    settled, rest, earned, deducted, *_, yuan = _WORDS[lang][1:]
    yield " ".join(filter(None, (printable(owner), printable(totals.body or ""))))
    names = (
        (earned, totals.revenue_all),
        (deducted, totals.penalty_all),
        (settled, totals.settled_revenue_all),
        (rest, open_balance(totals)),
    )
    first, second = (16, 20) if _terminal.table_columns() >= _terminal.LINE else (13, 18)
    for name, fen in names:
        yield f"  {name}{' ' * (first - cell_len(name))}{amount(fen, lang):>{second}} {yuan if fen is not None else ''}".rstrip()


async def of_ledger(url: str, owner: str | None, lang: Lang) -> list[str]:
    """Return the lines of a ledger's accounts, or of one.

    Raises:
        ConfigurationError: there is no such ledger, or it has no header of the account.
    """
    async with ledger_at(url) as ledger:
        if owner is None:
            found = [one async for one in ledger.all_totals()]
            return [*table(found, await ledger.providers(), lang)]
        totals = await ledger.totals(owner)
    if totals is None:
        raise ConfigurationError(f"--owner: the ledger has no sums of {owner}")
    return [*account(owner, totals, lang)]


async def of_wechat(lang: Lang, *, sandbox: bool, base_url: str | None) -> list[str]:
    """Return the lines of the provider's account, as WeChat tells it now."""
    today = beijing_day(None)
    waits = Waits()
    async with client_for(sandbox=sandbox, base_url=base_url, on_event=waits) as client:
        with waits.alone():
            page = await client.get_agency_settlement(today - _LATELY, today, page_size=1)
        known = "" if client.component_appid.startswith(ANONYMOUS) else client.component_appid
        return [*account(known, page.totals, lang)]
