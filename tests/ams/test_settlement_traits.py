"""What tells settlements in a walk is what each row tells of itself."""

from __future__ import annotations

import datetime as dt
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wxrevenue import Settlement, SettlementPage, SettlementStatus, SlotRevenue
from wxrevenue._wire.codec import decode

AMOUNTS = st.sampled_from([-2, -1, 0, 1, 2**70])
SLOTS = st.lists(st.builds(SlotRevenue, st.sampled_from([None, "A", "B\n"]), AMOUNTS), max_size=2)
ROWS = st.builds(
    Settlement,
    st.sampled_from(["202001", "202002"]),
    st.sampled_from([-2, -1, 1, 2]),
    AMOUNTS,
    st.sampled_from([None, dt.date(2020, 1, 25), dt.date(2020, 2, 25)]),
    st.sampled_from([None, "zone", 'a\n"zone']),
    st.sampled_from([None, SettlementStatus.SETTLING, SettlementStatus.PAID]),
    st.sampled_from([None, "", "a", "b"]),
    st.sampled_from([None, 0, 1]),
    SLOTS,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, min_size=2, max_size=6))
def test_traits_are_those_of_the_rows(rows: list[Settlement]) -> None:
    """P-24: two rows have one number exactly where they have one key.

    It may be a former key. Their contents are their fingerprints, each on one line. So -1 and -2
    are told apart, though Python's hashes of them are equal.
    """
    groups, numbers, contents = SettlementPage(settlement_list=rows).traits()
    assert contents == [row.fingerprint() for row in rows]
    assert not any(b"\n" in content for content in contents)
    assert all(0 <= group < 2**60 for group in groups)
    assert all(0 <= number < 2**64 for number in numbers)
    assert [number == 0 for number in numbers] == [row.supersedes is None for row in rows]
    for (one, row), (other, beside) in combinations(enumerate(rows), 2):
        same_group = (row.supersedes or row.key) == (beside.supersedes or beside.key)
        assert (groups[one] == groups[other]) is same_group
        assert ((groups[one], numbers[one]) == (groups[other], numbers[other])) is (row.key == beside.key)
        assert (contents[one] == contents[other]) is (row == beside)


def test_what_is_not_known_is_content() -> None:
    """Fields that the model does not know are content, of a row and of its slots."""
    row: dict[str, Any] = {"month": "202001", "order": 1, "settled_revenue": 1}
    slot = {"slot_id": "S", "slot_settled_revenue": 1}
    rows = [row, {**row, "new": 1}, {**row, "slot_revenue": [slot]}, {**row, "slot_revenue": [{**slot, "new": 1}]}]
    page = decode(SettlementPage, {"settlement_list": rows})
    assert len(set(page.traits()[2])) == len(rows)
    assert page.traits()[0] == page.traits()[0][:1] * len(rows)


def test_no_rows() -> None:
    """A page without rows has nothing to tell."""
    assert SettlementPage().traits() == ([], [], [])
