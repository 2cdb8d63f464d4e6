"""What the package promises of its prose: short first lines, and short lines."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import pytest

import wxrevenue

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(wxrevenue.__file__).parent.parent
FOLDERS = ("wxrevenue", "tests", "benchmarks")
LONGEST_FIRST_LINE: Final = 80
"""Characters of a docstring's first line, without indentation and quotes."""
LONGEST_LINE: Final = 100
"""Characters of a line of prose, with its indentation."""
PRAGMAS = ("# noqa", "# type:", "# pyright:", "# pragma:", "# fmt:")


@attrs.frozen
class Prose:
    """What a module says in docstrings and in comments that have a line of their own."""

    first_lines: dict[int, str]
    """By the line's number; docstrings of modules, classes, functions and attributes."""
    lines: dict[int, str]
    """By the line's number."""


def prose_of(source: str) -> Prose:
    """Read a module's prose.

    A string that is a statement is the docstring of what is above it.
    """
    rows = source.splitlines()
    first: dict[int, str] = {}
    numbers: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            first[node.lineno] = node.value.value.strip().partition("\n")[0]
            numbers.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    if any(row.lstrip().startswith("#") and len(row) > LONGEST_LINE for row in rows):
        numbers |= comments(source)
    return Prose(first, {number: rows[number - 1] for number in sorted(numbers)})


def comments(source: str) -> set[int]:
    """Return the lines that hold a comment alone; none inside a string, and no pragma."""
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]
        for token in found
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#") and not token.string.startswith(PRAGMAS)
    }


def long_first_lines(prose: Prose) -> Iterator[tuple[int, str]]:
    """Yield first lines that are too long."""
    return ((number, text) for number, text in prose.first_lines.items() if len(text) > LONGEST_FIRST_LINE)


def long_lines(prose: Prose) -> Iterator[tuple[int, str]]:
    """Yield lines that are too long, and have a blank to break them at.

    An address has none.
    """
    for number, row in prose.lines.items():
        if len(row) > LONGEST_LINE and " " in row.strip().removeprefix("# "):
            yield number, row.strip()


def modules(folder: str) -> list[Path]:
    """Return the modules of a folder."""
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_prose_is_short(folder: str) -> None:
    """A docstring's first line has at most 80 characters.

    A line of a docstring, or of a comment, has at most 100.
    """
    paths = modules(folder)
    assert paths
    found: list[str] = []
    for path in paths:
        prose = prose_of(path.read_text(encoding="utf-8"))
        name = path.relative_to(ROOT)
        found += [f"{name}:{number}: a first line of {len(text)}: {text}" for number, text in long_first_lines(prose)]
        found += [f"{name}:{number}: a long line: {text}" for number, text in long_lines(prose)]
    assert found == []


LONG = "x" * 50 + " " + "y" * 50
SOURCE = f'''"""A module {LONG}"""
# A comment {LONG}
A = 1  # a comment after code {LONG}
"""A constant {LONG}"""
# noqa: F401  {LONG}
# https://example.invalid/{LONG.replace(" ", "")}


class B:
    """A class.

    Its second paragraph {LONG}
    """

    c: int
    """An attribute {LONG}"""

    def d(self) -> str:
        """A method {LONG}"""

        def e() -> str:
            """A function inside {LONG}"""
            return """
# no comment {LONG}
"""

        return e()
'''


def test_the_reader_sees_every_kind_of_prose() -> None:
    """Docstrings of all four kinds, inner functions and comments are seen.

    Code, pragmas and addresses are not.
    """
    prose = prose_of(SOURCE)
    kinds = [text.rpartition(f" {LONG}")[0] for _, text in long_first_lines(prose)]
    assert sorted(kinds) == ["A constant", "A function inside", "A method", "A module", "An attribute"]
    lines = [text.strip('" #').removesuffix(f" {LONG}") for _, text in long_lines(prose)]
    assert lines == ["A module", "A comment", "A constant", "Its second paragraph", "An attribute", "A method", "A function inside"]
