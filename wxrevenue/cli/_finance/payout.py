"""``wxrevenue payout``: who gets how much of what was settled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue import split_exactly, yuan
from wxrevenue._base.files import real_file, replacing
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._csv import csv_table
from wxrevenue.export._workbook import Column, excel_book, loaded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wxrevenue import HalfMonth, Ledger
    from wxrevenue.cli._finance.shares import Share

_WHERE: Final = "payout"
_HEAD: Final = ("payee", "appid", "half_month", "share", "fen", "yuan")


@attrs.frozen
class Amounts:
    """What there is to be paid out."""

    of: Mapping[str, int]
    """By account, fen: what was settled."""
    provider: str | None
    """Whose amount is split where the file names no accounts.

    ``None``: it is not known.
    """
    unsettled: frozenset[str]
    """Accounts with an amount that may still change."""


@attrs.frozen
class Payment:
    """A line of the sheet."""

    payee: str
    appid: str
    share: object
    fen: int


async def amounts_of(ledger: Ledger, half_month: HalfMonth) -> Amounts:
    """Return what was settled in a half-month."""
    found: defaultdict[str, int] = defaultdict(int)
    unsettled: set[str] = set()
    async for owner, row in ledger.settlements(start=half_month, end=half_month):
        found[owner] += row.settled_revenue
        if not row.is_settled:
            unsettled.add(owner)
    providers = await ledger.providers()
    return Amounts(dict(found), providers[0] if len(providers) == 1 else None, frozenset(unsettled))


def payments(shares: Mapping[str | None, Sequence[Share]], amounts: Amounts, owner: str | None) -> list[Payment]:
    """Return who gets how much.

    Raises:
        ConfigurationError: an amount is not settled or missing, or it is not known whose it is.
    """
    lines: list[Payment] = []
    if owner is not None and None not in shares:
        raise ConfigurationError("--owner: expected no appid: the file names the accounts")
    for appid, some in shares.items():
        account = appid or owner or amounts.provider
        if account is None:
            raise ConfigurationError("--owner: expected an appid: neither the file nor the ledger tells whose amount is to be split")
        if account not in amounts.of:
            raise ConfigurationError(
                f"{account}: the ledger has no settlement of this half-month: run `wxrevenue sync`, or wait until WeChat settles it"
            )
        if account in amounts.unsettled:
            raise ConfigurationError(
                f"{account}: its amount is not settled yet, and may still change: wait, and run `wxrevenue sync` again"
            )
        parts = split_exactly(amounts.of[account], [one.share for one in some])
        lines += [Payment(one.payee, account, one.share, part) for one, part in zip(some, parts, strict=True)]
    return lines


def check_extra() -> None:
    """Do nothing, if XlsxWriter is there.

    Raises:
        ConfigurationError: it is not installed.
    """
    loaded(_WHERE)


def write(lines: Sequence[Payment], half_month: HalfMonth, path: Path, *, bom: bool) -> None:
    """Write a workbook or a CSV, as the file's name says.

    It appears when it is whole.

    Raises:
        ConfigurationError: XlsxWriter is not installed.
        OSError: it cannot be written.
    """
    rows = [(one.payee, one.appid, str(half_month), one.share, one.fen, yuan(one.fen)) for one in lines]
    if path.suffix.lower() == ".csv":
        with replacing(real_file(path)) as file:
            file.write(csv_table(_HEAD, rows, bom=bom))
        return
    formats = dict.fromkeys(_HEAD, "text") | {"share": "number", "fen": "whole", "yuan": "money"}
    with replacing(real_file(path)) as file, excel_book(_WHERE, file) as book:
        table = book.table(_WHERE, [Column(name, look, 26 if look == "text" else 18) for name, look in formats.items()])
        for row in rows:
            table.add(row)
