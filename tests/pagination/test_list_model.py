"""Property tests: lists with equal keys and missing numbers, on servers that cap, leave out and lie."""

from __future__ import annotations

from support import listmodel


def test_every_place_of_a_list_that_stood_still() -> None:
    """P-05, P-24 to P-26: whatever the keys, the page's edges and the totals, every row comes, in order, left and resumed after any row."""
    listmodel.unchanged(30)


def test_equal_keys_in_a_list_that_changes() -> None:
    """P-01 to P-03, P-07, P-24: rows that stayed come once each, or the walk says that they may not have."""
    listmodel.changing(200)
