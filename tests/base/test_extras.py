"""The error where an optional package is missing is one sentence everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import wxrevenue
from wxrevenue._base import extras

ROOT = Path(wxrevenue.__file__).parent


def test_the_sentence() -> None:
    """The sentence names what needs what, and two commands.

    One is for a package index, the other for a clone.
    """
    said = "to_excel needs XlsxWriter: pip install 'wxrevenue[excel]' (in a clone: pip install -e '.[excel]')"
    assert extras.missing("to_excel", "XlsxWriter", "excel") == said


def test_it_is_said_in_one_way() -> None:
    """No other module spells the command in a string of its own.

    Every extra that is named exists.
    """
    known = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for module in ROOT.rglob("*.py"):
        text = re.sub(r'""".*?"""', "", module.read_text("utf-8"), flags=re.DOTALL)
        assert module.name == "extras.py" or "pip install" not in text, module
        for named in re.findall(r"extras\.missing\(.*\"([a-z0-9]+)\"\)", text):
            assert named in known, module
