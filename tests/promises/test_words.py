"""One word for one thing.

Former names stay unused, and the page of words is linked.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

import wxrevenue

ROOT = Path(wxrevenue.__file__).parent
FORMER = {
    "Ahead": "Prefetcher",
    "Asker": "TokenRequests",
    "Binding": "CursorOwner",
    "Cooling": "PostponedJobs",
    "Crew": "WorkerPool",
    "Errand": "JobContext",
    "Fate": "FaultDraw",
    "Feed": "JobSource",
    "Flight": "SingleFlight",
    "Grant": "NewToken",
    "Handover": "ResultChannel",
    "Held": "LiveToken",
    "Host": "PageSource",
    "Journal": "CheckpointFile, PartFile",
    "Keeper": "CachedToken",
    "Known": "QuotaEstimate",
    "Lane": "ScopeLimiter",
    "Lanes": "ScopeRegistry",
    "Leaf": "PageKey",
    "Lesson": "Observation",
    "Line": "Callers",
    "Need": "RefreshReason",
    "Pace": "QuotaLearner",
    "Parts": "Assembly",
    "Patient": "Postponable",
    "Place": "Position",
    "Run": "JobState",
    "Seen": "RowIndex",
    "Sheet": "IndexedPage",
    "Sorted": "PageDiff",
    "StatedPace": "FixedRate",
    "Stay": "InFlight",
    "Trail": "TraceHook",
    "Unlocked": "FallbackStore",
    "Unusable": "NotASecret",
    "Walk": "ListReader",
    "Watch": "DeadlineTimer",
}
"""Renamed classes, and their present names."""


@functools.cache
def defined() -> dict[str, str]:
    """Return every class of the package and the module it stands in."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")}
    return {
        node.name.lstrip("_"): str(path.relative_to(ROOT))
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


@pytest.mark.parametrize("name", FORMER)
def test_former_names_are_gone(name: str) -> None:
    """No class has a former name; the classes that replaced it exist."""
    names = defined()
    assert name not in names, f"{names[name]}: {name} is called {FORMER[name]} now"
    assert set(FORMER[name].split(", ")) <= {*names, "PageKey"}  # a PageKey is a tuple's alias


def test_the_page_of_words() -> None:
    """The README links to the page of words.

    The page has one row a word, thirty at most.
    """
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in page.partition("## Words")[2].splitlines() if line.startswith("| ")][1:]
    assert "(wxrevenue/README.md#words)" in (ROOT.parent / "README.md").read_text(encoding="utf-8")
    assert len(rows) == len(set(rows)) <= 30
