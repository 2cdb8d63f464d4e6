"""Charts as inline SVG.

Colours stand in attributes too, for readers that drop styles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.report._markup import Html, html, joined, money
from wxrevenue.report._shares import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.report._texts import Speech

COLOURS: Final = {"paid": "#0f6b66", "paying": "#3f9d95", "settled": "#a6d5cf", "settling": "#e5a93d", "other": "#8b95a1"}
_WIDTH: Final = 960
_HEIGHT: Final = 260
_LEFT: Final = 64
_TOP: Final = 12
_BOTTOM: Final = 44
_STEPS: Final = (1, 2, 2.5, 5, 10)
_LINES: Final = 4
"""Lines of the grid, about."""
_SPARK: Final = (120, 26)
_CHART: Final = """<svg class="bars" viewBox="0 0 {width} {height}" width="{width}" height="{height}" \
role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{title}</title><desc id="{id}-d">{told}</desc>{grid}{bars}{axis}</svg>"""
_GRID: Final = '<line class="grid{zero}" x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#d9dee3"/>\
<text class="tick" x="{at}" y="{low}" text-anchor="end" fill="#5b6773" font-size="12">{label}</text>'
_BAR: Final = "<g><title>{title}</title>{pieces}</g>"
_PIECE: Final = '<rect class="s-{state}" x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}"/>'
_MONTH: Final = '<text class="tick" x="{x}" y="{y}" text-anchor="middle" fill="#5b6773" font-size="12">{label}</text>'
_SPARKLINE: Final = """<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="{title}"><title>{title}</title>{bars}</svg>"""


def step_of(span: int) -> int:
    """Return a round distance of grid lines, in fen, for a span of amounts."""
    raw = max(span, 1) / _LINES
    size = 10 ** (len(str(int(raw))) - 1)
    return max(1, next(int(size * step) for step in _STEPS if size * step >= raw))


class _Scale:
    """Where amounts lie in a chart: whole steps, zero among them."""

    def __init__(self, bars: Sequence[Mapping[str, int]]) -> None:
        highest = max((sum(fen for fen in bar.values() if fen > 0) for bar in bars), default=0)
        lowest = min((sum(fen for fen in bar.values() if fen < 0) for bar in bars), default=0)
        self.step = step_of(highest - lowest)
        self.lowest = lowest // self.step * self.step
        self.highest = max(-(-highest // self.step) * self.step, self.lowest + self.step)

    def y(self, fen: int) -> float:
        """Return how far from the top an amount lies."""
        return round(_TOP + (self.highest - fen) * (_HEIGHT - _TOP - _BOTTOM) / (self.highest - self.lowest), 1)

    def lines(self) -> range:
        """Return the amounts of the grid."""
        return range(self.lowest, self.highest + 1, self.step)


def bars(speech: Speech, mark: str, title: str, halves: Sequence[HalfMonth], amounts: Mapping[HalfMonth, Mapping[str, int]]) -> Html:
    """Return stacked bars, one for each half-month.

    What is negative hangs below the line of zero.

    Args:
        speech: says things.
        mark: what tells this chart's ids from others'.
        title: what is shown.
        halves: the half-months, the oldest first.
        amounts: fen by half-month and state.
    """
    found = [amounts.get(half, {}) for half in halves]
    scale = _Scale(found)
    slot = (_WIDTH - _LEFT) / len(halves)
    return html(
        _CHART,
        width=_WIDTH,
        height=_HEIGHT,
        id=mark,
        title=title,
        told=speech("chart_is", count=len(halves), first=speech.half(halves[0]), last=speech.half(halves[-1])),
        grid=joined(_grid(speech, scale)),
        bars=joined(
            html(_BAR, title=_told(speech, half, bar), pieces=joined(_pieces(bar, scale, _LEFT + slot * (number + 0.15), slot * 0.7)))
            for number, (half, bar) in enumerate(zip(halves, found, strict=True))
        ),
        axis=joined(_months(speech, halves, slot)),
    )


def _grid(speech: Speech, scale: _Scale) -> Iterator[Html]:
    for fen in scale.lines():
        y = scale.y(fen)
        zero = "" if fen else " zero"
        yield html(_GRID, zero=zero, left=_LEFT, right=_WIDTH, y=y, at=_LEFT - 8, low=round(y + 4, 1), label=speech.axis(fen))


def _pieces(bar: Mapping[str, int], scale: _Scale, x: float, width: float) -> Iterator[Html]:
    above = below = 0
    for state in STATES:
        fen = bar.get(state, 0)
        if fen > 0:
            above += fen
            top, bottom = scale.y(above), scale.y(above - fen)
        elif fen < 0:
            below += fen
            top, bottom = scale.y(below - fen), scale.y(below)
        else:
            continue
        height = max(round(bottom - top, 1), 0.5)
        yield html(_PIECE, state=state, x=round(x, 1), y=top, width=round(width, 1), height=height, colour=COLOURS[state])


def _told(speech: Speech, half: HalfMonth, bar: Mapping[str, int]) -> str:
    states = [f"{speech(state)} {money(bar[state])}" for state in STATES if state in bar]
    return f"{speech.half(half)}: {money(sum(bar.values()))} ({speech.listed(states)})" if states else f"{speech.half(half)}: 0.00"


def _months(speech: Speech, halves: Sequence[HalfMonth], slot: float) -> Iterator[Html]:
    """Yield the months below their two bars, and the year below its first month."""
    year = 0
    for number, half in enumerate(halves):
        if half.order > 1 and number > 0:
            continue
        is_whole = half.order == 1 and number + 1 < len(halves)
        x = round(_LEFT + slot * (number + (1 if is_whole else 0.5)), 1)
        yield html(_MONTH, x=x, y=_HEIGHT - _BOTTOM + 18, label=speech.month(half))
        if half.year != year:
            year = half.year
            yield html(_MONTH, x=x, y=_HEIGHT - _BOTTOM + 35, label=year)


def spark(speech: Speech, halves: Sequence[HalfMonth], amounts: Sequence[int]) -> Html:
    """Return small bars, one for each half-month."""
    width, height = _SPARK
    highest, lowest = max(0, *amounts), min(0, *amounts)
    slot, span = width / len(amounts), max(highest - lowest, 1)
    zero = highest * height / span
    pieces = [
        html(
            '<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#3f9d95"/>',
            x=round(slot * number, 1),
            y=round(min(zero, zero - fen * height / span), 1),
            width=round(slot * 0.75, 1),
            height=max(round(abs(fen) * height / span, 1), 0.5),
        )
        for number, fen in enumerate(amounts)
        if fen
    ]
    title = speech("trend_is", first=speech.half(halves[0]), last=speech.half(halves[-1]), most=money(max(amounts)))
    return html(_SPARKLINE, width=width, height=height, title=title, bars=joined(pieces))


def meter(parts: Mapping[str, int]) -> Html:
    """Return one bar that shows which part of a sum is of which state.

    Nothing if a part is negative.
    """
    whole = sum(parts.values())
    if whole <= 0 or min(parts.values()) < 0:
        return Html("")
    x, pieces = 0.0, list[Html]()
    for state in STATES:
        if fen := parts.get(state, 0):
            width = fen * 1000 / whole
            pieces.append(html(_PIECE, state=state, x=round(x, 1), y=0, width=round(max(width, 1), 1), height=10, colour=COLOURS[state]))
            x += width
    return html(
        '<svg class="meter" viewBox="0 0 1000 10" width="100%" height="10" preserveAspectRatio="none" aria-hidden="true">{pieces}</svg>',
        pieces=joined(pieces),
    )
