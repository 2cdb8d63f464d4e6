"""The table of faults and the tests agree: no row without a test, no test for a row that is not there."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import ENFORCED, GROUPS, LATER
from support.transports import TRANSPORTS

from wxrevenue.testing import limiter_cases, transport_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent.parent
ROWS = {row for rows in GROUPS.values() for row in rows}
ROW = re.compile(rf"\b([{''.join(GROUPS)}])-(\d\d)(?: to [{''.join(GROUPS)}]-(\d\d))?")


def named(text: str) -> set[str]:
    """Return the rows that a text names, spans such as "X-01 to X-03" spelled out."""
    found = ((group, int(first), int(last or first)) for group, first, last in ROW.findall(text))
    return {f"{group}-{number:02}" for group, first, last in found for number in range(first, last + 1)}


def heads() -> Iterator[str]:
    """Yield what stands before the colon in the docstring of every test."""
    for path in TESTS.glob("*/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                first, colon, _ = (ast.get_docstring(node) or "").partition(": ")
                yield first if colon else ""


@functools.cache
def covered() -> set[str]:
    """Return the rows that have a test: in this folder, or in a suite that every transport or every rate limiter runs through."""
    by_suite = [case.ids for case in transport_cases()] + [case.ids for case in limiter_cases()]
    return set[str]().union(*by_suite, *map(named, heads()))


@pytest.mark.parametrize("group", sorted(ENFORCED))
def test_every_row_has_a_test(group: str) -> None:
    """Each row of the group is named by a test that covers it, or listed with the reason why not."""
    assert sorted(GROUPS[group].keys() - covered()) == sorted(row for row in LATER if row in GROUPS[group])


def test_every_row_named_exists() -> None:
    """No test names a row that the table does not have."""
    assert sorted(covered() - ROWS) == []


def test_every_transport_runs_every_row() -> None:
    """Every row about transports is in the suite, which every transport runs through; every case says what holds."""
    cases = transport_cases()
    assert sorted(GROUPS["T"].keys() - {row for case in cases for row in case.ids}) == []
    assert {"aiohttp", "httpx2"} <= set(TRANSPORTS)
    assert all(case.says and case.name for case in cases)
    assert len({str(case) for case in cases}) == len(cases)


def test_options_can_be_left_out() -> None:
    """A transport without certain options runs through the cases that do not need them."""
    assert all(case.needs <= {"ssl"} for case in transport_cases(without={"proxy", "limit", "trust_env"}))
    assert len(transport_cases(without={"ssl", "proxy", "limit", "trust_env"})) < len(transport_cases())
