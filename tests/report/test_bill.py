"""Bills against distributions.

Each share is in the bill of its day, with its amount, and the bill has no other row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from wxrevenue import BillRow, ConfigurationError, DistributionOrder, DistributionResult, reconcile_bill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def result(account: str, amount: int, detail: str | None, state: str = "SUCCESS") -> DistributionResult:
    """Return the result of one receiver of a distribution."""
    return DistributionResult("MERCHANT_ID", account, amount, state, detail_id=detail)


def order(number: str, *results: DistributionResult) -> DistributionOrder:
    """Return a finished distribution."""
    return DistributionOrder("T1", number, f"id-{number}", "FINISHED", None, [*results])


def billed(number: str, account: str, amount: int | None, detail: str) -> BillRow:
    """Return a row of a bill."""
    return BillRow(out_order_no=number, receiver_account=account, amount=amount, detail_id=detail)


ORDERS = [order("D-1", result("a", 1_000, "x1"), result("b", 7, "x2", "CLOSED")), order("D-2", result("a", 501, None))]
ROWS = [billed("D-1", "a", 1_000, "x1"), billed("D-2", "a", 501, "x9"), billed("U-1", "sponsor", 8_499, "")]


async def test_a_bill_that_agrees() -> None:
    """A closed share and a released amount are no differences.

    A result without a number is found by its account.
    """
    assert await reconcile_bill(ROWS, ORDERS) == ()
    assert await reconcile_bill([], []) == ()

    async def rows() -> AsyncIterator[BillRow]:
        for one in ROWS:
            yield one

    assert await reconcile_bill(rows(), iter(ORDERS)) == ()


@pytest.mark.parametrize(
    ("place", "change", "amounts", "words"),
    [
        (0, {"amount": 999}, [("D-1", 1_000, 999)], "another amount"),
        (1, {"amount": 502}, [("D-2", 501, 502)], "another amount"),
        (0, {"out_order_no": "D-9"}, [("D-1", 1_000, 0), ("D-9", 0, 1_000)], "not in the bill"),
        (0, {"detail_id": "x2"}, [("D-1", 1_000, 0), ("D-1", 0, 1_000)], "not in the bill"),
    ],
)
async def test_one_fen_is_found(place: int, change: dict[str, Any], amounts: list[tuple[str, int, int]], words: str) -> None:
    """A row with another amount, number or share is found.

    The difference has the rows of both sides and its possible meaning.
    """
    rows = [attrs.evolve(one, **change) if number == place else one for number, one in enumerate(ROWS)]
    found = await reconcile_bill(rows, ORDERS)
    assert [(one.owner, one.expected, one.found) for one in found] == amounts
    assert {str(one.what) for one in found} == {"bill"}
    assert words in found[0].meaning("en")
    assert [row for one in found for _, row in one.rows if isinstance(row, BillRow)] == [rows[place]]


async def test_what_is_missing_or_comes_twice() -> None:
    """A missing share, an unknown one and one that is listed twice are told apart."""
    (missing,) = await reconcile_bill(ROWS[1:], ORDERS)
    assert (missing.owner, missing.expected, missing.found) == ("D-1", 1_000, 0)
    (strange,) = await reconcile_bill(ROWS, ORDERS[1:])
    assert (strange.owner, strange.expected, strange.found) == ("D-1", 0, 1_000)
    assert "was not given" in strange.meaning("en")
    (twice,) = await reconcile_bill([*ROWS, ROWS[0]], ORDERS)
    assert (twice.expected, twice.found, len(twice.rows)) == (1_000, 2_000, 3)
    (closed,) = await reconcile_bill([*ROWS, billed("D-1", "b", 7, "x2")], ORDERS)
    assert "has no success" in closed.meaning("en")
    assert "没有成功" in closed.meaning()


REFUSED: list[tuple[tuple[Any, Any], str]] = [
    ((5, ()), "rows: expected an iterable of BillRow, got int"),
    ((["x"], ()), "rows: expected BillRow values, got str"),
    (((), "D-1"), "orders: expected an iterable of DistributionOrder, got str"),
    (([billed("D-1", "a", None, "x1")], ()), "rows: expected rows with an amount"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
async def test_arguments_are_checked(arguments: tuple[Any, Any], said: str) -> None:
    """A wrong bill, and a bill without amounts, are refused by name."""
    with pytest.raises(ConfigurationError, match=f"reconcile_bill.{said}"):
        await reconcile_bill(*arguments)
