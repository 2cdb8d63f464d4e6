"""How much of the package is typed, and how simple its functions are."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import wxrevenue

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(wxrevenue.__file__).parent
SOURCES = {path.relative_to(ROOT): path.read_text() for path in sorted(ROOT.rglob("*.py"))}
SETTINGS = ROOT.parent / "pyproject.toml"
MOST = 89
"""Annotations in the package that may hold ``Any``."""
MOST_IN = {"_engine": 4, "errors.py": 2, "events.py": 0, "ports.py": 0, "limiters": 6}
"""How many ``Any`` each file may have; each of them has a reason.

A service's requests, a plug's method and an answer's ``detail`` have no type there.
"""


def annotated(source: str) -> Iterator[ast.expr]:
    """Yield a module's annotations: of parameters, results and variables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            named = node.args
            every = [*named.posonlyargs, *named.args, *named.kwonlyargs, named.vararg, named.kwarg]
            yield from (one.annotation for one in every if one is not None and one.annotation is not None)
            if node.returns is not None:
                yield node.returns
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation
            if isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias" and node.value is not None:
                yield node.value  # what an alias stands for, wherever it is used


def names_any(annotation: ast.expr) -> bool:
    """Return whether an annotation names ``Any``, in a str as well."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and node.id == "Any":
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\bAny\b", node.value):
            return True
    return False


def untyped(source: str) -> int:
    """Return how many annotations name ``Any``, each counted once."""
    return sum(map(names_any, annotated(source)))


def test_few_annotations_are_any() -> None:
    """Few annotations of the package name ``Any``; aliases count as well."""
    assert sum(map(untyped, SOURCES.values())) <= MOST


@pytest.mark.parametrize(("room", "most"), MOST_IN.items())
def test_what_every_call_passes_is_typed(room: str, most: int) -> None:
    """Engine, errors, events, ports and limiters are typed, with few exceptions."""
    found = {path: untyped(source) for path, source in SOURCES.items() if path.parts[0] == room}
    assert found
    assert sum(found.values()) <= most, {path: count for path, count in found.items() if count}


def test_functions_are_simple() -> None:
    """The linter takes no function of a complexity beyond 10.

    It takes none with more than 30 statements or 10 branches, either. There is no exception.
    """
    if not SETTINGS.exists():
        pytest.skip("an installed package has no settings")
    rules: dict[str, Any] = tomllib.loads(SETTINGS.read_text())["tool"]["ruff"]["lint"]
    assert rules["select"] == ["ALL"]
    assert rules["mccabe"] == {"max-complexity": 10}
    assert rules["pylint"] == {"max-statements": 30, "max-branches": 10}
    excused = {"C901", "PLR0912", "PLR0915"}
    of_package = [codes for files, codes in rules["per-file-ignores"].items() if files.startswith("wxrevenue")]
    assert not excused & {*rules["ignore"], *(code for codes in of_package for code in codes)}
    assert not [path for path, source in SOURCES.items() if any(code in source for code in excused)]
