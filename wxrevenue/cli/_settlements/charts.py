"""Bars of revenue in the terminal: by half-month, and by slot.

Sums are whole fen until they are printed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._settlements.listing import half_label
from wxrevenue.report._words import printable, slot_key, slot_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.report._words import Lang

NO_SLOT: Final = "(no slots told)"
_NO_SLOT: Final[Mapping[Lang, str]] = {"en": NO_SLOT, "zh": "（未说明广告位）"}
_TITLES: Final[Mapping[Lang, tuple[str, str]]] = {
    "en": ("Revenue by half-month, yuan", "Revenue by slot, yuan"),
    "zh": ("按半月的收入（元）", "按广告位的收入（元）"),
}
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_PLAIN: Final = "#"
_WIDEST_LABEL: Final = 40
_SHORTEST_BAR: Final = 10
_SHORTEST_LABEL: Final = 13
"""Columns: those of a half-month."""


@attrs.define
class Sums:
    """What the rows that were seen come to, in fen."""

    rows: int = 0
    fen: int = 0
    by_half: Counter[tuple[str, int]] = attrs.field(factory=Counter["tuple[str, int]"])
    by_slot: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, row: Settlement) -> None:
        """Count a row."""
        self.rows += 1
        self.fen += row.settled_revenue
        self.by_half[row.month, row.order] += row.settled_revenue
        for slot in row.slot_revenue:
            self.by_slot[slot_key(slot.slot_id) or NO_SLOT] += slot.slot_settled_revenue
        if not row.slot_revenue:
            self.by_slot[NO_SLOT] += row.settled_revenue

    def watch(self, rows: Iterable[Settlement]) -> Iterator[Settlement]:
        """Yield the rows, counting them."""
        for row in rows:
            self.add(row)
            yield row


def show(console: Console, sums: Sums, lang: Lang = "en") -> None:
    """Print both charts.

    Half-months begin with the oldest. Slots have the names that people know, and begin with the
    largest.
    """
    halves = [(half_label(*half), fen) for half, fen in sorted(sums.by_half.items())]
    slots = [(_slot(slot, lang), fen) for slot, fen in sums.by_slot.most_common()]
    for title, amounts in zip(_TITLES[lang], (halves, slots), strict=True):
        console.print(Text(f"\n{title}", style="bold"))
        for line in bars(amounts, console.width, blocks=_has_blocks(console.encoding)):
            console.print(line, soft_wrap=True)


def _slot(slot: str, lang: Lang) -> str:
    return _NO_SLOT[lang] if slot == NO_SLOT else printable(slot_name(slot, lang))


def bars(amounts: Sequence[tuple[str, int]], width: int, *, blocks: bool) -> Iterator[Text]:
    """Yield a line for each amount: label, bar, yuan.

    The longest bar is that of the amount that is farthest from zero.

    Args:
        amounts: labels and fen.
        width: columns of the terminal.
        blocks: whether it can print eighths of a block; else bars are made of ``#``.
    """
    figures = max((len(money(fen)) for _, fen in amounts), default=0)
    most_room = max(_SHORTEST_LABEL, min(_WIDEST_LABEL, width - figures - _SHORTEST_BAR - 4))
    labels = min(most_room, max((cell_len(label) for label, _ in amounts), default=0))
    room = max(_SHORTEST_BAR, width - labels - figures - 4)
    most = max((abs(fen) for _, fen in amounts), default=0)
    for label, fen in amounts:
        bar = _bar(abs(fen), most, room, blocks=blocks)
        line = Text(f" {set_cell_size(label, labels)} ")
        yield line.append(bar.ljust(room), style="red" if fen < 0 else "cyan").append(f" {money(fen):>{figures}}")


def _bar(fen: int, most: int, room: int, *, blocks: bool) -> str:
    """Return a bar for an amount; every amount that is not zero shows."""
    eighths = -(-fen * room * 8 // most) if most else 0
    if not blocks:
        return _PLAIN * -(-eighths // 8)
    whole, rest = divmod(eighths, 8)
    return _EIGHTHS[-1] * whole + (_EIGHTHS[rest] if rest else "")


def _has_blocks(encoding: str) -> bool:
    try:
        _EIGHTHS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
