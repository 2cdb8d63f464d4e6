"""Ledgers for reports, and parsed pages."""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from wxrevenue import HalfMonth, Settlement, SettlementStatus, SlotRevenue, open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxrevenue import Ledger

TODAY = dt.date(2024, 6, 20)
LAST = HalfMonth(2024, 6, 1)
PROVIDER = "wx-provider"


class AtNoon:
    """A clock that stands still."""

    def monotonic(self) -> float:
        """Return the same time."""
        return 0.0

    def time(self) -> float:
        """Return noon of a day in Beijing."""
        return dt.datetime(2024, 6, 20, 4, tzinfo=dt.UTC).timestamp()

    async def sleep(self, seconds: float) -> None:
        """Return at once."""


def statement(half: HalfMonth, fen: int, status: int | None = 5, number: str | None = None, **more: Any) -> Settlement:
    """Return a statement of a half-month."""
    state = None if status is None else SettlementStatus(status)
    return Settlement(f"{half.year:04}{half.month:02}", half.order, fen, sett_status=state, sett_no=number, **more)


def slots(**fen: int) -> list[SlotRevenue]:
    """Return what slots earned, by the end of their id."""
    return [SlotRevenue(f"SLOT_ID_WEAPP_{name}", amount) for name, amount in fen.items()]


def a_ledger(path: object) -> Ledger:
    """Return a ledger whose clock stands still."""
    return open_ledger(str(path), clock=AtNoon())


def parsed(page: str) -> ET.Element:
    """Return a page as a tree; one that is not well-formed fails."""
    head, _, rest = page.partition("\n")
    assert head == "<!DOCTYPE html>"
    return ET.fromstring(rest)  # noqa: S314  (our own page)


def text_of(element: ET.Element | None) -> str:
    """Return all text within an element."""
    assert element is not None
    return " ".join("".join(element.itertext()).split())


def fen_of(text: str) -> int:
    """Return a printed amount in fen."""
    found = re.fullmatch(r"([+-]?)¥?([0-9,]+(?:\.[0-9]{2})?)", text.strip())
    assert found is not None, text
    return int(Decimal(found[1] + found[2].replace(",", "")) * 100)


def table(page: ET.Element, caption: str) -> list[list[str]]:
    """Return the rows of a table, its head first."""
    return [[text_of(cell) for cell in row] for row in _table(page, caption).iter("tr")]


def _table(page: ET.Element, caption: str) -> ET.Element:
    found = [one for one in page.iter("table") if text_of(one.find("caption")) == caption]
    assert len(found) == 1, f"{len(found)} tables are called {caption}"
    return found[0]


def captions(page: ET.Element) -> list[str]:
    """Return the captions of the page's tables."""
    return [text_of(one.find("caption")) for one in page.iter("table")]


def of_class(page: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the elements with this class."""
    return (one for one in page.iter() if name in one.get("class", "").split())


def headlines(page: ET.Element) -> list[int]:
    """Return the large figures at the top, in fen."""
    return [fen_of(text_of(one)) for one in of_class(page, "sum")]
