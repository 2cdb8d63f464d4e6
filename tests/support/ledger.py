"""A server of settlements in memory.

It has half-months, newest first, filtered by dates and cut into pages as the real one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import orjson

from support.fakes import answer
from wxrevenue import HalfMonth

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import HttpRequest, HttpResponse

NEWEST = HalfMonth(2024, 12, 2)
RANGE = ("2020-01-01", "2024-12-31")
"""120 half-months, the newest of which is ``NEWEST``."""


def settlement(number: int, to_a_half_month: int = 1) -> dict[str, Any]:
    """Return the row of that number, counted back from the newest."""
    half = NEWEST.shifted(-(number // to_a_half_month))
    amounts = [100 * number, 100 * number + 1]
    return {
        "month": f"{half.year:04}{half.month:02}",
        "order": half.order,
        "settled_revenue": sum(amounts),
        "sett_status": 5,
        "sett_no": f"no{number}",
        "slot_revenue": [{"slot_id": f"SLOT_{amount}", "slot_settled_revenue": amount} for amount in amounts],
    }


@attrs.define
class Ledger:
    """A server of settlements whose rows may be changed at any time.

    ``before`` sees every request first, and may answer in its place.
    """

    rows: list[dict[str, Any]]
    cap: int = 10_000
    before: Callable[[dict[str, Any]], HttpResponse | None] = lambda _query: None
    asked: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request for a page."""
        query = orjson.loads(request.body)
        self.asked.append(query)
        refused = self.before(query)
        if refused is not None:
            return refused
        start, end = HalfMonth.of(query["start_date"]), HalfMonth.of(query["end_date"])
        rows = [row for row in self.rows if start <= _half(row) <= end]
        size = min(query["page_size"], self.cap)
        return answer({"ret": 0, "settlement_list": rows[(query["page"] - 1) * size : query["page"] * size], "total_num": len(rows)})

    @property
    def pages(self) -> list[int]:
        """The page numbers that were requested."""
        return [query["page"] for query in self.asked]


def _half(row: dict[str, Any]) -> HalfMonth:
    return HalfMonth(int(row["month"][:4]), int(row["month"][4:]), row["order"])


def numbers(rows: list[Any]) -> list[str]:
    """Return the rows' ``sett_no``."""
    return [row.sett_no for row in rows]
