"""Tables of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.report._markup import Html, escaped, html, joined, money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TABLE: Final = """<div class="scroll" role="region" aria-label="{title}" tabindex="0"><table>\
<caption{quiet}>{title}</caption><thead><tr>{head}</tr></thead>
<tbody>
{body}</tbody>{foot}</table></div>
"""


NONE: Final = Html("&#8211;")
"""What stands where there is nothing to say."""


_NEGATIVE: Final = '<span class="neg">'
_END: Final = "</span>"


class _Negative(Html):
    """A negative amount.

    Its mark is the cell's where it has one for itself: a report may have tens of thousands.
    """

    __slots__ = ()


def table(  # noqa: PLR0913  (parts, by keyword)
    title: str, head: Sequence[str], rows: Iterable[Html], *, texts: int = 1, foot: Html | None = None, said: bool = False
) -> Html:
    """Return a table.

    Args:
        title: its caption.
        head: the columns' names.
        rows: of the body, see :func:`row`.
        texts: how many of the first columns are texts; the others are figures.
        foot: its last row.
        said: the text above says the caption already: it is for screen readers alone.
    """
    cells = [html('<th scope="col"{kind}>{name}</th>', kind=_kind(place, texts), name=name) for place, name in enumerate(head)]
    last = Html("") if foot is None else html("<tfoot>{foot}</tfoot>", foot=foot)
    quiet = Html(' class="said"' if said else "")
    return html(_TABLE, title=title, quiet=quiet, head=joined(cells), body=joined(rows), foot=last)


def row(*cells: object, texts: int = 1) -> Html:
    """Return a row, whose first cell names it."""
    first, *others = map(escaped, cells)
    rest = "".join(_cell(cell, place, texts) for place, cell in enumerate(others, 1))
    return Html(f'<tr><th scope="row">{first}</th>{rest}</tr>\n')


def _cell(cell: Html, place: int, texts: int) -> str:
    if isinstance(cell, _Negative) and place >= texts:
        return f'<td class="n neg">{cell[len(_NEGATIVE) : -len(_END)]}</td>'
    return f"<td{_kind(place, texts)}>{cell}</td>"


def _kind(place: int, texts: int) -> Html:
    return Html("" if place < texts else ' class="n"')


def amount(fen: int | None) -> Html:
    """Return an amount as a cell of a table.

    It is quiet where it is zero, marked where it is negative.
    """
    if fen is None:
        return NONE
    if not fen:
        return Html('<span class="zero">0</span>')
    return _Negative(f"{_NEGATIVE}{money(fen)}{_END}") if fen < 0 else Html(money(fen))
