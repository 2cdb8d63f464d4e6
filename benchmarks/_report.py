"""How the measurements are printed: lines, JSON, and the table in the README.

The README is that of this folder.
"""

from __future__ import annotations

import json
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks._measure import NotInstalled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._measure import Outcome, Row

README: Final = Path(__file__).with_name("README.md")
_LIBRARIES: Final = (
    "aiohttp",
    "aiolimiter",
    "attrs",
    "backoff",
    "cattrs",
    "httpx",
    "httpx2",
    "limits",
    "mashumaro",
    "msgspec",
    "openai",
    "orjson",
    "pydantic",
    "pyrate-limiter",
    "requests",
    "stripe",
    "throttled-py",
    "uvloop",
    "wechatpayv3",
    "wechatpy",
)
GROUPS: Final = {"Ours against the goals": False, "Rivals": True}
"""The README's tables, and whether they show rivals: the goals that begin with R."""
_LINE: Final = "{:<4} {:<74} {:>10} {:>10} {:>6} {:>6} {:>6}  {}"
_TABLE_HEAD: Final = (
    "| goal | ours / rival | ours | rival | ratio | spread | goal | |",
    "|---|---|---:|---:|---:|---:|---:|---|",
)
HEAD: Final = _LINE.format("goal", "ours / rival", "ours", "rival", "ratio", "spread", "goal", "")
CAVEATS: Final = (
    "Only ratios of one run count. The spread is that of the middle half of the rounds' ratios. "
    "On a machine that does other work, too, caches are colder: that makes ours dearer than a rival that does less."
)


def advice(rows: Sequence[Row]) -> str:
    """Return how to install what a row misses, or nothing."""
    missing = any(isinstance(row, NotInstalled) for row in rows)
    return "What is not installed comes with: pip install -e '.[bench]'\n" if missing else ""


def verdict(row: Row) -> str:
    """Return whether a goal is met.

    A figure without a limit, or one that the machine decides, is not judged.
    """
    if isinstance(row, NotInstalled):
        return f"{row.package} is not installed"
    if not row.judged or row.limit == float("inf"):
        return "not judged"
    return "met" if row.met else "MISSED"


def line(row: Row) -> str:
    """Return a line of the printed table."""
    if isinstance(row, NotInstalled):
        return _LINE.format(row.goal, row.what, "", "", "", "", "", verdict(row))
    ours, rival = (f"{figure:.1f} {row.unit}" for figure in (row.ours, row.rival))
    return _LINE.format(row.goal, row.what, ours, rival, f"{row.ratio:.2f}", *_spread_and_limit(row, ""), verdict(row))


def _spread_and_limit(outcome: Outcome, none: str) -> tuple[str, str]:
    spread = none if outcome.spread is None else f"{outcome.spread:.2f}"
    return spread, none if outcome.limit == float("inf") else f"{outcome.limit:.2f}"


def machine() -> dict[str, str]:
    """Return where, and with what, was measured."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    facts = {"python": f"{platform.python_implementation()} {platform.python_version()}"}
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts |= {"cores": str(os.cpu_count()), "load at the end": load}
    return facts | {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def as_json(outcomes: Sequence[Row]) -> str:
    """Return everything as one JSON object; a limit that does not exist is null."""
    lines = [attrs.asdict(outcome) | {"verdict": verdict(outcome)} for outcome in outcomes]
    for found in lines:
        found["limit"] = None if found.get("limit") == float("inf") else found.get("limit")
    everything = {"machine": machine(), "caveats": CAVEATS, "outcomes": lines}
    return json.dumps(everything, indent=2, ensure_ascii=False, allow_nan=False)


def as_markdown(outcomes: Sequence[Row]) -> str:
    """Return a Markdown table for each group, and below them where it was measured."""
    tables: list[str] = []
    for title, rivals in GROUPS.items():
        if rows := [f"| {_cells(row)} |" for row in outcomes if row.goal.startswith("R") == rivals]:
            tables.append("\n".join([f"### {title}", "", *_TABLE_HEAD, *rows]))
    where = "\n".join(f"- {name}: {value}" for name, value in machine().items())
    return "\n\n".join([*tables, where]) + "\n"


def _cells(row: Row) -> str:
    if isinstance(row, NotInstalled):
        return f"{row.goal} | {row.what} | | | | | | {verdict(row)}"
    figures = f"{row.ours:.1f} {row.unit} | {row.rival:.1f} {row.unit} | {row.ratio:.2f}"
    return f"{row.goal} | {row.what} | {figures} | {' | '.join(_spread_and_limit(row, 'none'))} | {verdict(row)}"


def write_readme(outcomes: Sequence[Row]) -> None:
    """Put the table in its place in this folder's README."""
    put_into_readme("benchmarks", as_markdown(outcomes))


def put_into_readme(command: str, text: str) -> None:
    """Put what a command measured in its place in this folder's README."""
    place = re.compile(rf"(?<=<!-- measured by python -m {re.escape(command)} --readme -->\n).*?(?=<!-- end -->)", re.DOTALL)
    page = README.read_text(encoding="utf-8")
    README.write_text(place.sub(lambda _: f"\n{text}\n", page), encoding="utf-8")
