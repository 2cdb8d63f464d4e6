"""Fields that may be missing, in objects that have all of them, or fewer."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from support.decoded import made

from wxrevenue import Settlement
from wxrevenue._wire.codec import decode

REQUIRED: dict[str, Any] = {"month": "202003", "order": 1, "settled_revenue": 5}
OPTIONAL: dict[str, Any] = {
    "date": "2020-03-25",
    "zone": "zone",
    "sett_status": 5,
    "sett_no": "no",
    "mail_send_cnt": "100",
    "slot_revenue": [{"slot_id": "S", "slot_settled_revenue": 5}],
}


@pytest.mark.parametrize("unknown", [0, 1, 6])
def test_any_of_them(unknown: int) -> None:
    """The fields that are there are read, the others have their defaults.

    What is not known is kept, however many fields that makes.
    """
    extra = {f"new_{number}": number for number in range(unknown)}
    full = made(Settlement, {**REQUIRED, **OPTIONAL})
    default = made(Settlement, REQUIRED)
    for count in range(len(OPTIONAL) + 1):
        for there in combinations(OPTIONAL, count):
            found = made(Settlement, {**REQUIRED, **{name: OPTIONAL[name] for name in there}, **extra})
            for name in OPTIONAL:
                assert getattr(found, name) == getattr(full if name in there else default, name)
            assert found.extra == extra


@pytest.mark.parametrize("day", ["2020-3-25", "20200325", "2020-W13-3", "2020-03-25 ", "2020-02-30", "", 20200325, [], {}, True, 1.0])
def test_days_that_cannot_be_read(day: object) -> None:
    """They cost no row, and are kept as they came, the second time too."""
    for _ in range(2):
        found = decode(Settlement, {**REQUIRED, "date": day})
        assert (found.date, found.extra) == (None, {"date": day})


@pytest.mark.parametrize(("count", "number"), [("0", 0), ("99", 99), ("100", 100), ("007", 7), (7, 7), (0, 0)])
def test_counts_that_are_text(count: object, number: int) -> None:
    """A count is an int, or the digits of one."""
    found = decode(Settlement, {**REQUIRED, "mail_send_cnt": count})
    assert (found.mail_send_cnt, type(found.mail_send_cnt), found.extra) == (number, int, {})


@pytest.mark.parametrize("count", ["-1", "", "1.0", "٣", "1" * 30, -1, 1.0, True, [], {}])
def test_counts_that_cannot_be_read(count: object) -> None:
    """They cost no row, and are kept as they came."""
    found = decode(Settlement, {**REQUIRED, "mail_send_cnt": count})
    assert (found.mail_send_cnt, found.extra) == (None, {"mail_send_cnt": count})
