"""The words of the report, in Chinese and in English."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Final

from wxrevenue.ledger import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.report._words import Lang

KINDS: Final[Mapping[ChangeKind, tuple[str, str]]] = {
    ChangeKind.NEW: ("新结算单", "new"),
    ChangeKind.AMOUNT: ("金额变动", "amount changed"),
    ChangeKind.STATUS: ("状态变动", "status changed"),
    ChangeKind.NUMBER: ("得到单号", "number given"),
    ChangeKind.GONE: ("消失", "gone"),
    ChangeKind.REVISED: ("其他修订", "revised"),
}
_MANY: Final = re.compile(r"(?<![\w.,])1 (statement|account|half-month|change|Mini Program)s\b")
"""A plural of one."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@functools.cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return all texts by key and language."""
    return tomllib.loads(resources.files("wxrevenue.report").joinpath("texts.toml").read_text(encoding="utf-8"))


class Speech:
    """Says things in one language.

    Args:
        lang: which.
    """

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang
        self._place = int(lang == "en")

    def __call__(self, key: str, **values: object) -> str:
        """Return a sentence, with what belongs into it."""
        return _MANY.sub(r"1 \1", texts()[key][self.lang].format_map(values))

    def kind(self, kind: ChangeKind) -> str:
        """Return what a kind of change is called."""
        return KINDS[kind][self._place]

    def half(self, half: HalfMonth) -> str:
        """Return what a half-month is called."""
        if self.lang == "zh":
            return f"{half.year}年{half.month}月{'上下'[half.order - 1]}半月"
        return f"{half.start.day}-{half.end.day} {_MONTHS[half.month - 1]} {half.year}"

    def month(self, half: HalfMonth) -> str:
        """Return what a month is called below a chart."""
        return f"{half.month}月" if self.lang == "zh" else _MONTHS[half.month - 1]

    def listed(self, names: list[str]) -> str:
        """Return names, one after the other."""
        return ("、" if self.lang == "zh" else ", ").join(names)

    def axis(self, fen: int) -> str:
        """Return an amount below or beside a chart, short: a round number of yuan."""
        units = ((10**10, "亿"), (10**6, "万")) if self.lang == "zh" else ((10**11, "B"), (10**8, "M"), (10**5, "K"))
        for size, unit in units:
            if abs(fen) >= size:
                return f"{fen / size:,.6g}{unit}"
        return f"{fen / 100:,.6g}"
