"""The report: one page that needs nothing but itself."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import date
from typing import TYPE_CHECKING, Final

from wxrevenue._base.calendar import beijing_day
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger import Ledger
from wxrevenue.report._attention import attention, changes, moment, notes
from wxrevenue.report._earned import by_half, hero, programs, slots, tiles
from wxrevenue.report._figures import figures_of
from wxrevenue.report._markup import Html, file, html, joined
from wxrevenue.report._texts import Speech
from wxrevenue.report._words import checked_lang

if TYPE_CHECKING:
    from wxrevenue.report._figures import Figures
    from wxrevenue.report._words import Lang

__all__ = ["render_html"]

_FIRST_DAY: Final = date(2, 1, 1)
"""The earliest day that can be asked for: no statement is late on an earlier one."""


async def render_html(ledger: Ledger, *, lang: Lang = "zh", today: date | None = None) -> str:
    """Return a page that shows what a ledger holds.

    It is for readers of finance, not of code.

    What was earned in yuan, by half-month and status, by Mini Program and slot; the open balance;
    what is late or missing; what changed lately; and when the data were fetched. The page is one
    text of HTML without scripts, pictures or addresses. It allows nothing but its own styles
    (CSP), and is read in the dark and on paper, too. The database adds up; the page of 10^6
    statements takes about a second.

    Args:
        ledger: an open ledger. Nothing is fetched.
        lang: ``"zh"`` or ``"en"``.
        today: the day that it is in Beijing: what is late by then, what has ended. By default the
            present one.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was read.
        LedgerError: the ledger's database failed.
    """
    speech = Speech(checked_lang("render_html.lang", lang))
    if not isinstance(ledger, Ledger):
        raise ConfigurationError(f"render_html.ledger: expected a Ledger, got {type(ledger).__name__}")
    day = beijing_day(today)
    if day < _FIRST_DAY:
        raise ConfigurationError(f"render_html.today: expected a day from {_FIRST_DAY} on")
    figures = await figures_of(ledger, day)
    return await asyncio.to_thread(_page, speech, figures)


def _page(speech: Speech, figures: Figures) -> str:
    style = file("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return html(
        file("page.html"),
        lang="zh-CN" if speech.lang == "zh" else "en",
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        style=style,
        title=speech("title"),
        about=joined(html("<span>{text}</span> ", text=text) for text in _about(speech, figures)),
        body=_body(speech, figures),
        notes=notes(speech, figures),
    )


def _about(speech: Speech, figures: Figures) -> list[str]:
    """Return whose report it is, and from when the data are."""
    progress, newest = figures.progress, figures.progress.newest
    found = [speech("never") if newest is None else speech("as_of", when=moment(newest)), speech("day", day=figures.today)]
    if figures.providers:
        found.insert(0, speech("provider_is", names=speech.listed([*figures.providers])))
    if figures.companies:
        found.append(speech("settled_by", names=speech.listed(figures.companies)))
    if progress.owners:
        found.append(speech("ledger_holds", owners=f"{progress.owners:,}", halves=f"{progress.half_months:,}"))
    return found


def _body(speech: Speech, figures: Figures) -> Html:
    if not any(share.rows for share in figures.shares):
        return html('<section class="empty"><p>{text}</p></section>', text=speech("empty"))
    chapters = (hero, tiles, by_half, programs, slots, attention, changes)
    return joined(chapter(speech, figures) for chapter in chapters)
