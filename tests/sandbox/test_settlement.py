"""The sandbox's settlements of Mini Programs."""

from __future__ import annotations

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual

YEAR = ("2025-01-01", "2025-12-31")


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_each_mini_program_has_books_of_its_own(number: int) -> None:
    """Each Mini Program has books of its own, with a row a half-month.

    The figures are not the provider's or another's, and their sum is the sandbox's.
    """
    provider = Provider(number)
    one, two = [await provider.of(program).get_settlement(*YEAR, page_size=50) for program in (0, 1)]
    agency = await provider.client.get_agency_settlement(*YEAR, page_size=100)
    assert len(one.rows) == one.total == 24
    assert all(row.adds_up and row.extra == {} for row in one.rows)
    amounts = [sum(row.settled_revenue for row in page.rows) for page in (one, two, agency)]
    assert len(set(amounts)) == 3
    totals = provider.sandbox.totals(provider.programs[0], *YEAR)
    assert (totals.rows, totals.settled_revenue) == (24, amounts[0])


@virtual
async def test_who_has_none() -> None:
    """A Mini Program without an account answers 1807, an unsigned one 1735."""
    provider = Provider()
    assert await code_of(provider.of(-1).get_settlement(*YEAR)) == 1807
    assert await code_of(provider.unsigned.get_settlement(*YEAR)) == 1735
