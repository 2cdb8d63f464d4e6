"""Rows of a settlement know their days, their key, their state and their changes."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest
from support.decoded import ROW, made, refused, row

from wxrevenue import DecodeError, Settlement, SettlementStatus


def test_period_is_the_half_months() -> None:
    """A row's period is the first and last day, in Beijing's calendar."""
    assert row(month="202002", order=1).period == (dt.date(2020, 2, 1), dt.date(2020, 2, 15))
    assert row(month="202002", order=2).period == (dt.date(2020, 2, 16), dt.date(2020, 2, 29))


@pytest.mark.parametrize("changes", [{"month": "fake"}, {"month": "202013"}, {"month": ""}, {"order": 0}, {"order": 3}])
def test_period_of_what_is_no_half_month(changes: dict[str, Any]) -> None:
    """A row of no half-month decodes, for its money may matter.

    Asking for its days is a ``DecodeError`` without Python's own in its chain.
    """
    found = row(**changes)
    with pytest.raises(DecodeError, match="month and order name no half-month") as caught:
        _ = found.period
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("sett_no", "key", "supersedes"),
    [
        (None, ("202003", 1, ""), None),
        ("", ("202003", 1, ""), None),
        ("XXX", ("202003", 1, "XXX"), ("202003", 1, "")),
    ],
)
def test_key_and_what_it_supersedes(sett_no: str | None, key: tuple[str, int, str], supersedes: tuple[str, int, str] | None) -> None:
    """A row gets its number when it settles.

    From then on its key takes the place of the one without a number.
    """
    found = row(sett_no=sett_no)
    assert (found.key, found.supersedes) == (key, supersedes)


@pytest.mark.parametrize(
    ("status", "settled", "paid"),
    [
        (None, False, False),
        (0, False, False),
        (1, False, False),
        (2, True, False),
        (3, True, False),
        (4, True, False),
        (5, True, True),
        (6, False, False),
        (9, False, False),
        (-1, False, False),
    ],
)
def test_settled_and_paid(status: int | None, *, settled: bool, paid: bool) -> None:
    """Statuses 2 to 5 are settled, and 5 is paid; an unknown one is neither."""
    found = row(sett_status=status)
    assert (found.is_settled, found.is_paid) == (settled, paid)


@pytest.mark.parametrize("value", [0, 6, 9, -1, 2**40])
def test_unknown_statuses_survive(value: int) -> None:
    """P-22: a number the documents do not list keeps its value.

    It has a name, and equals itself.
    """
    found = row(sett_status=value).sett_status
    assert isinstance(found, SettlementStatus)
    assert found == value == found.value
    assert found.name == f"UNKNOWN_{value}"
    assert found == SettlementStatus(value)
    assert hash(found) == hash(SettlementStatus(value))
    assert f"UNKNOWN_{value}" in repr(found)
    assert len(SettlementStatus) == 5


@pytest.mark.parametrize("value", [True, 1.5, "9", None])
def test_statuses_are_ints(value: object) -> None:
    """A status is a whole number; no other value becomes one."""
    if value is True:  # equals 1, as everywhere in Python; on the wire it is refused
        assert refused(Settlement, {**ROW, "sett_status": value}).endswith("@ $.sett_status")
        return
    with pytest.raises(ValueError, match="is not a valid SettlementStatus"):
        SettlementStatus(value)  # type: ignore[arg-type]


FULL: dict[str, Any] = {
    **ROW,
    "date": "2020-03-25",
    "zone": "z",
    "sett_status": 1,
    "sett_no": "A",
    "mail_send_cnt": 0,
    "slot_revenue": [{"slot_id": "S", "slot_settled_revenue": 1}, {"slot_id": "T", "slot_settled_revenue": 2}],
}
CHANGES: list[dict[str, Any]] = [
    {"settled_revenue": 6},
    {"date": "2020-03-26"},
    {"date": None},
    {"zone": "y"},
    {"zone": None},
    {"sett_status": 2},
    {"sett_status": 9},
    {"sett_no": "B"},
    {"sett_no": None},
    {"mail_send_cnt": 1},
    {"mail_send_cnt": None},
    {"slot_revenue": []},
    {"slot_revenue": FULL["slot_revenue"][:1]},
    {"slot_revenue": FULL["slot_revenue"][::-1]},
    {"slot_revenue": [{"slot_id": "S", "slot_settled_revenue": 1}, {"slot_id": "T", "slot_settled_revenue": 3}]},
    {"slot_revenue": [{"slot_id": "S", "slot_settled_revenue": 1}, {"slot_id": "U", "slot_settled_revenue": 2}]},
    {"new": 1},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_fingerprints_change_with_the_row(change: dict[str, Any]) -> None:
    """A row's fingerprint changes with every change, so the walk sees it.

    Two copies of the same row have the same one.
    """
    before = made(Settlement, FULL)
    assert before.fingerprint() == made(Settlement, copy.deepcopy(FULL)).fingerprint()
    assert before.fingerprint() != made(Settlement, {**FULL, **change}).fingerprint()


def test_fingerprints_tell_minus_one_from_minus_two() -> None:
    """A correction by one fen changes the fingerprint.

    This holds even where Python's hashes of the two amounts are equal.
    """
    assert hash(-1) == hash(-2)
    assert row(settled_revenue=-1).fingerprint() != row(settled_revenue=-2).fingerprint()
