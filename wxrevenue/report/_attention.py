"""The report's chapters on what to look after.

Late, missing, changed; and what its words mean.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final

from wxrevenue.ledger import ChangeKind
from wxrevenue.report._markup import Html, html, joined, money, name
from wxrevenue.report._shares import AGES
from wxrevenue.report._tables import NONE, amount, row, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger import Change
    from wxrevenue.report._figures import Figures
    from wxrevenue.report._texts import Speech

_BEIJING: Final = timezone(timedelta(hours=8))


def moment(when: datetime) -> str:
    """Return a time as a Beijing clock shows it."""
    return f"{when.astimezone(_BEIJING):%Y-%m-%d %H:%M}"


def attention(speech: Speech, figures: Figures) -> Html:
    """Return what is not paid, by age; what is late, and what is missing."""
    parts = [_ages(speech, figures), _late(speech, figures), _gaps(speech, figures)]
    return html("<section><h2>{title}</h2>{parts}</section>", title=speech("attention"), parts=joined(parts))


def _ages(speech: Speech, figures: Figures) -> Html:
    edges = [0, *AGES]
    head = [speech("age_upto", first=first + 1 if first else 0, last=last) for first, last in zip(edges, AGES, strict=False)]
    rows = [
        row(speech(share.kind), *(amount(fen) for _, fen in unpaid), amount(sum(fen for _, fen in unpaid)))
        for share in figures.shares
        for unpaid in [share.unpaid(figures.today)]
    ]
    return table(speech("ages"), ["", *head, speech("age_over", days=AGES[-1]), speech("total")], rows)


def _late(speech: Speech, figures: Figures) -> Html:
    if not figures.late:
        return html('<p class="well">{text}</p>', text=speech("all_well"))
    head = [speech(key) for key in ("owner", "half", "number", "status", "amount", "days")]
    return table(speech("oldest"), head, (_late_row(speech, figures, *one) for one in figures.late), texts=4)


def _late_row(speech: Speech, figures: Figures, owner: str, one: Settlement) -> Html:
    half = one.half_month
    status = speech("other") if one.sett_status is None else one.sett_status.label(speech.lang)
    days = (figures.today - half.end).days
    return row(
        name(owner), speech.half(half), name(one.sett_no) if one.sett_no else NONE, status, amount(one.settled_revenue), days, texts=4
    )


def _gaps(speech: Speech, figures: Figures) -> Html:
    if not figures.gaps:
        return Html("")
    head = [speech(key) for key in ("owner", "newest", "lacks")]
    rows = (
        row(name(owner), speech.half(last), speech("missing_count", halves=f"{count:,}"), texts=2) for owner, last, count in figures.gaps
    )
    return table(speech("gaps"), head, rows, texts=2)


def changes(speech: Speech, figures: Figures) -> Html:
    """Return what changed lately."""
    if not figures.changes:
        text = html("<p>{text}</p>", text=speech("no_changes"))
    else:
        head = [speech(key) for key in ("when", "owner", "half", "kind", "before", "after")]
        summary = html('<p class="sub">{text}</p>', text=_summary(speech, figures))
        text = joined([summary, table(speech("recent"), head, _change_rows(speech, figures), texts=4, said=True)])
    return html("<section><h2>{title}</h2>{text}</section>", title=speech("recent"), text=text)


def _summary(speech: Speech, figures: Figures) -> str:
    kinds = [speech("of_them", kind=speech.kind(kind), count=f"{count:,}") for kind in ChangeKind if (count := figures.kinds[kind])]
    found = [speech("recent_is", count=f"{figures.counted:,}", kinds=speech.listed(kinds))]
    if figures.kinds[ChangeKind.AMOUNT] or figures.kinds[ChangeKind.GONE]:
        found.append(speech("moved", fen=f"{'+' if figures.moved > 0 else ''}{money(figures.moved)}"))
    return ("；" if speech.lang == "zh" else "; ").join(found)


def _change_rows(speech: Speech, figures: Figures) -> Iterator[Html]:
    for change in figures.changes:
        kinds = speech.listed([speech.kind(kind) for kind in ChangeKind if kind in change.kinds])
        sides = (_side(speech, change, change.before), _side(speech, change, change.after))
        yield row(moment(change.at), name(change.owner), speech.half(change.half_month), kinds, *sides, texts=4)


def _side(speech: Speech, change: Change, one: Settlement | None) -> Html:
    """Return one side of a change: the amount, and the status if that is what changed."""
    if one is None:
        return NONE
    if ChangeKind.STATUS not in change.kinds or one.sett_status is None:
        return amount(one.settled_revenue)
    return html("{fen} <small>{status}</small>", fen=amount(one.settled_revenue), status=one.sett_status.label(speech.lang))


def notes(speech: Speech, figures: Figures) -> Html:
    """Return what the report's words mean."""
    keys = ["note_status", "note_balance", "note_late", "note_share" if figures.providers else "note_provider"]
    found = [html("<li>{text}</li>", text=speech(key)) for key in keys]
    return html("<footer><h2>{title}</h2><ul>{notes}</ul></footer>", title=speech("notes"), notes=joined(found))
