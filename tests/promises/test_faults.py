"""The table of faults and the tests agree.

There is no row without a test, and no test for a row that does not exist.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import ENFORCED, GROUPS, LATER
from support.transports import TRANSPORTS

from wxrevenue.testing import ledger_cases, limiter_cases, transport_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent.parent
ROWS = {row for rows in GROUPS.values() for row in rows}
ROW = re.compile(rf"\b([{''.join(GROUPS)}])-(\d\d)(?: to [{''.join(GROUPS)}]-(\d\d))?")


def named(text: str) -> set[str]:
    """Return the rows that a string names, with spans such as "X-01 to X-03" in full."""
    found = ((group, int(first), int(last or first)) for group, first, last in ROW.findall(text))
    return {f"{group}-{number:02}" for group, first, last in found for number in range(first, last + 1)}


def heads() -> Iterator[str]:
    """Yield the ids before the colon in the docstring of every test."""
    for path in TESTS.glob("*/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                first, colon, _ = (ast.get_docstring(node) or "").partition(": ")
                yield first if colon else ""


@functools.cache
def covered() -> set[str]:
    """Return the rows that have a test.

    The test is in this folder, or in a suite that all of a kind run through.
    """
    by_suite = [case.ids for cases in (transport_cases(), limiter_cases(), ledger_cases()) for case in cases]
    return set[str]().union(*by_suite, *map(named, heads()))


@pytest.mark.parametrize("group", sorted(ENFORCED))
def test_every_row_has_a_test(group: str) -> None:
    """Each row of the group is named by a test that covers it.

    Otherwise it is listed with the reason.
    """
    assert sorted(GROUPS[group].keys() - covered()) == sorted(row for row in LATER if row in GROUPS[group])


def test_every_row_named_exists() -> None:
    """Tests name only rows that the table has."""
    assert sorted(covered() - ROWS) == []


def test_every_transport_runs_every_row() -> None:
    """Every row about transports is in the suite that each transport runs through.

    Every case says what holds.
    """
    cases = transport_cases()
    assert sorted(GROUPS["T"].keys() - {row for case in cases for row in case.ids}) == []
    assert {"aiohttp", "httpx2"} <= set(TRANSPORTS)
    assert all(case.says and case.name for case in cases)
    assert len({str(case) for case in cases}) == len(cases)


def test_options_can_be_left_out() -> None:
    """A transport without certain options runs only the cases that need none of them."""
    assert all(case.needs <= {"ssl"} for case in transport_cases(without={"proxy", "limit", "trust_env"}))
    assert len(transport_cases(without={"ssl", "proxy", "limit", "trust_env"})) < len(transport_cases())
