"""What a code means, as the client sees it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from wxrevenue._wire.codes import CODES, TOKEN_REFUSED, api_error, is_throttling
from wxrevenue.ams.settlement import GetAgencySettlement
from wxrevenue.errors import QuotaExceededError, TooFastError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OK = 200


def parse(text: str) -> int | str | None:
    """Return the code that the text names, or ``None`` if the table does not have it."""
    code: int | str = text.strip().upper()
    with suppress(ValueError):
        code = int(code)
    return code if code in CODES else None


def retried(code: int | str) -> str:
    """Return whether, and how, the client makes a call again that ended with this code."""
    error = api_error("", code=code, status=_OK)
    if isinstance(error, TooFastError):
        return "yes, by the rate limiter: after its cool-down, if the call's deadline leaves time for it"
    if isinstance(error, QuotaExceededError):
        return "no: the rate limiter closes the scope and lets a probe through every ten minutes"
    if code in TOKEN_REFUSED:
        return "once, with a new token, if the token source has another one"
    if code in GetAgencySettlement.endpoint.alternate_on:
        return "once, on the interface's other path, where it has one"
    if is_throttling(error):
        return "yes, after a longer back-off, because the server asks for less load"
    return "yes, after a back-off" if error.retryable else "no: the same call would fail again"


def table(code: int | str) -> Table:
    """Return all that is known about a code."""
    row = CODES[code]
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("code", Text(str(code), style="bold"))
    facts = {
        "meaning": row.meaning,
        "WeChat's words": row.original,
        "raised as": f"wxrevenue.{row.kind.__name__}",
        "what to do": row.remedy,
        "retried": retried(code),
    }
    for name, fact in facts.items():
        if fact:
            table.add_row(name, Text(fact))
    return table


def index() -> Table:
    """Return a line for every code."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    table.add_column("code", justify="right", no_wrap=True)
    table.add_column("raised as", no_wrap=True)
    table.add_column("meaning")
    for line in _lines():
        table.add_row(*line)
    return table


def _lines() -> Iterator[tuple[Text, str, Text]]:
    for code, row in CODES.items():
        yield Text(str(code), style="bold"), row.kind.__name__, Text(row.meaning)
