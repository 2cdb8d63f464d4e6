"""Reconciling a bill of funds distribution with its distributions.

The bill should list them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._bill import BillRow
from wxrevenue.funds._order import DistributionOrder, DistributionResult
from wxrevenue.report import _sentences as sentences
from wxrevenue.report._findings import CheckKind, Difference

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    Key: TypeAlias = tuple[str, str]

__all__ = ["reconcile_bill"]

_WHERE: Final = "reconcile_bill"


async def reconcile_bill(
    rows: AsyncIterable[BillRow] | Iterable[BillRow], orders: AsyncIterable[DistributionOrder] | Iterable[DistributionOrder]
) -> tuple[Difference, ...]:
    """Compare a bill with the distributions that it should list, share by share.

    A share that a receiver has (``is_success``) stands in the bill of the day on which it
    succeeded; nothing else does. Rows without a ``detail_id`` are what was released to the sponsor,
    and are not compared. The differences come by ``out_order_no``, which is their ``owner``;
    ``expected`` is what the receiver has, ``found`` what the bill says, fen. None means that they
    agree.

    Args:
        rows: the rows of a bill, such as a ``Bill`` from ``download_bill``.
        orders: what ``query_distribution`` answered: the distributions that were finished that day.

    Raises:
        ConfigurationError: an argument is something else, or a row has no amount.
    """
    expected: defaultdict[Key, list[DistributionResult]] = defaultdict(list)
    async for order in _each("orders", orders, DistributionOrder):
        for result in order.receivers:
            if result.is_success:
                expected[order.out_order_no, result.detail_id or result.account].append(result)
    found: defaultdict[Key, list[BillRow]] = defaultdict(list)
    async for row in _each("rows", rows, BillRow):
        if row.amount is None:
            raise ConfigurationError(f"{_WHERE}.rows: expected rows with an amount; those of refunds have none")
        if row.detail_id:
            by_account = (row.out_order_no, row.receiver_account)
            found[by_account if by_account in expected else (row.out_order_no, row.detail_id)].append(row)
    numbers = {number for number, _ in expected}
    pairs = ((key, expected.get(key, []), found.get(key, [])) for key in sorted(expected.keys() | found.keys()))
    return tuple(difference for key, results, some in pairs if (difference := _compared(key[0], results, some, numbers)))


def _compared(number: str, results: list[DistributionResult], rows: list[BillRow], known: set[str]) -> Difference | None:
    has, billed = sum(one.amount for one in results), sum(row.amount or 0 for row in rows)
    if has == billed and bool(results) == bool(rows):
        return None
    if not rows:
        said = sentences.NOT_IN_BILL
    elif not results:
        said = sentences.NOT_DISTRIBUTED if number in known else sentences.UNKNOWN_ORDER
    else:
        said = sentences.OTHER_AMOUNT
    behind: list[DistributionResult | BillRow] = [*results, *rows]
    return Difference(CheckKind.BILL, has, billed, tuple((number, one) for one in behind), number, said)


T = TypeVar("T")


async def _each(name: str, values: Iterable[object] | AsyncIterable[object], kind: type[T]) -> AsyncIterator[T]:
    """Yield values of one class, from any iterable."""
    given: object = values
    if isinstance(given, (str, bytes)) or not isinstance(given, (AsyncIterable, Iterable)):
        raise ConfigurationError(f"{_WHERE}.{name}: expected an iterable of {kind.__name__}, got {type(given).__name__}")
    source = values if isinstance(values, AsyncIterable) else _one_by_one(values)
    async for value in source:
        if not isinstance(value, kind):
            raise ConfigurationError(f"{_WHERE}.{name}: expected {kind.__name__} values, got {type(value).__name__}")
        yield value


async def _one_by_one(values: Iterable[object]) -> AsyncIterator[object]:
    for value in values:
        yield value
