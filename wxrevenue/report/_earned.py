"""The report's chapters on what was earned.

Headline, tiles, half-months, Mini Programs, slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.report._charts import COLOURS, bars, meter, spark
from wxrevenue.report._figures import TOP
from wxrevenue.report._markup import Html, html, joined, money, name, priced
from wxrevenue.report._shares import STATES
from wxrevenue.report._tables import NONE, amount, row, table
from wxrevenue.report._words import slot_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wxrevenue.ledger import OwnerSum
    from wxrevenue.report._figures import Figures
    from wxrevenue.report._shares import Share
    from wxrevenue.report._texts import Speech

LIST_BYTES: Final = 1_800_000
"""Of the rows of all Mini Programs, so that any page stays under 2 MB."""
_HERO: Final = """<div class="share"><h2>{title}</h2><p class="sum">{sign}<span class="cur">¥</span>{fen}</p>\
<p class="sub">{span}</p>{meter}
<dl class="legend">{legend}</dl></div>
"""
_STATE: Final = '<div><dt><svg width="10" height="10" aria-hidden="true">\
<rect class="s-{state}" width="10" height="10" fill="{colour}"/></svg> {label}</dt><dd>{fen}</dd></div>'
_TILE: Final = '<div class="tile{kind}"><p class="label">{label}</p><p class="figure">{figure}</p><p class="sub">{sub}</p></div>\n'


def hero(speech: Speech, figures: Figures) -> Html:
    """Return what was earned, each share for itself."""
    return html('<section class="hero">{shares}</section>', shares=joined(_share(speech, share) for share in figures.shares if share.rows))


def _share(speech: Speech, share: Share) -> Html:
    halves, parts = [*share.by_half], share.by_state
    legend = [
        html(_STATE, state=state, colour=COLOURS[state], label=speech(state), fen=money(parts[state])) for state in STATES if state in parts
    ]
    span = speech("span", first=speech.half(halves[0]), last=speech.half(halves[-1]), rows=f"{share.rows:,}")
    return html(
        _HERO,
        title=speech(share.kind),
        sign="-" if share.fen < 0 else "",
        fen=money(abs(share.fen)),
        span=span,
        meter=meter(parts),
        legend=joined(legend),
    )


def tiles(speech: Speech, figures: Figures) -> Html:
    """Return the few figures to look at first."""
    share = figures.shares[0]
    found = [_latest(speech, share, figures), _balance(speech, share, figures), _late(speech, figures), _missing(speech, figures)]
    return html('<section class="tiles">{tiles}</section>', tiles=joined(found))


def _tile(label: str, figure: str, sub: str, *, alert: bool = False) -> Html:
    return html(_TILE, kind=" alert" if alert else "", label=label, figure=figure, sub=sub)


def _latest(speech: Speech, share: Share, figures: Figures) -> Html:
    half = figures.window[-1]
    by_half = share.by_half
    now, before = (sum(sum(by_half.get(one, {}).values()) for one in some) for some in ([half], figures.window[-2:-1]))
    change = f"{(now - before) * 100 / before:+.1f}%" if before > 0 else ""
    sub = speech("compared", change=change) if change else speech("not_compared")
    return _tile(speech("latest", half=speech.half(half)), priced(now), sub)


def _balance(speech: Speech, share: Share, figures: Figures) -> Html:
    found = figures.balances[share.kind]
    if found.unknown:
        sub = speech("balance_unknown", count=f"{found.unknown:,}")
    else:
        sub = speech("balance_is") if found.owners else speech("balance_none")
    return _tile(speech("balance"), priced(found.fen) if found.owners else NONE, sub)


def _late(speech: Speech, figures: Figures) -> Html:
    rows, fen = figures.late_sums
    return _tile(speech("late"), priced(fen), speech("late_is", rows=f"{rows:,}"), alert=rows > 0)


def _missing(speech: Speech, figures: Figures) -> Html:
    halves = speech("missing_count", halves=f"{figures.gap_halves:,}")
    if not figures.gap_halves:
        return _tile(speech("missing"), halves, speech("missing_none"))
    sub = speech("missing_is", owners=f"{figures.gap_owners:,}")
    return _tile(speech("missing"), halves, sub, alert=True)


def by_half(speech: Speech, figures: Figures) -> Html:
    """Return a chart and a table for each share."""
    found = [_chart(speech, share, figures, number) for number, share in enumerate(figures.shares) if share.rows]
    return html(
        "<section><h2>{title} <small>{unit}</small></h2>{charts}</section>",
        title=speech("by_half"),
        unit=speech("yuan"),
        charts=joined(found),
    )


def _chart(speech: Speech, share: Share, figures: Figures, number: int) -> Html:
    title = speech("chart", share=speech(share.kind))
    picture = bars(speech, f"c{number}", title, figures.window, share.by_half)
    states = [state for state in STATES if state in share.by_state]
    head = [speech("half"), *map(speech, states), speech("total")]
    foot = _cells(speech("total"), share.by_state, states)
    rows = table(title, head, _half_rows(speech, share, figures, states), foot=foot, said=True)
    return html(
        '<figure><figcaption>{title}</figcaption><div class="scroll">{picture}</div></figure>'
        "<details{open}><summary>{figures}</summary>{rows}</details>",
        title=title,
        picture=picture,
        open=Html("" if number else ' open="open"'),
        figures=speech("figures"),
        rows=rows,
    )


def _half_rows(speech: Speech, share: Share, figures: Figures, states: Sequence[str]) -> Iterator[Html]:
    """Yield the half-months of the chart, the newest first.

    What came before them is one row.
    """
    earlier: dict[str, int] = {}
    by_half = share.by_half
    for half, parts in by_half.items():
        if half < figures.window[0]:
            for state, fen in parts.items():
                earlier[state] = earlier.get(state, 0) + fen
    for half in reversed(figures.window):
        yield _cells(speech.half(half), by_half.get(half, {}), states)
    if earlier:
        yield _cells(speech("earlier"), earlier, states)


def _cells(label: str, parts: dict[str, int], states: Sequence[str]) -> Html:
    return row(label, *(amount(parts.get(state, 0)) for state in states), amount(sum(parts.values())))


def programs(speech: Speech, figures: Figures) -> Html:
    """Return the Mini Programs that earned most, and below them the list of all."""
    if not figures.listed:
        return Html("")
    whole = figures.shares[-1].fen
    head = [speech(key) for key in ("program", "total", "share", "trend", "unpaid", "balance")]
    top = [_program(speech, figures, one, whole) for one in figures.listed[:TOP]]
    rest = _all_programs(speech, figures) if figures.programs > TOP else Html("")
    return html(
        "<section><h2>{title} <small>{unit}</small></h2>{top}{rest}</section>",
        title=speech("top"),
        unit=speech("yuan"),
        top=table(speech("top"), head, top, said=True),
        rest=rest,
    )


def _program(speech: Speech, figures: Figures, one: OwnerSum, whole: int) -> Html:
    share = f"{one.fen * 100 / whole:.1f}%" if whole > 0 else NONE
    trend = spark(speech, figures.window, figures.sparks[one.owner])
    return row(name(one.owner), amount(one.fen), share, trend, amount(one.unpaid), amount(figures.balance_of.get(one.owner)))


def _all_programs(speech: Speech, figures: Figures) -> Html:
    rows = [*_rows_that_fit(figures)]
    listed = figures.listed[: len(rows)]
    if (left := figures.programs - len(listed)) > 0:
        rest = [figures.shares[-1].fen - sum(one.fen for one in listed), _unpaid(figures) - sum(one.unpaid for one in listed)]
        rows.append(row(speech("rest", count=f"{left:,}"), *map(amount, rest), NONE))
    title = speech("all_programs", count=f"{figures.programs:,}")
    head = [speech(key) for key in ("program", "total", "unpaid", "balance")]
    return html('<details class="screen"><summary>{title}</summary>{rows}</details>', title=title, rows=table(title, head, rows, said=True))


def _rows_that_fit(figures: Figures) -> Iterator[Html]:
    """Yield rows of the largest Mini Programs, as many as a page has room for."""
    room = LIST_BYTES
    for one in figures.listed:
        made = row(name(one.owner), amount(one.fen), amount(one.unpaid), amount(figures.balance_of.get(one.owner)))
        room -= len(made.encode())
        if room < 0:
            return
        yield made


def _unpaid(figures: Figures) -> int:
    return sum(fen for _, fen in figures.shares[-1].unpaid(figures.today))


def slots(speech: Speech, figures: Figures) -> Html:
    """Return what the provider's slots earned in the half-months of the charts."""
    whole = sum(fen for _, fen in figures.slots)
    if not figures.slots:
        return Html("")
    rows = [
        row(
            name(slot_name(slot, speech.lang)),
            amount(fen),
            f"{fen * 100 / whole:.1f}%" if whole > 0 else NONE,
            meter({"paying": fen, "none": max(whole - fen, 0)}),
        )
        for slot, fen in figures.slots
    ]
    first, last = speech.half(figures.window[0]), speech.half(figures.window[-1])
    return html(
        "<section><h2>{title} <small>{first} &#8211; {last}</small></h2>{rows}</section>",
        title=speech("slots"),
        first=first,
        last=last,
        rows=table(speech("slots"), [speech(key) for key in ("slot", "total", "share")] + [""], rows, said=True),
    )
