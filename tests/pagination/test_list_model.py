"""Property tests of lists with equal keys and missing numbers.

Their servers cap pages, leave totals out, and lie.
"""

from __future__ import annotations

from support import listmodel


def test_every_place_of_a_list_that_stood_still() -> None:
    """P-05, P-24 to P-26: every row of an unchanged list comes, in order.

    This holds for all keys, page edges and totals, and for a walk that is stopped and resumed after
    any row.
    """
    listmodel.unchanged(30)


def test_equal_keys_in_a_list_that_changes() -> None:
    """P-01 to P-03, P-07, P-24: rows that stayed in the list come once each.

    Otherwise the walk says that they may not have come.
    """
    listmodel.changing(200)
